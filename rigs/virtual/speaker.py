"""A virtual A2DP speaker (bumble). One process = one speaker; killing it = cutting its power.

On power-up it is in pairing mode: discoverable, connectable, accepting. SBC, aptX, AAC and Opus are decoded by libsbc,
libfreeaptx, libfaad and libopus, and played into the room (ALSA "air"); bonds are kept in a file and survive power cuts.
`main` runs one speaker; `options` reads the words that plant its faults. The control socket takes one JSON object per line:
    {"get": "statistics"}   {"set": "mute" | "refuse", "to": true}   {"do": "drop" | "forget"}
"""
import argparse
import asyncio
import contextlib
import ctypes
import json
import os
import signal
import time

from bumble import a2dp, avdtp, codecs, core, hci, sdp
from bumble.device import Device, DeviceConfiguration
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.transport import open_transport

LOUDSPEAKER = 0x240414                      # class of device: audio, loudspeaker
SDP_HANDLE = 0x00010001
DEVICE_ID_HANDLE = 0x00010002
VENDOR = a2dp.A2DP_NON_A2DP_CODEC_TYPE


def codec_capability(codec, bitpool):
    kind, octets = {
        "sbc": (a2dp.A2DP_SBC_CODEC_TYPE, bytes([0x3F, 0xFF, 2, bitpool])),     # 44.1 and 48 kHz, all modes
        "aac": (a2dp.A2DP_MPEG_2_4_AAC_CODEC_TYPE, bytes.fromhex("80018c03e800")),  # MPEG-2 LC, 256 kbit/s
        "aptx": (VENDOR, bytes.fromhex("4f000000" "0100" "32")),
        "aptx-hd": (VENDOR, bytes.fromhex("d7000000" "2400" "32" "00000000")),
        "opus": (VENDOR, bytes.fromhex("e0000000" "0100" "92")),
        "ldac": (VENDOR, bytes.fromhex("2d010000" "aa00" "3007")),
    }[codec]
    return avdtp.MediaCodecCapabilities(avdtp.AVDTP_AUDIO_MEDIA_TYPE, kind, octets)


def device_id(version):
    """The record of the Device ID profile 1.3: vendor 0xffff of the Bluetooth SIG, which is nobody's."""
    number, uuid = sdp.DataElement.unsigned_integer_16, lambda short: sdp.DataElement.uuid(core.UUID.from_16_bits(short))
    values = {
        0x0000: sdp.DataElement.unsigned_integer_32(DEVICE_ID_HANDLE),
        0x0001: sdp.DataElement.sequence([uuid(0x1200)]), 0x0005: sdp.DataElement.sequence([uuid(0x1002)]),
        0x0200: number(0x0103), 0x0201: number(0xFFFF), 0x0202: number(1), 0x0203: number(version),
        0x0204: sdp.DataElement.boolean(True), 0x0205: number(1),
    }
    return [sdp.ServiceAttribute(key, value) for key, value in values.items()]


def options(words):
    parser = argparse.ArgumentParser(prog="speaker", allow_abbrev=False)
    parser.add_argument("--codecs", default="sbc", help="of sbc, aac, aptx, aptx-hd, opus, ldac; one endpoint each; ldac is not heard")
    parser.add_argument("--bitpool", type=int, default=53, help="largest SBC bitpool")
    parser.add_argument("--delay-report", type=int, default=0, metavar="MS", help="AVDTP delay report, 0 = none")
    parser.add_argument("--latency", type=int, default=100, metavar="MS", help="from the first packet to its sound")
    parser.add_argument("--mute", action="store_true", help="accepts streams and stays silent")
    parser.add_argument("--refuse", action="store_true", help="refuses to pair")
    parser.add_argument("--refuse-configuration", action="store_true", help="refuses every configuration of a stream")
    parser.add_argument("--slow", type=float, default=0, metavar="S", help="answers a pairing after so long")
    parser.add_argument("--fail-after", type=int, metavar="MS", help="power fails so long after the first media packet")
    parser.add_argument("--firmware", type=lambda word: int(word, 16), default=0x0100, metavar="HEX", help="version of its Device ID record")
    setup = parser.parse_args(words)
    if not 50 <= setup.latency <= 450:
        parser.error("--latency must lie between 50 and 450 ms: the room's buffer")
    return setup


def log(*words):
    print(f"[{time.monotonic():.3f}]", *words, flush=True)


class Sbc:
    """libsbc's decoder."""

    class State(ctypes.Structure):
        _fields_ = [("flags", ctypes.c_ulong),
                    *((name, ctypes.c_uint8) for name in
                      ("frequency", "blocks", "subbands", "mode", "allocation", "bitpool", "endian")),
                    ("private", ctypes.c_void_p), ("private_base", ctypes.c_void_p)]

    def __init__(self):
        self.library, self.state = ctypes.CDLL("libsbc.so.1"), self.State()
        self.library.sbc_decode.restype = ctypes.c_ssize_t
        self.library.sbc_init(ctypes.byref(self.state), ctypes.c_ulong(0))
        self.pcm, self.size = ctypes.create_string_buffer(4096), ctypes.c_size_t()

    def decode(self, frames):
        sound = b""
        while frames:
            used = self.library.sbc_decode(ctypes.byref(self.state), frames, ctypes.c_size_t(len(frames)), self.pcm,
                                           ctypes.c_size_t(len(self.pcm)), ctypes.byref(self.size))
            if used <= 0:
                log("SBC decoder: error", used)
                break
            sound, frames = sound + self.pcm.raw[:self.size.value], frames[used:]
        return sound

    @property
    def rate(self):
        return (16000, 32000, 44100, 48000)[self.state.frequency]

    @property
    def channels(self):
        return 1 if self.state.mode == 0 else 2


class Aptx:
    """libfreeaptx's decoder."""

    channels = 2

    def __init__(self, hd, rate):
        self.library, self.rate = ctypes.CDLL("libfreeaptx.so.0"), rate
        self.library.aptx_init.restype = ctypes.c_void_p
        self.library.aptx_decode.restype = ctypes.c_size_t
        self.context = ctypes.c_void_p(self.library.aptx_init(int(hd)))
        self.word = 6 if hd else 4

    def decode(self, data):
        size = len(data) // self.word * 4 * self.channels * 3   # 4 samples of 24 bits a word
        pcm, made = ctypes.create_string_buffer(size), ctypes.c_size_t()
        used = self.library.aptx_decode(self.context, data, ctypes.c_size_t(len(data)), pcm, ctypes.c_size_t(size),
                                        ctypes.byref(made))
        if used != len(data):
            log("aptX decoder: took", used, "of", len(data))
        sound = pcm.raw[:made.value]
        words = bytearray(len(sound) // 3 * 2)
        words[0::2], words[1::2] = sound[1::3], sound[2::3]     # the upper 16 bits
        return bytes(words)


class Opus:
    """libopus's decoder."""

    channels, rate = 2, 48000
    longest = 5760                                              # samples: 120 ms

    def __init__(self):
        self.library, error = ctypes.CDLL("libopus.so.0"), ctypes.c_int()
        self.library.opus_decoder_create.restype = ctypes.c_void_p
        self.state = ctypes.c_void_p(self.library.opus_decoder_create(self.rate, self.channels, ctypes.byref(error)))
        self.pcm = ctypes.create_string_buffer(self.longest * self.channels * 2)

    def decode(self, frame):
        made = self.library.opus_decode(self.state, frame, len(frame), self.pcm, self.longest, 0)
        if made < 0:
            log("Opus decoder: error", made)
        return self.pcm.raw[:max(made, 0) * self.channels * 2]


class Aac:
    """libfaad's decoder."""

    channels = 2

    class Info(ctypes.Structure):
        _fields_ = [("consumed", ctypes.c_ulong), ("samples", ctypes.c_ulong), ("channels", ctypes.c_ubyte),
                    ("error", ctypes.c_ubyte), ("rate", ctypes.c_ulong), ("rest", ctypes.c_ubyte * 128)]

    def __init__(self, rate):
        self.library, self.rate, self.begun = ctypes.CDLL("libfaad.so.2"), rate, False
        self.library.NeAACDecOpen.restype = self.library.NeAACDecDecode.restype = ctypes.c_void_p
        self.library.NeAACDecInit.restype = ctypes.c_long
        self.state, self.info = ctypes.c_void_p(self.library.NeAACDecOpen()), self.Info()

    def decode(self, element):
        frame = codecs.AacAudioRtpPacket.from_bytes(element).to_adts()
        size = ctypes.c_ulong(len(frame))
        if not self.begun:
            rate, channels = ctypes.c_ulong(), ctypes.c_ubyte()
            self.begun = self.library.NeAACDecInit(
                self.state, frame, size, ctypes.byref(rate), ctypes.byref(channels)) >= 0
        pcm = self.library.NeAACDecDecode(self.state, ctypes.byref(self.info), frame, size)
        if self.info.error:
            log("AAC decoder: error", self.info.error)
        return ctypes.string_at(pcm, self.info.samples * 2) if pcm and self.info.samples else b""


class Voice:
    """The sound of one stream, from its first packet until all of it was heard; plays into the room."""

    STEP_S = 0.02
    LIBRARY = ctypes.CDLL("libasound.so.2")
    for name in "avail_update", "writei":
        getattr(LIBRARY, f"snd_pcm_{name}").restype = ctypes.c_long

    def __init__(self, latency_ms, rate, channels):
        self.queue, self.ended = b"", False
        self.task = asyncio.ensure_future(self.play(latency_ms, rate, channels))

    def call(self, name, *arguments):
        result = getattr(self.LIBRARY, f"snd_pcm_{name}")(*arguments)
        if result < 0:
            raise OSError(-result, f"snd_pcm_{name}: {os.strerror(-result)}")
        return result

    async def play(self, latency_ms, rate, channels):
        pcm = ctypes.c_void_p()
        playback, nonblocking, s16_le, interleaved, resample = 0, 1, 2, 3, 1
        frame, step = 2 * channels, int(rate * self.STEP_S)
        try:
            self.call("open", ctypes.byref(pcm), b"plug:air", playback, nonblocking)
            self.call("set_params", pcm, s16_le, interleaved, channels, rate, resample, latency_ms * 1000)
            size = self.call("avail_update", pcm)
            self.queue = bytes(frame * size) + self.queue       # a full buffer starts the card: the latency is constant
            while self.queue or not self.ended:
                room = self.call("avail_update", pcm)
                if not self.queue and room > size - 2 * step:
                    self.queue = bytes(frame * step)            # no packet came: silence, or the room repeats the last sound
                count = min(room, len(self.queue) // frame)
                if count:
                    count = self.call("writei", pcm, self.queue[:count * frame], ctypes.c_ulong(count))
                    self.queue = self.queue[count * frame:]
                await asyncio.sleep(self.STEP_S)
        except OSError as error:
            log("sound:", error)
        finally:
            if pcm:
                self.LIBRARY.snd_pcm_close(pcm)

    def end(self, silence):
        self.queue += silence                                   # pushes the last sound out of the buffer
        self.ended = True


class Speaker:
    def __init__(self, setup):
        self.setup = setup
        self.decoder, self.voice = Sbc(), None
        self.connection = self.device = None
        self.state, self.codec = "idle", None
        self.packets = self.lost = 0
        self.sequence = None
        self.element = b""                                      # what there is of one of AAC

    # AVDTP

    def on_signalling(self, protocol):
        for codec in self.setup.codecs.split(","):
            sink = protocol.add_sink(codec_capability(codec, self.setup.bitpool))
            if self.setup.delay_report:
                category = avdtp.AVDTP_DELAY_REPORTING_SERVICE_CATEGORY
                sink.capabilities = [*sink.capabilities, avdtp.ServiceCapabilities(category)]
            if self.setup.refuse_configuration:
                sink.on_set_configuration_command = self.refuse_configuration
            sink.on("configuration", lambda codec=codec, sink=sink: self.on_configuration(codec, sink))
            sink.on("open", lambda sink=sink: self.on_open(protocol, sink))
            for event in "start", "suspend", "close", "abort":
                sink.on(event, lambda event=event: self.on_stream(event))
            sink.on("rtp_packet", self.on_media)
            if codec == "aptx":                 # no RTP header
                sink.on_avdtp_packet = lambda packet: (self.count(None), self.sound(packet))

    @staticmethod
    async def refuse_configuration(configuration):
        log("refused a configuration")
        return avdtp.Set_Configuration_Reject(
            service_category=avdtp.AVDTP_MEDIA_CODEC_SERVICE_CATEGORY,
            error_code=avdtp.AVDTP_UNSUPPORTED_CONFIGURATION_ERROR)

    def on_configuration(self, codec, sink):
        self.codec = codec
        octets = next(item.service_capabilities_bytes for item in sink.configuration
                      if item.service_category == avdtp.AVDTP_MEDIA_CODEC_SERVICE_CATEGORY)
        match codec:
            case "opus":
                self.decoder = Opus()
            case "aac":
                self.decoder = Aac(48000 if octets[4] & 0x80 else 44100)
            case "aptx" | "aptx-hd":
                self.decoder = Aptx(codec == "aptx-hd", 48000 if octets[8] & 0x10 else 44100)
            case _:
                self.decoder = Sbc()
        log("configured", codec, *(item.service_capabilities_bytes.hex() for item in sink.configuration))

    def on_open(self, protocol, sink):
        if self.setup.delay_report:
            seid = sink.stream.remote_endpoint.seid
            report = avdtp.DelayReport_Command(seid, self.setup.delay_report * 10)
            asyncio.ensure_future(protocol.send_command(report))

    def on_stream(self, event):
        log("stream", event)
        self.state = event
        self.sequence = None
        if event == "start":
            self.packets = self.lost = 0
        else:
            self.hush()

    def hush(self):
        if self.voice is not None:
            self.voice.end(bytes(2 * self.decoder.channels * self.decoder.rate * self.setup.latency // 1000))
            self.voice = None

    def count(self, sequence):
        if self.packets == 0:
            log("first media packet")
            if self.setup.fail_after is not None:
                asyncio.get_running_loop().call_later(
                    self.setup.fail_after / 1000, lambda: (log("power fails"), os.kill(os.getpid(), signal.SIGKILL)))
        if None not in (self.sequence, sequence):
            self.lost += (sequence - self.sequence - 1) & 0xFFFF
        self.packets, self.sequence = self.packets + 1, sequence

    def on_media(self, packet):
        self.count(packet.sequence_number)
        match self.codec:
            case "sbc" | "opus":
                self.sound(packet.payload[1:])                  # the first octet counts the frames
            case "aac":
                # An element may be spread over packets: the last one has the marker.
                self.element += packet.payload
                if packet.marker:
                    element, self.element = self.element, b""
                    self.sound(element)
            case "aptx-hd":
                self.sound(packet.payload)

    def sound(self, data):
        if self.setup.mute:
            return
        sound = self.decoder.decode(data)
        if self.voice is None and sound:
            self.voice = Voice(self.setup.latency, self.decoder.rate, self.decoder.channels)
        if self.voice is not None:
            self.voice.queue += sound

    # link

    def on_connection(self, connection):
        log("connected to", connection.peer_address)
        self.connection = connection
        connection.on("pairing", lambda *_: log("paired"))
        connection.on("pairing_failure", lambda reason: log("pairing failed, reason", reason))
        connection.on("disconnection", self.on_disconnection)

    def on_disconnection(self, reason):
        log("disconnected, reason", hex(reason))
        self.connection, self.state = None, "idle"
        self.hush()
        asyncio.ensure_future(self.appear())

    async def appear(self):
        await self.device.set_discoverable(True)
        await self.device.set_connectable(True)

    def pairing(self, _):
        setup = self.setup

        class Answer(PairingDelegate):
            async def accept(self):
                return not setup.refuse

            async def confirm(self, auto=False):
                await asyncio.sleep(setup.slow)
                return not setup.refuse

        return PairingConfig(mitm=False, delegate=Answer())

    # control

    async def obey(self, order):
        match order:
            case {"get": "statistics"}:
                return {"state": self.state, "codec": self.codec, "packets": self.packets, "lost": self.lost}
            case {"set": "mute" | "refuse" as name, "to": bool(value)}:
                setattr(self.setup, name, value)
            case {"do": "drop"} if self.connection:
                await self.connection.disconnect(hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR)
            case {"do": "forget"}:
                await self.device.keystore.delete_all()
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

    async def run(self, name, controller, bonds, control):
        async with await open_transport(f"unix:{controller}") as (source, sink):
            settings = DeviceConfiguration()
            settings.name, settings.class_of_device = name, LOUDSPEAKER
            settings.classic_enabled, settings.le_enabled = True, False
            settings.keystore = f"JsonKeyStore:{bonds}"
            self.device = Device.from_config_with_hci(settings, source, sink)
            self.device.sdp_service_records = {
                SDP_HANDLE: a2dp.make_audio_sink_service_sdp_records(SDP_HANDLE),
                DEVICE_ID_HANDLE: device_id(self.setup.firmware),
            }
            self.device.pairing_config_factory = self.pairing
            await self.device.power_on()
            self.device.on("connection", self.on_connection)
            avdtp.Listener.for_device(self.device).on("connection", self.on_signalling)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(control)
            await asyncio.start_unix_server(self.control, control)
            await self.appear()
            log("in pairing mode:", name, self.device.public_address)
            await source.wait_for_termination()


def main(name, controller, bonds, control, setup):
    asyncio.run(Speaker(setup).run(name, controller, bonds, control))
