"""What a call meets: quotas, outages and faults in front of it, the trail behind it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import apigateway_v1

from local_aws.functions import sandbox
from local_aws.gateway import enabled, error_forms, faults, malformed, stale, throttling, trail
from local_aws.gateway.asgi import Answer, HangUp, Request, Send, Tap, send_answer
from local_aws.gateway.wire import Call

# Lets the call take effect, and gives its answer to what it is called with.
Take = Callable[[Send], Coroutine[Any, Any, None]]


async def meet(call: Call, request: Request, take: Take, send: Send) -> None:
    """Answer a call. One request is one task: account, Region and caller are its own."""
    _enter(call)
    if unreadable := malformed.refusal(call, request):
        await send_answer(send, unreadable)
        return
    if call.observer:
        await _taken(call, request, take, send)
        return
    environment = sandbox.of_caller(call.access_key) if call.mutating else None
    kill = faults.killed(environment.func_name) if environment else None
    if kill is None:
        await _met(call, request, take, send)
        return
    if kill.when == "after":
        await _met(call, request, take, Tap(None))
    sandbox.end(environment)
    raise HangUp  # there is nobody to answer any more


async def _met(call: Call, request: Request, take: Take, send: Send) -> None:
    if refused := throttling.refusal(call) or _out(call) or enabled.refusal(call):
        await send_answer(send, refused)
        return
    fault = faults.for_call(call)
    if fault:
        await asyncio.sleep(fault.delay)
    match fault:
        case faults.Refuse(error=code, message=message):
            refused = error_forms.of(code, message, call)
            if code != "Throttling":
                trail.record(call, request, refused)
            await send_answer(send, refused)
        case faults.Drop(drop="before"):
            raise HangUp
        case faults.Drop():
            await _taken(call, request, take, None)
            raise HangUp
        case faults.Stale(stale=seconds) if tap := stale.answer(call, seconds, take):
            trail.record(call, request, tap.answer)
            for message in tap.messages:
                await send(message)
        case _:
            await _taken(call, request, take, send)


def _enter(call: Call) -> None:
    set_request_account_id(call.access_key)
    set_request_region(call.region)
    trail.CALLER.set(call.access_key)


async def _taken(call: Call, request: Request, take: Take, send: Send | None) -> None:
    if not trail.records(call) and send:
        await take(send)
        return
    tap = Tap(send)
    await take(tap)
    if trail.records(call):
        trail.record(call, request, tap.answer)


def _out(call: Call) -> Answer | None:
    """A Region that is out answers what its front ends can still say [K]."""
    return error_forms.of("ServiceUnavailable", None, call) if faults.is_out(call) else None


def is_unreachable(request: Request) -> bool:
    """Whether the data plane of the Region that serves this name is out: a request to a deployed API."""
    host = request.headers.get("host", "").partition(":")[0].lower()
    scope = apigateway_v1.find_domain_scope(host) or apigateway_v1.find_api_scope(host.partition(".")[0])
    return bool(scope) and faults.data_plane_is_out(scope[1])
