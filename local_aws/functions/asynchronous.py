"""Lambda's own queue: what events and callers that do not wait have invoked is tried again when the function fails.

Twice more, after one minute and after two [V: Lambda Developer Guide, "Error handling for asynchronous invocation"], then the
event goes to the dead-letter queue or the destination for failures, if there is one. An event that meets a throttle goes on being
tried for as long as it may be old: after a second at first, then ever less often, after five minutes at most.
"""

import json
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from ministack.services import eventbridge, lambda_svc

from local_aws.clock import CLOCK
from local_aws.functions import invoking
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.services.eventbridge._dispatch_to_lambda",
    "ministack.services.lambda_svc._execution_record_for_config",
    "ministack.services.lambda_svc._get_func_record_for_ref",
    "ministack.services.lambda_svc._route_async_failure",
)

Record = dict[str, Any]
RETRIES, OLDEST = 2, 6 * 3600.0
AGAIN = (60.0, 120.0)
THROTTLED, THROTTLED_MOST = 1.0, 300.0


def invoke(function: Record, event: Any) -> None:
    """In place of ministack's. From any thread, with the account and Region of the function."""
    since = CLOCK.now()
    context = copy_context()
    CLOCK.in_loop(lambda: context.run(_attempt, function, event, since, failures=0, throttles=0))


def _attempt(function: Record, event: Any, since: float, *, failures: int, throttles: int) -> None:
    settings = _settings(function)

    def ended(result: Record) -> None:
        if not result.get("error"):
            return
        again = _again(settings, result, failures=failures, throttles=throttles)
        if again is None or CLOCK.now() - since + again > settings.get("MaximumEventAgeInSeconds", OLDEST):
            _give_up(function, event, result, settings)
            return
        more = (0, 1) if result.get("throttle") else (1, 0)
        counts = {"failures": failures + more[0], "throttles": throttles + more[1]}
        CLOCK.later(again, lambda: _attempt(function, event, since, **counts))

    invoking.begin(function, event, ended)


def _settings(function: Record) -> Record:
    found = function.get("event_invoke_config") or (function.get("event_invoke_configs") or {}).get("$LATEST")
    return {name: value for name, value in (found or {}).items() if value is not None}


def _again(settings: Record, result: Record, *, failures: int, throttles: int) -> float | None:
    """The virtual seconds until the next attempt, None when there is none."""
    if result.get("throttle"):
        return float(min(THROTTLED * 2**throttles, THROTTLED_MOST))
    return AGAIN[failures] if failures < int(settings.get("MaximumRetryAttempts", RETRIES)) else None


def _give_up(function: Record, event: Any, result: Record, settings: Record) -> None:
    config = function["config"]
    wanted = ((settings.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    target = wanted or (config.get("DeadLetterConfig") or {}).get("TargetArn")
    if target:
        lambda_svc._route_async_failure(target, config["FunctionName"], event, result)


def _to_function(_stock: Callable[..., Any], arn: str, payload: str) -> None:
    """A rule's target; ministack tries once."""
    found, config, _ = lambda_svc._get_func_record_for_ref(arn)
    if found and config:
        invoke(lambda_svc._execution_record_for_config(found, config), json.loads(payload))


def install() -> None:
    lambda_svc.invoke_async_with_retry = invoke
    around(eventbridge, "_dispatch_to_lambda", _to_function)
