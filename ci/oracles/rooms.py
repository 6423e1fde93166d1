#!/usr/bin/env python3
"""Rooms by pyroomacoustics: what is planted in them is measured, by the figures that this project claims.

Shoebox rooms of 5 x 4 x 2.7 m with walls for the reverberation time named, source and microphone at places drawn anew for each, in line of
sight. Noise is white; its ratio is that of the whole band, sound over noise (RMS).
"""

import sys

import numpy as np
import pyroomacoustics as pra
from scipy import signal

from rigtone import RATE, Folder, Stimulus, Verdict, measure, value, write

SEED = 20_260_711
SIZE = [5.0, 4.0, 2.7]
# Half the length of the filters by which pyroomacoustics delays by fractions of a sample: part of every response.
HALF = pra.constants.get("frac_delay_length") // 2
HOLE = 128


def room(rng, rt60_s, distance_m):
    """A response, and the frames of the direct sound in it."""
    absorption, order = pra.inverse_sabine(rt60_s, SIZE)
    shoebox = pra.ShoeBox(SIZE, fs=RATE, materials=pra.Material(absorption), max_order=min(order, 40))
    while True:
        source = rng.uniform(0.6, np.array(SIZE) - 0.6)
        way = rng.standard_normal(3)
        microphone = source + distance_m * way / np.linalg.norm(way)
        if np.all(microphone > 0.4) and np.all(microphone < np.array(SIZE) - 0.4):
            break
    shoebox.add_source(source)
    shoebox.add_microphone(microphone)
    shoebox.compute_rir()
    response = np.asarray(shoebox.rir[0][0])
    return response, distance_m / pra.constants.get("c") * RATE + HALF


def late(samples, frames):
    """Delays by a number of frames with its fraction: band-limited, by the shift theorem. Silence must surround the sound."""
    size = len(samples) + int(frames) + RATE
    spectrum = np.fft.rfft(samples, size)
    turn = np.exp(-2j * np.pi * np.arange(len(spectrum)) * frames / size)
    return np.fft.irfft(spectrum * turn, size)


def stretched(samples, ppm):
    """The sound on a clock that runs apart, exactly: as many frames more as that makes."""
    if ppm == 0:
        return samples
    more = round(len(samples) * ppm * 1e-6)
    whole = round(more / (ppm * 1e-6))
    padded = np.concatenate([samples, np.zeros(max(0, whole - len(samples)))])[:whole]
    return signal.resample(padded, whole + more)


def heard(rng, sound, response, snr_db):
    sound = signal.oaconvolve(sound, response)
    sound *= 0.05 / np.sqrt(np.mean(sound**2))
    return sound + 0.05 * 10 ** (-snr_db / 20) * rng.standard_normal(len(sound))


def latencies(folder, verdict):
    stimulus = Stimulus(folder, "smoke", code=77)
    for rt60_s, tolerance_us in [(0.25, 10), (0.4, 10), (0.6, 30)]:
        for distance_m in [0.3, 1.0]:
            for place in range(6):
                rng = np.random.default_rng([SEED, int(rt60_s * 100), int(distance_m * 10), place])
                response, flight = room(rng, rt60_s, distance_m)
                emitted, delay = 9_600, rng.uniform(2_000, 14_000)
                sound = late(np.concatenate([np.zeros(emitted), stimulus.mono(), np.zeros(RATE)]), delay)
                for snr_db in [30, 10]:
                    recording = folder / "smoke.wav"
                    write(recording, heard(rng, sound, response, snr_db))
                    findings = measure(recording, stimulus, "--emitted-at", f"{emitted / RATE:.9f} s")["survey"]["findings"]
                    case = f"latency, RT60 {rt60_s} s, {distance_m} m"
                    verdict.hold(findings["presence"]["state"] == "present", f"{case}, place {place}: {findings['presence']}")
                    latency = value(findings["latency"])
                    found = latency and latency["value_s"] * 1e6
                    verdict.close(case, found, (delay + flight) / RATE * 1e6, tolerance_us, "us")


def gaps(folder, verdict):
    stimulus = Stimulus(folder, "noise", code=78)
    part = stimulus.part("noise")
    planted = found = 0
    for distance_m in [0.3, 1.0]:
        for ppm in [0, 80]:
            for place in range(4):
                rng = np.random.default_rng([SEED, int(distance_m * 10), ppm, place])
                response, flight = room(rng, 0.4, distance_m)
                stream = np.concatenate([np.zeros(9_600), stimulus.mono(), np.zeros(RATE)])
                # One hole in each half second, anywhere in it but at its ends.
                starts = [9_600 + part["start"] + int((n + rng.uniform(0.1, 0.9)) * RATE / 2) for n in range(1, 24)]
                for start in starts:
                    stream[start:start + HOLE] = 0
                recording = folder / "noise.wav"
                write(recording, heard(rng, stretched(stream, ppm), response, 10))
                continuity = value(measure(recording, stimulus, "--gap", "2.667 ms")["survey"]["steadiness"]["continuity"])
                case = f"holes, {distance_m} m, {ppm} ppm, place {place}"
                verdict.hold(value(continuity["dropouts"]) is not None, f"{case}: {continuity['dropouts']}")
                clock = value(continuity["clock"])
                verdict.close(f"drift, {distance_m} m", clock and clock["drift_ppm"], ppm, 0.05, "ppm")
                events = [event["from_s"] * RATE for event in continuity["events"]]
                wanted = [start * (1 + ppm * 1e-6) + flight for start in starts]
                hits = [min((event for event in events if -0.012 * RATE <= event - at <= 0.020 * RATE), default=None) for at in wanted]
                planted += len(wanted)
                found += sum(hit is not None for hit in hits)
                verdict.hold(len(events) == len(wanted), f"{case}: {len(events)} events where {len(wanted)} were planted")
    print(f"  holes of 2.67 ms at 10 dB, RT60 0.4 s: {found} of {planted} found")
    verdict.hold(found == planted, f"holes: {found} of {planted}")


def bass(folder, verdict):
    """Two second-order high-passes at one geometry: -9.0 and -2.34 dB at 60 Hz."""
    stimulus = Stimulus(folder, "sweep", code=79)
    filters = [signal.butter(2, corner, "highpass", fs=RATE, output="sos") for corner in (97.4, 55.3)]
    gain = lambda sos: 20 * np.log10(np.abs(signal.sosfreqz(sos, [60.0, 1000.0], fs=RATE)[1]))
    (low, low_1k), (high, high_1k) = gain(filters[0]), gain(filters[1])
    truth = (high - high_1k) - (low - low_1k)
    for distance_m in [0.3, 1.0]:
        for place in range(3):
            rng = np.random.default_rng([SEED, 5, int(distance_m * 10), place])
            response, _ = room(rng, 0.4, distance_m)
            files = [folder / "low.wav", folder / "high.wav"]
            for path, sos in zip(files, filters):
                sound = np.concatenate([np.zeros(9_600), stimulus.mono(), np.zeros(RATE)])
                write(path, heard(rng, signal.sosfilt(sos, sound), response, 40))
            against = measure(files[1], stimulus, "--against", files[0])["against"]
            at = min(against["response"], key=lambda at: abs(at["hz"] - 60))
            found = value(at["difference"])
            verdict.close(f"difference at 60 Hz, {distance_m} m", found and found["db"], truth, 0.3, "dB")


def main():
    folder, verdict = Folder(), Verdict("rooms")
    print(f"  seed {SEED}")
    latencies(folder, verdict)
    gaps(folder, verdict)
    bass(folder, verdict)
    verdict.end()


if __name__ == "__main__":
    sys.exit(main())
