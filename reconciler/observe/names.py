"""AWS's spellings of the same thing, brought to one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model.shapes import AnyOrder

_OCTAL = re.compile(r"\\([0-7]{3})")


def dns(name: str) -> str:
    r"""`Route.Example.com.` and `\052.example.com` as `route.example.com` and `*.example.com`."""
    return _OCTAL.sub(lambda m: chr(int(m[1], 8)), name).rstrip(".").lower()


def items(counted: Mapping[str, Any] | None) -> list[Any]:
    """CloudFront's `{"Quantity": 2, "Items": [...]}` as a list; `Items` is absent when empty."""
    return list((counted or {}).get("Items") or ())


def tags(found: Mapping[str, str] | Iterable[Mapping[str, Any]] | None) -> AnyOrder:
    """Tags as templates list them; services give a list or a map."""
    if isinstance(found, Mapping):
        return AnyOrder({"Key": key, "Value": value} for key, value in sorted(found.items()))
    return AnyOrder({"Key": tag["Key"], "Value": tag["Value"]} for tag in found or ())
