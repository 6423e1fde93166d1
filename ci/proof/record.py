"""What a run directory says, and the logs of the guest beside it."""
import json
import re
import subprocess
from collections import Counter
from pathlib import Path


class Record:
    def __init__(self, run, guest, rigtone):
        self.run, self.guest, self.rigtone = Path(run), Path(guest), rigtone
        log = self.run / "events.jsonl"
        # The last line of a run that was killed may be cut off.
        whole = log.read_text().splitlines(keepends=True) if log.exists() else []
        self.events = [json.loads(line) for line in whole if line.endswith("\n")]
        verdicts = self.run / "verdicts.json"
        self.combinations = json.loads(verdicts.read_text())["combinations"] if verdicts.exists() else []

    def axis_text(self, *words):
        """The first trial on one time axis."""
        command = [self.rigtone, "timeline", self.run, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def axis(self):
        return json.loads(self.axis_text("--json"))

    def of_kind(self, kind):
        return [event for event in self.events if event["kind"] == kind]

    @property
    def classes(self):
        """Failures of devices by class, of all combinations together."""
        return sum((Counter(combination["classes"]) for combination in self.combinations), Counter())

    @property
    def blamed(self):
        """Trials lost to the rig, by the member that is to blame."""
        lost = Counter()
        for event in self.of_kind("trial-finished"):
            outcome = event["payload"]["outcome"]
            if isinstance(outcome, dict) and "lost" in outcome:
                lost[outcome["lost"]["member"]] += 1
        return lost

    def failures(self):
        """The failures of steps that a device is to blame for."""
        for event in self.of_kind("step-finished"):
            outcome = event["payload"]["outcome"]
            if isinstance(outcome, dict) and "failed" in outcome:
                yield outcome["failed"]

    @property
    def trials(self):
        return sum(combination["trials"] for combination in self.combinations)

    def values(self, quantity):
        """The numbers that were observed of a quantity, with their uncertainties and their trials."""
        for event in self.of_kind("observed"):
            observed = event["payload"]
            if observed["quantity"] == quantity and "number" in observed.get("value", {}):
                number = observed["value"]["number"]
                yield (event["combination"], event["trial"]), number["value"], number["uncertainty"]

    def words(self, quantity):
        """The words that were observed of a quantity, with the labels of their steps."""
        for event in self.of_kind("observed"):
            observed = event["payload"]
            if observed["quantity"] == quantity and "word" in observed.get("value", {}):
                yield observed["of"], observed["value"]["word"]

    def text(self):
        """Everything that the log says, to look for words in."""
        return "\n".join(json.dumps(event["payload"], ensure_ascii=False) for event in self.events)

    def left_on(self):
        """The channels of the relay board that were not left off, by what the board itself did."""
        said = (self.guest / "relay.log").read_text(errors="replace")
        last = dict(re.findall(r"^channel (\d+) (on|off)$", said, re.MULTILINE))
        return sorted(int(channel) for channel, state in last.items() if state == "on")
