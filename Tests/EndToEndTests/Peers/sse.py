"""Reads server-sent events with httpx-sse and prints each as a line of JSON.

sse.py URL [COUNT [LAST-EVENT-ID]]: ends after COUNT events, or with the stream when COUNT is 0.
"""

import json
import sys

import httpx
from httpx_sse import connect_sse

url, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0
headers = {"Last-Event-ID": sys.argv[3]} if len(sys.argv) > 3 else {}
timeout = httpx.Timeout(30, connect=5)

with httpx.Client(timeout=timeout, trust_env=False) as client:
    with connect_sse(client, "GET", url, headers=headers) as source:
        print(json.dumps({"status": source.response.status_code}), flush=True)
        for number, event in enumerate(source.iter_sse(), 1):
            print(json.dumps({"id": event.id, "event": event.event, "data": json.loads(event.data)}), flush=True)
            if number == count:
                break
