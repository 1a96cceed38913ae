"""ReportBatchItemFailures: which messages of a batch a function's answer says it has not done.

[V: Lambda Developer Guide, "Implementing partial batch responses": success and failure conditions]
"""

import json
from typing import Any

NAME = "ReportBatchItemFailures"


def failures(mapping: dict[str, Any], answer: Any, ids: set[str]) -> set[str]:
    """All of them for an answer that is wrong; none for one that names none."""
    if NAME not in (mapping.get("FunctionResponseTypes") or []):
        return set()
    try:
        found = json.loads(answer) if isinstance(answer, str | bytes) and answer else answer
    except ValueError:
        return ids
    if not isinstance(found, dict):
        return set() if not found else ids
    named = [_named(item) for item in found.get("batchItemFailures") or []]
    return {str(name) for name in named} if all(name in ids for name in named) else ids


def _named(item: Any) -> Any:
    return item.get("itemIdentifier") if isinstance(item, dict) else None
