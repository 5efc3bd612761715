"""Prints a port of this machine that nobody listens at."""

import socket

with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1])
