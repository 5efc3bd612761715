"""Takes connections and never says a word. Prints "port N", then "connection" for each."""

import os
import socket
import sys
import threading

listener = socket.create_server(("127.0.0.1", 0))
print("port", listener.getsockname()[1], flush=True)
held = []


def accept():
    while True:
        held.append(listener.accept())
        print("connection", flush=True)


threading.Thread(target=accept, daemon=True).start()
sys.stdin.read()
os._exit(0)
