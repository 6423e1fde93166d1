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
UNITS = [                                   # unit n is on channel n of the relay board
    ("speaker1", "D2:00:00:00:00:01", "Virtual speaker"),
    ("speaker2", "D2:00:00:00:00:02", "Second virtual speaker"),
    ("speaker3", "D2:00:00:00:00:03", "Third virtual speaker"),
    ("speaker4", "D2:00:00:00:00:04", "Fourth virtual speaker"),
    ("source", "50:00:00:00:00:01", "Virtual source"),
]
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


def plan(name, title, channel):
    """What the relay has to know of a unit."""
    return {"name": title, "channel": channel, "kind": name.rstrip("1234"), "controller": str(RIG / f"radio-{name}.sock"),
            "bonds": str(RIG / f"{name}.bonds"), "control": str(RIG / f"{name}.sock"), "log": str(GUEST / f"{name}.log")}


def set_stage(options, relay, dongles):
    (Path.home() / ".asoundrc").write_text((HERE / "room.conf").read_text())
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    Path("/run/dbus").mkdir()
    subprocess.run(["dbus-daemon", "--system", "--fork"], check=True)
    capture = GUEST / "hci.btsnoop"
    start("btmon", "btmon", "-w", str(capture), chatty=True)
    # the capture must begin before the dongle does
    wait_for("HCI capture", lambda: capture.exists() and capture.stat().st_size >= 16)
    plans = {name: plan(name, title, channel) | {"options": options[name]}
             for channel, (name, _, title) in enumerate(UNITS, 1) if name in options}
    peers = [word for name, address, _ in UNITS if name in plans for word in ("--peer", f"{address}={plans[name]['controller']}")]
    hosts = [word for dongle in dongles for word in ("--host", dongle)]
    start("radio", RIG / "radio/rigtone-radio", "--library", RIG / "venv", *hosts, *peers,
          "--control", RIG / "radio.sock", chatty=True)
    start("bluetoothd", "/usr/libexec/bluetooth/bluetoothd", "-n", "-f", HERE / "bluetoothd.conf")
    start("relay", PYTHON, "-B", HERE / "relay.py", RIG / "relay0", *relay,
          *(json.dumps(plans.get(name)) for name, _, _ in UNITS))
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
    if not request["bare"]:
        set_stage(request["units"], request["relay"], DONGLES[:request["dongles"]])
    print(f"stage set after {time.monotonic() - began:.3f} s", flush=True)
    began = time.monotonic()
    status = run(request["command"])
    print(f"command ended after {time.monotonic() - began:.3f} s with status {status}", flush=True)
    for process in reversed(processes.values()):
        process.terminate()
    (GUEST / "status").write_text(str(status if status >= 0 else 128 - status))


main()
