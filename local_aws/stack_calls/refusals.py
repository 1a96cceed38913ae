"""How a CloudFormation call is refused."""

from collections.abc import Callable
from typing import Any

from ministack.services.cloudformation import handlers
from ministack.services.cloudformation.helpers import _error, _p

from local_aws.gateway.asgi import Answer
from local_aws.refused import Refused

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation.handlers._resolve_stack",
    "ministack.services.cloudformation.helpers._error",
    "ministack.services.cloudformation.helpers._p",
)

Params = dict[str, Any]
Record = dict[str, Any]
Handler = Callable[[Params], Answer]


def invalid(message: str) -> Refused:
    return Refused("ValidationError", message)


def violated(*constraints: str) -> Refused:
    """The words of the API's own validation of a request."""
    plural = "s" if len(constraints) > 1 else ""
    return invalid(f"{len(constraints)} validation error{plural} detected: {'; '.join(constraints)}")


def refusing(handler: Handler) -> Handler:
    def guarded(params: Params) -> Answer:
        try:
            return handler(params)
        except Refused as refusal:
            answer: Answer = _error(refusal.code, refusal.message, refusal.status)
            return answer

    return guarded


def given(params: Params, name: str) -> str:
    return str(_p(params, name))


def the_stack(name: str) -> Record | None:
    """By name only while it exists; a deleted one by its id."""
    stack: Record | None = handlers._resolve_stack(name)
    if stack is None or (status(stack) == "DELETE_COMPLETE" and stack["StackId"] != name):
        return None
    return stack


def status(stack: Record) -> str:
    return str(stack.get("StackStatus", ""))
