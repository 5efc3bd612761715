"""pipecat's DeepgramFluxSTTService against a server; prints what it told its pipeline, as one JSON line.

usage: pipecat_flux.py PORT
"""

import asyncio
import inspect
import json
import sys
from importlib.metadata import version

from loguru import logger
from pipecat.frames.frames import EndFrame, ErrorFrame, InputAudioRawFrame, STTUpdateSettingsFrame, TranscriptionFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineTask
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.services.deepgram.flux.stt import DeepgramFluxSTTService

logger.remove()
# What a client without a way to say it cannot be asked to say.
sources = [inspect.getsource(part) for part in DeepgramFluxSTTService.__mro__[:-1]]
force = "has none" if not any("ForceEndTurn" in source for source in sources) else "not tried"
seen = {"force": force, "client": f"pipecat-ai {version('pipecat-ai')}", "events": [], "finals": [], "errors": []}


class Sink(FrameProcessor):
    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, TranscriptionFrame):
            seen["finals"].append(frame.text)
        if isinstance(frame, ErrorFrame):
            seen["errors"].append(frame.error)
        await self.push_frame(frame, direction)


async def main():
    Settings = DeepgramFluxSTTService.Settings
    service = DeepgramFluxSTTService(
        api_key="secret",
        url=f"ws://127.0.0.1:{sys.argv[1]}/v2/listen",
        sample_rate=16000,
        settings=Settings(model="flux-general-en", eager_eot_threshold=0.4),
    )
    for name in ["start_of_turn", "turn_resumed", "end_of_turn", "eager_end_of_turn", "update"]:

        async def note(service, *arguments, name=name):
            seen["events"].append(name)

        service.add_event_handler("on_" + name, note)
    received = service._handle_message if hasattr(service, "_handle_message") else None
    if received:

        async def handle(message):
            seen.setdefault("types", []).append(message.get("type"))
            await received(message)

        service._handle_message = handle
    task = PipelineTask(Pipeline([service, Sink()]))

    async def feed():
        await asyncio.sleep(1)
        for number in range(75):
            if number == 10:
                delta = Settings(eot_threshold=0.8)
                await task.queue_frame(STTUpdateSettingsFrame(delta=delta))
            frame = InputAudioRawFrame(audio=bytes(2560), sample_rate=16000, num_channels=1)
            await task.queue_frame(frame)
            await asyncio.sleep(0.08)
        await task.queue_frame(EndFrame())

    await asyncio.gather(PipelineRunner(handle_sigint=False).run(task), feed())


asyncio.run(asyncio.wait_for(main(), 40))
seen["events"] = sorted(set(seen["events"]))
seen["types"] = sorted(set(seen.get("types", [])))
print(json.dumps(seen))
