#!/usr/bin/env python3
"""Compares the measurements of rigtone-audio with NumPy and SciPy.

    cargo run -q -p rigtone-audio --example audio-oracle | python3 ci/oracles/audio.py

Every signal is made again here from its description; nothing but our readings is taken from the crate.
"""

import json
import math
import sys

import numpy as np
from scipy import optimize, signal

faults = []
worst = {}
counts = {}


def compare(what, found, expected, tolerance, case):
    """An absolute comparison, in the unit of the reading."""
    counts[what] = counts.get(what, 0) + 1
    if found is None or not math.isfinite(found) or not math.isfinite(expected):
        faults.append(f"{what}: {found!r} is not {expected!r} in {case}")
        return
    error = abs(found - expected)
    worst[what] = max(worst.get(what, 0.0), error)
    if error > tolerance:
        faults.append(f"{what}: {found!r} is not {expected!r} (within {tolerance}) in {case}")


def db(power):
    return 10 * math.log10(max(power, 1e-300))


def brief(case):
    return {key: value for key, value in case.items() if not isinstance(value, (list, dict)) or len(value) < 6}


def weighting(hz, which):
    """IEC 61672-1, annex E, as an analogue filter given by its poles and zeros."""
    f = [20.598997, 107.65265, 737.86223, 12194.217]
    poles = [-2 * np.pi * p for p in ([f[0], f[0], f[1], f[2], f[3], f[3]] if which == "a" else [f[0], f[0], f[3], f[3]])]
    zeros = [0.0] * (4 if which == "a" else 2)
    _, h = signal.freqs_zpk(zeros, poles, 1.0, worN=2 * np.pi * np.atleast_1d(np.asarray([1000.0, *np.atleast_1d(hz)], float)))
    return np.abs(h[1:] / h[0]) ** 2


def uniform(seed, frames):
    out, state = np.empty(frames), seed
    for n in range(frames):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out[n] = 2 * (state / 4294967296) - 1
    return out


def sound(case, noise="noise", tones="tones"):
    frames = case["frames"]
    seed, level = case[noise]
    out = level * uniform(seed, frames) if level else np.zeros(frames)
    t = np.arange(frames) / case["rate"]
    for hz, amplitude, phase in case[tones] if tones else []:
        out = out + amplitude * np.sin(2 * np.pi * hz * t + phase)
    return out.astype(np.float32).astype(float)


def spectrum(samples, rate, size):
    """Mean square per bin, as Welch's method has it."""
    hz, density = signal.welch(samples - samples.mean(), rate, "hann", size, size // 2, detrend=False, scaling="density")
    return hz, density * rate / size


def band(hz, power, low, high):
    """Power of a band in which a bin at its edge counts by its share."""
    step = hz[1]
    share = np.clip(np.minimum(hz + step / 2, high) - np.maximum(hz - step / 2, low), 0, step) / step
    return float(np.sum(power * share))


def check_weighting(case):
    for which in "ac":
        compare(f"{which}-weighting (dB)", case[which], db(weighting(case["hz"], which)[0]), 1e-9, case)


def check_filter(case):
    omega = 2 * np.pi * case["hz"]
    b, a = signal.butter(4, [2 * np.pi * 500, 2 * np.pi * 8000], "bandpass", analog=True)
    compare("band-pass run both ways", case["bandpass"], abs(signal.freqs(b, a, [omega])[1][0]) ** 2, 1e-9, case)
    for name, cutoff in [("highpass", 97.396), ("lowpass", 12000.0)]:
        b, a = signal.butter(2, 2 * np.pi * cutoff, name, analog=True)
        compare(name, case[name], abs(signal.freqs(b, a, [omega])[1][0]), 1e-9, case)


def check_level(case):
    # Whole seconds of whole hertz: a plain transform is exact.
    samples = sound(case)
    power = np.abs(np.fft.rfft(samples)) ** 2 * 2 / len(samples) ** 2
    hz = np.arange(len(power)) * case["rate"] / len(samples)
    gain = np.ones_like(hz) if case["weighting"] == "z" else np.concatenate([[0], weighting(hz[1:], case["weighting"])])
    compare("level (dB)", case["dbfs"], db(np.sum((power * gain)[hz >= 10])), 0.02, case)


def check_noise(case):
    hz, power = spectrum(sound(case), case["rate"], case["size"])
    audible = hz >= 10
    floor = case["floor"]
    compare("noise floor (dB)", floor["z_dbfs"], db(power[audible].sum()), 1e-3, brief(case))
    for which in "ac":
        weighted = power[audible] * weighting(hz[audible], which)
        compare("noise floor (dB)", floor[f"{which}_dbfs"], db(weighted.sum()), 1e-3, brief(case))
    if len(floor["thirds"]) != 31:
        faults.append(f"{len(floor['thirds'])} thirds")
    for third in floor["thirds"]:
        middle = third["hz"]
        compare("third of an octave (dB)", third["dbfs"], db(band(hz, power, middle * 10**-0.05, middle * 10**0.05)), 1e-3, third)


def check_snr(case):
    hz, both = spectrum(sound(case), case["rate"], case["size"])
    _, noise = spectrum(sound(case, "floor", None), case["rate"], case["size"])
    low, high = case["value"]["band_hz"]
    floor = band(hz, noise, low, high)
    compare("signal-to-noise ratio (dB)", case["value"]["value_db"], db((band(hz, both, low, high) - floor) / floor), 1e-3, brief(case))


def check_hum(case):
    samples = sound(case)
    t = np.arange(len(samples)) / case["rate"]
    if [line["hz"] for line in case["lines"]] != [tone[0] for tone in case["tones"]]:
        faults.append(f"hum lines {case['lines']} instead of {case['tones']}")
    for line in case["lines"]:
        columns = np.stack([np.cos(2 * np.pi * line["hz"] * t), np.sin(2 * np.pi * line["hz"] * t)], axis=1)
        a, b = np.linalg.lstsq(columns, samples, rcond=None)[0]
        compare("hum line (dB)", line["dbfs"], db((a * a + b * b) / 2), 0.15, line)


def check_thd_n(case):
    samples, rate = sound(case), case["rate"]
    t = np.arange(len(samples)) / rate

    def fit(hz):
        columns = np.stack([np.cos(2 * np.pi * hz * t), np.sin(2 * np.pi * hz * t), np.ones_like(t)], axis=1)
        factors = np.linalg.lstsq(columns, samples, rcond=None)[0]
        return factors, samples - columns @ factors

    # The true frequency lies within 0.1 Hz of where the middle of a search is put.
    near = case["tones"][0][0]
    hz = optimize.minimize_scalar(lambda hz: np.sum(fit(hz)[1] ** 2), bounds=(near - 0.05, near + 0.05), method="bounded", options={"xatol": 1e-9}).x
    factors, residual = fit(hz)
    tone = (factors[0] ** 2 + factors[1] ** 2) / 2
    bins = np.fft.rfft(residual)
    at = np.arange(len(bins)) * rate / len(residual)
    power = 2 * np.sum(np.abs(bins[(at >= 20) & (at <= 20000)]) ** 2) / len(residual) ** 2
    found = case["found"]
    compare("THD+N (dB)", found["db"], db(power / tone), 0.02, brief(case))
    compare("frequency of the tone (Hz)", found["hz"], hz, 1e-4, brief(case))
    compare("level of the tone (dB)", found["tone_dbfs"], db(tone), 1e-4, brief(case))
    compare("level of the tone (dB)", case["level"]["dbfs"], db(tone), 1e-4, brief(case))


def check_response(case):
    rate, seconds = case["rate"], case["seconds"]
    frames = round(seconds * rate)
    t = np.arange(frames) / rate
    length = seconds / math.log(1000)
    sweep = 10 ** (-12 / 20) * np.sin(2 * np.pi * 20 * length * np.expm1(t / length))
    rise = np.sin(np.pi / 2 * np.clip(t / 0.05, 0, 1)) ** 2
    fall = np.sin(np.pi / 2 * np.clip(t[::-1] / 0.005, 0, 1)) ** 2
    sweep = sweep * rise * fall
    for place, sample in zip(case["sweep"]["places"], case["sweep"]["samples"]):
        compare("sample of the sweep", sample, sweep[place], 1e-8, (rate, seconds, place))
    # The filter's own response, smoothed as power; and the recorded sweep divided by the sweep.
    recorded = signal.lfilter(case["b"], case["a"], np.concatenate([sweep, np.zeros(rate)])).astype(np.float32)
    size = len(recorded)
    quotient = np.abs(np.fft.rfft(recorded)) ** 2 / np.maximum(np.abs(np.fft.rfft(sweep, size)) ** 2, 1e-12)
    bins = np.fft.rfftfreq(size, 1 / rate)
    if len(case["curve"]) < 115:
        faults.append(f"only {len(case['curve'])} points of a curve")
    for point in case["curve"]:
        half = 2 ** (point["octaves"] / 2)
        low, high = max(point["hz"] / half, 20), min(point["hz"] * half, 20000)
        # The fades and the end of the sweep cut into the last band on either side.
        tolerance = 0.1 if 23 < point["hz"] < 18800 else 0.25
        smooth = np.mean(np.abs(signal.freqz(case["b"], case["a"], np.linspace(low, high, 400), fs=rate)[1]) ** 2)
        compare("response against the filter (dB)", point["db"], db(smooth), tolerance, (rate, seconds, point))
        if 25 < point["hz"] < 19000:
            divided = np.mean(quotient[(bins >= low) & (bins <= high)])
            compare("response against division (dB)", point["db"], db(divided), 0.1, (rate, seconds, point))


def check_harmonics(case):
    peak, square, cube = case["peak"], case["square"], case["cube"]
    # One period of the bent sine, transformed.
    x = peak * np.sin(2 * np.pi * np.arange(64) / 64)
    lines = np.abs(np.fft.rfft(x + square * x**2 + cube * x**3))
    for point in case["points"]:
        for harmonic in point["orders"][:2]:
            compare("harmonic (dB)", harmonic["db"], 2 * db(lines[harmonic["order"]] / lines[1]), 0.2, point["hz"])


def check_microphone(case):
    hz, level = np.array(case["points"]).T
    for at, found in case["at"]:
        compare("microphone (dB)", found, float(np.interp(math.log(at), np.log(hz), level)), 1e-9, at)


def check_codes(case):
    # All primitive trinomials of the crate, in SciPy's notation; the crate may start anywhere in the period.
    tap = [1, 4, 7][case["code"] % 3]
    sequence = 2.0 * signal.max_len_seq(15, taps=[tap])[0] - 1
    hz = np.fft.rfftfreq(len(sequence), 1 / case["rate"])
    b, a = signal.butter(4, [2 * np.pi * 500, 2 * np.pi * 8000], "bandpass", analog=True)
    gain = np.abs(signal.freqs(b, a, 2 * np.pi * hz)[1]) ** 2

    def limited(samples):
        out = np.fft.irfft(np.fft.rfft(samples) * gain, len(samples))
        return out * 0.15 / np.sqrt(np.mean(out**2))

    def likeness(one, other):
        product = np.fft.irfft(np.fft.rfft(one) * np.conj(np.fft.rfft(other)), len(one))
        return float(np.max(product) / np.sqrt(np.sum(one**2) * np.sum(other**2)))

    left, right = np.array(case["left"]), np.array(case["right"])
    best = max(likeness(left, limited(way)) for way in (sequence, sequence[::-1]))
    compare("code against max_len_seq", best, 1.0, 1e-6, case["code"])
    compare("second code is the first reversed", likeness(right, left[::-1]), 1.0, 1e-6, case["code"])


checks = {
    "weighting": check_weighting,
    "filter": check_filter,
    "level": check_level,
    "noise": check_noise,
    "snr": check_snr,
    "hum": check_hum,
    "thd-n": check_thd_n,
    "response": check_response,
    "harmonics": check_harmonics,
    "microphone": check_microphone,
    "codes": check_codes,
}
seen = set()
for line in sys.stdin:
    case = json.loads(line)
    seen.add(case["kind"])
    checks[case["kind"]](case)
if missing := set(checks) - seen:
    faults.append(f"nothing was printed for {', '.join(sorted(missing))}")
for what in sorted(worst):
    print(f"{what:40} {counts[what]:5} compared, largest deviation {worst[what]:.2g}")
for fault in faults[:20]:
    print(fault, file=sys.stderr)
if faults:
    print(f"{len(faults)} deviations", file=sys.stderr)
    sys.exit(1)
