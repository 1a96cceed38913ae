"""One attempt at a write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reconciler.aws import failures


def send(call: str, region: str, request: Callable[[], Any], *harmless: str) -> Any:
    """The response; None where AWS answers with a harmless code: it has done this already."""
    try:
        return request()
    except failures.AwsError as error:
        if failures.code(error) in harmless:
            return None
        raise failures.translated(error, call, region) from error
