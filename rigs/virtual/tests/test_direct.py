import tempfile
import unittest
from pathlib import Path

import direct


class Direct(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = Path(self.folder.name)
        for path in "dev/vhci", "proc/1/comm", "proc/asound/Loopback/pcm0c", "sys/class/bluetooth/none":
            self.add(path)

    def add(self, path, text=""):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def refusals(self, user=0):
        return direct.refusals(self.root, user)

    def test_nothing_stands_in_its_way(self):
        self.add("proc/7/comm", "systemd\n")
        self.assertEqual(self.refusals(), [])

    def test_what_stands_in_its_way_is_told_with_what_to_do(self):
        for change, said in (
                (lambda: (self.root / "dev/vhci").unlink(), "modprobe hci_vhci"),
                (lambda: (self.root / "proc/asound/Loopback/pcm0c").unlink() or (self.root / "proc/asound/Loopback").rmdir(),
                 "modprobe snd-aloop"),
                (lambda: self.add("proc/812/comm", "bluetoothd\n"), "process 812, and would fight with ours: systemctl stop"),
                (lambda: self.add("sys/class/bluetooth/hci0/address"), "would drive hci0 too")):
            before = len(self.refusals())
            change()
            found = self.refusals()
            self.assertEqual(len(found), before + 1)
            self.assertTrue(any(said in refusal for refusal in found), (said, found))

    def test_it_is_for_root(self):
        self.assertIn("sudo", self.refusals(user=1000)[0])


if __name__ == "__main__":
    unittest.main()
