"""A proxy for CONNECT. Prints "port N" once it listens, then each target it was asked for.

proxy.py [STATUS]   refuses everything with STATUS, if one is given
"""

import asyncio
import os
import sys


async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def client(reader, writer):
    head = await reader.readuntil(b"\r\n\r\n")
    method, target, _ = head.decode().split("\r\n")[0].split(" ")
    print("target", method, target, flush=True)
    if sys.argv[1:]:
        writer.write(f"HTTP/1.1 {sys.argv[1]} Refused\r\nContent-Length: 2\r\n\r\nno".encode())
        await writer.drain()
        writer.close()
        return
    # The name is not looked up: everything leads to this machine.
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", int(target.rsplit(":", 1)[1]))
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))


async def main():
    server = await asyncio.start_server(client, "127.0.0.1", 0)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)


asyncio.run(main())
