"""Streams two seconds of silence to a server with faults; prints how the connection went, as one JSON line.

usage: faulty.py PORT
"""

import json
import sys
import time

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect

url = f"ws://127.0.0.1:{sys.argv[1]}/v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000&eager_eot_threshold=0.4"
seen = {"messages": []}
start = time.monotonic()
try:
    with connect(url, open_timeout=1) as socket:
        def take():
            text = socket.recv(timeout=1.5)
            try:
                seen["messages"].append(json.loads(text))
            except ValueError:
                seen["messages"].append({"type": "?"})

        try:
            for number in range(25):
                # What has come when a connection is cut, and was not read, is lost.
                while len(seen["messages"]) < {1: 1, 12: 2}.get(number, 0):
                    take()
                socket.send(bytes(2560))
            socket.send('{"type":"CloseStream"}')
            while True:
                take()
        except TimeoutError:
            seen["end"] = "silence"
        except ConnectionClosed as closed:
            seen["end"] = "closed"
            seen["received"] = closed.rcvd.code if closed.rcvd else None
            seen["sent"] = closed.sent.code if closed.sent else None
            seen["seconds"] = time.monotonic() - start
except InvalidHandshake as refusal:
    response = getattr(refusal, "response", None)
    seen["end"] = "refused"
    seen["status"] = response.status_code if response else None
    seen["retry"] = response.headers.get("Retry-After") if response else None
except TimeoutError:
    seen["end"] = "no answer"
print(json.dumps(seen), flush=True)
