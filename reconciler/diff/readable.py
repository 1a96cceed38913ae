"""What CloudFormation itself can compare: types that it can read, less the properties that nobody can read back.

`drift_checks.json` holds both for the types that our templates use, taken from the schemas that cfn-lint ships (`handlers.read` and
`writeOnlyProperties`); a test keeps it equal to them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

_DOT = re.compile(r"(?<!\\)\.")


@cache
def _checks() -> Mapping[str, Any]:
    text = files(__package__).joinpath("drift_checks.json").read_text(encoding="utf-8")
    table: Mapping[str, Any] = json.loads(text)
    return table


def readable(resource_type: str) -> bool:
    """Whether CloudFormation sees drift of it at all. A type that we do not know is not taken for one."""
    return bool(_checks().get(resource_type, {}).get("read"))


def write_only(resource_type: str, path: str) -> bool:
    """Whether this dotted property path is at or inside one that AWS never tells; `*` in the table is any place of a list."""
    at = _DOT.split(path)
    patterns = (p.split(".") for p in _checks().get(resource_type, {}).get("writeOnly", ()))
    return any(
        len(p) <= len(at) and all(want in ("*", part) for want, part in zip(p, at, strict=False)) for p in patterns
    )
