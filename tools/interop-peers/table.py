"""Reads one JSON line for each client from stdin; prints a table in Markdown, and fails if a client failed.

It also fails once a client has ForceEndTurn and its script does not use it.
"""

import json
import sys

failed = False
print("| client | events | final texts | ForceEndTurn | errors |\n|---|---|---|---|---|")
for line in sys.stdin:
    seen = json.loads(line)
    finals = "; ".join(seen["finals"])
    good = finals == "hello there; good morning." and not seen["errors"] and seen["force"] == "has none"
    failed = failed or not good
    events = ", ".join(seen["events"] + seen.get("types", []))
    print(f"| {seen['client']} | {events} | {finals or 'none'} | {seen['force']} | {'; '.join(seen['errors']) or 'none'} |")
sys.exit(failed)
