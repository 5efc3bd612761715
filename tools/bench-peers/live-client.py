"""Many live streams with websockets, on uvloop where it is installed.

usage: live-client.py STREAMS SECONDS PORT
Prints: KiB of memory per connection."""

import asyncio
import json
import resource
import sys
import time

import uvloop
from websockets.asyncio.client import connect

streams, seconds, port = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
url = f"ws://127.0.0.1:{port}/v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000"
chunk, chunk_seconds = bytes(2560), 0.08


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


async def read(socket):
    async for message in socket:
        json.loads(message)


async def play(socket, start):
    for index in range(int(seconds / chunk_seconds)):
        wait = start + index * chunk_seconds - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        await socket.send(chunk)


async def main():
    memory = peak()
    sockets = [await connect(url, compression=None) for _ in range(streams)]
    memory = (peak() - memory) / streams
    readers = [asyncio.create_task(read(socket)) for socket in sockets]
    start = time.monotonic() + 0.3
    await asyncio.gather(*(play(s, start + i / streams * chunk_seconds) for i, s in enumerate(sockets)))
    print(f"{memory:.1f}")
    for socket in sockets:
        await socket.send('{"type":"CloseStream"}')
    await asyncio.gather(*readers, return_exceptions=True)


uvloop.run(main())
