#!/usr/bin/env python3
"""A power strip for Rigtone, without hardware behind it: see docs/command.md."""

import json
import sys


def say(line):
    print(json.dumps(line), flush=True)


def main():
    greeting = json.loads(sys.stdin.readline())
    if greeting["rigtone"] != 1:
        sys.exit("this program speaks version 1")
    # Here the hardware would be opened and asked.
    outlets = dict.fromkeys(range(1, greeting["for"]["channels"] + 1), False)
    say({"rigtone": 1, "can": ["switch", "position"]})
    # Ends with the standard input.
    for line in sys.stdin:
        order = json.loads(line)
        channel = order["channel"]
        if channel not in outlets:
            fault = {"what": f"there is no channel {channel}", "hint": f"it has {len(outlets)}"}
            say({"id": order["id"], "fault": fault})
            continue
        if order["do"] == "switch":
            # Here the order would be sent.
            outlets[channel] = order["on"]
        # And here the hardware would be asked.
        say({"id": order["id"], "done": {"on": outlets[channel]}})


if __name__ == "__main__":
    main()
