"""A proxy for CONNECT. Prints "port N" once it listens; refuses with STATUS if one is given; else logs each target.

proxy.py [STATUS]
"""
import asyncio, os, sys


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
    method, target, _ = head.split(b"\r\n")[0].split(b" ")
    if len(sys.argv) > 1 or method != b"CONNECT":
        writer.write(b"HTTP/1.1 %s Refused\r\nContent-Length: 2\r\n\r\nno" % (sys.argv[1:] or ["405"])[0].encode())
        await writer.drain()
        writer.close()
        return
    host, port = target.rsplit(b":", 1)
    # The name is not looked up: everything leads to this machine.
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", int(port))
    writer.write(b"HTTP/1.1 200 Connection established\r\nX-Target: " + host + b"\r\n\r\n")
    await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))


async def main():
    server = await asyncio.start_server(client, "127.0.0.1", 0)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)


asyncio.run(main())
