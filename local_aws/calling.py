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
from urllib.parse import parse_qs

from ministack import app as ministack_app

from local_aws.clock import CLOCK
from local_aws.dns import addresses

PATCHED: tuple[str, ...] = ("ministack.app._handle_execute_api_request",)
logger = logging.getLogger("local_aws.calling")
AGAIN, SOONEST = 2.0, 0.2  # wall seconds between two calls of one check: usually, and when something has changed
LIMIT, COLD_LIMIT = 6.0, 15.0  # 4 s to connect and 2 s to answer [V]; the first call has to start a process here
SEARCHED = 5120  # bytes of the body [V]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a checker reports."""

    healthy: bool
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    host: str
    path: str
    region: str
    search: str = ""


@dataclass(slots=True)
class _Known:
    """What is known of one check's endpoint."""

    way: str = ""  # what the answer depends on, as far as records tell
    asked: float = 0.0
    busy: bool = False
    late: int = 0
    outcome: Outcome | None = None
    watch: "asyncio.Task[None] | None" = None  # the loop itself keeps only weak references


class Caller:
    """Machinery of the process: what it knows is only ever a little older than the world."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def outcome(self, check_id: str, target: Target, way: str) -> Outcome | None:
        """The last answer, None before there is one; a call begins when that is too old."""
        known = self._known.setdefault(check_id, _Known())
        age = time.monotonic() - known.asked
        if not known.busy and age >= (AGAIN if known.way == way else SOONEST):
            cold = known.way != way
            known.busy, known.way, known.asked = True, way, time.monotonic()
            CLOCK.in_loop(lambda: self._begin(known, target, check_id, cold=cold))
        return known.outcome

    def _begin(self, known: _Known, target: Target, check_id: str, *, cold: bool) -> None:
        call = asyncio.create_task(_call(target, check_id))
        known.watch = asyncio.create_task(self._watch(known, call, COLD_LIMIT if cold else LIMIT))

    async def _watch(self, known: _Known, call: "asyncio.Task[Outcome]", limit: float) -> None:
        """An answer that is late counts as none when that happens twice in a row: once may be this machine's doing."""
        done, _ = await asyncio.wait({call}, timeout=limit)
        if done:
            known.late, known.outcome = 0, call.result()
        else:
            known.late += 1
            if known.late > 1:
                told = "Failure: The endpoint did not respond to the health check request within the timeout limit."
                known.outcome = Outcome(healthy=False, told=told)
            await asyncio.wait({call})
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
