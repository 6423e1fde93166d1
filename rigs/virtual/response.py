"""What a virtual speaker makes of the sound that it received: channels, level, where its response falls off."""
import math
from array import array
from itertools import chain


def butterworth(kind, frequency, rate):
    """Coefficients b0, b1, b2, a1, a2 of a second-order Butterworth high-pass or low-pass, -3 dB at `frequency`, by the bilinear
    transform with that frequency kept in its place."""
    k = math.tan(math.pi * frequency / rate)
    norm = 1 / (1 + math.sqrt(2) * k + k * k)
    b0, b1 = (norm, -2 * norm) if kind == "high-pass" else (k * k * norm, 2 * k * k * norm)
    return b0, b1, b0, 2 * (k * k - 1) * norm, (1 - math.sqrt(2) * k + k * k) * norm


class Biquad:
    """A second-order filter of one channel, transposed direct form II."""

    def __init__(self, coefficients):
        self.coefficients, self.s1, self.s2 = coefficients, 0.0, 0.0

    def __call__(self, samples):
        (b0, b1, b2, a1, a2), s1, s2 = self.coefficients, self.s1, self.s2
        out = []
        for x in samples:
            y = b0 * x + s1
            s1 = b1 * x - a1 * y + s2
            s2 = b2 * x - a2 * y
            out.append(y)
        self.s1, self.s2 = s1, s2
        return out


class Howl:
    """Feedback: a tone that grows by 60 dB within half a second, to -12 dBFS (RMS), from 1 s into the stream on."""

    AFTER_S, GROWTH_S, GROWTH_DB, LEVEL_DB = 1.0, 0.5, 60.0, -12.0

    def __init__(self, frequency, rate):
        self.turn, self.rate, self.frame = 2 * math.pi * frequency, rate, 0
        self.peak = 32768 * math.sqrt(2) * 10 ** (self.LEVEL_DB / 20)

    def __call__(self, frames):
        """The next frames of it."""
        out = []
        for frame in range(self.frame, self.frame + frames):
            since = frame / self.rate - self.AFTER_S
            below = self.GROWTH_DB * max(0.0, 1 - since / self.GROWTH_S)
            out.append(self.peak * 10 ** (-below / 20) * math.sin(self.turn * since) if since > 0 else 0.0)
        self.frame += frames
        return out


class Response:
    """From the sound of a stream to that of the speaker; one for each stream, for its filters remember."""

    def __init__(self, setup, rate, channels, codec=None):
        self.setup, self.channels = setup, channels
        high_pass = setup.high_pass.get(codec, setup.high_pass.get(None))
        passes = [(kind, edge) for kind, edge in (("high-pass", high_pass), ("low-pass", setup.low_pass)) if edge]
        self.howl = Howl(setup.howl, rate) if setup.howl else None
        self.filters = [[Biquad(butterworth(kind, edge, rate)) for kind, edge in passes] for _ in range(channels)]

    def gain(self):
        volume = 1 if self.setup.volume is None else self.setup.volume
        return 10 ** (self.setup.level / 20) * volume * (-1 if self.setup.inverted else 1)

    def __call__(self, sound):
        gain = self.gain()
        layout = self.setup.channels if self.channels == 2 else "stereo"
        if gain == 1 and layout == "stereo" and not self.filters[0] and not self.howl:
            return sound
        samples = array("h", sound)
        sides = [samples[side::self.channels] for side in range(self.channels)]
        match layout:
            case "swapped":
                sides.reverse()
            case "mono":
                sides = [[(left + right) / 2 for left, right in zip(*sides)]] * 2
            case "left-only":
                sides[1] = sides[0]
            case "right-only":
                sides[0] = sides[1]
        for side, filters in enumerate(self.filters):
            for biquad in filters:
                sides[side] = biquad(sides[side])
        if self.howl:
            # It comes from the loop, not from the stream: no volume or polarity of the speaker changes it.
            fed_back = self.howl(len(sides[0]))
            sides, gain = [[gain * x + y for x, y in zip(side, fed_back)] for side in sides], 1
        return array("h", (
            max(-32768, min(32767, round(gain * x))) for x in chain.from_iterable(zip(*sides)))).tobytes()
