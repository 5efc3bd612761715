"""Checks lines of events from stdin against version 1 of the event format; prints one line for each fault."""

import json
import re
import sys
from datetime import datetime

TURN = {
    "v", "event", "stream", "session", "turn", "final", "trigger", "replayed", "synthesised", "start", "end", "time",
    "transcript", "confidence", "languages", "words", "flux",
}
NEEDED = {"v", "event", "session", "turn", "start", "end", "time", "transcript", "words", "flux"}
EVENTS = ["StartOfTurn", "Update", "EagerEndOfTurn", "TurnResumed", "EndOfTurn"]


def faults(text):
    open_turn, ended, sessions, last_time, last_end = None, 0, set(), None, 0
    lines = text.split("\n")
    if lines[-1] != "":
        yield "the last line is not complete"
    for number, line in enumerate(lines[:-1], 1):
        try:
            event = json.loads(line)
        except ValueError as error:
            yield f"line {number}: {error}"
            continue

        def fault(what):
            return f"line {number}: {what}: {line}"

        if list(event)[:2] != ["v", "event"] or event["v"] != 1 or event["event"] not in EVENTS:
            yield fault("does not begin as an event of version 1")
            continue
        if missing := NEEDED - set(event):
            yield fault(f"has no {missing}")
            continue
        if unknown := set(event) - TURN:
            yield fault(f"has {unknown}")
        sessions.add(event["session"])
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"]):
            yield fault("its time is not RFC 3339 with milliseconds")
        time = datetime.fromisoformat(event["time"])
        if last_time and time < last_time:
            yield fault("is before the event in front of it")
        last_time = time
        if not 0 <= event["start"] <= event["end"] or event["end"] < last_end - 0.001:
            yield fault("its times go back")
        last_end = event["end"]
        for word in event["words"]:
            if not {"word", "start", "end", "confidence"} >= set(word) >= {"word", "confidence"}:
                yield fault("a word has other fields")
        if event["words"]:
            mean = sum(word["confidence"] for word in event["words"]) / len(event["words"])
            if abs(mean - event.get("confidence", -1)) > 0.001:
                yield fault(f"its confidence is not the mean {mean}")
            if " ".join(word["word"] for word in event["words"]) != event["transcript"]:
                yield fault("its words are not its transcript")

        kind = event["event"]
        if (kind == "EndOfTurn") != ("final" in event) or (kind == "EndOfTurn") != ("trigger" in event):
            yield fault("`final` and `trigger` are for the end of a turn, and only there")
        if kind == "StartOfTurn":
            if open_turn is not None:
                yield fault(f"turn {open_turn} has not ended")
            if event["turn"] != ended + 1:
                yield fault("turns are not counted one by one")
            open_turn = event["turn"]
        elif kind == "EndOfTurn":
            if open_turn != event["turn"]:
                yield fault("it ends a turn that is not open")
            open_turn, ended = None, event["turn"]
        elif open_turn not in (None, event["turn"]):
            yield fault(f"it does not belong to the open turn {open_turn}")
        if not isinstance(event["flux"], dict):
            yield fault("`flux` is no object")
    if open_turn is not None:
        yield f"turn {open_turn} never ends"
    if len(sessions) > 1:
        yield f"there are {len(sessions)} sessions"


for text in faults(sys.stdin.read()):
    print(text)
