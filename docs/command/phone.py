#!/usr/bin/env python3
"""A phone for Rigtone, without hardware behind it: see docs/command.md."""

import json
import sys
import time
import wave

bonded, connected = set(), set()


def say(line):
    print(json.dumps(line), flush=True)


def failed(kind, detail):
    return {"failed": {"class": kind, "detail": detail}}


def pair(order):
    # Here the phone would be told. What the speaker refuses is `failed`; what the phone or its cable does is `fault`.
    bonded.add(order["target"])
    return {"done": {}}


def forget(order):
    bonded.discard(order["target"])
    connected.discard(order["target"])
    return {"done": {}}


def connect(order):
    if order["target"] not in bonded:
        return {"fault": {"what": "the phone has no bond with it", "hint": "pair first"}}
    if order["codec"] not in ("sbc", "aac"):
        return failed("unsupported", f"the phone has no {order['codec']}")
    connected.add(order["target"])
    return {"done": {"codec": order["codec"], "rate_hz": 44100}}


def disconnect(order):
    connected.discard(order["target"])
    return {"done": {}}


def prepare(order):
    # Here the file would be copied to the phone.
    with wave.open(order["file"]) as sound:
        print(f"{sound.getnframes()} frames of {sound.getframerate()} Hz", file=sys.stderr)
    return {"done": {}}


def play(order):
    if order["target"] not in connected:
        return failed("link-lost", "the speaker is not connected any more")
    # Here the phone would begin to play. Its own clock says when, as well as it can.
    say({"id": order["id"], "began": {"ago_ms": 0, "uncertainty_ms": 50}})
    time.sleep(order["lasts_ms"] / 1000)
    return {"done": {}}


def main():
    if json.loads(sys.stdin.readline())["rigtone"] != 1:
        sys.exit("this program speaks version 1")
    say({"rigtone": 1, "can": ["pairing", "connecting", "streaming"]})
    does = {f.__name__: f for f in (pair, forget, connect, disconnect, prepare, play)}
    # Ends with the standard input.
    for line in sys.stdin:
        order = json.loads(line)
        unknown = {"fault": {"what": f"it cannot do {order['do']}"}}
        answer = does[order["do"]](order) if order["do"] in does else unknown
        say({"id": order["id"], **answer})


if __name__ == "__main__":
    main()
