"""Which property changes make CloudFormation replace a resource: the registry schemas' create-only properties.

`create_only.json` holds them for the types that our templates use, taken from the schemas that cfn-lint ships
(`createOnlyProperties` and `conditionalCreateOnlyProperties`); a test keeps it equal to them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files


@cache
def _create_only() -> Mapping[str, Sequence[str]]:
    text = files(__package__).joinpath("create_only.json").read_text(encoding="utf-8")
    table: Mapping[str, Sequence[str]] = json.loads(text)
    return table


def replaces(resource_type: str, path: str) -> bool:
    """Whether a change at this dotted property path replaces the resource, or may. An unknown type may."""
    properties = _create_only().get(resource_type)
    if properties is None:
        return True
    return any(path == p or path.startswith(p + ".") for p in properties)
