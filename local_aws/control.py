"""What stands in front of ministack: control endpoints under /_meridian/, injected faults, and the count of calls."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any

from local_aws import faults, stacks, states, wire, world
from local_aws.clock import CLOCK, rfc3339, wall_time

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
PREFIX = "/_meridian/"
# What other modules answer to POST and GET: the endpoint's name, and who gets its body.
POSTED: dict[str, Callable[[Message], Message]] = {}
GOT: dict[str, Callable[[Message], Message]] = {}
TOLD: dict[str, Callable[[], Any]] = {}  # what GET /_meridian/clock tells besides the time
RESTED: list[Callable[[], Awaitable[None]]] = []  # what comes to rest before the world is replaced
STARTED: list[Callable[[], Awaitable[None]]] = []  # what starts with the server, before it is ready


class Control:
    """The ASGI application: ours before ministack's."""

    def __init__(self, inner: Callable[[Message, Receive, Send], Awaitable[None]]) -> None:
        self._inner = inner
        self._calls: Counter[tuple[str, bool]] = Counter()
        self._snapshots: dict[str, world.Snapshot] = {}
        self._initial: world.Snapshot | None = None
        self.ready = asyncio.Event()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, _on_wall_time(send))
        else:
            await self._inner(scope, receive, send)

    async def _lifespan(self, scope: Message, receive: Receive, send: Send) -> None:
        CLOCK.attach(asyncio.get_running_loop())
        self._initial = world.create()
        for begin in STARTED:
            await begin()

        async def notice(message: Message) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                self.ready.set()

        await self._inner(scope, receive, notice)

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        body, replay = await _read(receive)
        if scope["path"].startswith(PREFIX):
            await _send_json(send, *await self._control(scope["method"], scope["path"].removeprefix(PREFIX), body))
            return
        call = wire.identify(scope["method"], scope["path"], scope.get("query_string", b"").decode(), headers, body)
        if call and not call.observer:
            self._calls[call.name, call.mutating] += 1
            if fault := faults.for_call(call.service, call.operation, call.region):
                await asyncio.sleep(fault.delay)
                if fault.error:
                    await _send(send, *faults.response(fault, call.protocol, call.name))
                    return
        try:
            await self._inner(scope, replay, send)
        finally:
            if scope["method"] != "GET":
                states.changed()

    # --- control endpoints ------------------------------------------------------------------------------------------------

    async def _control(self, method: str, what: str, body: bytes) -> tuple[int, Message]:
        if (method, what) == ("POST", "reset"):  # it must wait for what it cancels
            await stacks.cancel_all()
        if (method, what) in (("POST", "reset"), ("POST", "restore")):
            for rest in RESTED:
                await rest()
        others = {"POST": POSTED, "GET": GOT}.get(method, {})
        handler = getattr(self, f"_{method.lower()}_{what}", None) or others.get(what)
        if handler is None:
            return 404, {"error": f"no control endpoint {method} {PREFIX}{what}"}
        try:
            return 200, handler(wire.as_json(body))
        except world.Busy as error:
            return 409, {"error": str(error)}
        except KeyError as error:
            return 404, {"error": f"no snapshot {error}"}
        except (ValueError, TypeError) as error:
            return 400, {"error": str(error)}

    def _get_clock(self, _: Message) -> Message:
        told = {name: tell() for name, tell in TOLD.items()}
        return {"now": rfc3339(CLOCK.now()), "speed": CLOCK.speed, **told}

    def _post_clock(self, request: Message) -> Message:
        speed = request.get("speed")
        if not isinstance(speed, int | float) or isinstance(speed, bool) or not 0 < speed <= 100_000:
            raise ValueError(f"speed {speed!r} must be a number above 0, at most 100000")
        CLOCK.set_speed(float(speed))
        return self._get_clock({})

    def _post_faults(self, request: Message) -> Message:
        faults.FAULTS[:] = [faults.parse(entry) for entry in request.get("faults", [])]
        return {"faults": len(faults.FAULTS)}

    def _get_calls(self, _: Message) -> Message:
        calls = [
            {"call": name, "mutating": mutating, "count": n} for (name, mutating), n in sorted(self._calls.items())
        ]
        return {
            "calls": calls,
            "total": self._calls.total(),
            "mutating": sum(c["count"] for c in calls if c["mutating"]),
        }

    def _post_calls(self, _: Message) -> Message:
        self._calls.clear()
        return {"total": 0}

    def _post_snapshot(self, _: Message) -> Message:
        name = f"snapshot-{len(self._snapshots) + 1}"
        self._snapshots[name] = world.snapshot()
        return {"id": name}

    def _post_restore(self, request: Message) -> Message:
        world.restore(self._snapshots[request.get("id", "")])
        return {"id": request["id"]}

    def _post_reset(self, _: Message) -> Message:
        assert self._initial is not None, "the server has not started"
        world.reset(self._initial)
        self._calls.clear()
        return {"reset": True}


async def _read(receive: Receive) -> tuple[bytes, Receive]:
    """The whole body, and a `receive` that hands the same messages on."""
    messages, body = [], b""
    while True:
        message = await receive()
        messages.append(message)
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    pending = iter(messages)

    async def replay() -> Message:
        for message in pending:
            return message
        return await receive()

    return body, replay


def _on_wall_time(send: Send) -> Send:
    """Clients compare the Date header with their own clock: it stays on wall time, as signatures do."""

    async def dated(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [(k, v) for k, v in message.get("headers", []) if k.lower() != b"date"]
            message = {**message, "headers": [*headers, (b"date", formatdate(wall_time(), usegmt=True).encode())]}
        await send(message)

    return dated


async def _send_json(send: Send, status: int, value: Message) -> None:
    await _send(send, status, {"content-type": "application/json"}, json.dumps(value).encode())


async def _send(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    raw = [(k.encode(), v.encode()) for k, v in {**headers, "content-length": str(len(body))}.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
