"""A Flux that does as its client's URL says: /v2/listen?scenario=NAME&id=ID&... (see the functions `play_*`).

flux.py FOLDER CERTIFICATE...

Prints {"plain": PORT, CERTIFICATE: PORT...}; a certificate is FOLDER/NAME.pem with FOLDER/NAME-key.pem. When a connection
is over, what its client did is in FOLDER/ID.json, its audio in FOLDER/ID.raw, and "done ID" is printed.
"""

import asyncio
import http
import json
import os
import ssl
import sys
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Response

FOLDER, CERTIFICATES = sys.argv[1], sys.argv[2:]
REQUEST_ID = "019f4c80-a061-72f2-9780-89f9950b1adb"

BODIES = {
    "err_code": '{"err_code":"SOME_CODE","err_msg":"The words of the server.","request_id":"%s"}' % REQUEST_ID,
    "error_code": '{"error_code":"SOME_CODE","message":"The words of the server."}',
    "code": '{"code":"SOME_CODE","description":"The words of the server."}',
    "category": '{"category":"SOME_CODE","message":"The words of the server.","details":"And details."}',
    "html": "<html><body>The words of the server.</body></html>",
    "header": "",
}


class Session:
    """One connection: what it was asked for, and what came."""

    def __init__(self, connection):
        query = parse_qs(urlsplit(connection.request.path).query, keep_blank_values=True)
        self.query = {name: values[0] for name, values in query.items()}
        self.connection = connection
        self.sequence = 0
        self.turn = None
        self.audio = bytearray()
        # Lengths of binary messages and names of text messages, in order.
        self.messages = []
        self.connected_after = None
        self.pongs = 0

    async def send(self, message, fragments=1):
        text = json.dumps({**message, "request_id": REQUEST_ID, "sequence_id": self.sequence})
        self.sequence += 1
        if fragments == 1:
            await self.connection.send(text)
            return
        size = -(-len(text) // fragments)

        async def pieces():
            for start in range(0, len(text), size):
                yield text[start : start + size]
                self.pongs += (await (await self.connection.ping())) is not None

        await self.connection.send(pieces())

    async def greet(self):
        self.connected_after = len(self.messages)
        await self.send({"type": "Connected"}, self.fragments)

    @property
    def fragments(self):
        return int(self.query.get("fragments", 1))

    @property
    def seconds(self):
        return len(self.audio) / 32000

    async def turn_info(self, event, transcript, **more):
        words = [{"word": word, "confidence": 0.5} for word in transcript.split()]
        await self.send(
            {
                "type": "TurnInfo", "event": event, "turn_index": 0, "audio_window_start": 0.0,
                "audio_window_end": self.seconds, "transcript": transcript, "words": words,
                "end_of_turn_confidence": 0.25, **more,
            },
            self.fragments,
        )

    async def receive(self):
        """The next message: its length, or the type of a control message."""
        message = await self.connection.recv()
        if isinstance(message, bytes):
            self.audio += message
            self.messages.append(len(message))
        else:
            self.messages.append(json.loads(message)["type"])
        return self.messages[-1]

    async def listen(self, until):
        """A turn from the second message on, until there are `until` messages or the client wants to close."""
        while until is None or len(self.messages) < until:
            kind = await self.receive()
            if kind == "CloseStream":
                return
            if kind == "ForceEndTurn":
                await self.turn_info("EndOfTurn", "Grüße, wörld 🎧", trigger="manual")
                self.turn = "over"
            elif self.turn is None and len(self.messages) == 2:
                await self.turn_info("StartOfTurn", "Grüße,")
                self.turn = "open"
            elif self.turn == "open":
                await self.turn_info("Update", "Grüße, wörld 🎧")

    async def end(self, code):
        """Closes as asked for: with a code, with none, or without a closing handshake."""
        if code == "abrupt":
            self.connection.transport.abort()
        elif code == "none":
            async with self.connection.send_context():
                self.connection.protocol.send_close()
        else:
            # As it is: websockets itself would refuse codes it does not know.
            payload = int(code).to_bytes(2) + b"so it is"
            self.connection.transport.write(bytes([0x88, len(payload)]) + payload)
            try:
                await asyncio.wait_for(self.connection.wait_closed(), 0.3)
            except TimeoutError:
                self.connection.transport.close()

    # What the URL asks for.

    async def play_normal(self):
        await asyncio.sleep(float(self.query.get("delay", 0)))
        await self.greet()
        await self.listen(None)
        await self.end("none")

    async def play_close(self):
        stage, code = self.query["at"], self.query["code"]
        if stage != "greeting":
            await self.greet()
            await self.listen(4 if stage == "streaming" else None)
        await self.end(code)

    async def play_silent(self):
        await self.listen(None)

    async def play_deaf(self):
        """Opens a turn and never says a word again."""
        await self.greet()
        await self.listen(3)
        while True:
            await self.receive()

    async def play_raw(self):
        """Bytes that need not be a frame, in the middle of a turn."""
        await self.greet()
        await self.listen(4)
        self.connection.transport.write(bytes.fromhex(self.query["bytes"]) + bytes(int(self.query.get("zeros", 0))))
        await self.listen(None)
        await self.end("none")

    async def play_text(self):
        """A text message of one's own, in the middle of a turn."""
        await self.greet()
        await self.listen(4)
        await self.connection.send(self.query["text"] * int(self.query.get("times", 1)))
        if self.query.get("closes"):
            await self.end("none")
        else:
            await self.listen(None)
            await self.end("none")

    def record(self):
        with open(f"{FOLDER}/{self.query['id']}.raw", "wb") as file:
            file.write(self.audio)
        with open(f"{FOLDER}/{self.query['id']}.json", "w") as file:
            json.dump(
                {
                    "path": self.connection.request.path,
                    "headers": dict(self.connection.request.headers.raw_items()),
                    "messages": self.messages,
                    "connected_after": self.connected_after,
                    "pongs": self.pongs,
                    "close": self.connection.protocol.close_rcvd and self.connection.protocol.close_rcvd.code,
                },
                file,
            )
        print("done", self.query["id"], flush=True)


async def handle(connection):
    session = Session(connection)
    try:
        await getattr(session, "play_" + session.query["scenario"])()
    except ConnectionClosed:
        pass
    # What was on its way when the play was over is still read.
    try:
        while True:
            await asyncio.wait_for(session.receive(), 1)
    except (ConnectionClosed, TimeoutError):
        pass
    session.record()


def refuse(connection, request):
    query = {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}
    if query["scenario"] != "refuse":
        return None
    status, shape = int(query["status"]), query["body"]
    headers = Headers({"dg-request-id": REQUEST_ID, "Connection": "close"})
    if shape == "header":
        headers["dg-error"] = "The words of the server."
    shown = request.headers.get("Authorization", "")
    # A service that repeats what it was shown.
    bodies = {**BODIES, "repeats": '{"err_msg":"this is no key: %s"}' % shown}
    if shape == "repeats-header":
        headers["dg-error"] = f"this is no key: {shown}"
    body = bodies.get(shape, "").encode()
    headers["Content-Length"] = str(len(body))
    return Response(status, http.HTTPStatus(status).phrase, headers, body)


async def main():
    ports = {}
    for name in ["plain", *CERTIFICATES]:
        context = None
        if name != "plain":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(f"{FOLDER}/{name}.pem", f"{FOLDER}/{name}-key.pem")
        server = await serve(handle, "127.0.0.1", 0, process_request=refuse, ssl=context, ping_interval=0.2)
        ports[name] = next(iter(server.sockets)).getsockname()[1]
    print(json.dumps(ports), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)


asyncio.run(main())
