"""When the page of a topology is made anew: as soon as anything that it shows has changed, else each quarter of an hour.

A pass over a topology at rest leaves a document that differs in its times alone. A page that is made again for those would cost a
request at each glance, and say the same; one that is never made again would leave open whether anybody still looks. So its time is
at most a quarter of an hour behind the status, as far as the resync goes, which is every quarter of an hour itself.

That it is made is written down before it is: whoever dies in between, or may not write it, has it made again within the same time.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from reconciler.report.words import iso_time

FRESH = timedelta(minutes=15)
_UNSEEN = frozenset({"updatedAt", "requeueAfter", "looks", "notices", "report", "run", "attempts", "motion"})
"""What changes from pass to pass though nothing happens. A page shows some of it, and may be a quarter of an hour behind."""
_COUNTED = frozenset({"last", "passes", "requests", "record", "recordedAt"})
_MEASURED = frozenset({"replicaLagMs"})


def key_of(topology: str) -> str:
    return f"reports/{topology}.html"


def is_page(report: Any, topology: str, home_region: str) -> bool:
    """Whether a status names the page of its own topology: nothing else is to be signed for."""
    if not isinstance(report, Mapping) or report.get("key") != key_of(topology):
        return False
    return re.fullmatch(rf"meridian-revisions-\d{{12}}-{re.escape(home_region)}", str(report.get("bucket"))) is not None


def paged(
    previous: Mapping[str, Any] | None, document: Mapping[str, Any], at: datetime, bucket: str
) -> tuple[dict[str, Any], bool]:
    """The document with the page's place, and whether the page is to be made from it."""
    before = (previous or {}).get("report")
    made = {"bucket": bucket, "key": key_of(str(document["topology"])), "digest": _digest(document)}
    since = _since(before, made)
    if since and abs(at - since) < FRESH:
        return {**document, "report": {**made, "at": iso_time(since)}}, False
    return {**document, "report": {**made, "at": iso_time(at)}}, True


def _since(before: Any, made: Mapping[str, Any]) -> datetime | None:
    """When the page was made as it would be now; None: something in it has changed, or nobody knows."""
    try:
        since = datetime.fromisoformat(before["at"])
        return since if since.tzinfo and all(before[name] == value for name, value in made.items()) else None
    except (KeyError, TypeError, ValueError):
        return None


def _digest(document: Mapping[str, Any]) -> str:
    shown = {name: value for name, value in document.items() if name not in _UNSEEN}
    shown["history"] = [_without(entry, _COUNTED) for entry in document.get("history", ())]
    shown["regions"] = [_without(region, _MEASURED) for region in document.get("regions", ())]
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:16]


def _without(entry: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in names}
