"""What a virtual speaker makes of its sound, against the textbook's magnitudes."""
import cmath
import math
import unittest
from array import array

import nature
from response import Biquad, Howl, Response, butterworth

RATE = 48000


def magnitude(impulse, frequency):
    return abs(sum(x * cmath.exp(-2j * math.pi * frequency * n / RATE) for n, x in enumerate(impulse)))


class Filters(unittest.TestCase):
    def test_magnitudes_are_those_of_a_butterworth(self):
        # |H|^2 = 1 / (1 + r^4), r = the ratio of the frequencies as the bilinear transform bends them.
        for kind, edge in (("high-pass", 60), ("high-pass", 300), ("low-pass", 300), ("low-pass", 8000), ("low-pass", 20000)):
            impulse = Biquad(butterworth(kind, edge, RATE))([1.0] + [0.0] * 12000)
            for frequency in (30, 60, 300, 1000, 8000, 15000, 20000):
                ratio = math.tan(math.pi * frequency / RATE) / math.tan(math.pi * edge / RATE)
                if kind == "high-pass":
                    ratio = 1 / ratio
                with self.subTest(kind=kind, edge=edge, frequency=frequency):
                    self.assertAlmostEqual(magnitude(impulse, frequency), (1 + ratio ** 4) ** -0.5, delta=1e-6)

    def test_the_edge_is_3_db_down(self):
        for kind in "high-pass", "low-pass":
            impulse = Biquad(butterworth(kind, 1000, RATE))([1.0] + [0.0] * 12000)
            self.assertAlmostEqual(20 * math.log10(magnitude(impulse, 1000)), -3.0103, places=3)

    def test_a_sound_in_parts_is_the_sound_whole(self):
        sound = [float((n * 7919) % 2001 - 1000) for n in range(500)]
        whole, parts = Biquad(butterworth("low-pass", 500, RATE)), Biquad(butterworth("low-pass", 500, RATE))
        self.assertEqual(whole(sound), parts(sound[:123]) + parts(sound[123:]))


class Howls(unittest.TestCase):
    def howl(self, frames_of_each):
        howl = Howl(1200, RATE)
        return [x for frames in frames_of_each for x in howl(frames)]

    def test_it_grows_to_its_level(self):
        tone = self.howl([2 * RATE])
        rms = lambda first, last: 20 * math.log10(math.sqrt(sum(x * x for x in tone[first:last]) / (last - first)) / 32768)     # noqa: E731
        self.assertFalse(any(tone[:RATE]))
        # Halfway through its growth it is 30 dB below; a stretch of 10 ms around that is even in dB, nearly so in power.
        self.assertAlmostEqual(rms(RATE * 5 // 4 - RATE // 200, RATE * 5 // 4 + RATE // 200), -42, delta=0.1)
        self.assertAlmostEqual(rms(RATE * 3 // 2, 2 * RATE), -12, delta=0.01)

    def test_in_parts_it_is_the_same(self):
        self.assertEqual(self.howl([RATE, 700, 20000]), self.howl([RATE + 20700]))


class Responses(unittest.TestCase):
    def heard(self, options, samples, channels=2):
        response = Response(nature.speaker().read(options.split()), RATE, channels)
        return list(array("h", response(array("h", samples).tobytes())))

    def test_channels_and_level(self):
        left_right = [100, -40, 200, 60]
        for options, heard in (
                ("", left_right), ("--channels swapped", [-40, 100, 60, 200]), ("--channels mono", [30, 30, 130, 130]),
                ("--channels left-only", [100, 100, 200, 200]), ("--channels right-only", [-40, -40, 60, 60]),
                ("--inverted", [-100, 40, -200, -60]), ("--level -20dB", [10, -4, 20, 6]), ("--volume 50%", [50, -20, 100, 30]),
                ("--level -20dB --volume 50% --inverted --channels swapped", [2, -5, -3, -10])):
            with self.subTest(options):
                self.assertEqual(self.heard(options, left_right), heard)

    def test_one_channel_has_no_sides(self):
        self.assertEqual(self.heard("--channels right-only --level -20dB", [100, 200], 1), [10, 20])

    def test_it_clips(self):
        self.assertEqual(self.heard("--level 6dB", [30000, -30000, 1, -1]), [32767, -32768, 2, -2])
        self.assertEqual(self.heard("--inverted", [-32768, 0]), [32767, 0])

    def test_each_side_has_its_own_filter(self):
        samples = [x for n in range(4800) for x in (0, 10000)]
        heard = self.heard("--high-pass 300Hz", samples)
        self.assertEqual(set(heard[0::2]), {0})
        self.assertGreater(heard[1], 9000)
        self.assertEqual(set(heard[-99::2]), {0})
