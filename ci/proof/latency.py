"""The latency that was measured beside that of the speaker itself."""
import re

# Samples at 48 kHz by which our encoder and the speaker's decoder together delay the sound. libfreeaptx leaves out the 90
# samples that aptX takes: an impulse comes out where it went in.
CODEC_DELAY = {"sbc": 73, "aac": 1024, "aptx": 0, "aptx-hd": 0, "opus": 312}
# ffmpeg, which decodes what a sink of Rigtone's own receives, does not leave them out.
ON_THE_WIRE = CODEC_DELAY | {"aptx": 90, "aptx-hd": 90}
MAY_BE_APART_MS = 1.0
WAY_AT_MOST_MS = 6.0                        # of a packet from one dongle to the other


def arrivals(record):
    """When the speaker got the first packet of each stream, in seconds since 1970."""
    log = (record.guest / "speaker1.log").read_text(errors="replace")
    return [float(time) for time in re.findall(r"^\[[\d.]+ ([\d.]+)\] first media packet$", log, re.MULTILINE)]


def measured(record, require):
    """The trials in which a latency was measured."""
    trials = {}
    for event in record.events:
        trial = trials.setdefault((event.get("combination"), event.get("trial"), event.get("attempt")), {})
        payload = event["payload"]
        if event["kind"] == "emitted":
            trial["emitted_ns"] = payload["t_ns"]
        elif event["kind"] == "evidence" and payload.get("clock"):
            trial["clock"] = payload["clock"]
        elif event["kind"] == "connected":
            trial["codec"] = payload["codec"]
        elif event["kind"] == "observed" and payload["quantity"] == "latency" and "number" in payload["value"]:
            trial["latency"] = payload["value"]["number"]
    whole = [trial for trial in trials.values() if "latency" in trial]
    require(whole, "no latency was measured")
    return whole


def on_the_wire(record, require):
    """What is left of the latencies that were measured without the delay of the codec: the way of the packets."""
    ways = [trial["latency"]["value"] - ON_THE_WIRE[trial["codec"]] / 48 for trial in measured(record, require)]
    require(0 < min(ways) and max(ways) < WAY_AT_MOST_MS, f"ways of {min(ways):.2f} ms to {max(ways):.2f} ms")
    return f"{min(ways):+.2f} ms to {max(ways):+.2f} ms"


def apart(record, latency_ms, require):
    """How far the latencies that were measured are from the truth, at most: the way of the first packet to the speaker by the
    speaker's own clock, what the speaker was told to hold it, and the delay of the codec. They may be 1 ms and their own stated
    uncertainty apart."""
    came, most, stated = arrivals(record), 0.0, 0.0
    for trial in measured(record, require):
        clock = trial["clock"]
        sent = (clock["unix_ns"] + trial["emitted_ns"] - clock["t_ns"]) / 1e9
        way_ms = min((time - sent for time in came if time >= sent - 1e-4), default=float("inf")) * 1e3
        true_ms = way_ms + latency_ms + CODEC_DELAY[trial["codec"]] / 48
        error = trial["latency"]["value"] - true_ms
        stated = max(stated, trial["latency"]["uncertainty"])
        most = max(most, error, key=abs)
        require(abs(error) <= MAY_BE_APART_MS + trial["latency"]["uncertainty"],
                f"a latency of {trial['latency']['value']:.2f} ms, where the truth is {true_ms:.2f} ms")
    return f"{most:+.2f} ms ({stated:.2f} ms stated)"
