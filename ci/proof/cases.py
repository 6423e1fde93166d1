"""What is proved on the virtual rig: each case plants one thing, and says what Rigtone must make of it.

`exit` is the exit code of the guest's command; `classes` are the failures of devices that must be found (and no others), each
at least once; `blames` are the members of the rig to which trials must be lost (and to no others), `says` are words of the
summary or of the log.
"""
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from proof import axis, codecs, wired

RUN = "/run/rig/out/run"
HEARD, PAIRED = "scenarios/starter/playback-heard.yaml", "rigs/virtual/scenarios/pairing.yaml"


@dataclass
class Case:
    name: str
    plants: str
    exit: int
    classes: set = field(default_factory=set)
    blames: set = field(default_factory=set)
    says: list = field(default_factory=list)
    boot: list = field(default_factory=list)
    cues: list = field(default_factory=list)
    scenario: str = HEARD
    rig: str = "rigs/virtual.yaml"
    script: str = ""                        # what the guest runs, where it is more than one run
    latency_ms: float = 0                   # the latency that the speaker is given, where that is compared
    on_the_wire: bool = False               # compare latencies where there is no speaker, but a sink of Rigtone's own
    plays: str = ""                         # the stimulus of which "{sound}" in `boot` is the file
    times: int = 1                          # in so many guests, which must agree
    follows: str = RUN                      # the run that the cues follow
    left_on: list = field(default_factory=list)
    judged_again: bool = True
    leaves_a_run: bool = True
    leaves: Callable | None = None          # what must hold of the folder of the guest, where it leaves no run
    captures: bool = False                  # hold what was recorded beside tshark
    checks: list = field(default_factory=list)      # what else must hold, of a Record

    def command(self):
        run = f"rigtone run {self.scenario} --rig {self.rig} --out {self.follows}"
        script = (self.script or "{run}").replace("{run}", run)
        cues = [word for cue in self.cues for word in ("--cue", json.dumps(cue))]
        hand = ["/usr/bin/python3", "-B", "rigs/virtual/stagehand.py", "--run", self.follows, *cues, "--"] if cues else []
        return [*hand, "sh", "-c", script] if self.script else [*hand, *run.split()]


def speaker(options, number=1):
    return [f"--speaker{number}", options]


def at(action, *deeds, nth=1, after=0):
    return {"at": action, "nth": nth, "after": after, "do": list(deeds)}


def radio(**order):
    return {"order": order, "to": "radio"}


def told(words):
    """The device's failures are told with these words."""
    def check(record):
        details = [failure["detail"] for failure in record.failures()]
        return None if any(words in detail for detail in details) else f"no failure is told as \"{words}\": {details[:2]}"
    return check


def states(step, service):
    """The records that were read in a step state this service class."""
    def check(record):
        read = [value for of, value in record.words("service-classes") if of == step]
        wrong = [value for value in read if service not in value.split()]
        return None if read and not wrong else f"`{step}` read {wrong or 'nothing'}, where {service} was due"
    return check


def received_whole(record):
    """No packet is missing."""
    lost = [number for _, number, _ in record.values("lost-packets")]
    return None if lost and not any(lost) else f"lost packets: {lost or 'nobody counts them'}"


def as_the_source_says(record):
    """Of each stream the sink received as many packets as its source sent."""
    said = (record.guest / "source.log").read_text(errors="replace")
    sent = [int(count) for count in re.findall(r" suspended after (\d+) packets", said)]
    came = [int(number) for _, number, _ in record.values("packets")]
    return received_whole(record) or (None if came == sent else f"packets of each stream: {sent} sent, {came} received")


# Inside of it everything has the names that it has in a guest.
BOOT_DIRECT = ("rigs/virtual/boot --direct --venv /run/rig/venv --bin /run/rig/bin --radio /run/rig/radio "
               "--out /run/rig/out/direct -- ")
DIRECT = (BOOT_DIRECT + "{run}; code=$?; cp -r /run/rig/out/direct/run /run/rig/out/run; "
          "cp /run/rig/out/direct/guest/relay.log /run/rig/out/guest/; ls /sys/class/bluetooth; exit $code")
DIRECT_REFUSED = ("cp /usr/bin/sleep /tmp/bluetoothd && /tmp/bluetoothd 600 & "
                  "until pgrep -x bluetoothd >/dev/null; do sleep 0.1; done; "
                  + BOOT_DIRECT + "true 2>/run/rig/out/refusal; test $? -eq 125 && grep -q 'systemctl stop bluetooth' /run/rig/out/refusal")

# The loopback has no air: the microphone and the wire hear the loudspeaker at once.
CALIBRATED = "rigtone rig calibrate rigs/virtual/calibrating.yaml {} --dry-run --json --rounds 3 --through desk"
CALIBRATING = (CALIBRATED.format("wired") + " >/run/rig/out/wired.json && " + CALIBRATED.format("alone") + " --at '0 m' >/run/rig/out/alone.json")


# The relay board is told by hand, so that nothing but the dongle is needed. The document is made of the answer alone.
SEEN = ("cp -r devices /run/rig/out/devices && printf '\\240\\001\\001\\242' >/run/rig/relay0 && "
        "rigtone device new acme/seen --title 'What the dongle saw' --role a2dp-sink --from-dongle dongle-1 --rig rigs/virtual.yaml "
        "--address D2:00:00:00:00:01 --devices /run/rig/out/devices && rigtone check /run/rig/out/devices/acme")


def as_it_answered(folder):
    """What `device new` wrote of the speaker: what it says of itself, and nothing that needs a link."""
    text = (folder / "devices/acme/seen.yaml").read_text()
    due = ("air-name: Virtual speaker", "air-name: {mark: known, from: [seen]", "the class of device 0x240414",
           "firmware: {mark: unknown}", "codecs.other: {mark: unknown}", "roles.a2dp-sink: {mark: estimate}")
    missing = [words for words in due if words not in text]
    return f"not in the document: {missing}" if missing else None


def apart(folder):
    """What `rig calibrate` found of a way without air: no distance, and clocks that agree within a period of the cards."""
    wired, alone = (json.loads((folder / name).read_text()) for name in ("wired.json", "alone.json"))
    if wired["distance"] != "0 m":
        return f"a distance of {wired['distance']}, where there is none"
    clocks = [float(value) * {"s": 1e3, "ms": 1, "us": 1e-3, "ns": 1e-6}[unit] for value, unit in
              (told["loopback"].split() for told in (wired, alone))]
    return None if max(clocks) < 25 else f"clocks are {clocks} ms apart"


DONGLE, SINK, SPEAKER = "AA:BB:CC:00:00:01", "AA:BB:CC:00:00:02", "D2:00:00:00:00:01"

def at_once(record):
    """Streams ran beside each other, and each was heard by its own code."""
    running, most = set(), 0
    for event in record.events:
        if event["kind"] in ("step-started", "step-finished") and event["payload"]["action"] == "play":
            (running.add if event["kind"] == "step-started" else running.discard)(event["combination"])
            most = max(most, len(running))
    codes = {evidence["payload"]["listening"]["code"] for evidence in record.of_kind("evidence")
             if evidence["payload"].get("listening")}
    return None if most == 2 and len(codes) == 2 else f"{most} streams at a time, codes {codes}"


CASES = [
    Case("working-speaker", "nothing", 0, says=["1 pass"], latency_ms=100, captures=True, times=3,
         checks=[axis.tellers_agree]),

    # The speaker and its power.
    Case("power-cut-in-mid-stream", "relay off 1.5 s into every stream", 10, {"link-lost"}, boot=speaker("--fails-after 1500ms"),
         captures=True, checks=[told("supervision timeout: the link was lost")]),
    Case("relay-stuck-off", "the relay never closes", 12, blames={"relay board-1 channel 1"}, boot=["--relay", "--sticks 1:0"],
         says=["the board reports that it is off"]),
    Case("relay-stuck-on", "the relay does not open any more", 12, blames={"relay board-1 channel 1"},
         boot=["--relay", "--sticks 1:3"], says=["may not be in its safe state", "switch channel 1 of relay board-1 off by hand"],
         left_on=[1]),

    # What it runs: nothing is judged under the name of another firmware.
    Case("another-firmware", "the speaker runs another firmware than the rig document says", 12,
         says=["does not run 1: its Device ID record says version 0x0101"], boot=speaker("--firmware 0101"),
         blames={"unit virtual-speaker"}),

    # Whether it is there, and what it is.
    Case("speaker-off", "the speaker does not start", 10, {"not-discovered"}, boot=speaker("--boot 10min"), scenario=PAIRED),
    Case("wrong-role", "the speaker's record is that of a source", 10, {"wrong-role"}, boot=speaker("--roles a2dp-source")),

    # Pairing.
    Case("records-read", "nothing; records of both ends are read before anybody pairs", 0, says=["1 pass"],
         scenario="scenarios/roles/service-records.yaml", checks=[states("of-source", "110a"), states("of-speaker", "110b")]),
    Case("records-of-a-source", "the speaker's records, read before anybody pairs, are those of a source", 10, {"wrong-role"},
         boot=speaker("--roles a2dp-source"), scenario="scenarios/roles/service-records.yaml", checks=[states("of-speaker", "110a")]),
    Case("pairing-refused", "the speaker refuses to pair", 10, {"pairing-refused"}, boot=speaker("--pairing 0%"), scenario=PAIRED),
    Case("pairing-slow", "the speaker answers a pairing after 6 s", 0, boot=speaker("--pairing-takes 6s"), scenario=PAIRED),
    Case("pairing-too-slow", "the speaker answers a pairing after 40 s", 10, {"pairing-timed-out"}, boot=speaker("--pairing-takes 40s"),
         scenario=PAIRED, checks=[told("when the host called it off")]),

    # Codecs.
    Case("configuration-refused", "the speaker refuses every configuration", 10, {"no-stream"},
         boot=speaker("--refuses sbc"), captures=True,
         checks=[told("the configuration was refused: unsupported configuration (0x29) in media codec; the stack said: ")]),
    Case("no-common-codec", "the speaker offers aptX only, SBC is asked for", 10, {"no-stream"}, boot=speaker("--codecs aptx")),

    # Every codec agreed on, sent, heard, and as late as the speaker is told to be.
    Case("codecs", "nothing, five codecs", 0, says=["5 pass"], boot=speaker("--codecs sbc,aac,aptx,aptx-hd,opus"),
         scenario="scenarios/codecs/sent.yaml", rig="rigs/virtual-codecs.yaml", latency_ms=100, captures=True),
    *(Case(f"latency-{late}-ms", f"the speaker is {late} ms late, with SBC and AAC", code, classes, boot=speaker(
           f"--codecs sbc,aac --latency {late}ms"), scenario="rigs/virtual/scenarios/latency.yaml", rig="rigs/virtual-codecs.yaml",
           latency_ms=late)
      for late, code, classes in ((60, 0, set()), (150, 0, set()), (300, 10, {"late"}))),

    # Both ends on one converter: what the speaker is later than the wire, whatever the host's clock says of it.
    *(Case(f"wired-{late}-ms", f"the speaker is {late} ms late, the wire beside the microphone 50 ms", code, classes,
           boot=speaker(f"--truth --wire 50ms --latency {late}ms"), rig="rigs/virtual/wired.yaml",
           checks=[wired.later(late - 50), wired.kept_in(bits=32, channels=4)])
      for late, code, classes in ((60, 0, set()), (150, 0, set()), (300, 10, {"late"}))),

    Case("sbc-configurations", "four configurations of SBC are asked for", 0, says=["4 pass"],
         scenario="scenarios/codecs/sbc-configurations.yaml", captures=True, checks=[codecs.configurations]),
    Case("small-bitpool", "the speaker takes no bitpool above 32", 10, {"unsupported"}, boot=speaker("--bitpool 32"),
         scenario="scenarios/codecs/sbc-configurations.yaml", checks=[told("which lacks bitpool 35 (offered: up to 32)")]),
    Case("ldac", "LDAC is asked for", 0, boot=speaker("--codecs sbc,ldac --delay-report 150ms"), captures=True,
         scenario="scenarios/codecs/ldac-arrives.yaml", rig="rigs/virtual-ldac.yaml", checks=[codecs.transport, axis.tells_the_transport]),
    # GStreamer finds none of its plugins there.
    Case("without-an-encoder", "nothing on the host encodes LDAC", 12, boot=speaker("--codecs sbc,ldac"),
         scenario="rigs/virtual/scenarios/without-an-encoder.yaml", rig="rigs/virtual-ldac.yaml",
         script="GST_PLUGIN_SYSTEM_PATH_1_0=/nowhere GST_REGISTRY_1_0=/tmp/no-plugins {run}",
         says=["apt-get install gstreamer1.0-tools"], checks=[codecs.only_ldac_is_given_up]),
    # The same on the wire: what a sink of Rigtone's own receives is decoded and measured without a speaker.
    Case("sink-of-our-own-source", "nothing, five codecs", 0, says=["5 pass"], boot=["--dongles", "2"],
         scenario="scenarios/sinks/received.yaml", rig="rigs/virtual-sink.yaml", on_the_wire=True, checks=[received_whole]),
    Case("sink-of-a-foreign-source", "a source that is not Rigtone pairs, connects and plays by itself", 0, says=["1 pass"],
         boot=["--dongles", "2", "--source", f"--sink {SINK} --plays {{sound}}"], plays="smoke",
         scenario="scenarios/sinks/source-connects.yaml", rig="rigs/virtual-source.yaml", checks=[as_the_source_says]),

    # Two at once.
    Case("two-at-once", "nothing, two dongles and two speakers at a time, each heard 14 dB weaker behind the other's wall", 0,
         says=["4 pass"],
         boot=["--dongles", "2", *speaker("--truth --leak -14dB"), *speaker("--truth --leak -14dB", 2)], rig="rigs/virtual-pair.yaml", checks=[at_once]),

    # On the user's own kernel; that of a guest in which nothing else runs stands for it.
    Case("direct", "nothing; direct mode", 0, says=["1 pass"], boot=["--bare"], script=DIRECT),
    Case("direct-beside-a-daemon", "direct mode where a bluetoothd runs", 0, boot=["--bare"], script=DIRECT_REFUSED, leaves_a_run=False),

    # What is measured of the rig itself.
    Case("calibrated", "nothing; a loudspeaker of the rig, a microphone with a wire and one without", 0, boot=["--bare"],
         script=CALIBRATING, leaves_a_run=False, leaves=apart),
    Case("seen-by-a-dongle", "nothing; a device's document made of its answer to an inquiry", 0,
         script=SEEN, leaves_a_run=False, leaves=as_it_answered),

    # The link.
    Case("link-dropped", "the speaker ends the second link in mid-stream", 0, {"link-lost"},
         cues=[at("play", {"order": {"do": "drop"}, "to": "speaker1"}, nth=2, after=1)],
         checks=[told("ended by the remote user")]),
    Case("out-of-range-and-back", "the speaker is out of range for 8 s in the second stream", 0, {"link-lost"},
         cues=[at("play", radio(range=SPEAKER, **{"in": False}), {"wait": 8}, radio(range=SPEAKER, **{"in": True}), nth=2,
                  after=1)],
         checks=[told("supervision timeout: the link was lost")]),
    Case("frozen", "the speaker freezes 1 s into every stream", 10, {"link-lost"}, boot=speaker("--freezes-after 1s")),
    Case("slow-air", "packets are 40 ms on the air", 0, latency_ms=100,
         cues=[at("power-cycle", radio(delay=SPEAKER, ms=40))]),
    Case("muted", "the speaker takes streams and stays silent", 10, {"silent"}, boot=speaker("--silent")),

    # The rig itself.
    Case("dongle-unplugged", "the dongle is unplugged in the second stream, and comes back after 3 s under another number", 0,
         blames={"dongle dongle-1"},
         cues=[at("play", radio(unplug=DONGLE), {"wait": 3}, radio(plug=DONGLE), nth=2, after=1)]),
    Case("daemon-killed", "bluetoothd is killed in the second stream, and started after 2 s", 0,
         blames={"daemon bluetoothd"},
         cues=[at("play", {"kill": "bluetoothd"}, {"wait": 2}, {"start": "bluetoothd"}, nth=2, after=1)]),
    Case("bus-gone", "dbus-daemon is killed in the second stream", 12, blames={"daemon bluetoothd"},
         cues=[at("play", {"kill": "dbus-daemon"}, nth=2, after=1)]),
    Case("microphone-dead", "the microphone delivers zeros, and no room is that silent", 12, blames={"microphone loopback"},
         boot=speaker("--silent"), rig="rigs/virtual/dead-microphone.yaml"),
    # What the log had no room for is not in it: neither the end of the trial nor a verdict.
    Case("disk-full", "the disk is full in the second trial", 12, says=["its record cannot be kept"], judged_again=False,
         script="mkdir /run/small && mount -t tmpfs -o size=8m none /run/small && {run}; code=$?; "
                f"cp -r /run/small/run {RUN}; exit $code",
         # It looks as if there were room when the run begins.
         cues=[at("play", {"fill": "/run/small", "leaving": 300_000}, nth=2, after=1)], follows="/run/small/run"),
    # The bond of the trial that was killed is still there: that costs the next one.
    Case("rigtone-killed", "Rigtone is killed in the second stream; the run is resumed", 0, blames={"dongle dongle-1"},
         script=f"{{run}}; rigtone run --resume {RUN}",
         cues=[at("play", {"kill": "rigtone"}, nth=2, after=1)],
         says=["was left on by process"]),
]
