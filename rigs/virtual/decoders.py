"""Decoders of the virtual speakers: packets of a stream in, 16-bit sound out. libsbc, libfreeaptx, libfaad and libopus do the work."""
import ctypes

from bumble import codecs

from unit import log


class Sbc:
    """libsbc's decoder."""

    class State(ctypes.Structure):
        _fields_ = [("flags", ctypes.c_ulong),
                    *((name, ctypes.c_uint8) for name in
                      ("frequency", "blocks", "subbands", "mode", "allocation", "bitpool", "endian")),
                    ("private", ctypes.c_void_p), ("private_base", ctypes.c_void_p)]

    def __init__(self):
        self.library, self.state = ctypes.CDLL("libsbc.so.1"), self.State()
        self.library.sbc_decode.restype = ctypes.c_ssize_t
        self.library.sbc_init(ctypes.byref(self.state), ctypes.c_ulong(0))
        self.pcm, self.size = ctypes.create_string_buffer(4096), ctypes.c_size_t()

    def decode(self, frames):
        sound = b""
        while frames:
            used = self.library.sbc_decode(ctypes.byref(self.state), frames, ctypes.c_size_t(len(frames)), self.pcm,
                                           ctypes.c_size_t(len(self.pcm)), ctypes.byref(self.size))
            if used <= 0:
                log("SBC decoder: error", used)
                break
            sound, frames = sound + self.pcm.raw[:self.size.value], frames[used:]
        return sound

    @property
    def rate(self):
        return (16000, 32000, 44100, 48000)[self.state.frequency]

    @property
    def channels(self):
        return 1 if self.state.mode == 0 else 2


class Aptx:
    """libfreeaptx's decoder."""

    channels = 2

    def __init__(self, hd, rate):
        self.library, self.rate = ctypes.CDLL("libfreeaptx.so.0"), rate
        self.library.aptx_init.restype = ctypes.c_void_p
        self.library.aptx_decode.restype = ctypes.c_size_t
        self.context = ctypes.c_void_p(self.library.aptx_init(int(hd)))
        self.word = 6 if hd else 4

    def decode(self, data):
        size = len(data) // self.word * 4 * self.channels * 3   # 4 samples of 24 bits a word
        pcm, made = ctypes.create_string_buffer(size), ctypes.c_size_t()
        used = self.library.aptx_decode(self.context, data, ctypes.c_size_t(len(data)), pcm, ctypes.c_size_t(size),
                                        ctypes.byref(made))
        if used != len(data):
            log("aptX decoder: took", used, "of", len(data))
        sound = pcm.raw[:made.value]
        words = bytearray(len(sound) // 3 * 2)
        words[0::2], words[1::2] = sound[1::3], sound[2::3]     # the upper 16 bits
        return bytes(words)


class Opus:
    """libopus's decoder."""

    channels, rate = 2, 48000
    longest = 5760                                              # samples: 120 ms

    def __init__(self):
        self.library, error = ctypes.CDLL("libopus.so.0"), ctypes.c_int()
        self.library.opus_decoder_create.restype = ctypes.c_void_p
        self.state = ctypes.c_void_p(self.library.opus_decoder_create(self.rate, self.channels, ctypes.byref(error)))
        self.pcm = ctypes.create_string_buffer(self.longest * self.channels * 2)

    def decode(self, frame):
        made = self.library.opus_decode(self.state, frame, len(frame), self.pcm, self.longest, 0)
        if made < 0:
            log("Opus decoder: error", made)
        return self.pcm.raw[:max(made, 0) * self.channels * 2]


class Aac:
    """libfaad's decoder."""

    channels = 2

    class Info(ctypes.Structure):
        _fields_ = [("consumed", ctypes.c_ulong), ("samples", ctypes.c_ulong), ("channels", ctypes.c_ubyte),
                    ("error", ctypes.c_ubyte), ("rate", ctypes.c_ulong), ("rest", ctypes.c_ubyte * 128)]

    def __init__(self, rate):
        self.library, self.rate, self.begun = ctypes.CDLL("libfaad.so.2"), rate, False
        self.library.NeAACDecOpen.restype = self.library.NeAACDecDecode.restype = ctypes.c_void_p
        self.library.NeAACDecInit.restype = ctypes.c_long
        self.state, self.info = ctypes.c_void_p(self.library.NeAACDecOpen()), self.Info()

    def decode(self, element):
        frame = codecs.AacAudioRtpPacket.from_bytes(element).to_adts()
        size = ctypes.c_ulong(len(frame))
        if not self.begun:
            rate, channels = ctypes.c_ulong(), ctypes.c_ubyte()
            self.begun = self.library.NeAACDecInit(
                self.state, frame, size, ctypes.byref(rate), ctypes.byref(channels)) >= 0
        pcm = self.library.NeAACDecDecode(self.state, ctypes.byref(self.info), frame, size)
        if self.info.error:
            log("AAC decoder: error", self.info.error)
        return ctypes.string_at(pcm, self.info.samples * 2) if pcm and self.info.samples else b""


def for_configuration(codec, octets):
    """The decoder of a stream that was configured so, None for a codec that cannot be heard."""
    match codec:
        case "sbc":
            return Sbc()
        case "opus":
            return Opus()
        case "aac":
            return Aac(48000 if octets[4] & 0x80 else 44100)
        case "aptx" | "aptx-hd":
            return Aptx(codec == "aptx-hd", 48000 if octets[8] & 0x10 else 44100)
