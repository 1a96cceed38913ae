"""Event source mappings of SQS queues: what AWS refuses, and the seconds until a mapping is there, changed or gone.

The queue must exist and keep a message invisible at least as long as the function may take [V: API reference and Lambda Developer
Guide, "Using Lambda with Amazon SQS"]; the execution role must be allowed to receive, delete and look (with IAM enforced) [V: same
guide, permissions; words S: public reports]; one mapping per queue and function [V: ResourceConflictException].
"""

from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc, sqs

from local_aws import durations, states
from local_aws.iam import enforcement, trust
from local_aws.legality.guard import on_call, on_stack
from local_aws.refused import Refused
from local_aws.resources.wrap import Properties, after, around

PATCHED: tuple[str, ...] = (
    "ministack.services.lambda_svc._create_esm",
    "ministack.services.lambda_svc._delete_esm",
    "ministack.services.lambda_svc._esm_response",
    "ministack.services.lambda_svc._esms",
    "ministack.services.lambda_svc._resolve_request_scoped_name_and_qualifier",
    "ministack.services.lambda_svc._update_esm",
    "ministack.services.sqs._queue_by_arn",
)

Record = dict[str, Any]
INVALID = "InvalidParameterValueException"
ACTIONS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
ONE_CALL, MOST = 10, 10_000  # messages of a batch: without a window, with one
WINDOW = 300


def of_queue(mapping: Record) -> bool:
    return ":sqs:" in str(mapping.get("EventSourceArn"))


def missing_right(role: str, queue_arn: str, actions: tuple[str, ...] = ACTIONS) -> str:
    """The first action that the role does not allow; none without IAM."""
    if not enforcement.enforced():
        return ""
    return next((action for action in actions if not trust.may(role, action, queue_arn)), "")


# ---- what is refused ----------------------------------------------------------------------------------------------------


def check(wanted: Record, *, known: Record | None = None) -> None:
    """Create (`known` is None) and update, in the API's names."""
    mapping = {**(known or {}), **{name: value for name, value in wanted.items() if value is not None}}
    if not of_queue(mapping):
        return
    name, _ = lambda_svc._resolve_request_scoped_name_and_qualifier(str(mapping.get("FunctionName", "")))
    function = lambda_svc._functions.get(name)
    if function is None:
        return  # ministack says so
    _batches(mapping)
    _scaling(mapping)
    _queue(mapping["EventSourceArn"], function["config"])
    if known is None:
        _is_the_first(mapping["EventSourceArn"], name)


def _batches(mapping: Record) -> None:
    """[V: API reference, BatchSize, MaximumBatchingWindowInSeconds; words K]"""
    size, window = int(mapping.get("BatchSize") or ONE_CALL), int(mapping.get("MaximumBatchingWindowInSeconds") or 0)
    if not 1 <= size <= MOST:
        raise Refused(
            INVALID, f"Batch size {size} is not valid: it must be between 1 and {MOST} for an Amazon SQS standard queue"
        )
    if not 0 <= window <= WINDOW:
        raise Refused(INVALID, f"Maximum batching window {window} is not valid: it must be between 0 and {WINDOW}")
    if size > ONE_CALL and window < 1:
        raise Refused(
            INVALID, "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        )


def _scaling(mapping: Record) -> None:
    """At least 2 [V: API reference, ScalingConfig]: ministack says it of a call, this of a stack's resource too."""
    most = (mapping.get("ScalingConfig") or {}).get("MaximumConcurrency")
    if most is not None and not 2 <= int(most) <= 1000:
        raise Refused(
            "ValidationException",
            f"1 validation error detected: Value '{most}' at 'scalingConfig.maximumConcurrency' failed to satisfy constraint: "
            f"Member must have value {'greater than or equal to 2' if int(most) < 2 else 'less than or equal to 1000'}",
        )


def _queue(arn: str, function: Record) -> None:
    queue = sqs._queue_by_arn(arn)
    role = str(function.get("Role", ""))
    if missing := missing_right(role, arn):
        action = missing.removeprefix("sqs:")
        raise Refused(INVALID, f"The provided execution role does not have permissions to call {action} on SQS")
    if queue is None:
        raise Refused(INVALID, "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
                               "SQS Error Message: The specified queue does not exist for this wsdl version.")  # fmt: skip
    visibility, timeout = int(queue["attributes"].get("VisibilityTimeout", "30")), int(function.get("Timeout") or 3)
    if visibility < timeout:
        raise Refused(
            INVALID,
            f"Queue visibility timeout: {visibility} seconds is less than Function timeout: {timeout} seconds",
        )


def _is_the_first(arn: str, name: str) -> None:
    for known in lambda_svc._esms.values():
        if (known["EventSourceArn"], known["FunctionName"]) == (arn, name):
            raise Refused(
                "ResourceConflictException",
                f'An event source mapping with SQS arn (" {arn} ") and function (" {name} ") already exists. Please update or '
                f"delete the existing mapping with UUID {known['UUID']}",
                409,
            )


def _check_update(uuid: str, wanted: Record) -> None:
    known = lambda_svc._esms.get(uuid)
    if known:
        _at_rest(known)
        check(wanted, known=known)


def _check_delete(uuid: str) -> None:
    if known := lambda_svc._esms.get(uuid):
        _at_rest(known)


def _at_rest(mapping: Record) -> None:
    """[V: API reference, ResourceInUseException]"""
    if mapping.get("State") in ("Creating", "Updating", "Enabling", "Disabling", "Deleting"):
        raise Refused(
            "ResourceInUseException",
            f"Cannot update the event source mapping because it is in use: its state is {mapping['State']}.",
        )


# ---- states in between --------------------------------------------------------------------------------------------------


def _created(stock: Callable[..., Any], wanted: Record) -> Any:
    before = set(lambda_svc._esms.keys())
    answer = stock(wanted)
    for uuid in set(lambda_svc._esms.keys()) - before:
        settle(lambda_svc._esms[uuid], "Creating")
        return _answered(uuid, 202)
    return answer


def _updated(stock: Callable[..., Any], uuid: str, wanted: Record) -> Any:
    answer = stock(uuid, wanted)
    if answer[0] < 300:
        settle(lambda_svc._esms[uuid], "Updating")
        return _answered(uuid, 202)
    return answer


def settle(mapping: Record, busy: str) -> None:
    """A mapping works once it is Enabled; it takes seconds to a minute [S: Lambda Developer Guide; K]."""
    states.hold(mapping, "State", busy, "Enabled" if mapping.get("Enabled", True) else "Disabled", durations.MAPPING)


def _deleted(stock: Callable[..., Any], uuid: str) -> Any:
    """It goes on being listed as Deleting, and takes no new messages."""
    mapping = lambda_svc._esms.get(uuid)
    if mapping is None:
        return stock(uuid)
    mapping["Enabled"] = False
    states.hold(mapping, "State", "Deleting", "Deleting", durations.MAPPING, lambda: stock(uuid))
    return _answered(uuid, 202)


def _answered(uuid: str, status: int) -> Any:
    return lambda_svc.json_response(lambda_svc._esm_response(lambda_svc._esms[uuid]), status)


# ---- in a stack ---------------------------------------------------------------------------------------------------------


def _in_stack(uuid: str, now: Properties, before: Properties | None) -> None:
    mapping = lambda_svc._esms[uuid]
    mapping["Enabled"] = str(now.get("Enabled", True)).lower() == "true"
    for name in ("BatchSize", "MaximumBatchingWindowInSeconds"):
        mapping[name] = int(mapping.get(name) or 0)
    settle(mapping, "Creating" if before is None else "Updating")


def _check_stack(now: Properties, before: Properties | None) -> None:
    moved = before is None or before.get("EventSourceArn") != now.get("EventSourceArn")
    check(now, known=None if moved else {})


def install() -> None:
    around(lambda_svc, "_create_esm", _created)
    around(lambda_svc, "_update_esm", _updated)
    around(lambda_svc, "_delete_esm", _deleted)
    on_call(lambda_svc, "_create_esm", check, error_response_json)
    on_call(lambda_svc, "_update_esm", _check_update, error_response_json)
    on_call(lambda_svc, "_delete_esm", _check_delete, error_response_json)
    after("AWS::Lambda::EventSourceMapping", _in_stack)
    on_stack("AWS::Lambda::EventSourceMapping", put=_check_stack)
    states.settles(
        "AWS::Lambda::EventSourceMapping", lambda_svc._esms.get, lambda m: m["State"] in ("Enabled", "Disabled")
    )
