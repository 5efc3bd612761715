"""A receiver of webhooks that does what real ones do, by a seeded plan: takes them, fails, hangs, throttles, closes early.

receiver.py SEED SECRET PORT   verifies every signature; appends "ID STATUS BODY" for each request to standard output
"""

import random
import socket
import struct
import sys
import threading
import time

from flask import Flask, request
from standardwebhooks.webhooks import Webhook
from werkzeug.serving import WSGIRequestHandler, make_server

plan = random.Random(int(sys.argv[1]))
hook = Webhook(sys.argv[2])
lock = threading.Lock()
app = Flask("receiver")


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_):
        pass


@app.post("/turns")
def turns():
    body = request.get_data()
    hook.verify(body, request.headers)
    with lock:
        choice = plan.random()
    status, headers = 204, {}
    if choice < 0.15:
        status = plan.choice([500, 503, 404, 301])
    elif choice < 0.20:
        status, headers = 429, {"Retry-After": "1"}
    elif choice < 0.25:
        status = 599
        time.sleep(3)
    elif choice < 0.35:
        status = 0
    with lock:
        print(request.headers["webhook-id"], status, body.decode(), flush=True)
    if status == 0:
        client = request.environ["werkzeug.socket"]
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    return "", status or 500, headers


server = make_server("127.0.0.1", int(sys.argv[3]), app, threaded=True, request_handler=Quiet)
print("port", server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
