"""Breaks the protocol after asking for more than the network holds, and reads nothing more. Then tries to get the place.

silent.py PORT   prints the status of another client's upgrade, once a second, until it is 101
"""

import base64
import os
import socket
import sys
import time

port = int(sys.argv[1])


def upgrade(one):
    one.sendall(
        b"GET /v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000 HTTP/1.1\r\nHost: localhost\r\n"
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
        + base64.b64encode(os.urandom(16)) + b"\r\n\r\n")
    answer = one.recv(4096)
    return answer.split(b" ")[1].decode()


def frame(opcode, payload):
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


first = socket.socket()
# The smallest window there is, so that little of what is sent to it leaves the server.
first.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
first.connect(("127.0.0.1", port))
assert upgrade(first) == "101"
# Each ping is answered with as much, until the server can send no more of it.
first.settimeout(2)
try:
    for _ in range(40_000):
        first.sendall(frame(9, b"x" * 125))
except OSError:
    pass
# A frame that no client may send: the server closes, and cannot get rid of what it has to say.
try:
    first.settimeout(1)
    first.sendall(b"\xff\xff\xff\xff")
except OSError:
    pass
for _ in range(30):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as other:
        status = upgrade(other)
    print(status, flush=True)
    if status == "101":
        break
    time.sleep(1)
