"""An internet radio and a server of files in one, on bare sockets. Prints "port N" once it listens.

radio.py FOLDER

    /NAME         the file FOLDER/NAME, in small pieces; with a length, which the first connection for /cut/NAME does not keep
    /to/PATH      a redirect to /PATH
    /icy/NAME     the file as an old station sends it: "ICY 200 OK", every 1000 bytes a title
    /gone         "ICY 404 Not Found"
    /live/NAME    the file without a length; every connection gets 1 s of s16le 16 kHz of it, and breaks

What was asked for is printed, one request a line.
"""
import socket
import sys
import time
import threading

folder = sys.argv[1]
lock = threading.Lock()
counts = {}


def read_head(connection):
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(4096)
        if not piece:
            return None
        head += piece
    return head.decode("latin-1")


def with_titles(sound, titles):
    """Sound in pieces of 1000 bytes, between them the titles in turn, each three times."""
    out = b""
    pieces = [sound[at : at + 1000] for at in range(0, len(sound), 1000)]
    for number, piece in enumerate(pieces):
        out += piece
        if len(piece) == 1000:
            text = titles[number // 3 % len(titles)]
            text = f"StreamTitle='{text}';StreamUrl='';".encode() if number % 3 == 0 else b""
            blocks = (len(text) + 15) // 16
            out += bytes([blocks]) + text.ljust(16 * blocks, b"\0")
    return out


def serve(connection):
    with connection:
        head = read_head(connection)
        if head is None:
            return
        path = head.split(" ")[1]
        with lock:
            counts[path] = counts.get(path, 0) + 1
            number = counts[path]
            asks = "titles" if "\r\nicy-metadata: 1\r\n" in head.lower() else "none"
            print(path, asks, flush=True)
        kind, _, name = path[1:].partition("/")
        if kind == "to":
            connection.sendall(
                f"HTTP/1.1 302 Found\r\nLocation: /{name}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            return
        if kind == "gone":
            connection.sendall(b"ICY 404 Not Found\r\n\r\n")
            return
        with open(f"{folder}/{name or kind}", "rb") as file:
            sound = file.read()
        answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(sound)}\r\nConnection: close\r\n\r\n"
        if kind == "icy":
            answer = "ICY 200 OK\r\nicy-name: The Station\r\nicy-metaint: 1000\r\n\r\n"
            sound = with_titles(sound, ["It's on", "Next"])
        elif kind == "live":
            answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
            sound = sound[(number - 1) * 32000 : number * 32000]
        elif kind == "cut" and number == 1:
            sound = sound[: len(sound) // 2]
        connection.sendall(answer.encode())
        for at in range(0, len(sound), 777):
            connection.sendall(sound[at : at + 777])
            if kind == "icy" and at % (777 * 4) == 0:
                time.sleep(0.005)  # a title is told when its piece comes, and a station takes its time


server = socket.create_server(("127.0.0.1", 0))
print("port", server.getsockname()[1], flush=True)


def accept():
    while True:
        connection, _ = server.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


threading.Thread(target=accept, daemon=True).start()
sys.stdin.read()
