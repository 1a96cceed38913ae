"""Invocations that nobody waits for: queues and events begin them, and learn how they ended.

They run beside the event loop; what follows from them is done on it, so that queues are changed by one at a time. Before the
world is replaced they are ended, as what they call would happen in another world; a world in which a function works is not at rest.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import cloudwatch, lambda_svc

from local_aws import world
from local_aws.clock import CLOCK
from local_aws.functions import sandbox
from local_aws.gateway import control
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.core.lambda_runtime._lock",
    "ministack.core.lambda_runtime._workers",
    "ministack.services.lambda_svc._emit_lambda_metrics",
    "ministack.services.lambda_svc._execute_function_with_config_scope",
)

Record = dict[str, Any]
Then = Callable[[Record], None]
logger = logging.getLogger("local_aws.functions")
MOST = 8  # at the same time, on one machine: each that has no process yet starts one, and a burst of events would starve all others
REST = 5.0  # wall seconds at most that a new world waits for functions that were killed
_PAUSE = 0.01
_LOOP: dict[str, Any] = {"generation": 0}  # which world it is
_AT_WORK: dict[int, str] = {}  # names of the functions, by invocation
_POOL = ThreadPoolExecutor(MOST, thread_name_prefix="invocation")


def begin(function: Record, event: Any, then: Then) -> None:
    """On the event loop, with the account and Region of the function. `then` gets ministack's result, unless the world has gone."""
    name, generation, number = str(function["config"]["FunctionName"]), _LOOP["generation"], _next()
    context = copy_context()
    _AT_WORK[number] = name

    def ended(result: Record) -> None:
        _AT_WORK.pop(number, None)
        if generation == _LOOP["generation"]:
            failed, throttled = bool(result.get("error")), bool(result.get("throttle"))
            lambda_svc._emit_lambda_metrics(name, duration_ms=0.0, error=failed and not throttled, throttle=throttled)
            then(result)

    def run() -> None:
        try:
            result = lambda_svc._execute_function_with_config_scope(function, event)
        except Exception as error:
            logger.exception("the invocation of %s failed", name)
            result = {"error": True, "body": {"errorMessage": str(error), "errorType": type(error).__name__}}
        CLOCK.in_loop(lambda: context.run(ended, result))

    _POOL.submit(copy_context().run, run)


def _next() -> int:
    _LOOP["number"] = int(_LOOP.get("number", 0)) + 1
    return int(_LOOP["number"])


async def rest() -> None:
    """Nothing that was begun in this world goes on in the next one."""
    _LOOP["generation"] += 1
    deadline = time.monotonic() + REST
    while _AT_WORK and time.monotonic() < deadline:
        with lambda_runtime._lock:
            busy = [worker for pool in lambda_runtime._workers.values() for worker in pool if worker.in_use]
        for environment in busy:
            sandbox.end(environment)
        await asyncio.sleep(_PAUSE)
    _AT_WORK.clear()


def _measured(stock: Callable[..., None], name: str, duration_ms: float, error: bool, throttle: bool) -> None:
    """A throttled request is counted as that alone [V: Lambda Developer Guide, metrics: Invocations do "not include
    throttled attempts"]. ministack counts an invocation, so that an alarm on none would stay silent."""
    if throttle:
        cloudwatch.record_metric("AWS/Lambda", "Throttles", 1, "Count", {"FunctionName": name})
    else:
        stock(name, duration_ms=duration_ms, error=error, throttle=False)


def install() -> None:
    around(lambda_svc, "_emit_lambda_metrics", _measured)
    control.RESTED.append(rest)
    world.AT_WORK.append(lambda: sorted(_AT_WORK.values()))
