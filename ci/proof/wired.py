"""Latency by a reference channel: what the microphone hears later than the wire."""
import struct

# The grain of the loopback card, a jiffy of the guest's kernel, is in neither end; what is left is the analysis.
MAY_BE_APART_MS = 0.1
STATED_AT_MOST_MS = 0.5


def later(truth_ms):
    def check(record):
        found = [(number, uncertainty) for _, number, uncertainty in record.values("latency")]
        wrong = [(number, stated) for number, stated in found
                 if abs(number - truth_ms) > MAY_BE_APART_MS or stated > STATED_AT_MOST_MS]
        return None if found and not wrong else f"latencies {wrong or 'not measured'}, where {truth_ms} ms are true"
    return check


def kept_in(bits, channels):
    """The recordings are kept as they came."""
    def check(record):
        files = [record.run / evidence["payload"]["file"] for evidence in record.of_kind("evidence")
                 if evidence["payload"].get("listening")]
        if not files:
            return "no recording was kept"
        for file in files:
            head = file.read_bytes()[:44]
            found = struct.unpack("<H", head[34:36])[0], struct.unpack("<H", head[22:24])[0]
            if found != (bits, channels):
                return f"{file.name} has {found[0]} bits and {found[1]} channels"
        return None
    return check
