"""Makes a hostile copy of a run: python3 ci/proof/hostile.py RUN COPY.

A device, a rig and texts that want to be markup, evidence that is gone, a log that is cut off, no verdicts.
"""

import json
import pathlib
import shutil
import sys

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&\u202e\u0007"


def renamed(text: str) -> str:
    """Another name for one speaker, everywhere: as JSON writes it."""
    name = json.dumps(MARKUP)[1:-1]
    return text.replace("bose/soundlink-flex", name).replace("authentication failed", name)


def main(run: pathlib.Path, copy: pathlib.Path) -> None:
    shutil.copytree(run, copy)
    (copy / "verdicts.json").unlink()
    (copy / "report.html").unlink(missing_ok=True)
    plan = copy / "plan.json"
    plan.write_text(renamed(plan.read_text()))
    log = copy / "events.jsonl"
    log.write_text(renamed(log.read_text())[:-1500])
    for number, file in enumerate(sorted((copy / "evidence").rglob("*.wav"))):
        if number % 3 == 0:
            file.unlink()
        elif number % 3 == 1:
            file.write_bytes(file.read_bytes()[:1000])


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
