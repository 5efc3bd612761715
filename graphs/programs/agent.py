"""Reads turn events, one JSON object a line, as an agent would: prepares early, takes back, answers."""

import json
import sys

for line in sys.stdin:
    event = json.loads(line)
    heard = event.get("transcript", "")
    if event["event"] == "EagerEndOfTurn":
        print(f"preparing an answer to: {heard}", flush=True)
    elif event["event"] == "TurnResumed":
        print("the speaker went on: dropping it", flush=True)
    elif event["event"] == "EndOfTurn":
        print(f"answering: {heard}", flush=True)
