"""Asks a server of ours as browsers, programs and attackers do.

access.py ask PORT PATH NAME=VALUE...   a request with these headers; prints the status and the body's first line
access.py upgrade PORT NAME=VALUE...    the same for a WebSocket to /v2/listen
access.py crowd PORT PATH N             holds N connections that say nothing and N with half a request; prints how many seconds
                                        a request takes beside them, twice
"""

import resource
import socket
import sys
import time

mode, port = sys.argv[1], int(sys.argv[2])


def request(path, headers):
    lines = [f"GET {path} HTTP/1.1"] + [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def ask(path, headers):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as one:
        one.sendall(request(path, headers))
        answer = b""
        while b"\r\n\r\n" not in answer or (b" 101 " not in answer[:20] and b"\n" not in answer.split(b"\r\n\r\n", 1)[1]):
            piece = one.recv(65536)
            if not piece:
                break
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.split(b" ")[1].decode(), body.split(b"\n")[0].decode("latin-1")


def given(words):
    return [tuple(word.split("=", 1)) for word in words]


if mode == "ask":
    print(*ask(sys.argv[3], given(sys.argv[4:])))
elif mode == "upgrade":
    upgrade = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
               ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]
    print(*ask("/v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000", given(sys.argv[3:]) + upgrade)[:1])
else:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    crowd = []
    for say in [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "]:
        for _ in range(int(sys.argv[4])):
            crowd.append(socket.create_connection(("127.0.0.1", port), timeout=60))
            crowd[-1].sendall(say)
        begun = time.monotonic()
        status, _ = ask(sys.argv[3], [("Host", f"localhost:{port}")])
        print(status, time.monotonic() - begun, flush=True)
