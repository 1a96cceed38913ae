"""How a refusal gets in front of a call or of a stack's resource.

A rule is a small function that raises Refused. The same rule guards the API call (the service's own error comes back) and
the resource in a stack (the handler fails with the message that CloudFormation shows).
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from local_aws.refused import Refused
from local_aws.resources.wrap import Properties, around

Rule = Callable[..., None]
ErrorAnswer = Callable[[str, str, int], Any]


def on_stack(resource_type: str, *, put: Rule | None = None, delete: Rule | None = None) -> None:
    """`put(now, before)`: before a create (before is None) or an update. `delete(physical id, properties)`."""
    handlers = _RESOURCE_HANDLERS[resource_type]
    stock, service = dict(handlers), resource_type.split("::")[1]

    def refusing(rule: Rule, *args: Any) -> None:
        try:
            rule(*args)
        except Refused as refusal:
            raise ValueError(refusal.as_stack_reason(service)) from refusal

    def create(logical_id: str, properties: Properties, stack_name: str) -> Any:
        refusing(put, properties, None)  # type: ignore[arg-type]
        return stock["create"](logical_id, properties, stack_name)

    def update(physical_id: str, old: Properties, new: Properties, *rest: Any) -> Any:
        refusing(put, new, old)  # type: ignore[arg-type]
        return stock["update"](physical_id, old, new, *rest)

    def remove(physical_id: str, properties: Properties, *rest: Any) -> Any:
        refusing(delete, physical_id, properties)  # type: ignore[arg-type]
        return stock["delete"](physical_id, properties, *rest)

    if put:
        handlers["create"] = create
        if "update" in stock:
            handlers["update"] = update
    if delete:
        handlers["delete"] = remove


def on_call(module: ModuleType, name: str, rule: Rule, error: ErrorAnswer) -> None:
    """`rule` gets the call's own arguments."""

    def guarded(stock: Callable[..., Any], *args: Any, **options: Any) -> Any:
        try:
            rule(*args, **options)
        except Refused as refusal:
            return error(refusal.code, refusal.message, refusal.status)
        return stock(*args, **options)

    around(module, name, guarded)
