"""What a source makes of a speaker's capabilities: one configuration of a codec. Octets are as in AVDTP, after the codec's type."""

SBC_RATES = {44100: 0x20, 48000: 0x10}
SBC_JOINT, SBC_STEREO, SBC_DUAL, SBC_MONO = 0x01, 0x02, 0x04, 0x08
AAC_RATES = {44100: 0x0100, 48000: 0x0080}  # second and third octet
AAC_STEREO, AAC_BIT_RATE = 0x04, 256_000
APTX_STEREO = 0x02
VENDORS = {"aptx": (0x4F, 1), "aptx-hd": (0xD7, 0x24)}                # vendor and codec


def first(offered, *wished):
    """The first of the wished bits that is offered, or 0."""
    return next((bit for bit in wished if offered & bit), 0)


def choose(codec, offered, rate, bitpool):
    """The configuration that a source asks for, or None when what is offered does not do for that sample rate."""
    match codec:
        case "sbc":
            parts = (first(offered[0], SBC_RATES[rate]), first(offered[0], SBC_JOINT, SBC_STEREO, SBC_DUAL, SBC_MONO),
                     first(offered[1], 0x10, 0x20, 0x40, 0x80), first(offered[1], 0x04, 0x08), first(offered[1], 0x01, 0x02))
            most = min(offered[3], bitpool)
            if not all(parts) or most < offered[2]:
                return None
            return bytes([parts[0] | parts[1], parts[2] | parts[3] | parts[4], offered[2], most])
        case "aac":
            kind, bits = first(offered[0], 0x80, 0x40), AAC_RATES[rate]
            if not kind or not (offered[1] << 8 | offered[2]) & bits or not offered[2] & AAC_STEREO:
                return None
            most = int.from_bytes(bytes([offered[3] & 0x7F]) + offered[4:6], "big")
            bit_rate = min(most, AAC_BIT_RATE) if most else AAC_BIT_RATE
            return bytes([kind, bits >> 8, bits & 0xFF | AAC_STEREO]) + bit_rate.to_bytes(3, "big")
        case "aptx" | "aptx-hd":
            if not offered[6] & SBC_RATES[rate] or not offered[6] & APTX_STEREO:
                return None
            return offered[:6] + bytes([SBC_RATES[rate] | APTX_STEREO]) + bytes(len(offered) - 7)


def loas_elements(stream):
    """The audio mux elements of a LOAS stream, without their sync words."""
    while stream:
        size = int.from_bytes(stream[1:3], "big") & 0x1FFF
        if len(stream) < 3 + size or stream[0] != 0x56 or stream[1] & 0xE0 != 0xE0:
            raise ValueError("this is not a LOAS stream")
        yield stream[3:3 + size]
        stream = stream[3 + size:]


def rtp(sequence, timestamp, marker, payload):
    return (bytes([0x80, 0x80 * marker | 96]) + (sequence & 0xFFFF).to_bytes(2, "big")
            + (timestamp & 0xFFFFFFFF).to_bytes(4, "big") + bytes([0, 0, 0, 1]) + payload)
