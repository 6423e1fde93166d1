"""What `rigtone timeline` shows of a trial on one axis."""


def tellers_agree(record):
    """All who tell the codec tell the same, and the first packet leaves when its stimulus is said to leave."""
    axis = record.axis()
    told = {axis["codecs"][who] for who in ("requested", "stack", "air", "frames")}
    if told != {"sbc"}:
        return f"the codec is told as {axis['codecs']}"

    def of(source, what):
        return next(moment for moment in axis["moments"] if moment["source"] == source and moment["what"].startswith(what))
    leaves, media = of("packets", "the first packet"), of("air", "media with")
    apart, within = abs(leaves["at_ns"] - media["at_ns"]), media["latest_ns"] - media["at_ns"]
    return None if apart <= within else f"the first packet and its record are {apart} ns apart, where {within} are stated"


def tells_the_transport(record):
    """The words of the stack and the times of packets stand on the axis."""
    text = record.axis_text()
    due = "the transport is active", "a delay of 150.0 ms is reported", "packets left, 99 of 100 within"
    missing = [words for words in due if words not in text]
    return f"the axis does not say: {missing}" if missing else None
