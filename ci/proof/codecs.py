"""What was agreed on and sent, beside what the documents ask for."""
import subprocess
from collections import Counter

# Octets by A2DP, section 4.3.2: rate and mode; 16 blocks, 8 subbands, loudness; smallest and largest bitpool. And what tshark
# shows of the frames on the air: bitpool, rate (2 is 44.1, 3 is 48 kHz), mode.
CONFIGURATIONS = {
    "joint-48": ("11150235", "53 0x03 0x03"),
    "stereo-44": ("22150223", "35 0x02 0x02"),
    "mono-48": ("1815021f", "31 0x03 0x00"),
    "dual-44": ("2415021b", "27 0x02 0x01"),
}


def frames(capture):
    """The headers of the SBC frames on the air, by tshark."""
    command = ["tshark", "-n", "-r", capture, "-Y", "sbc", "-T", "fields", "-E", "occurrence=f", "-E", "separator=/s",
               "-e", "sbc.bitpool", "-e", "sbc.sampling_frequency", "-e", "sbc.channel_mode"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())


def configurations(record):
    """Each configuration was agreed on, by all who tell, and its frames were on the air."""
    seen, agreed = Counter(), Counter()
    for event in record.events:
        named = [name for name in CONFIGURATIONS if f"condition={name}#" in event.get("combination", "")]
        payload = event["payload"]
        if event["kind"] == "connected":
            seen[named[0]] += 1
            if payload["configuration"] != CONFIGURATIONS[named[0]][0]:
                return f"{named[0]} was agreed on as {payload['configuration']}"
        elif event["kind"] == "observed" and payload["quantity"] in ("codec-agreement", "configuration-agreement"):
            agreed[named[0]] += payload["value"] == {"truth": True}
    for name, (_, headers) in CONFIGURATIONS.items():
        # Stack against wish, air against stack, frames against air.
        if not seen[name] or agreed[name] != 3 * seen[name]:
            return f"{name}: {seen[name]} connections, {agreed[name]} agreements"
        capture = min(record.run.glob(f"evidence/*condition-{name}.*/0001/*.btsnoop"))
        if frames(capture) != {headers}:
            return f"{name}: tshark shows frames with {frames(capture)}, where {headers} was due"
    return None


def transport(record):
    """The stack's word on the transport and the times of packets are on record."""
    states, delays, late = Counter(), set(), 0
    for event in record.events:
        payload = event["payload"]
        if event["kind"] == "transport-changed":
            match payload["change"]:
                case {"state": state}:
                    states[state] += 1
                case {"reported-delay": {"ns": ns}}:
                    delays.add(ns)
        elif event["kind"] == "observed" and payload["quantity"] == "packet-lateness":
            late += 1
    fine = states["active"] == states["idle"] == late > 0 and delays == {150_000_000}
    return None if fine else f"states {dict(states)}, delays {delays}, {late} streams with times"


def only_ldac_is_given_up(record):
    given_up = {event["combination"] for event in record.of_kind("given-up")}
    fine = given_up and all("codec=ldac" in combination for combination in given_up)
    return None if fine else f"given up: {given_up}"
