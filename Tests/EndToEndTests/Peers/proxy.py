"""A proxy. Prints "port N" once it listens, then each target it was asked for.

proxy.py              an HTTP proxy, for CONNECT and for whole requests; "target METHOD TARGET"
proxy.py STATUS       refuses everything with STATUS
proxy.py hang|close   says nothing, or goes away, when it is asked
proxy.py socks CODE   SOCKS5 (RFC 1928); answers with the reply CODE, 0 to connect, 255 for no acceptable method
"""

import asyncio
import os
import sys

kind = (sys.argv[1:] or ["open"])[0]


async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def join(reader, writer, port, greeting, first=b""):
    # The name is not looked up: everything leads to this machine.
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(greeting)
    far_writer.write(first)
    await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))


async def http(reader, writer):
    head = await reader.readuntil(b"\r\n\r\n")
    method, target, _ = head.decode().split("\r\n")[0].split(" ")
    print("target", method, target, flush=True)
    if kind == "hang":
        await asyncio.sleep(3600)
    if kind == "close":
        return writer.close()
    if kind != "open":
        writer.write(f"HTTP/1.1 {kind} Refused\r\nContent-Length: 2\r\n\r\nno".encode())
        await writer.drain()
        return writer.close()
    if method == "CONNECT":
        port, greeting, first = target.rsplit(":", 1)[1], b"HTTP/1.1 200 Connection established\r\n\r\n", b""
    else:
        authority, slash, path = target.removeprefix("http://").partition("/")
        port, greeting = authority.partition(":")[2] or "80", b""
        first = head.replace(target.encode(), (slash + path).encode(), 1)
    await join(reader, writer, int(port), greeting, first)


async def socks(reader, writer):
    code = int(sys.argv[2])
    version, count = await reader.readexactly(2)
    await reader.readexactly(count)
    if code == 255:
        writer.write(b"\x05\xff")
        return writer.close()
    writer.write(b"\x05\x00")
    _, _, _, type = await reader.readexactly(4)
    length = {1: 4, 4: 16}.get(type) or (await reader.readexactly(1))[0]
    host = await reader.readexactly(length)
    port = int.from_bytes(await reader.readexactly(2), "big")
    print("target SOCKS", host.decode("latin-1") if type == 3 else host.hex(), port, flush=True)
    answer = bytes([5, code, 0, 1, 0, 0, 0, 0, 0, 0])
    if code:
        writer.write(answer)
        return writer.close()
    await join(reader, writer, port, answer)


async def main():
    server = await asyncio.start_server(socks if kind == "socks" else http, "127.0.0.1", 0)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)


asyncio.run(main())
