"""What virtual speakers and the virtual source have in common (bumble). One process = one unit; killing it = cutting its power.

Bonds are kept in a file and survive power cuts. The control socket takes one JSON object per line:
    {"get": "statistics"}   {"set": OPTION, "to": VALUE}   {"do": "drop" | "forget"}
Only the options named in CHANGEABLE can be set; VALUE is written as on the command line, or is true or false.
"""
import asyncio
import contextlib
import json
import os
import random
import time

from bumble import hci
from bumble.device import Device, DeviceConfiguration
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.transport import open_transport


def log(*words):
    print(f"[{time.monotonic():.3f} {time.time():.6f}]", *words, flush=True)


class Unit:
    """A unit that is on: its link layer, bonds, chance and control socket."""

    CLASS_OF_DEVICE = None
    CHANGEABLE = {"pairing", "first-pairing", "pairing-takes", "one-link", "stale-cache"}

    def __init__(self, parser, setup, plan, life):
        self.parser, self.setup, self.plan, self.life = parser, setup, plan, life
        self.begun = time.monotonic()
        self.device, self.links, self.streams_of_chance = None, {}, {}
        self.pairings = 0                                       # attempts since it was switched on
        self.remembered = set()                                 # whom it has had a bond with since it was switched on

    # what kinds of units differ in

    def records(self):
        """Its service records, by handle."""
        return {}

    def prepare(self):
        """Serves what it has to serve; it does not answer yet."""

    async def appear(self):
        """Begins to answer, at first and after each link."""

    def on_link(self, connection):
        pass

    def on_link_lost(self, connection, reason):
        pass

    def statistics(self):
        return {}

    # chance

    def chance(self, stream):
        """The generator of one kind of events; each life of the unit has its own."""
        if stream not in self.streams_of_chance:
            seed = f"{self.setup.seed}/{self.plan['name']}/{self.life}/{stream}"
            self.streams_of_chance[stream] = random.Random(seed)
        return self.streams_of_chance[stream]

    def happens(self, stream, share):
        return self.chance(stream).random() < share

    # pairing

    def pairing(self, connection):
        unit = self

        class Answer(PairingDelegate):
            async def confirm(self, auto=False):
                await asyncio.sleep(unit.setup.pairing_takes)
                if unit.setup.stale_cache and str(connection.peer_address) in unit.remembered:
                    log("refuses to pair: it has a bond with", connection.peer_address)
                    return False
                unit.pairings += 1
                is_first = unit.pairings == 1 and unit.setup.first_pairing is not None
                succeeds = unit.happens("pairing", unit.setup.first_pairing if is_first else unit.setup.pairing)
                if not succeeds:
                    log("this pairing fails")
                return succeeds

        return PairingConfig(mitm=False, delegate=Answer())

    # links

    def on_connection(self, connection):
        log("connected to", connection.peer_address)
        self.links[connection.handle] = connection
        self.admit()
        remember = lambda: self.remembered.add(str(connection.peer_address))    # noqa: E731
        connection.on("link_key", lambda: (log("paired"), remember()))
        connection.on("connection_encryption_change", remember)
        connection.on("classic_pairing_failure", lambda reason: log("pairing failed, reason", hex(reason)))
        connection.on("disconnection", lambda reason: self.on_disconnection(connection, reason))
        self.on_link(connection)

    def on_disconnection(self, connection, reason):
        log("disconnected, reason", hex(reason))
        del self.links[connection.handle]
        self.admit()
        self.on_link_lost(connection, reason)
        asyncio.ensure_future(self.appear())

    def admit(self):
        """Whether another link is accepted."""
        self.device.classic_accept_any = not (self.setup.one_link and self.links)

    async def drop_links(self, reason=hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR):
        for connection in list(self.links.values()):
            await connection.disconnect(reason)

    # control

    def change(self, name, value):
        if name not in self.CHANGEABLE:
            raise ValueError(f"`{name}` cannot be changed, only {', '.join(sorted(self.CHANGEABLE))}")
        self.parser.change(self.setup, name, value)

    async def obey(self, order):
        match order:
            case {"get": "statistics"}:
                return self.statistics()
            case {"set": str(name), "to": value}:
                self.change(name, value)
                self.admit()
            case {"do": "drop"} if self.links:
                await self.drop_links()
            case {"do": "forget"}:
                await self.device.keystore.delete_all()
                self.remembered.clear()
            case _:
                return {"error": f"cannot {order}"}
        return {"ok": True}

    async def control(self, reader, writer):
        async for line in reader:
            try:
                answer = await self.obey(json.loads(line))
            except ValueError as error:
                answer = {"error": str(error)}
            writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()

    async def run(self):
        name = self.plan["name"]
        async with await open_transport(f"unix:{self.plan['controller']}") as (transport, sink):
            settings = DeviceConfiguration()
            settings.name, settings.class_of_device = name, self.CLASS_OF_DEVICE
            settings.classic_enabled, settings.le_enabled = True, False
            settings.connectable = settings.discoverable = False    # until it has booted
            settings.keystore = f"JsonKeyStore:{self.plan['bonds']}"
            self.device = Device.from_config_with_hci(settings, transport, sink)
            self.device.sdp_service_records = self.records()
            self.device.pairing_config_factory = self.pairing
            await self.device.power_on()
            self.device.on("connection", self.on_connection)
            self.prepare()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.plan["control"])
            await asyncio.start_unix_server(self.control, self.plan["control"])
            await asyncio.sleep(max(0, self.begun + self.setup.boot - time.monotonic()))
            await self.appear()
            log("answers:", name, self.device.public_address)
            await transport.wait_for_termination()
