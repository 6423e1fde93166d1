"""stagehand.py --run FOLDER [--cue CUE]... -- COMMAND...: runs a command in the guest and meddles with the rig while it runs.

A cue is a JSON object: {"at": ACTION, "nth": N, "after": SECONDS, "do": [DEED...]}. When the event log of the run says that
the step ACTION began for the N-th time (1 when left out), and SECONDS have passed (0 when left out), the deeds are done in
turn:

    {"order": {...}, "to": "radio" | "speaker1" | ...}  an order to a control socket of the rig
    {"kill": PROGRAM}                                   SIGKILL to every process of that name
    {"start": "bluetoothd"}                             the daemon as the stage starts it
    {"fill": FOLDER, "leaving": BYTES}                  a disk that is full but for so much
    {"wait": SECONDS}

Ends with the command's exit status. A cue that never came, or a deed that failed, is told and makes it 126.
"""
import argparse
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE, RIG = Path(__file__).resolve().parent, Path("/run/rig")
LOOK_S = 0.01                               # how often the log is looked at, by the guest's clock
MEDDLING_FAILED = 126


def say(*words):
    print("stagehand:", *words, file=sys.stderr, flush=True)


def order(order, to):
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(10)
        control.connect(str(RIG / f"{to}.sock"))
        control.sendall(json.dumps(order).encode() + b"\n")
        answer = json.loads(control.makefile().readline())
    if "error" in answer:
        raise ValueError(answer["error"])


def start(program):
    if program != "bluetoothd":
        raise ValueError(f"cannot start {program}")
    with open(RIG / "out/guest/bluetoothd-again.log", "ab") as log:
        subprocess.Popen(["/usr/libexec/bluetooth/bluetoothd", "-n", "-f", HERE / "bluetoothd.conf"],
                         stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def fill(folder, leaving):
    info = os.statvfs(folder)
    (Path(folder) / "ballast").write_bytes(bytes(max(info.f_bavail * info.f_frsize - leaving, 0)))


def do(deed):
    match deed:
        case {"fill": str(folder), "leaving": int(leaving)}:
            fill(folder, leaving)
        case {"order": dict(what), "to": str(to)}:
            order(what, to)
        case {"kill": str(program)}:
            subprocess.run(["pkill", "-KILL", "-x", program], check=True)
        case {"start": str(program)}:
            start(program)
        case {"wait": int() | float() as seconds}:
            time.sleep(seconds)
        case _:
            raise ValueError(f"no such deed: {deed}")


class Cue:
    def __init__(self, text):
        cue = json.loads(text)
        self.action, self.left = cue.pop("at"), cue.pop("nth", 1)
        self.after, self.deeds = cue.pop("after", 0), cue.pop("do")
        if cue:
            raise ValueError(f"unknown words {list(cue)}")
        self.thread, self.trouble = None, f"the cue at {self.action} never came"

    def hears(self, event):
        if self.thread is None and event["kind"] == "step-started" and event["payload"]["action"] == self.action:
            self.left -= 1
            if self.left == 0:
                self.thread = threading.Thread(target=self.act)
                self.thread.start()

    def act(self):
        time.sleep(self.after)
        self.trouble = None
        for deed in self.deeds:
            say(f"{time.monotonic():.6f}", json.dumps(deed))
            try:
                do(deed)
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                self.trouble = f"{deed}: {error}"
                return


def new_lines(log, rest=b""):
    """The whole lines that were added to a file that may not be there yet, again and again."""
    opened = None
    while True:
        if opened is None and log.exists():
            opened = log.open("rb")
        *lines, rest = (rest + (opened.read() if opened else b"")).split(b"\n")
        yield lines


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--cue", action="append", default=[], type=Cue, dest="cues")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    command = subprocess.Popen(arguments.command)
    log = new_lines(arguments.run / "events.jsonl")
    while command.poll() is None:
        for line in next(log):
            event = json.loads(line)
            for cue in arguments.cues:
                cue.hears(event)
        time.sleep(LOOK_S)
    for cue in arguments.cues:
        if cue.thread is not None:
            cue.thread.join()
    troubles = [cue.trouble for cue in arguments.cues if cue.trouble]
    for trouble in troubles:
        say(trouble)
    sys.exit(MEDDLING_FAILED if troubles else command.returncode if command.returncode >= 0 else 128 - command.returncode)


main()
