"""CloudTrail's LookupEvents: the newest first, by one attribute and a range of time, in pages."""

import base64
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudtrail

from local_aws import durations
from local_aws.clock import CLOCK
from local_aws.gateway import trail
from local_aws.refused import Refused
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (  # of trail, too
    "ministack.services.cloudtrail._err",
    "ministack.services.cloudtrail._event_selectors",
    "ministack.services.cloudtrail._lookup_events",
    "ministack.services.cloudtrail._ok",
    "ministack.services.cloudtrail._trails",
)

Record = dict[str, Any]
_PAGE = 50
_DAYS = 90 * 86400
_ATTRIBUTES: Mapping[str, Callable[[trail.Event], set[str]]] = {
    "AccessKeyId": lambda e: {e.access_key},
    "EventId": lambda e: {e.id},
    "EventName": lambda e: {e.name},
    "EventSource": lambda e: {e.source},
    "ReadOnly": lambda e: {str(e.read_only).lower()},
    "ResourceName": lambda e: {name for _, name in e.resources},
    "ResourceType": lambda e: {kind for kind, _ in e.resources},
    "Username": lambda e: {e.username},
}


def _lookup(_: Any, body: Record) -> Any:
    try:
        return cloudtrail._ok(_page(body))
    except Refused as refusal:
        return cloudtrail._err(refusal.code, refusal.message, refusal.status)


def _page(body: Record) -> Record:
    size = body.get("MaxResults", _PAGE)
    if not 1 <= size <= _PAGE:
        raise Refused("InvalidMaxResultsException", f"A limit of {size} must be between 1 and {_PAGE}.")
    question = json.dumps({**body, "NextToken": None, "MaxResults": None}, sort_keys=True)
    found, after = _found(body), _after(body, question)
    if after:
        found = iter(_behind(found, after))
    shown = list(itertools.islice(found, size))
    more = next(found, None) if len(shown) == size else None
    token = {"NextToken": base64.b64encode(json.dumps([question, shown[-1].id]).encode()).decode()} if more else {}
    return {"Events": [_shown(event) for event in shown], **token}


def _found(body: Record) -> Iterator[trail.Event]:
    """API reference, LookupEvents [V]: one attribute at most, and a range that does not end before it begins."""
    attributes = body.get("LookupAttributes") or []
    if len(attributes) > 1:
        raise Refused("InvalidLookupAttributesException", "You can only specify one lookup attribute.")
    for attribute in attributes:
        if attribute.get("AttributeKey") not in _ATTRIBUTES:
            raise Refused(
                "InvalidLookupAttributesException", f"{attribute.get('AttributeKey')} is not a lookup attribute."
            )
    begin, end = float(body.get("StartTime") or 0), float(body.get("EndTime") or CLOCK.now())
    if begin > end:
        raise Refused("InvalidTimeRangeException", "The start time must be before the end time.")
    begin, end = max(begin, CLOCK.now() - _DAYS), min(end, CLOCK.now() - durations.TRAIL_LOOKUP)
    return (
        event
        for event in reversed(trail.events.get((get_account_id(), get_region()), ()))
        if begin <= event.at <= end
        and all(a["AttributeValue"] in _ATTRIBUTES[a["AttributeKey"]](event) for a in attributes)
    )


def _after(body: Record, question: str) -> str | None:
    """The last event of the page before. A token goes with the question that it was the answer to [V]."""
    if not (token := body.get("NextToken")):
        return None
    try:
        asked, last = json.loads(base64.b64decode(token))
    except ValueError:
        asked, last = None, ""
    if asked != question:
        raise Refused(
            "InvalidNextTokenException", "The token is invalid, or its parameters are not those of the first request."
        )
    return str(last)


def _behind(found: Iterator[trail.Event], last: str) -> Iterator[trail.Event]:
    for event in found:
        if event.id == last:
            return found
    return iter(())


def _shown(event: trail.Event) -> Record:
    return {
        "EventId": event.id,
        "EventName": event.name,
        "ReadOnly": str(event.read_only).lower(),
        "AccessKeyId": event.access_key,
        "EventTime": event.at,
        "EventSource": event.source,
        "Username": event.username,
        "Resources": [
            {"ResourceName": name, **({"ResourceType": kind} if kind else {})} for kind, name in event.resources
        ],
        "CloudTrailEvent": event.text,
    }


def install() -> None:
    around(cloudtrail, "_lookup_events", _lookup)
