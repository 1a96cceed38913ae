"""Which type each resource of a stack is of, for whoever draws the tree: once for each template, however many stacks hold it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.observed import StackState
from reconciler.model.outcome import Outcome
from reconciler.report.words import clipped

_LONGEST = 255
_MOST = 500
"""CloudFormation takes no more resources in one template, and no longer names."""


def types_of_resources(outcome: Outcome, before: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Digest of a template to its resources' types; `structure` says which stack holds which, and none else is kept. Of a stack
    that could not be read it is what the document before says."""
    held = {str(ref): state for ref, state in outcome.observed.stacks.items()}
    found: dict[str, dict[str, str]] = {}
    for name, stack in outcome.structure.items():
        state = held.get(name)
        if isinstance(state, StackState) and state.template is not None:
            found[stack.template] = _types(state.template)
        elif stack.template not in found:
            found[stack.template] = _recorded(before, stack.template)
    return {digest: types for digest, types in found.items() if types}


def _types(template: Mapping[str, Any]) -> dict[str, str]:
    resources = template.get("Resources")
    if not isinstance(resources, Mapping):
        return {}
    return _texts({name: body.get("Type") for name, body in resources.items() if isinstance(body, Mapping)})


def _recorded(before: Mapping[str, Any], digest: str) -> dict[str, str]:
    """Nothing where somebody else wrote into the table."""
    known = before.get("resources")
    types = known.get(digest) if isinstance(known, Mapping) else None
    return _texts(types) if isinstance(types, Mapping) else {}


def _texts(found: Mapping[Any, Any]) -> dict[str, str]:
    texts = ((clipped(str(name), _LONGEST), kind) for name, kind in list(found.items())[:_MOST])
    return {name: clipped(kind, _LONGEST) for name, kind in texts if isinstance(kind, str)}
