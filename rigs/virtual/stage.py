"""The stage of the virtual rig, inside the guest: radio, bluetoothd, speakers, relay; then the command under test.

What to run is in out/guest/request.json; its exit status ends up in out/guest/status, its output and every log beside.
No status = the rig failed, not the command.
"""
import json
import os
import subprocess
import sys
import time
from pathlib import Path

RIG, HERE = Path("/run/rig"), Path(__file__).parent
GUEST = RIG / "out/guest"
PYTHON = RIG / "venv/bin/python"
DONGLES = ["AA:BB:CC:00:00:01", "AA:BB:CC:00:00:02"]
SPEAKERS = [("D2:00:00:00:00:01", "Virtual speaker"), ("D2:00:00:00:00:02", "Second virtual speaker")]
PATIENCE_S = 20                             # of the guest's clock

processes = {}


def start(name, *command, chatty=False):
    with open(GUEST / f"{name}.log", "wb") as log:
        processes[name] = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL if chatty else log, stderr=log)


def wait_for(what, condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        for name, process in processes.items():
            if process.poll() is not None:
                said = (GUEST / f"{name}.log").read_text(errors="replace").strip().splitlines()[-1:]
                sys.exit(f"{name} ended with status {process.returncode} before {what}: {' '.join(said)}")
        if time.monotonic() > deadline:
            sys.exit(f"no {what} after {PATIENCE_S} s")
        time.sleep(0.01)


def adapters_are_there(dongles):
    command = ["dbus-send", "--system", "--print-reply", "--dest=org.bluez", "/",
               "org.freedesktop.DBus.ObjectManager.GetManagedObjects"]
    reply = subprocess.run(command, capture_output=True, text=True, check=False)
    return all(dongle in reply.stdout for dongle in dongles)


def set_stage(options, dongles):
    (Path.home() / ".asoundrc").write_text((HERE / "room.conf").read_text())
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    Path("/run/dbus").mkdir()
    subprocess.run(["dbus-daemon", "--system", "--fork"], check=True)
    capture = GUEST / "hci.btsnoop"
    start("btmon", "btmon", "-w", str(capture), chatty=True)
    # the capture must begin before the dongle does
    wait_for("HCI capture", lambda: capture.exists() and capture.stat().st_size >= 16)
    sockets = [RIG / f"radio-{address[-2:]}.sock" for address, _ in SPEAKERS]
    peers = [word for (address, _), socket in zip(SPEAKERS, sockets) for word in ("--peer", f"{address}={socket}")]
    hosts = [word for dongle in dongles for word in ("--host", dongle)]
    start("radio", PYTHON, "-B", HERE / "radio.py", *hosts, *peers, "--control", RIG / "radio.sock",
          chatty=True)
    start("bluetoothd", "/usr/libexec/bluetooth/bluetoothd", "-n", "-f", HERE / "bluetoothd.conf")
    plans = []
    for number, ((_, name), socket, words) in enumerate(zip(SPEAKERS, sockets, options), 1):
        plans.append(json.dumps({
            "name": name, "controller": str(socket), "bonds": f"/run/rig/speaker{number}.bonds",
            "control": f"/run/rig/speaker{number}.sock", "log": str(GUEST / f"speaker{number}.log"), "options": words}))
    start("relay", PYTHON, "-B", HERE / "relay.py", RIG / "relay0", *plans)
    wait_for("relay", (RIG / "relay0").exists)
    wait_for("adapter", lambda: adapters_are_there(dongles))


def run(command):
    # The journal of outputs is the guest's own: that of a real rig on this host is neither read nor writable here.
    environment = os.environ | {"PATH": f"{RIG}/bin:{os.environ['PATH']}", "RIGTONE_STATE": f"{RIG}/state"}
    with open(GUEST / "stdout", "wb") as out, open(GUEST / "stderr", "wb") as err:
        try:
            return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment,
                                  check=False).returncode
        except OSError as error:
            err.write(f"{command[0]}: {error.strerror}\n".encode())
            return 127


def main():
    request = json.loads((GUEST / "request.json").read_text())
    began = time.monotonic()
    set_stage(request["speakers"], DONGLES[:request["dongles"]])
    print(f"stage set after {time.monotonic() - began:.3f} s", flush=True)
    began = time.monotonic()
    status = run(request["command"])
    print(f"command ended after {time.monotonic() - began:.3f} s with status {status}", flush=True)
    for process in reversed(processes.values()):
        process.terminate()
    (GUEST / "status").write_text(str(status if status >= 0 else 128 - status))


main()
