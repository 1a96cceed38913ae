"""HTTP, as far as it is not ministack's: reading a request whole, sending an answer, hanging up without one."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from hypercorn.protocol.events import StreamClosed

from local_aws.clock import wall_time

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Answer = tuple[int, dict[str, str], bytes]


class HangUp(Exception):
    """Close the connection; the client gets no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


async def read(scope: Message, receive: Receive) -> tuple[Request, Callable[[], Receive]]:
    """The whole request, and what gives ever new `receive`s that hand the same messages on."""
    messages, body = [], b""
    while True:
        message = await receive()
        messages.append(message)
        body += message.get("body", b"")
        if not message.get("more_body"):
            break

    def replay() -> Receive:
        pending = iter(messages)

        async def again() -> Message:
            for message in pending:
                return message
            return await receive()

        return again

    headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
    query = scope.get("query_string", b"").decode()
    return Request(method=scope["method"], path=scope["path"], query=query, headers=headers, body=body), replay


class Tap:
    """Keeps what is sent; passes it on to `send`, if there is one."""

    def __init__(self, send: Send | None) -> None:
        self._send = send
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)
        if self._send:
            await self._send(message)

    @property
    def answer(self) -> Answer:
        start = next((m for m in self.messages if m["type"] == "http.response.start"), {"status": 500})
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in start.get("headers", [])}
        return start["status"], headers, b"".join(m.get("body", b"") for m in self.messages)


def on_wall_time(send: Send) -> Send:
    """Clients compare the Date header with their own clock: it stays on wall time, as signatures do."""

    async def dated(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [(k, v) for k, v in message.get("headers", []) if k.lower() != b"date"]
            message = {**message, "headers": [*headers, (b"date", formatdate(wall_time(), usegmt=True).encode())]}
        await send(message)

    return dated


async def send_json(send: Send, status: int, value: Message) -> None:
    await send_answer(send, (status, {"content-type": "application/json"}, json.dumps(value).encode()))


async def send_answer(send: Send, answer: Answer) -> None:
    status, headers, body = answer
    raw = [(k.encode(), v.encode()) for k, v in {**headers, "content-length": str(len(body))}.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


async def hang_up(send: Send) -> None:
    """ASGI has no word for it: this is what hypercorn tells itself when a stream is over, with no response before it."""
    stream: Any = send.__self__  # type: ignore[attr-defined]
    await stream.send(StreamClosed(stream_id=stream.stream_id))
