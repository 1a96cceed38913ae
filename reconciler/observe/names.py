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


def tags(found: Iterable[Mapping[str, Any]] | None) -> AnyOrder:
    """Ours alone: others' tags are nobody's drift, and `aws:` ones are AWS's."""
    mine = (t for t in found or () if str(t["Key"]).startswith("meridian:"))
    return AnyOrder({"Key": t["Key"], "Value": t["Value"]} for t in mine)
