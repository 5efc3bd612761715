"""TCP peers made of Python's socket and ssl modules. Prints "port N" once it listens.

tcp.py MODE [CERTIFICATE KEY]   modes: echo, close, reset, silent, source BYTES, sink
"""
import asyncio, hashlib, socket, ssl, struct, sys

mode = sys.argv[1]


async def client(reader, writer):
    try:
        if mode == "echo":
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        elif mode == "close":
            await reader.read(1)
            writer.write(b"bye")
            await writer.drain()
        elif mode == "reset":
            await reader.read(1)
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return
        elif mode == "silent":
            # Reads nothing until it is told to by the passing of half a second, then says what it got.
            writer.transport.pause_reading()
            await asyncio.sleep(0.5)
            writer.transport.resume_reading()
            digest, size = hashlib.sha256(), 0
            while size < int(sys.argv[2]):
                data = await reader.read(65536)
                if not data:
                    break
                digest.update(data)
                size += len(data)
            writer.write(f"{size} {digest.hexdigest()}".encode())
            await writer.drain()
        elif mode == "source":
            await reader.read(1)
            block = bytes(range(256)) * 256
            for _ in range(int(sys.argv[2]) // len(block)):
                writer.write(block)
                await writer.drain()
        writer.close()
        await writer.wait_closed()
    except (ConnectionError, ssl.SSLError):
        pass


async def main():
    context = None
    files = [a for a in sys.argv[2:] if a.endswith(".pem")]
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
    server = await asyncio.start_server(client, "127.0.0.1", 0, ssl=context, backlog=1024, limit=4096)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    # Ends with the test that started it.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    import os
    os._exit(0)


asyncio.run(main())
