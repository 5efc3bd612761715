"""Streams raw 16 kHz PCM from stdin to a local Flux through Deepgram's SDK; prints the type or event of each message.

sdk.py PORT KEY
"""

import sys
import threading

from deepgram import DeepgramClient
from deepgram.core.events import EventType
from deepgram.environment import DeepgramClientEnvironment

port, key = sys.argv[1:]
audio = sys.stdin.buffer.read()
environment = DeepgramClientEnvironment(
    base=f"http://127.0.0.1:{port}",
    production=f"ws://127.0.0.1:{port}",
    agent=f"ws://127.0.0.1:{port}",
    agent_rest=f"http://127.0.0.1:{port}",
)
client = DeepgramClient(api_key=key, environment=environment)


def show(message):
    print(getattr(message, "event", message.type), getattr(message, "transcript", ""), flush=True)


with client.listen.v2.connect(model="flux-general-en", encoding="linear16", sample_rate=16000) as connection:
    connection.on(EventType.MESSAGE, show)
    connection.on(EventType.ERROR, lambda error: print("ERROR", repr(error), flush=True))
    listener = threading.Thread(target=connection.start_listening)
    listener.start()
    for start in range(0, len(audio), 2560):
        connection.send_media(audio[start : start + 2560])
    connection.send_close_stream()
    listener.join()
