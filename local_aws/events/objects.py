"""S3 tells EventBridge of an object: ministack does, but for the version, by which alone a reader finds what was put.

[V: S3 User Guide, "EventBridge event message structure"]
"""

import json
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.services import eventbridge, s3

from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.services.eventbridge._dispatch_event",
    "ministack.services.s3._fire_s3_event",
)

_version: ContextVar[str] = ContextVar("version", default="")


def _fire(stock: Callable[..., Any], *arguments: Any, version_id: str | None = None, **more: Any) -> None:
    token = _version.set(version_id or "")
    try:
        stock(*arguments, version_id=version_id, **more)
    finally:
        _version.reset(token)


def _dispatch(stock: Callable[..., Any], event: dict[str, Any], *rest: Any) -> None:
    if event.get("Source") == "aws.s3" and _version.get():
        detail = json.loads(event["Detail"])
        detail["object"]["version-id"] = _version.get()
        event = {**event, "Detail": json.dumps(detail)}
    stock(event, *rest)


def install() -> None:
    around(s3, "_fire_s3_event", _fire)
    around(eventbridge, "_dispatch_event", _dispatch)
