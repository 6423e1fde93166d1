#!/usr/bin/env python3
"""Compares `rigtone timeline` with tshark on recorded captures.

    cargo build -p rigtone-cli && python3 ci/oracles/captures.py [FILE|FOLDER...]

Without arguments read are the captures in harness/bluetooth/tests/data and, where RIGTONE_DATA is set, all in its folder `captures`. One of them is
also written anew, byte by byte, in every other format. Held against each other: links with their beginning and end, signals of
AVDTP in order with times (1 us), labels, codec bytes, delays and error codes, and media packets with their first and last times
and sequence numbers.
"""

import json
import os
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

RIGTONE = os.environ.get("RIGTONE", "target/debug/rigtone")
OURS = Path("harness/bluetooth/tests/data")

# Media packets, by their sequence numbers, of which fragments are missing and others follow: their length is reached, and passed, by
# what belongs to another packet. tshark 4.0.17 shows no media packet then; `rigtone timeline` counts one, for its beginning was sent,
# and calls the capture damaged.
DEVIATIONS = {
    "sim_btvirt_bumble_ldac_then_sbc.btsnoop": [52391, 52407, 52536, 52555, 21271],
    "ldac-damaged.btsnoop": [52391, 52407, 52536, 52555],
}

MESSAGES = ["command", "general-reject", "accept", "reject"]
FIELDS = [
    "frame.number", "frame.time_relative", "_ws.col.Info", "bthci_evt.code", "bthci_evt.status",
    "bthci_evt.connection_handle", "bthci_evt.reason", "bthci_evt.link_type", "btavdtp.signal_id", "btavdtp.message_type",
    "btavdtp.transaction", "btavdtp.error_code", "btavdtp.delay", "rtp.seq",
]


def run(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stderr.decode(errors='replace')}")
    return done.stdout


def tshark_rows(path):
    """Events that begin and end links, signals, and media packets."""
    shown = "bthci_evt.code == 3 || bthci_evt.code == 5 || btavdtp || bta2dp"
    command = ["tshark", "-n", "-r", path, "-Y", shown, "-T", "fields", "-E", "occurrence=f"]
    for field in FIELDS + ["frame.protocols"]:
        command += ["-e", field]
    for line in run(command).decode(errors="replace").splitlines():
        yield dict(zip(FIELDS + ["layers"], line.split("\t")))


def tshark_signals(path):
    """The bytes of each signal, as tshark put it together, by frame."""
    parsed = json.loads(run(["tshark", "-n", "-r", path, "-Y", "btavdtp", "-T", "jsonraw", "-J", "frame btavdtp"]) or b"[]")
    for packet in parsed:
        layers = packet["_source"]["layers"]
        yield bytes.fromhex(layers["btavdtp_raw"][0])


def micros(text):
    """Microseconds of a decimal number, without the detour over floating point."""
    seconds, _, fraction = text.partition(".")
    sign = -1 if seconds.startswith("-") else 1
    return sign * (abs(int(seconds)) * 1_000_000 + int((fraction + "000000")[:6]))


def codec_octets(signal):
    """The bytes of the codec in a whole signal that configures or lists capabilities."""
    message, signal_id = signal[0] & 3, signal[1] & 0x3F
    skip = {(0, 3): 4, (0, 5): 3, (2, 2): 2, (2, 4): 2, (2, 12): 2}.get((message, signal_id))
    at = skip if skip is not None else len(signal)
    while at + 2 <= len(signal):
        category, length = signal[at], signal[at + 1]
        value = signal[at + 2:at + 2 + length]
        if len(value) < length:
            break
        if category == 7 and length >= 2 and value[0] >> 4 == 0:
            return value[1], value[2:].hex(" ")
        at += 2 + length
    return None


def number(text):
    return int(text, 0) if text else None


def of_tshark(path):
    signals, media, links = [], [], []
    octets = tshark_signals(path)
    for row in tshark_rows(path):
        at = micros(row["frame.time_relative"])
        # Every format has its own field for the direction; the column is the same for all.
        sent = row["_ws.col.Info"].startswith("Sent ")
        if row["bthci_evt.code"]:
            if number(row["bthci_evt.code"]) == 3 and number(row["bthci_evt.link_type"]) == 1:
                status, handle = number(row["bthci_evt.status"]), number(row["bthci_evt.connection_handle"])
                links.append(("connected", at, handle) if status == 0 else ("failed", at, status))
            elif number(row["bthci_evt.code"]) == 5:
                handle = number(row["bthci_evt.connection_handle"])
                links.append(("ended", at, handle, number(row["bthci_evt.reason"])))
        elif ":bta2dp" in row["layers"]:
            media.append((at, number(row["rtp.seq"])))
        else:
            raw = next(octets)
            delay = number(row["btavdtp.delay"])
            signals.append((
                at, "host" if sent else "peer", number(row["btavdtp.transaction"]),
                MESSAGES[number(row["btavdtp.message_type"])], number(row["btavdtp.signal_id"]), codec_octets(raw),
                None if delay is None else delay / 10, number(row["btavdtp.error_code"]),
            ))
    return signals, media, links


def of_rigtone(path):
    report = json.loads(run([RIGTONE, "timeline", path, "--json"]))
    signals, starts, links = [], [], []
    for link in report["links"]:
        if link["low_energy"]:
            continue
        page = next((phase for phase in link["phases"] if phase["kind"] == "page"), None)
        if "handle" not in link:
            links.append(("failed", link["end"]["at_ns"] // 1000, link["end"]["reason"]))
            continue
        if page:
            links.append(("connected", page["to_ns"] // 1000, link["handle"]))
        if "reason" in link.get("end", {}):
            links.append(("ended", link["end"]["at_ns"] // 1000, link["handle"], link["end"]["reason"]))
        for signal in link["signals"]:
            codec = signal.get("codec")
            refusal = signal.get("refusal")
            signals.append((
                signal["at_ns"] // 1000, signal["by"], signal["label"], signal["message"], signal["id"],
                (codec["codec_type"], codec["octets"]) if codec else None, signal.get("delay_ms"),
                refusal["code"] if refusal and signal["message"] == "reject" else None,
            ))
        for stream in link["streams"]:
            codec = stream.get("codec", {}).get("codec")
            starts += [start["media"] | {"codec": codec} for start in stream["starts"] if "media" in start]
    return report, sorted(signals, key=lambda one: one[0]), starts, sorted(links, key=lambda one: one[1])


faults = []
held, unheld = Counter(), Counter()


def hold(what, path, found, expected):
    held[what] += 1
    if found != expected:
        faults.append(f"{path}: {what}: {found!r} is not {expected!r}")


def compare(path, name):
    signals, media, links = of_tshark(path)
    report, our_signals, starts, our_links = of_rigtone(path)
    not_shown = DEVIATIONS.get(name, [])
    hold("links", path, our_links, sorted(links, key=lambda one: one[1]))
    hold("number of signals", path, len(our_signals), len(signals))
    for ours, theirs in zip(our_signals, sorted(signals, key=lambda one: one[0])):
        hold("signal", path, ours, theirs)
    hold("media packets", path, sum(start["packets"] for start in starts), len(media) + len(not_shown))
    hold("packets that are not shown", path, [number for _, number in media if number in not_shown], [])
    for start in starts:
        within = [one for one in media if start["first_ns"] // 1000 <= one[0] <= start["last_ns"] // 1000]
        hold("first and last media", path, [start["first_ns"] // 1000, start["last_ns"] // 1000], [within[0][0], within[-1][0]])
        numbers = [sequence for _, sequence in within if sequence is not None]
        if start["codec"] == "aptx-hd" and not numbers:
            # tshark 4.0.17 takes aptX HD for aptX, which has no RTP: it shows the packets, and no numbers.
            unheld["numbers of media packets of aptX HD"] += len(within)
            continue
        found = start.get("sequence", {"packets": 0, "missing": 0})
        # What is not shown fills places that are missing in the numbers of those that are.
        filled = len([number for number in not_shown if numbers and numbers[0] <= number <= numbers[-1]])
        hold("packets with numbers", path, found["packets"], len(numbers) + filled)
        missing = sum((b - a - 1) % 65536 for a, b in zip(numbers, numbers[1:]))
        hold("missing numbers", path, found["missing"], missing - filled)
    hold("usable as proof", path, report["proof"]["usable"], not not_shown)
    return len(signals), len(media)


def records(path):
    """HCI records of a monitor capture: time in us since 1970, whether sent, H4 type, packet."""
    data = Path(path).read_bytes()
    at = 16
    while at + 24 <= len(data):
        _, length, flags, _, time = struct.unpack(">IIIIq", data[at:at + 24])
        sent, kind = {2: (1, 1), 3: (0, 4), 4: (1, 2), 5: (0, 2)}.get(flags & 0xFFFF, (0, 0))
        if kind:
            yield time - 0x00dcddb30f2f8000, bool(sent), kind, data[at + 24:at + 24 + length]
        at += 24 + length


def written_anew(source, folder):
    """The capture in the other formats, by a writer of our own."""
    def btsnoop(datalink, typed):
        yield b"btsnoop\0" + struct.pack(">II", 1, datalink)
        for time, sent, kind, packet in records(source):
            flags = (0 if sent else 1) | (2 if kind in (1, 4) else 0)
            packet = bytes([kind]) + packet if typed else packet
            yield struct.pack(">IIIIq", len(packet), len(packet), flags, 0, time + 0x00dcddb30f2f8000) + packet

    def packet_logger(order):
        for time, sent, kind, packet in records(source):
            kind = {1: 0, 4: 1, 2: 2 if sent else 3}[kind]
            yield struct.pack(f"{order}III", 9 + len(packet), time // 1_000_000, time % 1_000_000) + bytes([kind]) + packet

    for name, parts in [
        ("h1.btsnoop", btsnoop(1001, False)), ("h4.btsnoop", btsnoop(1002, True)),
        ("big.pklg", packet_logger(">")), ("little.pklg", packet_logger("<")),
    ]:
        (Path(folder) / name).write_bytes(b"".join(parts))
        yield Path(folder) / name


def main():
    named, data = [Path(word) for word in sys.argv[1:]], os.environ.get("RIGTONE_DATA")
    captures = sorted(path for word in named for path in ([word] if word.is_file() else word.rglob("*.btsnoop")))
    if not named:
        captures = sorted(OURS.glob("*.btsnoop"))
    if data and not named:
        captures += sorted(path for path in (Path(data) / "captures").rglob("*") if path.suffix in (".btsnoop", ".log", ".pklg"))
    with tempfile.TemporaryDirectory(prefix="rigtone-oracle-") as folder:
        if not named:
            captures += written_anew(OURS / "codec-switch.btsnoop", folder)
        for path in captures:
            signals, media = compare(path, path.name)
            print(f"  {path.name}: {signals} signals, {media} media packets")
    for fault in faults:
        print(f"  {fault}", file=sys.stderr)
    print(f"captures: {sum(held.values())} answers held, {len(faults)} wrong")
    for what, count in unheld.items():
        print(f"not held, because tshark does not show them: {count} {what}")
    if not data and not named:
        print("not run: captures of RIGTONE_DATA, which is not set")
    sys.exit(1 if faults or not held["signal"] else 0)


if __name__ == "__main__":
    main()
