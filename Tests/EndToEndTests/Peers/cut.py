"""A TCP proxy that cuts connections. Prints "port N" once it listens, then "cut" for each it has cut.

cut.py PORT BYTES…   leads to PORT on this machine; the first connection is cut when the client has sent so many bytes,
                     and so on; those beyond the list are left alone
"""

import asyncio
import os
import socket
import struct
import sys

target = int(sys.argv[1])
limits = [int(text) for text in sys.argv[2:]]


async def client(reader, writer):
    limit = limits.pop(0) if limits else None
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)

    def cut():
        for end in (writer, far_writer):
            # A reset, as when a cable is pulled and the router says so.
            end.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.transport.abort()

    async def forward():
        sent = 0
        while data := await reader.read(4096):
            sent += len(data)
            far_writer.write(data)
            await far_writer.drain()
            if limit is not None and sent >= limit:
                print("cut", flush=True)
                return cut()
        far_writer.close()

    async def back():
        while data := await far_reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    await asyncio.gather(forward(), back(), return_exceptions=True)


async def main():
    server = await asyncio.start_server(client, "127.0.0.1", 0)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)


asyncio.run(main())
