"""What stands in front of ministack: control endpoints under /_meridian/, the count of calls, and `front` for each call."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from local_aws import stacks, states, world
from local_aws.clock import CLOCK, rfc3339
from local_aws.functions import sandbox
from local_aws.gateway import fault_input, faults, front, stale, wire
from local_aws.gateway.asgi import (
    Answer,
    HangUp,
    Message,
    Receive,
    Request,
    Send,
    hang_up,
    on_wall_time,
    read,
    send_answer,
    send_json,
)

PREFIX = "/_meridian/"
# What other modules answer to POST and GET: the endpoint's name, and who gets its body.
POSTED: dict[str, Callable[[Message], Message]] = {}
GOT: dict[str, Callable[[Message], Message]] = {}
TOLD: dict[str, Callable[[], Any]] = {}  # what GET /_meridian/clock tells besides the time
RESTED: list[Callable[[], Awaitable[None]]] = []  # what comes to rest before the world is replaced
# Who answers at an address of its own, by that address.
DIALLED: dict[str, Callable[[Request, Message], Awaitable[Answer]]] = {}
STARTED: list[Callable[[], Awaitable[None]]] = []  # what starts with the server, before it is ready


class Missing(Exception):
    """What a control request names is not there."""


class Control:
    """The ASGI application: ours before ministack's."""

    def __init__(self, inner: Callable[[Message, Receive, Send], Awaitable[None]]) -> None:
        self._inner = inner
        self._calls: Counter[tuple[str, bool]] = Counter()
        self._callers: Counter[tuple[str, bool]] = Counter()  # by the function that calls
        self._snapshots: dict[str, world.Snapshot] = {}
        self._initial: world.Snapshot | None = None
        self.ready = asyncio.Event()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        elif scope["type"] == "http":
            try:
                await self._http(scope, receive, on_wall_time(send))
            except HangUp:
                await hang_up(send)
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
        request, replay = await read(scope, receive)
        if dialled := DIALLED.get((scope.get("server") or ("",))[0]):
            await send_answer(send, await dialled(request, scope))
            return
        if request.path.startswith(PREFIX):
            await send_json(send, *await self._control(request.method, request.path.removeprefix(PREFIX), request.body))
            return

        async def take(answer: Send) -> None:
            await self._inner(scope, replay(), answer)

        call = wire.identify(request.method, request.path, request.query, request.headers, request.body)
        try:
            if call:
                self._count(call)
                await front.meet(call, request, take, send)
            elif front.is_unreachable(request):
                raise HangUp
            else:
                await take(send)
        finally:
            if request.method != "GET" and not (call and call.reads):
                states.changed()

    def _count(self, call: wire.Call) -> None:
        if not call.observer:
            self._calls[call.name, call.mutating] += 1
            if caller := sandbox.function_of(call.access_key):
                self._callers[caller, call.mutating] += 1

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
        except Missing as error:
            return 404, {"error": str(error)}
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
        entries, seed = fault_input.read(request)
        seed = faults.arm(entries, seed)
        stale.watch(faults.stale_services())
        states.changed()  # what stood still may go on
        return {"faults": len(entries), "seed": seed}

    def _get_calls(self, _: Message) -> Message:
        calls = [
            {"call": name, "mutating": mutating, "count": n} for (name, mutating), n in sorted(self._calls.items())
        ]
        return {
            "calls": calls,
            "total": self._calls.total(),
            "mutating": sum(c["count"] for c in calls if c["mutating"]),
            "functions": {
                name: {
                    "total": self._callers[name, True] + self._callers[name, False],
                    "mutating": self._callers[name, True],
                }
                for name in sorted({name for name, _ in self._callers})
            },
        }

    def _post_calls(self, _: Message) -> Message:
        self._calls.clear()
        self._callers.clear()
        return {"total": 0}

    def _post_snapshot(self, _: Message) -> Message:
        name = f"snapshot-{len(self._snapshots) + 1}"
        self._snapshots[name] = world.snapshot()
        return {"id": name}

    def _post_restore(self, request: Message) -> Message:
        name = request.get("id")
        if name not in self._snapshots:
            raise Missing(f"no snapshot {name!r}")
        world.restore(self._snapshots[name])
        states.changed()
        return {"id": name}

    def _post_reset(self, _: Message) -> Message:
        assert self._initial is not None, "the server has not started"
        world.reset(self._initial)
        stale.watch(set())
        self._post_calls({})
        states.changed()
        return {"reset": True}
