"""A server that speaks vosk-server's protocol: an utterance is half a second of sound; its words tell how much was heard.

Prints its port. With the argument `refuse` it answers the upgrade with 503.
"""

import asyncio
import json
import sys

from websockets.asyncio.server import serve


async def session(socket):
    heard = 0
    rate = None
    async for message in socket:
        if isinstance(message, bytes):
            heard += len(message) // 2
            if heard % 4000 < len(message) // 2:
                await socket.send(json.dumps({"partial": "hello"}))
            continue
        request = json.loads(message)
        if "config" in request:
            rate = request["config"]["sample_rate"]
        if "eof" in request:
            seconds = heard / rate
            words = [
                {"word": "hello", "start": 0.1, "end": 0.4, "conf": 0.9},
                {"word": f"{seconds:.2f}", "start": 0.5, "end": seconds, "conf": 0.8},
            ]
            text = " ".join(word["word"] for word in words)
            await socket.send(json.dumps({"text": text, "result": words}))
            await socket.close()
            return


def refuse(connection, request):
    return connection.respond(503, "full\n")


async def main():
    process = refuse if "refuse" in sys.argv else None
    async with serve(session, "127.0.0.1", 0, process_request=process) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
