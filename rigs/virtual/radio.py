"""radio.py --host ADDRESS --peer ADDRESS=SOCKET... --control SOCKET: the radio of the virtual rig.

Bluetooth controllers (rootcanal's library) with fixed addresses and the air between them. A host's controller
belongs to the kernel (/dev/vhci: a dongle); a peer's to whoever is connected to its Unix socket (HCI, H4): the
connection is the power of that controller. The control socket appears when everything is up; it takes one JSON
object per line and answers {"ok": true} or {"error": ...}:

    {"range": ADDRESS, "in": false}     out of range: nothing sent, nothing received
    {"rssi": ADDRESS, "dbm": -71}       signal strength
    {"loss": ADDRESS, "share": 0.05}    share of its ACL packets lost, both ways
    {"unplug": ADDRESS}                 a dongle is taken off the bus
    {"plug": ADDRESS}                   it is back, under whatever number the kernel gives it
    {"hang": ADDRESS, "on": true}       a dongle takes commands and answers none
"""
import argparse
import asyncio
import ctypes
import json
import os
import random
import sys
from pathlib import Path

TICK_S = 0.005                              # the link-layer timers of the controllers
COMMAND, ACL, SCO, EVENT, ISO = range(1, 6)      # H4 packet types
HEADER = {COMMAND: 3, ACL: 4, SCO: 3, ISO: 4}    # bytes between the type and the payload
AIR_ACL = 1                                 # first byte of a link-layer packet that carries data
NORMAL_DBM = -50

TO_HOST = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.POINTER(ctypes.c_ubyte), ctypes.c_size_t)
TO_AIR = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_ubyte), ctypes.c_size_t, ctypes.c_int, ctypes.c_int)


def load_library():
    [path] = (path for folder in sys.path for path in Path(folder).glob("rootcanal/bin/linux-x86_64/librootcanal_ffi.so"))
    library = ctypes.CDLL(str(path))
    library.ffi_controller_new.restype = ctypes.c_void_p
    library.ffi_controller_new.argtypes = [ctypes.c_char_p, TO_HOST, TO_AIR]
    library.ffi_controller_delete.argtypes = [ctypes.c_void_p]
    library.ffi_controller_tick.argtypes = [ctypes.c_void_p]
    library.ffi_controller_receive_hci.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t]
    library.ffi_controller_receive_ll.argtypes = [
        ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int]
    return library


class Air:
    """What lies between the controllers."""

    def __init__(self):
        self.library = load_library()
        self.loop = asyncio.get_running_loop()
        self.live, self.away, self.dbm, self.loss = {}, set(), {}, {}
        self.dice = random.Random(1)
        self.unplugs, self.hung = {}, set()

    def spread(self, sender, packet, phy):
        if sender.address in self.away:
            return
        for address, receiver in self.live.items():
            if receiver is sender or address in self.away:
                continue
            loss = max(self.loss.get(sender.address, 0), self.loss.get(address, 0))
            if packet[0] == AIR_ACL and self.dice.random() < loss:
                continue
            # the answering side's view is what the inquirer is told, so both ways are alike
            dbm = min(self.dbm.get(sender.address, NORMAL_DBM), self.dbm.get(address, NORMAL_DBM))
            # the library must not be entered again from its own callback
            self.loop.call_soon(receiver.receive, packet, phy, dbm)

    async def tick(self):
        while True:
            await asyncio.sleep(TICK_S)
            for controller in list(self.live.values()):
                self.library.ffi_controller_tick(controller.handle)

    def obey(self, order):
        match order:
            case {"range": address, "in": bool(inside)}:
                (self.away.discard if inside else self.away.add)(address)
            case {"rssi": address, "dbm": int(dbm)}:
                self.dbm[address] = dbm
            case {"loss": address, "share": int() | float() as share}:
                self.loss[address] = share
            case {"unplug": address}:
                self.unplugs.pop(address)()
            case {"plug": address} if address not in self.unplugs:
                dongle(self, address)
            case {"hang": address, "on": bool(on)}:
                (self.hung.add if on else self.hung.discard)(address)
            case _:
                return {"error": f"unknown order {order}"}
        return {"ok": True}

    async def control(self, reader, writer):
        async for line in reader:
            try:
                answer = self.obey(json.loads(line))
            except (ValueError, KeyError) as error:
                answer = {"error": str(error)}
            writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()


class Controller:
    def __init__(self, air, address, to_host):
        self.air, self.address = air, address
        # the library keeps bare pointers: both callbacks must stay referenced
        self.host_callback = TO_HOST(lambda kind, data, size: to_host(bytes([kind]) + ctypes.string_at(data, size)))
        self.air_callback = TO_AIR(lambda data, size, phy, _: air.spread(self, ctypes.string_at(data, size), phy))
        octets = bytes.fromhex(address.replace(":", ""))[::-1]
        self.handle = air.library.ffi_controller_new(octets, self.host_callback, self.air_callback)
        air.live[address] = self
        print("on", address, file=sys.stderr, flush=True)

    def from_host(self, kind, packet):
        self.air.library.ffi_controller_receive_hci(self.handle, kind, packet, len(packet))

    def receive(self, packet, phy, dbm):
        if self.handle:
            self.air.library.ffi_controller_receive_ll(self.handle, packet, len(packet), phy, dbm)

    def close(self):
        del self.air.live[self.address]
        self.air.library.ffi_controller_delete(self.handle)
        self.handle = None
        print("off", self.address, file=sys.stderr, flush=True)


async def peer(air, address, path):
    """One controller whose host is on a Unix socket."""
    async def serve(reader, writer):
        if address in air.live:
            writer.close()
            return
        controller = Controller(air, address, writer.write)
        try:
            while True:
                kind = (await reader.readexactly(1))[0]
                header = await reader.readexactly(HEADER[kind])
                size = header[2] if kind in (COMMAND, SCO) else int.from_bytes(header[2:4], "little")
                controller.from_host(kind, header + await reader.readexactly(size & 0x3FFF if kind == ISO else size))
        except (asyncio.IncompleteReadError, ConnectionError):
            controller.close()
            writer.close()
    await asyncio.start_unix_server(serve, path)


def masked(packet, at):
    """rootcanal's pairing ends with an all-zero link key, which Linux refuses: the kernel is shown another one."""
    key = bytes(octet ^ 0x5A for octet in packet[at:at + 16])
    return packet[:at] + key + packet[at + 16:]


def dongle(air, address):
    """One controller whose host is the kernel."""
    vhci = os.open("/dev/vhci", os.O_RDWR | os.O_NONBLOCK)

    def to_kernel(packet):
        link_key_notification = packet[:2] == bytes([EVENT, 0x18])
        os.write(vhci, masked(packet, 9) if link_key_notification else packet)

    def from_kernel():
        try:
            packet = os.read(vhci, 65536)           # one packet per read
        except BlockingIOError:
            return
        if packet[0] not in HEADER or address in air.hung:      # the answer to the request below
            return
        link_key_reply = packet[:3] == bytes([COMMAND, 0x0B, 0x04])
        packet = masked(packet, 10) if link_key_reply else packet
        controller.from_host(packet[0], packet[1:])

    def unplug():
        air.loop.remove_reader(vhci)
        controller.close()
        os.close(vhci)

    controller = Controller(air, address, to_kernel)
    air.unplugs[address] = unplug
    os.write(vhci, bytes([0xFF, 0x00]))             # a primary controller, please
    air.loop.add_reader(vhci, from_kernel)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", action="append", default=[])
    parser.add_argument("--peer", action="append", default=[])
    parser.add_argument("--control", required=True)
    arguments = parser.parse_args()
    air = Air()
    for word in arguments.peer:
        await peer(air, *word.split("="))
    for address in arguments.host:
        dongle(air, address)
    await asyncio.start_unix_server(air.control, arguments.control)
    await air.tick()


asyncio.run(main())
