"""Talks to a listener of ours with Python's sockets.

client.py echo ADDRESS COUNT SIZE   COUNT connections at once, each sends SIZE bytes and compares what comes back
client.py unix PATH                 sends "ping" and prints the answer
client.py read ADDRESS              reads slowly to the end and prints "SIZE SHA256"
client.py probe ADDRESS             sends "x" and prints "eof" or "reset" for how the connection ends
"""
import asyncio, hashlib, os, socket, sys, time

mode, address = sys.argv[1:3]
host, _, port = address.rpartition(":")


async def one(size):
    reader, writer = await asyncio.open_connection(host, int(port))
    data = os.urandom(size)
    writer.write(data)
    await writer.drain()
    back = await reader.readexactly(size)
    writer.close()
    return back == data


async def echo(count, size):
    results = await asyncio.gather(*(one(size) for _ in range(count)))
    print("ok" if all(results) else "different", len(results))


if mode == "echo":
    asyncio.run(echo(int(sys.argv[3]), int(sys.argv[4])))
elif mode == "unix":
    s = socket.socket(socket.AF_UNIX)
    s.connect(address)
    s.sendall(b"ping")
    print(s.recv(100).decode())
else:
    s = socket.create_connection((host, int(port)))
    s.sendall(b"x")
    digest, size = hashlib.sha256(), 0
    try:
        while data := s.recv(65536):
            digest.update(data)
            size += len(data)
            if mode == "read" and size < 1000000:
                time.sleep(0.005)
        print("eof" if mode == "probe" else f"{size} {digest.hexdigest()}")
    except ConnectionResetError:
        print("reset")
