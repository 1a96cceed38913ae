"""CloudTrail's event history: what changed something in the last 90 days, a quarter of an hour late at most.

LookupEvents takes one attribute, gives 50 events a page, newest first, and is throttled at two calls a second in an account and
Region (API reference, LookupEvents [V]). One page is read: what is older than fifty changes of the same thing is nobody's news.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from reconciler.aws.clients import Clients
from reconciler.aws.parallel import Reads
from reconciler.model.observed import Unknown
from reconciler.model.provenance import Act, Lookup


def look_up(clients: Clients, lookups: Sequence[Lookup]) -> Mapping[Lookup, tuple[Act, ...] | Unknown]:
    """The acts of each, newest first; `Unknown` where it could not be asked."""
    reads = Reads(clients)

    def read(lookup: Lookup) -> Any:
        asked = [{"AttributeKey": lookup.attribute, "AttributeValue": lookup.value}]
        nothing: tuple[Act, ...] = ()
        return reads.start(
            "cloudtrail",
            lookup.region,
            lambda c: tuple(_acts(c.lookup_events(LookupAttributes=asked)["Events"])),
            nothing,
        )

    try:
        pending = {lookup: read(lookup) for lookup in dict.fromkeys(lookups)}
        return {lookup: future.result() for lookup, future in pending.items()}
    finally:
        reads.close()


def _acts(events: Iterable[Mapping[str, Any]]) -> Iterator[Act]:
    """The record itself is text inside the answer; what cannot be read of it is left out."""
    for event in events:
        try:
            yield _act(event["EventTime"], json.loads(event["CloudTrailEvent"]))
        except (AttributeError, KeyError, TypeError, ValueError):
            continue


def _act(at: datetime, record: Mapping[str, Any]) -> Act:
    """CloudTrail record contents, userIdentity element [V]: `arn` is missing for a service of AWS's."""
    identity = record.get("userIdentity") or {}
    return Act(
        id=str(record["eventID"]),
        at=at,
        call=str(record["eventName"]),
        who=str(identity.get("arn") or identity.get("invokedBy") or identity.get("type") or "unknown"),
        address=str(record.get("sourceIPAddress") or ""),
        agent=str(record.get("userAgent") or ""),
        read_only=bool(record.get("readOnly")),
        failed="errorCode" in record,
        request=dict(record.get("requestParameters") or {}),
    )
