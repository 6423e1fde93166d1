"""What the oracles share: sounds made by `rigtone signal`, recordings measured by `rigtone measure`, and what is wrong with the answers."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy.io import wavfile

RIGTONE = os.environ.get("RIGTONE", "target/debug/rigtone")
RATE = 48_000


class Folder:
    """A folder of its own, gone in the end."""

    def __init__(self):
        self.keeper = tempfile.TemporaryDirectory(prefix="rigtone-oracle-")
        self.path = Path(self.keeper.name)

    def __truediv__(self, name):
        return self.path / name


class Stimulus:
    """A stimulus as `rigtone signal` writes it."""

    def __init__(self, folder, name, code=9, rate=RATE):
        self.name, self.code, self.rate = name, code, rate
        self.file, self.positions_file = folder / f"{name}-{code}.wav", folder / f"{name}-{code}.json"
        run([RIGTONE, "signal", name, "--rate", str(rate), "--code", str(code), "--out", self.file,
             "--positions", self.positions_file])
        self.positions = json.loads(self.positions_file.read_text())
        _, samples = wavfile.read(self.file)
        self.samples = as_float(samples)

    def part(self, kind):
        return next(part for part in self.positions["parts"] if part["kind"] == kind)

    def mono(self):
        return self.samples if self.samples.ndim == 1 else self.samples.mean(axis=1)


def as_float(samples):
    if samples.dtype.kind == "f":
        return samples.astype(np.float64)
    return samples.astype(np.float64) / float(2 ** (8 * samples.dtype.itemsize - 1))


def run(command, **more):
    """Runs a program; what it printed, or the end with what it said."""
    command = [str(word) for word in command]
    done = subprocess.run(command, capture_output=True, check=False, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr.decode(errors='replace')}")
    return done


def write(path, samples, rate=RATE):
    wavfile.write(path, rate, np.asarray(samples, dtype=np.float32))


def measure(recording, stimulus, *options):
    """The report of `rigtone measure`."""
    done = run([RIGTONE, "measure", recording, "--stimulus", stimulus.name, "--rate", stimulus.rate, "--code",
                stimulus.code, *options, "--json"])
    return json.loads(done.stdout)


def value(outcome):
    """What was measured; none where it is inconclusive or absent."""
    return None if outcome is None else outcome.get("measured")


class Verdict:
    """Collects what is wrong; says in the end how much was held against one another."""

    def __init__(self, name):
        self.name, self.checks, self.faults, self.worst = name, 0, [], {}

    def hold(self, fine, what):
        self.checks += 1
        if not fine:
            self.faults.append(what)

    def close(self, what, found, expected, tolerance, unit):
        error = abs(found - expected) if found is not None else float("inf")
        if found is not None:
            self.worst[what] = max(self.worst.get(what, (0.0, unit))[0], error), unit
        self.hold(error <= tolerance, f"{what}: {found} {unit} is not {expected} {unit} (within {tolerance})")

    def end(self):
        for what, (error, unit) in sorted(self.worst.items()):
            print(f"  {what}: {error:.3g} {unit} off at worst")
        for fault in self.faults:
            print(f"  {fault}", file=sys.stderr)
        print(f"{self.name}: {self.checks} answers held, {len(self.faults)} wrong")
        sys.exit(1 if self.faults or not self.checks else 0)
