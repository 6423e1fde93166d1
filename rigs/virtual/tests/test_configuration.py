"""What the virtual source asks for, and how its packets look."""
import unittest

from configuration import choose, loas_elements, rtp


class Choices(unittest.TestCase):
    def test_configurations(self):
        for codec, offered, rate, bitpool, chosen in (
                ("sbc", "ffff0235", 48000, 53, "11150235"), ("sbc", "ffff0235", 44100, 53, "21150235"),
                ("sbc", "3fff0235", 48000, 35, "11150223"), ("sbc", "11150220", 48000, 53, "11150220"),
                ("sbc", "18460a20", 48000, 53, "18460a20"),     # mono, 8 blocks, 8 subbands, SNR is all there is
                ("sbc", "21150235", 48000, 53, None), ("sbc", "ffff2835", 48000, 30, None),
                ("aac", "80018c03e800", 48000, 53, "80008403e800"), ("aac", "80018c03e800", 44100, 53, "80010403e800"),
                ("aac", "40008481f400", 48000, 53, "40008401f400"), ("aac", "c0018c000000", 48000, 53, "80008403e800"),
                ("aac", "80008404e200", 48000, 53, "80008403e800"),
                ("aac", "80010403e800", 48000, 53, None), ("aac", "80008803e800", 48000, 53, None),
                ("aptx", "4f0000000100f2", 48000, 53, "4f000000010012"), ("aptx", "4f000000010022", 48000, 53, None),
                ("aptx-hd", "d700000024003200000000", 44100, 53, "d700000024002200000000")):
            with self.subTest(codec=codec, offered=offered, rate=rate):
                octets = choose(codec, bytes.fromhex(offered), rate, bitpool)
                self.assertEqual(octets and octets.hex(), chosen)


class Packets(unittest.TestCase):
    def test_headers(self):
        self.assertEqual(rtp(0, 0, False, b"\x0f").hex(), "806000000000000000000001" "0f")
        self.assertEqual(rtp(0x10001, 640, True, b"").hex(), "80e000010000028000000001")

    def test_loas(self):
        stream = bytes.fromhex("56e003" "010203" "56e001" "ff")
        self.assertEqual(list(loas_elements(stream)), [b"\x01\x02\x03", b"\xff"])
        for cut in stream[:5], stream[1:], b"\x56", b"\x56\xe0":
            with self.subTest(cut), self.assertRaises(ValueError):
                list(loas_elements(cut))
