#!/usr/bin/env python3
"""trace.py FILE: holds a trace against the rules of the Trace Event Format, and prints what it shows as JSON.

The rules: an object with a list `traceEvents`; each event has `ph`, `pid`, `tid`, `ts` (microseconds) and `name`; on each track what began
last ends first and everything that began ends; slices of a known length nest or lie apart; counters carry numbers; a flow begins once and
ends once, within a slice at either end; every track and group that is used has a name. Independent of the program that writes it.
"""
import json
import sys
from collections import defaultdict
from fractions import Fraction


def main(path):
    # Times exactly as they are written: a float would hide a nanosecond.
    document = json.load(open(path, encoding="utf-8"), parse_float=Fraction)
    events = document["traceEvents"]
    faults = []
    names, groups, used = {}, {}, set()
    order = sorted(range(len(events)), key=lambda i: events[i].get("ts", 0))  # stable, as viewers sort
    open_slices, slices, flows = defaultdict(list), defaultdict(list), defaultdict(dict)
    shown = {"slices": [], "instants": [], "counters": defaultdict(list), "flows": []}
    last_written = defaultdict(lambda: Fraction(-(10**18)))
    for event in events:
        if event["ph"] in "BE":
            track = (event["pid"], event["tid"])
            if event["ts"] < last_written[track]:
                faults.append(f"{track}: {event} is written after a later one of its track")
            last_written[track] = event["ts"]
    for i in order:
        event = events[i]
        ph = event.get("ph")
        for key in ("ph", "pid", "tid", "ts", "name"):
            if key not in event:
                faults.append(f"event {i} has no {key}")
        track = (event["pid"], event["tid"])
        if ph == "M":
            {"process_name": groups, "thread_name": names}.get(event["name"], {})[track] = event["args"].get("name")
            continue
        if not isinstance(event["ts"], (int, Fraction)):
            faults.append(f"event {i}: ts is {event['ts']!r}")
        if ph == "C":
            if not event["args"] or not all(isinstance(v, (int, float, Fraction)) for v in event["args"].values()):
                faults.append(f"event {i}: a counter of {event['args']}")
            shown["counters"][event["name"]].append(float(event["args"]["value"]))
            continue
        if event["tid"] != 0:
            used.add(track)
        if ph == "B":
            open_slices[track].append(event)
        elif ph == "E":
            if not open_slices[track]:
                faults.append(f"{track}: an end without a beginning at {event['ts']}")
                continue
            begin = open_slices[track].pop()
            slices[track].append((begin["ts"], event["ts"], len(open_slices[track])))
            shown["slices"].append([track[0], track[1], begin["name"], float(begin["ts"]), float(event["ts"]),
                                    {**begin.get("args", {}), **event.get("args", {})}])
        elif ph == "X":
            if event["dur"] < 0:
                faults.append(f"event {i} ends before it begins")
            slices[track].append((event["ts"], event["ts"] + event["dur"], 0))
            shown["slices"].append([track[0], track[1], event["name"], float(event["ts"]), float(event["ts"] + event["dur"]), {}])
        elif ph == "i":
            if event.get("s") not in ("g", "p", "t"):
                faults.append(f"event {i}: an instant without a scope")
            shown["instants"].append([track[0], track[1], event["name"], float(event["ts"])])
        elif ph in "sf":
            if ph in flows[event["id"]]:
                faults.append(f"flow {event['id']} has two of {ph}")
            flows[event["id"]][ph] = (track, event["ts"])
        else:
            faults.append(f"event {i}: phase {ph!r}")
    for track, left in open_slices.items():
        if left:
            faults.append(f"{track}: {len(left)} slices never end, such as {left[0]['name']}")
    for number, ends in flows.items():
        if "f" in ends and "s" not in ends:
            faults.append(f"flow {number} begins nowhere")
        for track, ts in ends.values():
            if not any(begin <= ts <= end for begin, end, _ in slices[track]):
                faults.append(f"flow {number} touches {track} at {float(ts)} where nothing is")
        if "s" in ends and "f" in ends:
            shown["flows"].append([float(ends["s"][1]), float(ends["f"][1])])
    for track in used:
        if track not in names:
            faults.append(f"{track} has no name")
        if (track[0], 0) not in groups:
            faults.append(f"group {track[0]} has no name")
    shown["tracks"] = {f"{pid}.{tid}": name for (pid, tid), name in names.items()}
    shown["otherData"] = document.get("otherData")
    shown["faults"] = faults
    print(json.dumps(shown))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
