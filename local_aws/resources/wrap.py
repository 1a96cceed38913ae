"""How the resource modules correct ministack: run something after a stock handler, or around a stock function."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

Properties = dict[str, Any]
# (physical id, properties now, properties before or None when created) -> attributes to add for Fn::GetAtt, or nothing
Correction = Callable[[str, Properties, Properties | None], dict[str, Any] | None]


def after(resource_type: str, correct: Correction) -> None:
    """Run `correct` after the stock create and update handlers of a type."""
    stock = dict(_RESOURCE_HANDLERS[resource_type])

    def finished(result: tuple[str, dict], now: Properties, before: Properties | None) -> tuple[str, dict]:
        physical_id, attributes = result
        return physical_id, {**(attributes or {}), **(correct(physical_id, now, before) or {})}

    def create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
        return finished(stock["create"](logical_id, properties, stack_name), properties, None)

    def update(physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str | None = None):
        extra = (logical_id,) if stock.get("update_with_logical_id") else ()
        result = stock["update"](physical_id, old, new, stack_name, *extra)
        return finished(result, new, old if result[0] == physical_id else None)

    handlers = _RESOURCE_HANDLERS[resource_type]
    handlers["create"] = create
    if "update" in stock:
        handlers["update"] = update


def around(module: ModuleType, name: str, replacement: Callable[..., Any]) -> None:
    """Put `replacement(stock, *args)` in place of a function, also in the tables of its module that list it."""
    stock = getattr(module, name)

    def wrapped(*args: Any, **options: Any) -> Any:
        return replacement(stock, *args, **options)

    setattr(module, name, wrapped)
    for value in vars(module).values():
        if isinstance(value, dict):
            for key in [k for k, entry in value.items() if entry is stock]:
                value[key] = wrapped


def boolean(value: Any, *, default: bool = False) -> bool:
    """A template's boolean, which may be the text "true"."""
    return default if value is None else str(value).lower() == "true"


def tags(properties: Properties, name: str = "Tags") -> list[dict[str, str]]:
    return [{"Key": str(tag["Key"]), "Value": str(tag["Value"])} for tag in properties.get(name) or []]
