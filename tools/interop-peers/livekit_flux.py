"""LiveKit's STTv2 against a server; prints what it told its user, as one JSON line.

usage: livekit_flux.py PORT
"""

import asyncio
import inspect
import json
import sys
from importlib.metadata import version

import aiohttp
from livekit import rtc
from livekit.plugins.deepgram import STTv2, stt_v2

# What a client without a way to say it cannot be asked to say.
force = "has none" if "ForceEndTurn" not in inspect.getsource(stt_v2) else "not tried"
seen = {"force": force, "client": f"livekit-plugins-deepgram {version('livekit-plugins-deepgram')}", "events": [], "finals": [], "errors": []}


async def main():
    async with aiohttp.ClientSession() as session:
        stt = STTv2(
            api_key="secret",
            base_url=f"ws://127.0.0.1:{sys.argv[1]}/v2/listen",
            http_session=session,
            eager_eot_threshold=0.4,
            audio_chunk_duration_ms=80,
        )
        stt.on("error", lambda error: seen["errors"].append(repr(error)))
        stream = stt.stream()

        async def feed():
            for number in range(75):
                if number == 10:
                    stt.update_options(eot_threshold=0.8)
                stream.push_frame(rtc.AudioFrame(bytes(2560), 16000, 1, 1280))
                await asyncio.sleep(0.08)
            stream.end_input()

        feeding = asyncio.create_task(feed())
        async for event in stream:
            seen["events"].append(event.type.value)
            if event.type.value == "final_transcript":
                seen["finals"].append(event.alternatives[0].text)
        await feeding
        await stt.aclose()


asyncio.run(asyncio.wait_for(main(), 40))
seen["events"] = sorted(set(seen["events"]))
print(json.dumps(seen))
