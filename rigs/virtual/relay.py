"""relay.py LINK [--sticks CHANNEL:ORDERS] [--buttons] CHANNEL...: a USB relay board on a pty, LCUS protocol; channel n is the
power of unit n. With --buttons there are eight more, 6 to 9 and 10 to 13: two buttons of each speaker.

LINK is where the board's port appears. A channel that sticks stays where it is after so many orders. Each CHANNEL is a JSON object: {"kind": "speaker" or "source", "name", "channel",
"controller", "bonds", "control", "log", "options": [..]}, or null where nothing is plugged in. The board understands A0
channel state sum (state 0 off, 1 on; no answer) and FF, to which it answers with the state of every channel as text.
"""
import argparse
import asyncio
import gc
import json
import os
import pty
import signal
import socket
import sys
import time
import tty

import nature
from source import Source
from speaker import Speaker                 # loaded once: a power-up is a fork, not a start of Python

SPEAKERS = 4
BUTTONS = 2                                 # of each speaker
KINDS = {"speaker": (Speaker, nature.speaker), "source": (Source, nature.source)}


class Channel:
    def __init__(self, plan):
        self.plan, self.on, self.pid, self.lives, self.orders_left = plan, False, None, 0, float("inf")
        if plan:
            self.unit, parser = KINDS[plan["kind"]]
            self.parser = parser()
            self.setup = self.parser.read(plan["options"])

    def switch(self, on):
        self.orders_left -= 1
        if self.orders_left < 0:
            return
        if on and not self.on and self.plan:
            self.lives += 1
            self.pid = os.fork() or self.live()
        elif not on and self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)         # the power is off when this returns
            self.pid = None
        self.on = on

    def live(self):
        status = 1
        try:
            out = os.open(self.plan["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            os.dup2(out, 1)
            os.dup2(out, 2)
            asyncio.run(self.unit(self.parser, self.setup, self.plan, self.lives).run())
            status = 0
        except BaseException as error:
            print("the unit ended:", repr(error), file=sys.stderr, flush=True)
        finally:
            os._exit(status)


class Button:
    """A channel that is wired to a button: the speaker gets to know how long it was held when it is let go."""

    def __init__(self, plan):
        self.plan, self.on, self.since = plan, False, None

    def switch(self, on):
        if on and not self.on:
            self.since = time.monotonic()
        elif not on and self.on and self.plan:
            order = {"do": "press", "for": round(time.monotonic() - self.since, 3)}
            with socket.socket(socket.AF_UNIX) as control:
                try:
                    control.connect(self.plan["control"])
                    control.sendall(json.dumps(order).encode() + b"\n")
                except (FileNotFoundError, ConnectionRefusedError):
                    pass                    # it is off, and feels nothing
        self.on = on


def answer(channels, data):
    """Carries out the orders in `data`; returns what the board says and what is left of `data`."""
    said = b""
    while data:
        if data[0] == 0xFF:
            for number, channel in enumerate(channels, 1):
                said += b"CH%d:%s \r\n" % (number, b"ON" if channel.on else b"OFF")
        if data[0] != 0xA0:
            data = data[1:]
            continue
        if len(data) < 4:
            break
        _, number, state, checksum = data[:4]
        data = data[4:]
        if (0xA0 + number + state) & 0xFF != checksum or not 1 <= number <= len(channels) or state > 1:
            print("ignored", number, state, checksum, flush=True)
            continue
        channels[number - 1].switch(state == 1)
        print("channel", number, "on" if channels[number - 1].on else "off", flush=True)
    return said, data


def sticking(word):
    channel, orders = map(int, word.split(":"))
    return channel, orders


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("link")
    parser.add_argument("--sticks", action="append", default=[], type=sticking, metavar="CHANNEL:ORDERS")
    parser.add_argument("--buttons", action="store_true")
    parser.add_argument("plans", nargs="+", type=json.loads, metavar="CHANNEL")
    arguments = parser.parse_args()
    channels = [Channel(plan) for plan in arguments.plans]
    if arguments.buttons:
        channels += [Button(plan) for plan in arguments.plans[:SPEAKERS] * BUTTONS]
    for channel, orders in arguments.sticks:
        channels[channel - 1].orders_left = orders
    board, port = pty.openpty()
    tty.setraw(port)
    os.symlink(os.ttyname(port), arguments.link)
    gc.freeze()                             # a collection in a speaker would copy every page of the shared modules
    data = b""
    while True:
        said, data = answer(channels, data + os.read(board, 256))
        os.write(board, said)


main()
