"""A receiver of webhooks behind TLS that speaks HTTP/2: Flask in Hypercorn.

http2.py CERTIFICATE KEY SECRET   prints "port N" once it listens, then "HTTP/2 verified ID" for each request
"""

import asyncio
import logging
import os
import socket
import sys
import threading

from flask import Flask, request
from hypercorn.asyncio import serve
from hypercorn.config import Config
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

hook = Webhook(sys.argv[3])
app = Flask("http2")


@app.post("/turns")
def turns():
    try:
        hook.verify(request.get_data(), request.headers)
        verdict = "verified"
    except WebhookVerificationError:
        verdict = "forged"
    print(request.environ["SERVER_PROTOCOL"], verdict, request.headers["webhook-id"], flush=True)
    return "taken", 200


def watch():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=watch, daemon=True).start()
logging.disable()
listener = socket.create_server(("127.0.0.1", 0))
config = Config()
config.bind = [f"fd://{listener.fileno()}"]
config.certfile, config.keyfile = sys.argv[1], sys.argv[2]
print("port", listener.getsockname()[1], flush=True)
asyncio.run(serve(app, config, mode="wsgi"))
