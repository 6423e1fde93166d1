"""How a virtual unit behaves: the options of speakers and of the source, in the words of simulated units.

Quantities are written as in Rigtone's documents: a number and its unit, such as `1500ms`. `boot` reads the options on the
host before a guest is started, so this file needs nothing but Python.
"""
import argparse
import re

CODECS = ("sbc", "aac", "aptx", "aptx-hd", "opus", "ldac")
LAYOUTS = ("stereo", "swapped", "mono", "left-only", "right-only")
ROLES = ("a2dp-sink", "a2dp-source")
LATENCY_S = 0.1
SHORTEST_S, LONGEST_S = 0.05, 0.45          # what the room's buffer allows
BITPOOL = 2, 250

# a kind of quantity: its units, its range in the first of them, and a value that would be right
QUANTITIES = {
    "duration": ({"s": 1.0, "ns": 1e-9, "us": 1e-6, "ms": 1e-3, "min": 60.0, "h": 3600.0}, (0, 3.2e9), "90 s"),
    "share": ({"%": 0.01}, (0, 1), "95 %"),
    "level": ({"dB": 1.0, "dBFS": 1.0}, (-200, 200), "-12 dB"),
    "frequency": ({"Hz": 1.0, "kHz": 1e3}, (1, 20e3), "60 Hz"),
}


def quantity(kind):
    """A reader of quantities of that kind."""
    units, (least, most), example = QUANTITIES[kind]
    sign = "[-+]?" if kind == "level" else ""

    def read(text):
        parts = re.fullmatch(rf"({sign}[0-9]+(?:\.[0-9]+)?) ?({'|'.join(units)})", text)
        if not parts:
            raise argparse.ArgumentTypeError(
                f"`{text}` is not a {kind}: write a number and one of the units {', '.join(f'`{u}`' for u in units)}, such as `{example}`")
        value = float(parts[1]) * units[parts[2]]
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"`{text}` is out of range: {least:g} to {most:g} in {next(iter(units))}"
                                             if kind != "share" else f"`{text}` is out of range: 0 % to 100 %")
        return value
    return read


def words(known, none=False):
    """A reader of lists of known words; with `none`, that word is the empty list."""
    def read(text):
        if none and text == "none":
            return []
        found = text.split(",")
        for word in found:
            if word not in known:
                raise argparse.ArgumentTypeError(f"`{word}` is not one of {', '.join(known)}")
        if len(set(found)) < len(found):
            raise argparse.ArgumentTypeError(f"`{text}` names one of them twice")
        return found
    return read


def of_codecs(read, many):
    """A reader of one quantity for all codecs, or of one for each, `sbc=150ms,aac=200ms`; the codec None stands for the rest."""
    def read_all(text):
        found = {}
        for part in text.split(","):
            codec, equals, value = part.rpartition("=")
            if equals and codec not in CODECS:
                raise argparse.ArgumentTypeError(f"`{codec}` is not one of {', '.join(CODECS)}")
            if (codec or None) in found:
                raise argparse.ArgumentTypeError(f"`{text}` gives two {many} to the same")
            found[codec or None] = read(value)
        return found
    return read_all


def latencies(text):
    """One latency for all codecs, or `sbc=150ms,aac=200ms`."""
    latency = of_codecs(quantity("duration"), "latencies")(text)
    for seconds in latency.values():
        if not SHORTEST_S <= seconds <= LONGEST_S:
            raise argparse.ArgumentTypeError(
                f"`{text}`: a latency must lie between {SHORTEST_S * 1e3:.0f} and {LONGEST_S * 1e3:.0f} ms, the room's buffer")
    return {None: LATENCY_S} | latency


def wire(text):
    """A latency for whatever codec."""
    if "=" in text:
        raise argparse.ArgumentTypeError(f"`{text}`: a wire knows no codec; write one duration, such as `50ms`")
    return latencies(text)[None]


def whole(least, most):
    def read(text):
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"`{text}` is not a whole number from {least} to {most}")
        return int(text)
    return read


def version(text):
    if not re.fullmatch("[0-9a-f]{4}", text):
        raise argparse.ArgumentTypeError(f"`{text}` is not a version of four hexadecimal digits, such as `0100`")
    return int(text, 16)


def address(text):
    if not re.fullmatch("[0-9A-F]{2}(:[0-9A-F]{2}){5}", text):
        raise argparse.ArgumentTypeError(f"`{text}` is not an address such as `D2:00:00:00:00:01`")
    return text


class Options(argparse.ArgumentParser):
    """Reads options; what is wrong with them is a ValueError."""

    def __init__(self, name, check=lambda setup: None):
        super().__init__(prog=name, allow_abbrev=False, add_help=False)
        self.check = check

    def error(self, message):
        raise ValueError(message.removeprefix("argument "))

    def table(self):
        """The options and what they mean, a line each."""
        rows = [(f"{action.option_strings[0]}{'' if action.nargs == 0 else ' ...'}", action.help) for action in self._actions]
        return "\n".join(f"  {name:<26}{text}" for name, text in rows)

    def read(self, given, setup=None):
        joined = []
        for word in given:                  # argparse takes `-6dB` for an option of its own
            if re.match("-[0-9]", word) and joined and joined[-1].startswith("--"):
                joined[-1] += f"={word}"
            else:
                joined.append(word)
        setup = self.parse_args(joined, setup)
        self.check(setup)
        return setup

    def change(self, setup, name, value):
        """Changes one option of a unit that is on: `value` is true, false or its text."""
        action = self._option_string_actions.get(f"--{name}")
        if action is None:
            raise ValueError(f"no option `{name}`")
        changed = argparse.Namespace(**vars(setup))
        if isinstance(value, bool) and action.nargs == 0:
            setattr(changed, action.dest, value)
        elif isinstance(value, str) and action.nargs != 0:
            self.read([f"--{name}={value}"], changed)
        else:
            raise ValueError(f"`{value}` is no value of `{name}`")
        vars(setup).update(vars(changed))


def common(parser):
    duration, share = quantity("duration"), quantity("share")
    parser.add_argument("--seed", type=whole(0, 2**63), default=1, help="of all that is left to chance")
    parser.add_argument("--boot", type=duration, default=0, help="from power on until it answers")
    parser.add_argument("--pairing", type=share, default=1, help="how likely one pairing attempt succeeds")
    parser.add_argument("--first-pairing", type=share, help="the same of the first attempt since it was switched on")
    parser.add_argument("--pairing-takes", type=duration, default=0, help="how long it thinks about a pairing")
    parser.add_argument("--one-link", action="store_true", help="refuses a second link while it has one")
    parser.add_argument("--stale-cache", action="store_true",
                        help="keeps its half of a bond that the other side forgot, and refuses until its power was cut")


def speaker():
    def check(setup):
        missing = [codec for codec in setup.refuses if codec not in setup.codecs]
        if setup.leak is not None and not setup.truth:
            parser.error("--leak: it needs --truth")
        if missing:
            parser.error(f"--refuses: {', '.join(missing)}: it does not offer what it should refuse; see --codecs")

    parser = Options("speaker", check)
    duration, share, frequency = (quantity(kind) for kind in ("duration", "share", "frequency"))
    common(parser)
    parser.add_argument("--codecs", type=words(CODECS), default=["sbc"], help="what it offers; one endpoint each; ldac is not heard")
    parser.add_argument("--refuses", type=words(CODECS), default=[], help="codecs whose configuration it refuses, though it offers them")
    parser.add_argument("--bitpool", type=whole(*BITPOOL), default=53, help="largest SBC bitpool")
    parser.add_argument("--firmware", type=version, default=0x0100, help="the version of its Device ID record")
    parser.add_argument("--roles", type=words(ROLES, none=True), default=["a2dp-sink"], help="what its service records state, or none")
    parser.add_argument("--discovery", type=share, default=1, help="how likely it answers inquiries; drawn whenever it appears")
    parser.add_argument("--silent", action="store_true", help="accepts streams and stays silent")
    parser.add_argument("--truth", action="store_true", help="also plays what it decoded, as it is, into a loopback of its own")
    parser.add_argument("--leak", type=quantity("level"), help="how its truth is heard in the room of its neighbour, such as -14dB")
    parser.add_argument("--wire", type=wire, help="also plays what it decoded so long after its first packet, as a wire from the source would bring it")
    parser.add_argument("--latency", type=latencies, default={None: LATENCY_S}, help="from the first packet to its sound; for all codecs or each")
    parser.add_argument("--jitter", type=duration, default=0, help="standard deviation of the latency from one connection to the next")
    parser.add_argument("--delay-report", type=duration, help="AVDTP delay report; none when left out")
    parser.add_argument("--level", type=quantity("level"), default=0, help="of its sound, relative to what it received")
    parser.add_argument("--volume", type=share, help="takes AVRCP absolute volume, and begins with this share of it")
    parser.add_argument("--high-pass", type=of_codecs(frequency, "frequencies"), default={},
                        help="where its response falls off below; for all codecs or each")
    parser.add_argument("--low-pass", type=frequency, help="where its response falls off above")
    parser.add_argument("--channels", choices=LAYOUTS, default="stereo", help="how it plays the channels of the stream")
    parser.add_argument("--inverted", action="store_true", help="its drivers are wired the wrong way round")
    parser.add_argument("--howl", type=frequency, help="feedback builds up at that frequency, 1 s into a stream")
    parser.add_argument("--gesture", type=duration, help="is in pairing mode only when a button of it was held so long; see --relay \"--buttons\"")
    parser.add_argument("--fails-after", type=duration, help="its supply fails so long after the first packet of a stream")
    parser.add_argument("--drops-link-after", type=duration, help="drops the link so long after the first packet, and stays on")
    parser.add_argument("--freezes-after", type=duration, help="freezes so long after the first packet: the link stays, nothing else does")
    parser.add_argument("--silent-after", type=duration, help="accepts streams and stays silent from so long after the first packet on, until it is off")
    parser.add_argument("--disconnects-after", type=duration, help="drops its links after so long without a stream")
    parser.add_argument("--switches-off-after", type=duration, help="switches itself off after so long without a stream")
    return parser


def source():
    parser = Options("source")
    duration = quantity("duration")
    common(parser)
    parser.add_argument("--mode", choices=("source", "sink"), default="source", help="sink: states only a sink's record, and never plays")
    parser.add_argument("--sink", type=address, help="the speaker to pair with; when left out, the one it is bonded with")
    parser.add_argument("--prefers", type=words(("sbc", "aac", "aptx", "aptx-hd")), default=["sbc"],
                        help="its codecs; it takes the first that the speaker offers as well")
    parser.add_argument("--bitpool", type=whole(*BITPOOL), default=53, help="largest SBC bitpool that it sends")
    parser.add_argument("--plays", help="a WAV file of the host: 16 bits, 44.1 or 48 kHz, mono or stereo")
    parser.add_argument("--every", type=duration, help="plays it again so long after its beginning; once when left out")
    parser.add_argument("--connects-after", type=duration, default=0, help="connects so long after it answers")
    parser.add_argument("--reconnects", action="store_true", help="connects again by itself after its stream was lost")
    return parser
