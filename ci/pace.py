#!/usr/bin/env python3
"""How fast we are beside SciPy, pair by pair: a marker of 1 s in 60 s at 48 kHz, and a whole analysis of 60 s.

    ci/pace.py [PROGRAM]        the example `pace` of rigtone-audio; a debug build is optimised where it computes

The gate is a ratio of medians: no more than a quarter of the time of scipy.signal.correlate in 32-bit floats. The aim is an eighth.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy import signal

RATE, SECONDS, AT = 48_000, 60, 1_234_567
PAIRS = 11
GATE, AIM = 1 / 4, 1 / 8


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else "target/debug/examples/pace"
    rng = np.random.default_rng(1)
    t = np.arange(RATE) / RATE
    marker = (0.3 * signal.chirp(t, 500, 1.0, 8000)).astype(np.float32)
    recording = (0.1 * rng.standard_normal(SECONDS * RATE)).astype(np.float32)
    recording[AT:AT + RATE] += marker
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("recording", "marker")]
        for path, samples in zip(files, (recording, marker)):
            path.write_bytes(samples.astype("<f4").tobytes())
        ours = subprocess.Popen([program, *files], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def ask(question):
            ours.stdin.write(question + "\n")
            ours.stdin.flush()
            took, found = ours.stdout.readline().split(maxsplit=1)
            return int(took) / 1e9, found.strip()

        pairs = []
        for n in range(PAIRS + 1):
            took, found = ask("locate")
            begun = time.perf_counter()
            peak = int(np.argmax(np.abs(signal.correlate(recording, marker, "valid", "fft"))))
            theirs = time.perf_counter() - begun
            if round(float(found)) != AT or peak != AT:
                sys.exit(f"the marker is at {AT}: we say {found}, SciPy says {peak}")
            # The first of each warms caches and plans.
            if n > 0:
                pairs.append((took, theirs))
        surveys = sorted(ask("survey")[0] for _ in range(3))
        ours.stdin.close()
        ours.wait()
    mine, theirs = (statistics.median(column) for column in zip(*pairs))
    ratio = mine / theirs
    print(f"  1 s in {SECONDS} s: {1e3 * mine:.1f} ms, SciPy {1e3 * theirs:.1f} ms, median of {len(pairs)} pairs: {ratio:.3f} of it (aim {AIM}, gate {GATE})")
    print(f"  whole analysis of 60 s, two channels: {surveys[1]:.2f} s of one core (aim 1 s)")
    sys.exit(ratio > GATE)


if __name__ == "__main__":
    main()
