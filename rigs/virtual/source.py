"""A virtual A2DP source that is not Rigtone: like a smart speaker it finds its sink, pairs, connects and plays by itself.

`nature.py` has its options. What it did and when is the truth of a test: {"get": "statistics"} on its control socket, times in
seconds of the guest's monotonic clock.
"""
import asyncio
import time
import wave
from array import array

from bumble import a2dp, avdtp, core, hci, l2cap, sdp

import configuration
import encoders
from unit import Unit, log

SOURCE, SINK = 0x00010001, 0x00010002       # handles of service records
PATIENCE_S = 5                              # from a failure to the next attempt
UNNAMED_MTU = 672                           # what a peer takes that names none; Bumble then says the least there is
VENDOR = a2dp.A2DP_NON_A2DP_CODEC_TYPE
KINDS = {"sbc": a2dp.A2DP_SBC_CODEC_TYPE, "aac": a2dp.A2DP_MPEG_2_4_AAC_CODEC_TYPE, "aptx": VENDOR, "aptx-hd": VENDOR}


class Refusal(Exception):
    """The sink is not one that this source can play to."""


def read_sound(path):
    """The rate of a WAV file and its samples, 16 bits, stereo."""
    with wave.open(path) as file:
        rate, sound = file.getframerate(), file.readframes(file.getnframes())
        if file.getnchannels() == 1:
            samples = array("h", sound)
            sound = array("h", (x for sample in samples for x in (sample, sample))).tobytes()
    return rate, sound


class Source(Unit):
    CLASS_OF_DEVICE = 0x240428              # audio, hi-fi

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.rate, self.sound = read_sound(self.setup.plays) if self.setup.plays else (48000, b"")
        self.life_story = self.listener = None
        self.connected, self.paired = asyncio.Event(), asyncio.Event()
        self.state, self.codec, self.octets, self.delay = "idle", None, None, None
        self.sequence, self.plays = 0, []

    def records(self):
        if self.setup.mode == "sink":
            return {SINK: a2dp.make_audio_sink_service_sdp_records(SINK)}
        return {SOURCE: a2dp.make_audio_source_service_sdp_records(SOURCE)}

    def prepare(self):
        self.listener = avdtp.Listener.for_device(self.device)

    async def appear(self):
        await self.device.set_discoverable(True)
        await self.device.set_connectable(True)
        if self.life_story is None and self.setup.mode == "source":
            self.life_story = asyncio.ensure_future(self.live())

    def on_link(self, connection):
        connection.on("link_key", self.paired.set)

    def on_link_lost(self, connection, reason):
        self.state = "idle"

    # what it does by itself

    async def live(self):
        await asyncio.sleep(self.setup.connects_after)
        while True:
            try:
                await self.visit()
            except (core.BaseBumbleError, hci.HCI_Error, Refusal, ValueError) as error:
                log("failed:", type(error).__name__, error)
            if self.codec and not self.setup.reconnects:
                return                      # it had its stream
            await asyncio.sleep(PATIENCE_S)

    async def bonded(self):
        """The address of the speaker it is bonded with, or None."""
        bonds = await self.device.keystore.get_all()
        return bonds[-1][0].removesuffix("/P") if bonds else None

    async def visit(self):
        """One link to the sink, from its search to its end."""
        while (target := self.setup.sink or await self.bonded()) is None:
            self.paired.clear()
            await self.paired.wait()
        address = hci.Address(target, hci.Address.PUBLIC_DEVICE_ADDRESS)
        connection = next((link for link in self.links.values() if link.peer_address == address), None)
        if connection is None:
            if await self.device.keystore.get(str(address)) is None:
                await self.search(address)
            log("connects to", address)
            connection = await self.device.connect(address, transport=core.PhysicalTransport.BR_EDR)
        gone = asyncio.Event()
        connection.on("disconnection", lambda _: gone.set())
        ends = asyncio.ensure_future(gone.wait())
        work = asyncio.ensure_future(self.serve(connection))
        await asyncio.wait({ends, work}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            work.cancel()
            raise Refusal("the link was lost")
        try:
            work.result()
        except (core.BaseBumbleError, hci.HCI_Error, Refusal, ValueError):
            if not gone.is_set():
                await connection.disconnect(hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR)
            raise
        await ends

    async def search(self, address):
        log("searches for", address)
        found = asyncio.Event()
        seen = lambda who, *_: found.set() if who == address else None          # noqa: E731
        self.device.on("inquiry_result", seen)
        await self.device.start_discovery()
        await found.wait()
        await self.device.stop_discovery()
        self.device.remove_listener("inquiry_result", seen)

    async def serve(self, connection):
        """Secures the link, sets a stream up, and plays."""
        try:
            await connection.authenticate()
        except hci.HCI_Error:
            # The other side may have forgotten the bond: the next attempt pairs.
            if await self.device.keystore.get(str(connection.peer_address)) is not None:
                await self.device.keystore.delete(str(connection.peer_address))
            raise
        await connection.encrypt()
        async with sdp.Client(connection) as client:
            if not await client.search_attributes([core.BT_AUDIO_SINK_SERVICE], [sdp.SDP_SERVICE_CLASS_ID_LIST_ATTRIBUTE_ID]):
                raise Refusal("it states no A2DP sink")
        protocol = await avdtp.Protocol.connect(connection)
        self.listener.set_server(connection, protocol)
        await protocol.discover_remote_endpoints()
        stream = await self.agree(protocol)
        await stream.open()
        self.state = "open"
        if not self.sound:
            return
        named = stream.rtp_channel.peer_mtu
        mtu = UNNAMED_MTU if named == l2cap.L2CAP_MIN_BR_EDR_MTU else named
        packets = encoders.packets(self.codec, self.octets, self.sound, self.rate, mtu)
        while True:
            begun = time.monotonic()
            await self.play(stream, packets)
            if self.setup.every is None:
                return
            await asyncio.sleep(max(0, begun + self.setup.every - time.monotonic()))

    async def agree(self, protocol):
        """Configures the first of the preferred codecs that the sink offers."""
        for codec in self.setup.prefers:
            endpoint = protocol.find_remote_sink_by_codec(avdtp.AVDTP_AUDIO_MEDIA_TYPE, KINDS[codec], *configuration.VENDORS.get(codec, ()))
            if endpoint is None:
                continue
            offered = next(item for item in endpoint.capabilities if item.service_category == avdtp.AVDTP_MEDIA_CODEC_SERVICE_CATEGORY)
            octets = configuration.choose(codec, offered.service_capabilities_bytes[2:], self.rate, self.setup.bitpool)
            if octets is None:
                continue
            delay = any(item.service_category == avdtp.AVDTP_DELAY_REPORTING_SERVICE_CATEGORY for item in endpoint.capabilities)
            ours = avdtp.MediaCodecCapabilities(avdtp.AVDTP_AUDIO_MEDIA_TYPE, KINDS[codec], octets)
            source = protocol.add_source(ours, None, delay)
            source.on("delay_report", self.on_delay_report)
            stream = await protocol.create_stream(source, endpoint)
            self.codec, self.octets = codec, octets
            log("configured", codec, octets.hex())
            return stream
        raise Refusal(f"it offers none of {', '.join(self.setup.prefers)} at {self.rate} Hz")

    def on_delay_report(self, delay):
        log("delay report", delay / 10, "ms")
        self.delay = delay / 1e4

    async def play(self, stream, packets):
        await stream.start()
        self.state = "streaming"
        log("streams", len(packets), "packets")
        story = {"first": time.monotonic(), "last": None, "packets": 0}
        self.plays.append(story)
        for at, marker, payload in packets:
            await asyncio.sleep(max(0, story["first"] + at / self.rate - time.monotonic()))
            if stream.state != avdtp.State.STREAMING:
                raise Refusal("the sink ended the stream")
            stream.rtp_channel.write(payload if marker is None else configuration.rtp(self.sequence, at, marker, payload))
            self.sequence += 1
            story["packets"], story["last"] = story["packets"] + 1, time.monotonic()
        await asyncio.sleep(max(0, story["first"] + len(self.sound) / 4 / self.rate - time.monotonic()))
        await stream.stop()
        self.state = "open"
        log("suspended after", story["packets"], "packets")

    def statistics(self):
        return {"state": self.state, "codec": self.codec, "configuration": self.octets.hex() if self.octets else None,
                "delay-report": self.delay, "plays": self.plays, "packets": sum(play["packets"] for play in self.plays),
                "links": [str(link.peer_address) for link in self.links.values()]}
