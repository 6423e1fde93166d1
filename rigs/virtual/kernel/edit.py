"""edit.py TREE: the edits that a Linux 6.1 source tree needs before it can be the guest of the virtual rig.

Every place must be found exactly once; otherwise nothing is written and the failing edit is named.
"""
import re
import sys
from pathlib import Path

WHOLE = r"(?s)\A.*\Z"

# name of the edit, file, pattern of the region it lies in, pattern of the place, what stands there afterwards
EDITS = [
    # 6.1 hides ALSA from User-Mode Linux, although it works there
    ("alsa-begin", "sound/Kconfig", WHOLE, r"^if !UML\n", ""),
    ("alsa-end", "sound/Kconfig", WHOLE, r"^endif # !UML\n", ""),
    # snd-aloop counts jiffies: 1 ms of grain instead of 10 ms
    ("tick", "arch/um/Kconfig", r"^config HZ\n(?:\t.*\n)+", r"default 100$", "default 1000"),
    # processors with AMX have 11008 bytes of floating-point registers, and the host takes them back only whole
    ("registers", "arch/x86/um/user-offsets.c", WHOLE, r"HOST_FP_SIZE, 2696\)", "HOST_FP_SIZE, 12288)"),
    # a link's list of channels is freed before its last L2CAP reference goes, which then frees the channel again:
    # the channel is taken off while the link still stands
    ("channel-early", "net/bluetooth/l2cap_core.c", r"(?s)^static void l2cap_conn_del\(.*?^}", r"\thcon->l2cap_data = NULL;",
     "\thci_chan_del(conn->hchan);\n\tconn->hchan = NULL;\n\thcon->l2cap_data = NULL;"),
    ("channel-late", "net/bluetooth/l2cap_core.c", r"(?s)^static void l2cap_conn_free\(.*?^}", r"\thci_chan_del\(",
     "\tif (conn->hchan)\n\t\thci_chan_del("),
]


def once(pattern, text, name):
    found = list(re.finditer(pattern, text, re.MULTILINE))
    if len(found) != 1:
        sys.exit(f"kernel edit {name}: {pattern!r} found {len(found)} times, expected once; is this the source of Linux 6.1?")
    return found[0]


def main(tree):
    texts = {}
    for name, file, region, place, new in EDITS:
        text = texts.get(file) or (tree / file).read_text()
        outer = once(region, text, name)
        inner = once(place, outer[0], name)
        begin, end = outer.start() + inner.start(), outer.start() + inner.end()
        texts[file] = text[:begin] + new + text[end:]
    for file, text in texts.items():
        (tree / file).write_text(text)


main(Path(sys.argv[1]))
