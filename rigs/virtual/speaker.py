"""A virtual A2DP speaker. On power-up it is in pairing mode: discoverable, connectable, accepting.

What it receives is decoded and played into the room (ALSA "air"); `nature.py` has the options that plant its faults.
"""
import asyncio
import os
import signal
from array import array

from bumble import a2dp, avdtp, avrcp, core, hci, sdp

import decoders
from nature import LONGEST_S, SHORTEST_S
from response import Response
from unit import Unit, log
from voice import Voice

SINK, SOURCE, TARGET, CONTROLLER, DEVICE_ID = range(0x00010001, 0x00010006)    # handles of service records
VENDOR = a2dp.A2DP_NON_A2DP_CODEC_TYPE
LOUDEST = 127                               # of AVRCP's absolute volume
TRUTHS = 4                                  # channels of the PCM "truth"
WIRE = 2                                    # its channel n + 2 is the wire of speaker n


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
        0x0000: sdp.DataElement.unsigned_integer_32(DEVICE_ID),
        0x0001: sdp.DataElement.sequence([uuid(0x1200)]), 0x0005: sdp.DataElement.sequence([uuid(0x1002)]),
        0x0200: number(0x0103), 0x0201: number(0xFFFF), 0x0202: number(1), 0x0203: number(version),
        0x0204: sdp.DataElement.boolean(True), 0x0205: number(1),
    }
    return [sdp.ServiceAttribute(key, value) for key, value in values.items()]


def later(after, does):
    """Has it done after so many seconds, unless the handle is cancelled before."""
    return asyncio.get_running_loop().call_later(after, lambda: asyncio.ensure_future(does()))


class Reception:
    """What one link brings: its streams one after the other, their codec, packets and sound."""

    def __init__(self, speaker, connection):
        self.speaker, self.setup, self.connection = speaker, speaker.setup, connection
        self.state, self.codec = "idle", None
        self.decoder = self.voice = self.response = self.truth = self.wire = None
        self.latency = None
        self.packets = self.lost = 0
        self.sequence = None
        self.element = b""                                      # what there is of one of AAC
        self.fates = []

    def offer(self, protocol):
        """Adds an endpoint for each codec."""
        for codec in self.setup.codecs:
            sink = protocol.add_sink(codec_capability(codec, self.setup.bitpool))
            if self.setup.delay_report is not None:
                category = avdtp.AVDTP_DELAY_REPORTING_SERVICE_CATEGORY
                sink.capabilities = [*sink.capabilities, avdtp.ServiceCapabilities(category)]
            sink.on_set_configuration_command = self.judge(codec, sink.on_set_configuration_command)
            sink.on("configuration", lambda codec=codec, sink=sink: self.on_configuration(codec, sink))
            sink.on("open", lambda sink=sink: self.on_open(protocol, sink))
            for event in "start", "suspend", "close", "abort":
                sink.on(event, lambda event=event: self.on_stream(event))
            sink.on("rtp_packet", self.on_media)
            if codec == "aptx":                 # no RTP header
                sink.on_avdtp_packet = lambda packet: (self.count(None), self.sound(packet))

    def judge(self, codec, accept):
        async def answer(configuration):
            if codec not in self.setup.refuses:
                return await accept(configuration)
            log("refused a configuration of", codec)
            return avdtp.Set_Configuration_Reject(
                service_category=avdtp.AVDTP_MEDIA_CODEC_SERVICE_CATEGORY,
                error_code=avdtp.AVDTP_UNSUPPORTED_CONFIGURATION_ERROR)
        return answer

    def on_configuration(self, codec, sink):
        octets = next(item.service_capabilities_bytes for item in sink.configuration
                      if item.service_category == avdtp.AVDTP_MEDIA_CODEC_SERVICE_CATEGORY)
        self.codec, self.decoder, self.latency = codec, decoders.for_configuration(codec, octets), self.speaker.latency(codec)
        log("configured", codec, *(item.service_capabilities_bytes.hex() for item in sink.configuration),
            f"latency {self.latency * 1e3:.1f} ms")

    def on_open(self, protocol, sink):
        if self.setup.delay_report is not None:
            seid = sink.stream.remote_endpoint.seid
            report = avdtp.DelayReport_Command(seid, round(self.setup.delay_report * 1e4))
            asyncio.ensure_future(protocol.send_command(report))

    def on_stream(self, event):
        log("stream", event)
        self.state = event
        self.sequence = None
        if event == "start":
            self.packets = self.lost = 0
        else:
            self.end()
        self.speaker.rest()

    def end(self):
        """No more packets come."""
        for fate in self.fates:
            fate.cancel()
        self.fates = []
        self.hush()

    def hush(self):
        """Lets what was received sound to its end; returns what does so."""
        voices = [voice for voice in (self.voice, self.truth, self.wire) if voice]
        if voices:
            silence = bytes(2 * self.decoder.channels * round(self.decoder.rate * self.latency))
        if self.voice:
            self.voice.end(self.response(silence))
        if self.truth:
            self.truth.end(self.as_truth(silence))
        if self.wire:
            self.wire.end(self.as_truth(silence, WIRE))
        self.voice = self.truth = self.wire = None
        return voices

    def meet_fate(self):
        setup = self.setup
        for after, fate in ((setup.fails_after, self.fail), (setup.drops_link_after, self.drop_link),
                            (setup.freezes_after, self.freeze), (setup.silent_after, self.fall_silent)):
            if after is not None:
                self.fates.append(later(after, fate))

    async def fail(self):
        log("power fails")
        os.kill(os.getpid(), signal.SIGKILL)

    async def drop_link(self):
        log("drops the link")
        await self.connection.disconnect(hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR)

    async def fall_silent(self):
        log("falls silent")
        self.hush()
        self.setup.silent = True

    async def freeze(self):
        log("freezes")
        voices, self.decoder = self.hush(), None
        for voice in voices:                # a frozen player would leave its last sound to the room, over and over
            await voice.task
        os.kill(os.getpid(), signal.SIGSTOP)

    def count(self, sequence):
        if self.packets == 0:
            log("first media packet")
            self.meet_fate()
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
        setup = self.setup
        if self.decoder is None or setup.silent and not setup.truth and setup.wire is None:
            return
        sound, decoder = self.decoder.decode(data), self.decoder
        if not sound:
            return
        if not setup.silent:
            if self.voice is None:
                self.response = Response(setup, decoder.rate, decoder.channels, self.codec)
                self.voice = Voice("air", self.latency, decoder.rate, decoder.channels)
            self.voice.queue += self.response(sound)
        if setup.truth:
            if self.truth is None:
                self.truth = Voice("truth", self.latency, decoder.rate, TRUTHS)
            self.truth.queue += self.as_truth(sound, leak=setup.leak)
        if setup.wire is not None:
            if self.wire is None:
                self.wire = Voice("truth", setup.wire, decoder.rate, TRUTHS)
            self.wire.queue += self.as_truth(sound, WIRE)

    def as_truth(self, sound, behind=0, leak=None):
        """The left channel of a sound, on this speaker's channel of the truth, or so many behind it; `leak` dB weaker next to it."""
        samples = array("h", sound)[::self.decoder.channels]
        frames = array("h", bytes(2 * TRUTHS * len(samples)))
        own = self.speaker.plan["channel"] - 1
        frames[own + behind::TRUTHS] = samples
        if leak is not None:
            frames[own ^ 1::TRUTHS] = array("h", [round(sample * 10 ** (leak / 20)) for sample in samples])
        return frames.tobytes()


class Volume(avrcp.Delegate):
    """AVRCP's absolute volume, in the setup as a share."""

    def __init__(self, setup):
        super().__init__([avrcp.EventId.VOLUME_CHANGED])
        self.setup = setup

    async def set_absolute_volume(self, volume):
        log("volume", volume)
        self.setup.volume = volume / LOUDEST

    async def get_absolute_volume(self):
        return round(self.setup.volume * LOUDEST)


class Speaker(Unit):
    CLASS_OF_DEVICE = 0x240414              # audio, loudspeaker
    CHANGEABLE = Unit.CHANGEABLE | {
        "refuses", "discovery", "silent", "latency", "jitter", "delay-report", "level", "volume", "channels", "inverted",
        "fails-after", "drops-link-after", "freezes-after", "silent-after", "disconnects-after",
        "switches-off-after"}

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.receptions, self.last, self.timers = {}, None, []
        self.remote = None                                      # AVRCP
        self.in_pairing_mode = self.setup.gesture is None

    def records(self):
        makers = {"a2dp-sink": a2dp.make_audio_sink_service_sdp_records, "a2dp-source": a2dp.make_audio_source_service_sdp_records}
        handles = {"a2dp-sink": SINK, "a2dp-source": SOURCE}
        records = {handles[role]: makers[role](handles[role]) for role in self.setup.roles}
        records[DEVICE_ID] = device_id(self.setup.firmware)
        if self.setup.volume is not None:
            amplifier = avrcp.TargetFeatures.CATEGORY_2
            records[TARGET] = avrcp.TargetServiceSdpRecord(TARGET, supported_features=amplifier).to_service_attributes()
            records[CONTROLLER] = avrcp.ControllerServiceSdpRecord(
                CONTROLLER, supported_features=avrcp.ControllerFeatures.CATEGORY_2).to_service_attributes()
        return records

    def prepare(self):
        avdtp.Listener.for_device(self.device).on("connection", self.on_signalling)
        if self.setup.volume is not None:
            self.remote = avrcp.Protocol(Volume(self.setup))
            self.remote.listen(self.device)

    async def appear(self):
        await self.device.set_discoverable(self.in_pairing_mode and self.happens("discovery", self.setup.discovery))
        await self.device.set_connectable(True)
        self.rest()

    def on_link(self, connection):
        self.receptions[connection.handle] = self.last = Reception(self, connection)
        self.rest()

    def on_link_lost(self, connection, reason):
        reception = self.receptions.pop(connection.handle)
        reception.state = "idle"
        reception.end()

    def on_signalling(self, protocol):
        self.last = self.receptions[protocol.l2cap_channel.connection.handle]
        self.last.offer(protocol)

    def latency(self, codec):
        """The latency of a new connection: it differs from one to the next."""
        nominal = self.setup.latency.get(codec, self.setup.latency[None])
        return min(max(self.chance("latency").gauss(nominal, self.setup.jitter), SHORTEST_S), LONGEST_S)

    # what it does when nothing is sent

    def rest(self):
        """Counts the time without a stream from now on, unless there is one."""
        for timer in self.timers:
            timer.cancel()
        self.timers = []
        if any(reception.state == "start" for reception in self.receptions.values()):
            return
        for after, does in ((self.setup.disconnects_after if self.links else None, self.disconnect),
                            (self.setup.switches_off_after, self.switch_off)):
            if after is not None:
                self.timers.append(later(after, does))

    async def disconnect(self):
        log("drops its links: nothing was sent")
        await self.drop_links()

    async def switch_off(self):
        log("switches itself off: nothing was sent")
        await self.drop_links(hci.HCI_REMOTE_DEVICE_TERMINATED_CONNECTION_DUE_TO_POWER_OFF_ERROR)
        os._exit(0)

    # control

    async def obey(self, order):
        match order:
            case {"do": "press", "for": int() | float() as held}:
                if self.setup.gesture is not None and held >= self.setup.gesture and not self.in_pairing_mode:
                    log("enters pairing mode: a button was held for", held)
                    self.in_pairing_mode = True
                    await self.appear()
                return {"ok": True}
        return await super().obey(order)

    def change(self, name, value):
        if name == "volume" and self.remote is None:
            raise ValueError("`volume` cannot be changed: it was not started with --volume")
        super().change(name, value)
        if name == "volume" and self.remote.avctp_protocol:
            self.remote.notify_volume_changed(round(self.setup.volume * LOUDEST))
        self.rest()

    def statistics(self):
        last = self.last
        return {
            "state": last.state if last else "idle", "codec": last.codec if last else None,
            "packets": last.packets if last else 0, "lost": last.lost if last else 0,
            "latency-ms": round(last.latency * 1e3, 3) if last and last.latency else None,
            "volume": self.setup.volume, "links": [str(link.peer_address) for link in self.links.values()]}
