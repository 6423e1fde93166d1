"""Encoders of the virtual source: a whole sound in, the payloads of its packets out, each with the sample it begins at.

libsbc, libfreeaptx and ffmpeg do the work: none of it is Rigtone's.
"""
import ctypes
import subprocess
from array import array

from configuration import AAC_RATES, SBC_JOINT, SBC_MONO, SBC_RATES, loas_elements
from decoders import Sbc

RTP_HEADER = 12
APTX_WORDS = 90                             # in a packet: 7.5 ms at 48 kHz


def packets(codec, octets, stereo, rate, mtu):
    """(first sample, RTP marker or None without RTP, payload) of each packet of a 16-bit stereo sound."""
    match codec:
        case "sbc":
            return list(sbc(octets, stereo, mtu))
        case "aac":
            return list(aac(octets, stereo, rate, mtu))
        case "aptx" | "aptx-hd":
            return list(aptx(codec == "aptx-hd", stereo))


def sbc(octets, stereo, mtu):
    library, state = ctypes.CDLL("libsbc.so.1"), Sbc.State()
    library.sbc_encode.restype = ctypes.c_ssize_t
    library.sbc_init(ctypes.byref(state), ctypes.c_ulong(0))
    mono = bool(octets[0] & SBC_MONO)
    state.frequency = 3 if octets[0] & SBC_RATES[48000] else 2
    state.mode = 3 - (octets[0] & 0x0F).bit_length() + SBC_JOINT
    state.blocks = 8 - (octets[1] & 0xF0).bit_length()
    state.subbands = 1 if octets[1] & 0x04 else 0
    state.allocation = 0 if octets[1] & 0x01 else 1
    state.bitpool = octets[3]
    if mono:
        samples = array("h", stereo)
        stereo = array("h", ((left + right) // 2 for left, right in zip(samples[0::2], samples[1::2]))).tobytes()
    size = 4 * (state.blocks + 1) * (8 if state.subbands else 4)           # samples of a frame
    block = size * (2 if mono else 4)
    stereo += bytes(-len(stereo) % block)
    out, made, frames = ctypes.create_string_buffer(1024), ctypes.c_ssize_t(), []
    for at in range(0, len(stereo), block):
        used = library.sbc_encode(ctypes.byref(state), stereo[at:at + block], ctypes.c_size_t(block), out,
                                  ctypes.c_size_t(len(out)), ctypes.byref(made))
        if used != block:
            raise ValueError(f"SBC encoder: took {used} of {block} octets")
        frames.append(out.raw[:made.value])
    fit = min(15, (mtu - RTP_HEADER - 1) // max(map(len, frames)))
    for at in range(0, len(frames), fit):
        part = frames[at:at + fit]
        yield at * size, False, bytes([len(part)]) + b"".join(part)


def aac(octets, stereo, rate, mtu):
    if not int.from_bytes(octets[1:3], "big") & AAC_RATES[rate]:
        raise ValueError("the sound has another rate than the stream")
    bit_rate = int.from_bytes(octets[3:6], "big") & 0x7FFFFF
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-f", "s16le", "-ar", str(rate), "-ac", "2", "-i", "pipe:0",
               "-c:a", "aac", "-b:a", str(bit_rate), "-f", "latm", "-smc-interval", "1", "pipe:1"]
    stream = subprocess.run(command, input=stereo, stdout=subprocess.PIPE, check=True).stdout
    room = mtu - RTP_HEADER
    for number, element in enumerate(loas_elements(stream)):
        for at in range(0, len(element), room):
            yield number * 1024, at + room >= len(element), element[at:at + room]


def aptx(hd, stereo):
    library = ctypes.CDLL("libfreeaptx.so.0")
    library.aptx_init.restype = ctypes.c_void_p
    library.aptx_encode.restype = ctypes.c_size_t
    context = ctypes.c_void_p(library.aptx_init(int(hd)))
    word, block = (6 if hd else 4), 4 * 2 * 3                               # 4 stereo samples of 24 bits make a word
    wide = bytearray(len(stereo) // 2 * 3)
    wide[1::3], wide[2::3] = stereo[0::2], stereo[1::2]
    wide += bytes(-len(wide) % (block * APTX_WORDS))
    size, out, made = block * APTX_WORDS, ctypes.create_string_buffer(word * APTX_WORDS), ctypes.c_size_t()
    for number in range(len(wide) // size):
        used = library.aptx_encode(context, bytes(wide[number * size:(number + 1) * size]), ctypes.c_size_t(size), out,
                                   ctypes.c_size_t(len(out)), ctypes.byref(made))
        if used != size or made.value != len(out):
            raise ValueError(f"aptX encoder: took {used} of {size} octets")
        yield number * 4 * APTX_WORDS, False if hd else None, out.raw
