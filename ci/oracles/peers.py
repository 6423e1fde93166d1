#!/usr/bin/env python3
"""What the field's own tools say of sounds that they can judge, beside what we say.

jack_delay and a client of the same JACK server measure one loop; alsabat judges clean and broken tones; ffmpeg measures levels and loudness.
"""

import math
import os
import re
import signal as signals
import subprocess
import sys
import time

import jack
import numpy as np
from scipy.io import wavfile

from rigtone import RATE, Folder, Stimulus, Verdict, measure, run, value, write

PERIOD = 256
DEADLINE_S = 30


def until(what, ready):
    """Waits for a condition."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        found = ready()
        if found:
            return found
        time.sleep(0.05)
    sys.exit(f"{what}: not within {DEADLINE_S} s")


class Server:
    """A JACK server without a sound card."""

    def __init__(self, folder):
        self.name = f"rigtone-{os.getpid()}"
        self.environment = {**os.environ, "JACK_DEFAULT_SERVER": self.name, "JACK_NO_AUDIO_RESERVATION": "1"}
        self.log = open(folder / "jackd.log", "w")
        self.process = subprocess.Popen(
            ["jackd", "--no-realtime", "--timeout", "5000", "--name", self.name, "-d", "dummy", "-r", str(RATE), "-p", str(PERIOD)],
            stdout=self.log, stderr=self.log, env=self.environment)

    def __enter__(self):
        ready = lambda: subprocess.run(["jack_lsp"], env=self.environment, capture_output=True, check=False).returncode == 0
        until("jackd", ready)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signals.SIGTERM)
        self.process.wait(DEADLINE_S)


def jack_delay(server):
    """What jack_delay says of its own loop, in frames."""
    process = subprocess.Popen(["stdbuf", "-oL", "jack_delay"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=server.environment)
    try:
        connect = lambda: subprocess.run(["jack_connect", "jack_delay:out", "jack_delay:in"], env=server.environment, capture_output=True, check=False).returncode == 0
        until("jack_delay", connect)
        for line in process.stdout:
            found = re.search(r"([0-9.]+) frames", line)
            if found:
                return float(found.group(1))
    finally:
        process.kill()
        process.wait()
    sys.exit("jack_delay gave no answer")


def loop(server, samples):
    """Plays samples through the server and records what comes back over the same connection."""
    os.environ["JACK_DEFAULT_SERVER"] = server.name
    client = jack.Client("rigtone", servername=server.name, no_start_server=True)
    out, back = client.outports.register("out"), client.inports.register("in")
    played = np.asarray(samples, dtype=np.float32)
    recorded, at = np.zeros(len(played), dtype=np.float32), [0]

    connected = [False]

    @client.set_process_callback
    def process(frames):
        begin = at[0]
        end = min(begin + frames, len(played))
        if not connected[0]:
            return
        # Both ports may share one buffer: what came back is read before the next goes out.
        recorded[begin:end] = back.get_array()[:end - begin]
        buffer = out.get_array()
        buffer[:] = 0
        buffer[:end - begin] = played[begin:end]
        at[0] = end

    with client:
        client.connect(out, back)
        connected[0] = True
        end = time.monotonic() + 3 * len(played) / RATE + DEADLINE_S
        while at[0] < len(played) and time.monotonic() < end:
            time.sleep(0.05)
    if at[0] < len(played):
        sys.exit("the loop did not end")
    return recorded


def latency(folder, verdict):
    stimulus = Stimulus(folder, "smoke", code=5)
    with Server(folder) as server:
        truth = jack_delay(server)
        verdict.close("jack_delay's loop", truth, PERIOD, 0.01, "frames")
        recorded = loop(server, np.concatenate([np.zeros(4_800), stimulus.mono(), np.zeros(RATE)]))
    recording = folder / "loop.wav"
    write(recording, recorded)
    findings = measure(recording, stimulus, "--emitted-at", "100 ms", "--digital-silence")["survey"]["findings"]
    found = value(findings["latency"])
    verdict.close("the same loop", found and found["value_s"] * RATE, truth, 0.01, "frames")


def alsabat(folder, verdict):
    """It looks at the largest power of two of frames only, and at the strongest frequency: enough to judge a clean tone and another one."""
    stimulus = Stimulus(folder, "tone", code=6)
    part = stimulus.part("tone")
    tone = stimulus.mono()[part["start"]:part["start"] + part["frames"]]
    frames = len(tone)

    def passes(samples, hz):
        path = folder / "bat.wav"
        wavfile.write(path, RATE, np.round(np.asarray(samples) * 32767).astype(np.int16))
        done = subprocess.run(["alsabat", "--local", "-F", str(hz), "--file", path, "-c", "1", "-r", str(RATE), "-f", "S16_LE", "-n", str(frames)], capture_output=True, check=False)
        return done.returncode == 0

    verdict.hold(passes(tone, part["hz"]), "alsabat refuses our clean tone")
    verdict.hold(not passes(0.3 * np.random.default_rng(3).standard_normal(frames).clip(-3, 3) / 3, part["hz"]), "alsabat takes noise for the tone")
    # The same two sounds in the place of the tone: clean, and with noise beside it at -20 dB.
    noise = np.random.default_rng(4).standard_normal(frames)
    for beside_db, name in [(None, "clean"), (-20.0, "noisy")]:
        samples = stimulus.mono().copy()
        if beside_db is not None:
            # White noise up to 24 kHz, of which 20 kHz count.
            rms = np.sqrt(np.mean(tone**2)) * 10 ** (beside_db / 20) * math.sqrt(24 / 20)
            samples[part["start"]:part["start"] + frames] += rms * noise
        recording = folder / "tone.wav"
        write(recording, np.concatenate([np.zeros(4_800), 0.5 * samples, np.zeros(RATE)]) + 1e-6 * np.random.default_rng(5).standard_normal(len(samples) + 4_800 + RATE))
        found = value(measure(recording, stimulus)["survey"]["thd_n"])
        verdict.hold(found is not None, f"THD+N of the {name} tone is not measured")
        if beside_db is None:
            verdict.hold(found["db"] < -60, f"THD+N of the clean tone: {found}")
        else:
            verdict.close("THD+N of a noisy tone", found and found["db"], beside_db, 0.2, "dB")


def loudness(folder, verdict):
    """A tone of 1 kHz weighs the same in dB(A), in LUFS and without weight; noise has one RMS level whoever measures it."""
    stimulus = Stimulus(folder, "full", code=7)
    for gain_db in [-3.0, -20.0, -33.0]:
        recording = folder / "full.wav"
        sound = stimulus.mono() * 10 ** (gain_db / 20)
        write(recording, np.concatenate([np.zeros(4_800), sound, np.zeros(RATE)]) + 1e-6 * np.random.default_rng(6).standard_normal(len(sound) + 4_800 + RATE))
        survey = measure(recording, stimulus)["survey"]
        tone = stimulus.part("tone")
        begin, length = (4_800 + tone["start"]) / RATE, tone["frames"] / RATE
        cut = f"atrim=start={begin + 0.5}:duration={length - 0.6}"
        said = run(["ffmpeg", "-hide_banner", "-nostats", "-i", recording, "-af", f"{cut},ebur128", "-f", "null", "-"]).stderr.decode()
        lufs = float(re.findall(r"I:\s+(-?[0-9.]+) LUFS", said)[-1])
        found = value(survey["thd_n"])
        # A mono file counts once; ffmpeg prints tenths.
        verdict.close("level of the tone against ffmpeg's loudness", found and found["tone_dbfs"], lufs, 0.1, "dB")
        noise = stimulus.part("noise")
        begin, length = (4_800 + noise["start"]) / RATE, noise["frames"] / RATE
        said = run(["ffmpeg", "-hide_banner", "-nostats", "-i", recording, "-af", f"atrim=start={begin}:duration={length},astats=measure_perchannel=none", "-f", "null", "-"]).stderr.decode()
        rms = float(re.findall(r"RMS level dB: (-?[0-9.]+)", said)[-1])
        level = value(survey["findings"]["level"])
        verdict.close("level of the noise against ffmpeg's RMS", level and level["rms_dbfs"], rms, 0.1, "dB")


def main():
    folder, verdict = Folder(), Verdict("peers")
    latency(folder, verdict)
    alsabat(folder, verdict)
    loudness(folder, verdict)
    verdict.end()


if __name__ == "__main__":
    main()
