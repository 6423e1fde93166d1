"""The same case in several guests: verdicts must be the same, and Bluetooth events at the same times."""
MAY_BE_APART_US = 100.0


def times(record):
    """When what happened on the radio happened, in nanoseconds since its step began: what came before, the recording of the
    microphone for instance, takes its own time."""
    began = 0
    for event in record.events:
        if event["kind"] == "step-started":
            began = event["t_ns"]
        elif event["kind"] in ("found", "attempt", "connected", "emitted"):
            at = event["payload"].get("t_ns", event["t_ns"])
            yield (event["combination"], event["trial"], event["attempt"], event["kind"]), at - began


def apart(records, require):
    """How far the same events of several runs are apart, at most."""
    first, *others = (dict(times(record)) for record in records)
    verdicts = [[(c["id"], c["verdict"], c["trials"]) for c in record.combinations] for record in records]
    require(all(other == verdicts[0] for other in verdicts), f"other verdicts: {verdicts}")
    require(first and all(other.keys() == first.keys() for other in others), "other events")
    most_us = max((abs(other[event] - at) / 1e3 for other in others for event, at in first.items()), default=0.0)
    require(most_us <= MAY_BE_APART_US, f"the same events are up to {most_us:.1f} us apart")
    return f"{len(records)} runs, {len(first)} Bluetooth events, {most_us:.1f} us apart at most"
