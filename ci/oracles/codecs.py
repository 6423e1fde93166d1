#!/usr/bin/env python3
"""Sounds through the field's own encoders and decoders: what a codec does to a sound must not be taken for what a speaker does.

Presence, latency (the codec's own delay, which is known), the fingerprint of the bandwidth, and holes: none where there are none, and exactly
those that are cut into the decoded sound.
"""

import sys

import numpy as np
from scipy.io import wavfile

from rigtone import RATE, Folder, Stimulus, Verdict, as_float, measure, run, value, write

# Frames of delay at 48 kHz: filter banks of SBC (73) and aptX (90), the priming frame of ffmpeg's AAC; LC3's tool takes its own out.
SBC, APTX, AAC, LC3 = 73, 90, 1024, 0
FULL, SOFT, WALL = {"full-band"}, {"soft-edge"}, {"brick-wall"}

# Holes that are cut: where in the noise, in seconds, and how long: one SBC frame, two, and some.
HOLES = [(2.0, 128), (4.5, 256), (7.3, 700), (9.9, 4800)]


def sbc(bitpool):
    def code(source, folder):
        raw, coded, decoded = folder / "x.au", folder / "x.sbc", folder / "y.au"
        run(["sox", source, "-b", "16", "-t", "au", raw])
        coded.write_bytes(run(["sbcenc", "-b", bitpool, "-s", "8", "-B", "16", "-j", raw]).stdout)
        run(["sbcdec", "-f", decoded, coded])
        return from_ffmpeg(decoded)
    return code


def ffmpeg(*encode, decode=(), suffix):
    def code(source, folder):
        coded = folder / f"x.{suffix}"
        run(["ffmpeg", "-v", "error", "-y", "-i", source, *encode, coded])
        # The file says how much of its start is priming; what a speaker decodes has it.
        return from_ffmpeg(coded, *decode)
    return code


def from_ffmpeg(path, *options):
    done = run(["ffmpeg", "-v", "error", *options, "-i", path, "-ar", str(RATE), "-f", "f32le", "-ac", "2", "-"])
    return np.frombuffer(done.stdout, dtype="<f4").reshape(-1, 2).astype(np.float64)


def lc3(rate):
    def code(source, folder):
        words, coded, decoded = folder / "x16.wav", folder / "x.lc3", folder / "y.wav"
        run(["sox", source, "-b", "16", words])
        run(["elc3", "-b", rate, "-m", "10", words, coded])
        run(["dlc3", coded, decoded])
        _, samples = wavfile.read(decoded)
        return as_float(samples)
    return code


def cvsd(source, folder):
    narrow, coded, decoded = folder / "n.wav", folder / "n.cvsd", folder / "w.wav"
    run(["sox", source, "-b", "16", "-r", "8000", "-c", "1", narrow])
    run(["sox", narrow, "-r", "64000", "-t", "cvsd", coded])
    run(["sox", "-t", "cvsd", "-r", "64000", coded, "-r", str(RATE), decoded])
    _, samples = wavfile.read(decoded)
    return as_float(samples)


def msbc(source, folder):
    coded = folder / "x.msbc"
    run(["ffmpeg", "-v", "error", "-y", "-i", source, "-ac", "1", "-ar", "16000", "-c:a", "sbc", "-msbc", "1", "-f", "sbc", coded])
    return from_ffmpeg(coded)


CODECS = [
    # name, coder, delay in frames (none: it is not known to a frame), families that are right
    ("SBC bitpool 53", sbc(53), SBC, FULL),
    ("SBC bitpool 35", sbc(35), SBC, FULL),
    ("SBC bitpool 19", sbc(19), SBC, SOFT),
    ("ffmpeg's SBC", ffmpeg("-c:a", "sbc", "-b:a", "328k", suffix="sbc"), SBC, FULL),
    ("aptX", ffmpeg("-c:a", "aptx", suffix="aptx", decode=("-f", "aptx", "-sample_rate", str(RATE))), APTX, FULL),
    ("aptX HD", ffmpeg("-c:a", "aptx_hd", suffix="aptxhd", decode=("-f", "aptx_hd", "-sample_rate", str(RATE))), APTX, FULL),
    ("AAC 256 kbit/s", ffmpeg("-c:a", "aac", "-b:a", "256k", "-f", "adts", suffix="aac"), AAC, WALL),
    ("AAC 128 kbit/s", ffmpeg("-c:a", "aac", "-b:a", "128k", "-f", "adts", suffix="aac"), AAC, WALL),
    ("LC3 160 kbit/s", lc3(160_000), LC3, WALL),
    ("LC3 96 kbit/s", lc3(96_000), LC3, WALL),
    ("mSBC", msbc, None, {"msbc"}),
    ("CVSD", cvsd, None, {"cvsd"}),
]

HANDS_FREE = {"msbc", "cvsd"}
# Samples of silence in front of the sound: an encoder may lose its first frame.
LEAD = 12_000


def main():
    folder, verdict = Folder(), Verdict("codecs")
    stimulus = Stimulus(folder, "full")
    source = folder / "source.wav"
    write(source, np.vstack([np.zeros((LEAD, 2)), stimulus.samples, np.zeros((RATE, 2))]))
    noise = stimulus.part("noise")
    for name, coder, delay, families in CODECS:
        decoded = coder(source, folder)
        mono = decoded if decoded.ndim == 1 else decoded.mean(axis=1)
        # A quiet room: nothing in the air is digital silence.
        mono = 0.5 * mono + 10 ** (-75 / 20) * np.random.default_rng(1).standard_normal(len(mono))
        recording = folder / "recording.wav"
        write(recording, mono)
        survey = measure(recording, stimulus, "--emitted-at", f"{LEAD / RATE:.9f} s")["survey"]
        verdict.hold(survey["findings"]["presence"]["state"] == "present", f"{name}: {survey['findings']['presence']}")
        latency = value(survey["findings"]["latency"])
        if delay is not None:
            found = latency and latency["value_s"] * RATE
            verdict.close(f"{name}: delay", found, delay, 0.05, "frames")
        else:
            verdict.hold(latency is None or 0.0 <= latency["value_s"] < 0.025, f"{name}: latency {latency}")
        fingerprint = value(survey["fingerprint"])
        family = fingerprint and fingerprint["family"]
        verdict.hold(family in families, f"{name}: fingerprint {family} instead of {families}")
        continuity = value(survey["steadiness"]["continuity"]) or {}
        hands_free = bool(families & HANDS_FREE)
        dropouts, jumps = value(continuity.get("dropouts")), value(continuity.get("jumps"))
        # The narrow bands carry too little of the noise to promise every hole; they must not make any up.
        verdict.hold((hands_free and dropouts is None) or (dropouts or {}).get("count") == 0, f"{name}: dropouts {continuity.get('dropouts')}")
        verdict.hold((hands_free and jumps is None) or jumps == {"skips": 0, "stalls": 0, "repeats": 0, "net_frames": 0}, f"{name}: jumps {continuity.get('jumps')}")
        verdict.hold(value(survey["channels"]["doubled"]) is None or not value(survey["channels"]["doubled"])["doubled"], f"{name}: doubled")
        # Sox's decoder for CVSD turns the sound over: so does its output against its input in any correlation.
        polarity = "inverted" if name == "CVSD" else "normal"
        verdict.hold(value(survey["channels"]["polarity"])["polarity"] == polarity, f"{name}: polarity")
        verdict.hold(not continuity.get("events"), f"{name}: events {continuity.get('events')}")
        if hands_free:
            continue
        holed = mono.copy()
        begun = LEAD + noise["start"] + delay
        for at, length in HOLES:
            start = begun + int(at * RATE)
            holed[start:start + length] = 10 ** (-75 / 20) * np.random.default_rng(2).standard_normal(length)
        write(recording, holed)
        survey = measure(recording, stimulus, "--emitted-at", f"{LEAD / RATE:.9f} s")["survey"]
        continuity = value(survey["steadiness"]["continuity"])
        found = [(event["reference_s"], (event["to_s"] - event["from_s"]) * RATE) for event in continuity["events"]]
        verdict.hold(len(found) == len(HOLES), f"{name}: {found} instead of the holes {HOLES}")
        for (at, length), (found_at, found_length) in zip(HOLES, found):
            verdict.close(f"{name}: place of a hole", found_at * RATE, at * RATE, 24, "frames")
            verdict.close(f"{name}: length of a hole", found_length, length, 24, "frames")
    verdict.end()


if __name__ == "__main__":
    main()
