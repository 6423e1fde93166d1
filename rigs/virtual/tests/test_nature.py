"""The options of virtual units."""
import unittest

import nature


class Quantities(unittest.TestCase):
    def test_units(self):
        for kind, text, value in (
                ("duration", "1500ms", 1.5), ("duration", "1.5 s", 1.5), ("duration", "2min", 120), ("duration", "250 us", 0.00025),
                ("share", "5%", 0.05), ("share", "100 %", 1), ("level", "-6 dB", -6), ("level", "+3dBFS", 3),
                ("frequency", "60 Hz", 60), ("frequency", "2.5kHz", 2500)):
            with self.subTest(text):
                self.assertAlmostEqual(nature.quantity(kind)(text), value)

    def test_refusals(self):
        for kind, text in (
                ("duration", "1500"), ("duration", "-1s"), ("duration", "1 S"), ("duration", ""), ("duration", "1e3 s"),
                ("duration", "1  s"), ("share", "0.5"), ("share", "101%"), ("level", "3"), ("level", "-201 dB"),
                ("frequency", "0 Hz"), ("frequency", "60")):
            with self.subTest(text), self.assertRaises(nature.argparse.ArgumentTypeError):
                nature.quantity(kind)(text)


class Speakers(unittest.TestCase):
    def read(self, line):
        return nature.speaker().read(line.split())

    def test_nothing_said_is_ideal(self):
        setup = self.read("")
        self.assertEqual(setup.codecs, ["sbc"])
        self.assertEqual((setup.discovery, setup.pairing, setup.first_pairing, setup.jitter, setup.level), (1, 1, None, 0, 0))
        self.assertEqual(setup.latency, {None: 0.1})
        self.assertFalse(setup.silent or setup.one_link or setup.stale_cache)
        self.assertIsNone(setup.fails_after)

    def test_values(self):
        for line, name, value in (
                ("--fails-after 1500ms", "fails_after", 1.5), ("--level -6dB", "level", -6), ("--level=-6dB", "level", -6),
                ("--codecs sbc,aac --refuses aac", "refuses", ["aac"]), ("--roles none", "roles", []),
                ("--roles a2dp-source", "roles", ["a2dp-source"]),
                ("--latency 200ms", "latency", {None: 0.2}),
                ("--latency aac=150ms,sbc=0.2s", "latency", {None: 0.1, "aac": 0.15, "sbc": 0.2}),
                ("--latency 60ms,sbc=0.2s", "latency", {None: 0.06, "sbc": 0.2}),
                ("--high-pass 97Hz", "high_pass", {None: 97}), ("", "high_pass", {}),
                ("--high-pass sbc=97Hz,aac=0.055kHz", "high_pass", {"sbc": 97, "aac": 55}),
                ("--gesture 3s", "gesture", 3), ("", "gesture", None), ("--howl 1.2kHz", "howl", 1200)):
            with self.subTest(line):
                self.assertEqual(getattr(self.read(line), name), value)

    def test_refusals_name_the_option(self):
        for line, words in (
                ("--fails-after 1500", "--fails-after: `1500` is not a duration"),
                ("--fails-after", "--fails-after: expected one argument"),
                ("--fail-after 1s", "unrecognized arguments: --fail-after"), ("--fails 1s", "unrecognized arguments: --fails"),
                ("stray", "unrecognized arguments: stray"),
                ("--codecs sbc,mp3", "`mp3` is not one of"), ("--codecs sbc,sbc", "twice"), ("--codecs ,", "`` is not one of"),
                ("--refuses aac", "does not offer"), ("--latency 20ms", "between 50 and 450 ms"), ("--latency mp3=100ms", "`mp3`"),
                ("--latency sbc=100ms,sbc=200ms", "two latencies"), ("--high-pass sbc=60Hz,sbc=90Hz", "two frequencies"),
                ("--high-pass mp3=60Hz", "`mp3`"), ("--bitpool 251", "2 to 250"), ("--bitpool x", "whole number"),
                ("--seed -1", "--seed"), ("--channels left", "--channels"), ("--roles sink", "`sink` is not one of")):
            with self.subTest(line), self.assertRaises(ValueError) as caught:
                self.read(line)
            self.assertIn(words, str(caught.exception), line)

    def test_changes_while_on(self):
        parser, setup = nature.speaker(), self.read("--codecs sbc,aac --fails-after 1s")
        parser.change(setup, "pairing", "50 %")
        parser.change(setup, "silent", True)
        parser.change(setup, "refuses", "aac")
        self.assertEqual((setup.pairing, setup.silent, setup.refuses, setup.fails_after), (0.5, True, ["aac"], 1))
        parser.change(setup, "silent", False)
        self.assertFalse(setup.silent)
        for name, value in (("silent", "yes"), ("pairing", True), ("pairing", 0.5), ("pairing", "0.5"), ("refuses", "ldac"), ("x", "1")):
            before = dict(vars(setup))
            with self.subTest(name=name, value=value), self.assertRaises(ValueError):
                parser.change(setup, name, value)
            self.assertEqual(vars(setup), before)


class Sources(unittest.TestCase):
    def test_values(self):
        setup = nature.source().read("--sink D2:00:00:00:00:01 --prefers aac,sbc --every 10s --mode sink".split())
        self.assertEqual((setup.sink, setup.prefers, setup.every, setup.mode), ("D2:00:00:00:00:01", ["aac", "sbc"], 10, "sink"))

    def test_refusals(self):
        for line in ("--sink D2:00", "--sink d2:00:00:00:00:01", "--prefers opus", "--mode both", "--codecs sbc"):
            with self.subTest(line), self.assertRaises(ValueError):
                nature.source().read(line.split())
