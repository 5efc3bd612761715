"""Opens connections that are refused or end badly; prints what the websockets client saw, one JSON line each.

usage: handshakes.py PORT, the server asks for the key "secret"
"""

import json
import sys

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

port = sys.argv[1]
GOOD = "/v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000"
TOKEN = {"Authorization": "Token secret"}


def attempt(name, path, headers, messages=(), subprotocols=None):
    seen = {"name": name, "status": 101, "messages": []}
    try:
        with connect(
            f"ws://127.0.0.1:{port}{path}", additional_headers=headers, subprotocols=subprotocols
        ) as socket:
            seen["subprotocol"] = socket.subprotocol
            seen["headers"] = dict(socket.response.headers.raw_items())
            try:
                for message in messages:
                    socket.send(message)
                while True:
                    seen["messages"].append(json.loads(socket.recv(timeout=0.5 if not messages else 10)))
            except ConnectionClosed:
                seen["close"] = socket.close_code
            except TimeoutError:
                pass
            if messages == ("PING",):
                seen["pong"] = socket.ping().wait(5)
    except InvalidStatus as refusal:
        seen["status"] = refusal.response.status_code
        seen["headers"] = dict(refusal.response.headers.raw_items())
        seen["body"] = json.loads(refusal.response.body)
    print(json.dumps(seen), flush=True)


attempt("accepted", GOOD, TOKEN)
attempt("subprotocol", GOOD, {}, subprotocols=["token", "secret"])
attempt("other path", "/v1/listen", TOKEN)
attempt("unknown parameter", GOOD + "&channels=1", TOKEN)
attempt("bad parameter before bad key", GOOD + "&eot_threshold=0.3", {})
attempt("no key", GOOD, {})
attempt("wrong key", GOOD, {"Authorization": "Token wrong!"})
attempt("bearer", GOOD, {"Authorization": "Bearer secret"})
attempt("unknown model", GOOD.replace("flux-general-en", "flux-general-xx"), TOKEN)
attempt("KeepAlive", GOOD, TOKEN, ['{"type":"KeepAlive"}'])
attempt("CloseStream", GOOD, TOKEN, [b"", bytes(16000), '{"type":"CloseStream"}'])
