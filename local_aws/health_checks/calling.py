"""Real requests to the deployed API, in process, so seldom that a fast clock does not make a storm of them.

A checker of AWS asks every ten seconds; at 600 times the speed that would be sixty calls a second. So a check's answer counts
until the next call: after `AGAIN` wall seconds, or at once when something on the way has changed, and only when somebody looks.
Calls run beside the event loop and touch no state that a snapshot waits for.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from ministack import app as ministack_app

from local_aws.clock import CLOCK
from local_aws.dns import addresses

PATCHED: tuple[str, ...] = ("ministack.app._handle_execute_api_request",)
logger = logging.getLogger("local_aws.calling")
AGAIN, SOONEST = 2.0, 0.2  # wall seconds between two calls of one check: usually, and when something has changed
LIMIT, COLD_LIMIT = 6.0, 15.0  # 4 s to connect and 2 s to answer [V]; the first call has to start a process here
REST = 1.0  # wall seconds at most that a new world waits for calls under way
SEARCHED = 5120  # bytes of the body [V]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a checker reports."""

    healthy: bool
    told: str


LATE = Outcome(
    healthy=False,
    told="Failure: The endpoint did not respond to the health check request within the timeout limit.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    host: str
    path: str
    region: str
    search: str = ""


@dataclass(slots=True)
class _Known:
    """What is known of one check's endpoint."""

    check: dict[str, Any]  # the record itself: in a world that was brought back it is another one
    way: str = ""  # what the answer depends on, as far as records tell
    asked: float = 0.0
    busy: bool = False
    outcome: Outcome | None = None
    watch: "asyncio.Task[None] | None" = None  # the loop itself keeps only weak references


class Caller:
    """Machinery of the process: what it knows is only ever a little older than the world."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def outcome(self, check: dict[str, Any], target: Target, way: str) -> Outcome | None:
        """The last answer, None before there is one; a call begins when that is too old."""
        known = self._of(check, way)
        age = time.monotonic() - known.asked
        if not known.busy and age >= (AGAIN if known.way == way else SOONEST):
            cold = known.way != way
            known.busy, known.way, known.asked = True, way, time.monotonic()
            CLOCK.in_loop(lambda: self._begin(known, target, cold=cold))
        return known.outcome

    def _of(self, check: dict[str, Any], way: str) -> _Known:
        """In a world that was brought back nothing is known of a check, unless all is as it was, and well."""
        before = self._known.get(check["id"])
        if before is None or before.check is not check:
            known = self._known[check["id"]] = _Known(check)
            if before and before.way == way and before.outcome and before.outcome.healthy:
                known.way, known.outcome, known.asked = way, before.outcome, time.monotonic()
        return self._known[check["id"]]

    async def rest(self) -> None:
        """Before the world is replaced: calls under way are awaited, as it would kill their functions."""
        watched = [known.watch for known in self._known.values() if known.watch]
        if watched:
            await asyncio.wait(watched, timeout=REST)

    def _begin(self, known: _Known, target: Target, *, cold: bool) -> None:
        known.watch = asyncio.create_task(_watch(known, target, COLD_LIMIT if cold else LIMIT))


async def _watch(known: _Known, target: Target, limit: float) -> None:
    """A failure counts when it comes twice in a row, as AWS's checkers want several: once may be this machine's doing, which
    is slow under load and kills a running function when its code is replaced."""
    calls: list[asyncio.Task[Outcome]] = []
    outcome = LATE
    for pause in (0.0, SOONEST):
        await asyncio.sleep(pause)
        calls.append(asyncio.create_task(_call(target, known.check["id"])))
        done, _ = await asyncio.wait(calls[-1:], timeout=limit)
        outcome = calls[-1].result() if done else LATE
        if outcome.healthy:
            break
    known.outcome = outcome
    await asyncio.wait(calls, timeout=COLD_LIMIT)  # not one on top of the other
    known.busy = False


CALLER = Caller()


async def _call(target: Target, check_id: str) -> Outcome:
    agent = f"Amazon-Route53-Health-Check-Service (ref {check_id}; report http://amzn.to/1vsZADi)"
    headers = {"host": target.host, "user-agent": agent, "x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https"}
    path, _, query = target.path.partition("?")
    try:
        with addresses.dialling(target.region):
            answer = await ministack_app._handle_execute_api_request(
                target.host, path, "GET", headers, b"", parse_qs(query, keep_blank_values=True)
            )
    except Exception:
        logger.exception("a probe of %s failed", target.host)
        answer = None
    return _judged(*((answer[0], answer[2]) if answer else (500, b"")), target.search)


def _judged(status: int, body: bytes | str, search: str) -> Outcome:
    """2xx and 3xx are healthy, with the search string, if there is one, at the beginning of the body [V]."""
    name = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"
    text = body.encode() if isinstance(body, str) else bytes(body)
    if not 200 <= status < 400:
        return Outcome(healthy=False, told=f"Failure: HTTP Status Code {status}, {name}")
    if search and search.encode() not in text[:SEARCHED]:
        told = f"Failure: HTTP Status Code {status}, {name}. Search string not found in the response body"
        return Outcome(healthy=False, told=told)
    return Outcome(healthy=True, told=f"Success: HTTP Status Code {status}, {name}")
