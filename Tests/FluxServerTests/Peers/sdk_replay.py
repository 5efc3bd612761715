"""Streams raw 16 kHz PCM from stdin through Deepgram's SDK and compares its typed messages with expected ones.

usage: sdk_replay.py PORT sync|async EXPECTED.json
"""

import asyncio
import json
import sys
import threading

from deepgram import AsyncDeepgramClient, DeepgramClient
from deepgram.core.events import EventType
from deepgram.environment import DeepgramClientEnvironment

port, mode, path = sys.argv[1:]
audio = sys.stdin.buffer.read()
expected = json.load(open(path))["events"]
http, ws = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
environment = DeepgramClientEnvironment(base=http, production=ws, agent=ws, agent_rest=http)
options = dict(model="flux-general-en", encoding="linear16", sample_rate=16000)
messages = []


def take(message):
    fields = message.dict()
    fields["kind"] = fields.pop("type")
    fields.update(fields.pop("thresholds", None) or {})
    messages.append(fields)


def stream_sync():
    client = DeepgramClient(api_key="secret", environment=environment)
    with client.listen.v2.connect(**options) as connection:
        connection.on(EventType.MESSAGE, take)
        listener = threading.Thread(target=connection.start_listening)
        listener.start()
        for start in range(0, len(audio), 2560):
            connection.send_media(audio[start : start + 2560])
        connection.send_close_stream()
        listener.join()


async def stream_async():
    client = AsyncDeepgramClient(api_key="secret", environment=environment)
    async with client.listen.v2.connect(**options) as connection:
        connection.on(EventType.MESSAGE, take)
        listener = asyncio.create_task(connection.start_listening())
        for start in range(0, len(audio), 2560):
            await connection.send_media(audio[start : start + 2560])
        await connection.send_close_stream()
        await listener


if mode == "sync":
    stream_sync()
else:
    asyncio.run(stream_async())
different = [
    (want, got)
    for want, got in zip(expected, messages)
    if any(got.get(name) != value for name, value in want.items())
]
print(json.dumps({"count": len(messages), "expected": len(expected), "different": str(different[:1])}))
