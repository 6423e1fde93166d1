"""Direct mode: the virtual rig on the running kernel, for root, with a clock that nobody stops. What stands in its way.

bluetoothd drives every adapter that the kernel has, and two of them fight; so nothing else of Bluetooth may be there.
"""
import os
from pathlib import Path


def refusals(root=Path("/"), user=None):
    """Why it cannot begin, each with what to do; nothing is touched."""
    found = []
    if (os.geteuid() if user is None else user) != 0:
        found.append("it needs root, for controllers, mounts and the HCI capture: run it with sudo")
    if not (root / "dev/vhci").exists():
        found.append("there is no /dev/vhci: modprobe hci_vhci (the kernel needs CONFIG_BT_HCIVHCI)")
    if not (root / "proc/asound/Loopback").exists():
        found.append("there is no sound card Loopback: modprobe snd-aloop pcm_substreams=2")
    for process in sorted((root / "proc").glob("[0-9]*/comm")):
        try:
            name = process.read_text().strip()
        except OSError:                     # it has ended
            continue
        if name == "bluetoothd":
            found.append(f"bluetoothd runs as process {process.parent.name}, and would fight with ours: systemctl stop bluetooth")
    adapters = root / "sys/class/bluetooth"
    there = sorted(adapter.name for adapter in adapters.glob("hci*")) if adapters.exists() else []
    if there:
        found.append(f"our bluetoothd would drive {', '.join(there)} too: unplug them, or modprobe -r btusb")
    return found


def command(init):
    """Namespaces of its own for mounts, processes and shared memory: all of it ends with the process."""
    return ["unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc", str(init)]
