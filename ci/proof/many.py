"""Makes a run of many trials from those of a small one: python3 ci/proof/many.py RUN COPY TRIALS.

Each trial of the copy is one of the run under a number of its own; the evidence is shared. There are no verdicts: they are judged
from the log.
"""

import collections
import json
import pathlib
import shutil
import sys


def main(run: pathlib.Path, copy: pathlib.Path, trials: int) -> None:
    copy.mkdir(parents=True)
    shutil.copy(run / "plan.json", copy)
    shutil.copy(run / "environment.json", copy)
    (copy / "evidence").symlink_to((run / "evidence").resolve())
    lines = (run / "events.jsonl").read_text().splitlines()
    templates = collections.defaultdict(list)
    for line in lines:
        event = json.loads(line)
        if event.get("trial", 0) > 0 and event.get("attempt") == 1 and event["kind"] != "decided":
            templates[event["combination"], event["trial"]].append(event)
    whole = [t for t in templates.values() if t[-1]["payload"].get("outcome") == "completed"]
    numbers = collections.Counter()
    with (copy / "events.jsonl").open("w") as out:
        print(lines[0], file=out)
        seq = 1
        # What the rig could not do is said of a combination without a trial.
        for event in map(json.loads, lines):
            if event["kind"] == "given-up":
                print(json.dumps(event | {"seq": seq}, separators=(",", ":")), file=out)
                seq += 1
        for at in range(trials):
            template = whole[at % len(whole)]
            combination = template[0]["combination"]
            numbers[combination] += 1
            for event in template:
                print(json.dumps(event | {"seq": seq, "trial": numbers[combination]}, separators=(",", ":")), file=out)
                seq += 1
        ended = json.loads(lines[-1])
        print(json.dumps(ended | {"seq": seq}), file=out)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3]))
