"""Makes many nights of one run: python3 ci/proof/nights.py RUN FOLDER NIGHTS.

Each night has the plan and the verdicts of the run, begins a day after the one before it, and the last was two days ago. From the
middle on, what passed at first holds in a third of its trials: a change that has to be marked. The first night had a device that
nobody tried later and that wants to be markup.
"""

import json
import pathlib
import sys
import time

MARKUP = "<script>alert(1)</script>\"'&\u202e"
DAY = 86_400


def failed(combination: dict) -> None:
    """Of thirty trials each expectation held in ten."""
    combination["verdict"], combination["trials"] = "fail", 30
    for expectation in combination["expectations"]:
        expectation |= {"verdict": "fail", "n": 30, "held": 10, "ambiguous": 0}
        if expectation["unit"] in ("", "%"):
            whole = 100 if expectation["unit"] == "%" else 1
            expectation["estimate"] = whole / 3
            expectation["interval"] = {"low": 0.19 * whole, "high": 0.51 * whole, "confidence": 0.9}
        else:
            # Most never came: there is no value that half of them had.
            expectation |= {"estimate": None, "interval": None, "seen": "p50 = never"}


def passed(combination: dict) -> None:
    """Of thirty trials each expectation held in all."""
    combination["trials"] = 30
    for expectation in combination["expectations"]:
        expectation |= {"n": 30, "held": 30, "ambiguous": 0}


def main(run: pathlib.Path, folder: pathlib.Path, nights: int) -> None:
    plan = (run / "plan.json").read_text()
    verdicts = json.loads((run / "verdicts.json").read_text())
    environment = json.loads((run / "environment.json").read_text())
    last = int(time.time()) - 2 * DAY
    for night in range(nights):
        here = folder / f"night-{night:02}"
        here.mkdir(parents=True)
        of_night = json.loads(json.dumps(verdicts)) | {"run": here.name}
        good = [c for c in of_night["combinations"] if c["verdict"] == "pass"]
        for combination in good:
            passed(combination)
        if night >= nights // 2:
            failed(good[0])
        begun = last - (nights - 1 - night) * DAY
        environment["run"] |= {"run": here.name, "unix_s": begun}
        text = json.dumps(of_night)
        if night == 0:
            name = json.dumps(MARKUP)[1:-1]
            text, own = (one.replace("soundlink-flex", name) for one in (text, plan))
        else:
            own = plan
        (here / "plan.json").write_text(own)
        (here / "verdicts.json").write_text(text)
        (here / "environment.json").write_text(json.dumps(environment))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3]))
