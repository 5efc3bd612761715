"""A TCP relay whose way up takes so many bytes a second, over all connections, and keeps next to nothing of them itself.

slow_link.py PORT RATE   leads to PORT on this machine; prints "port N" once it listens, and "request PATH" for each connection
"""

import os
import socket
import sys
import threading
import time

target, rate = int(sys.argv[1]), float(sys.argv[2])
lock = threading.Lock()
free_at = time.monotonic()


def carried(count):
    """Waits for as long as so many bytes take."""
    global free_at
    with lock:
        free_at = max(free_at, time.monotonic()) + count / rate
        wait = free_at - time.monotonic()
    if wait > 0:
        time.sleep(wait)


def relay(source, sink, is_slow, first=False):
    try:
        while data := source.recv(512 if is_slow else 65536):
            if first:
                print("request", data.split(b" ", 2)[1].decode(), flush=True)
                first = False
            if is_slow:
                carried(len(data))
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, sink):
            end.close()


def main():
    listener = socket.socket()
    # What is read slowly must not wait in the kernel on this side.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    print("port", listener.getsockname()[1], flush=True)

    def accept():
        while True:
            near, _ = listener.accept()
            far = socket.create_connection(("127.0.0.1", target))
            threading.Thread(target=relay, args=(near, far, True, True), daemon=True).start()
            threading.Thread(target=relay, args=(far, near, False), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


main()
