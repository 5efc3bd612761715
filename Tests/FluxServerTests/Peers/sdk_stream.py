"""Streams raw 16 kHz PCM from stdin through Deepgram's SDK; prints each typed message as a JSON line.

usage: sdk_stream.py PORT [force]
"""

import json
import sys
import threading

from deepgram import DeepgramClient
from deepgram.core.events import EventType
from deepgram.environment import DeepgramClientEnvironment

port, force = sys.argv[1], "force" in sys.argv[2:]
audio = sys.stdin.buffer.read()
environment = DeepgramClientEnvironment(
    base=f"http://127.0.0.1:{port}",
    production=f"ws://127.0.0.1:{port}",
    agent=f"ws://127.0.0.1:{port}",
    agent_rest=f"http://127.0.0.1:{port}",
)
client = DeepgramClient(api_key="secret", environment=environment)
lock = threading.Lock()


def show(name, fields):
    with lock:
        print(json.dumps({"class": name, **fields}, default=str), flush=True)


with client.listen.v2.connect(
    model="flux-general-en", encoding="linear16", sample_rate=16000, eager_eot_threshold=0.5
) as connection:
    connection.on(EventType.MESSAGE, lambda message: show(type(message).__name__, message.dict()))
    connection.on(EventType.ERROR, lambda error: show("ERROR", {"error": repr(error)}))
    listener = threading.Thread(target=connection.start_listening)
    listener.start()
    connection.send_configure({"type": "Configure", "thresholds": {"eot_threshold": 0.8}})
    for start in range(0, len(audio), 2560):
        connection.send_media(audio[start : start + 2560])
    if force:
        connection.send_force_end_turn()
        connection.send_force_end_turn()
    connection.send_close_stream()
    listener.join()
show("CLOSED", {"code": connection._websocket.close_code})
