"""SQS: how long a message may wait, and be invisible."""

from collections.abc import Callable
from typing import Any

from ministack.services import sqs

from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.services.sqs._Err",
    "ministack.services.sqs._act_change_visibility",
    "ministack.services.sqs._act_receive_message",
    "ministack.services.sqs._act_send_message",
)

LIMITS = {"DelaySeconds": 900, "VisibilityTimeout": 43200}  # [V: API reference, SendMessage, ChangeMessageVisibility]


def _within_limits(stock: Callable[..., Any], request: dict[str, Any], *rest: Any) -> Any:
    for name, most in LIMITS.items():
        value = request.get(name)
        if value is not None and not 0 <= int(value) <= most:
            reason = f"{name} must be >= 0 and <= {most}" if name == "DelaySeconds" else f"Must be between 0 and {most}"
            raise sqs._Err("InvalidParameterValue", f"Value {value} for parameter {name} is invalid. Reason: {reason}.")
    return stock(request, *rest)


def install() -> None:
    for name in ("_act_send_message", "_act_change_visibility", "_act_receive_message"):
        around(sqs, name, _within_limits)
