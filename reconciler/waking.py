"""Which topologies an event is about. Events carry a key, never facts: whoever is woken looks for itself.

Too many woken costs some reads, too few costs time until the next resync; so what is not understood wakes all, and what is about
something that is surely not ours wakes none. Only names that are known leave this module: nobody can send a name of his own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from reconciler.model.bundle import HEADS, REVISIONS
from reconciler.model.control import RESYNC
from reconciler.model.message import Message, is_name

Names = tuple[str, ...]

_KINDS = ("global", "routing", "data", "api", "edge")
_SHARED = ("meridian-foundation", "meridian-control")
_OBJECT = re.compile(rf"(?:{REVISIONS}/(?P<bundle>[^/]+)\.zip|{HEADS}/(?P<head>[^/]+)\.json)")
_REGION = re.compile(r"[a-z]{2}-[a-z]+-\d(?:-.*)?")
"""What follows the topology in the name of a cluster, and of an instance, which is numbered."""
_NAMING = frozenset({"cloudformation.amazonaws.com", "rds.amazonaws.com"})
"""Services whose calls name what they are about by names that the topology's begins. Others use ids, which a name does not tell."""
CALL = "AWS API Call via CloudTrail"
_REMEMBERED = 10.0  # seconds
_APART, _AT_ONCE = timedelta(seconds=3), 5
"""What wakes all must not ask all at once: a look takes three of the five requests a second that Route 53 answers in an
account, and in each Region six of API Gateway's ten (benchmarks/HOSTED.md). So it takes a fifth of both."""
_DEEP, _MANY = 12, 2000
"""How far into a call's parameters names are looked for; who sends more than that is about everything."""


@dataclass(slots=True, kw_only=True)
class Waker:
    """One function's: it remembers for some seconds which topologies there are, as events come in bursts."""

    names: Callable[[], Sequence[str]]
    send: Callable[[Sequence[Message], timedelta], None]
    """All of them, spread evenly over a time."""
    seconds: Callable[[], float]
    own: Collection[str]
    known: Names = ()
    asked: float | None = None

    def wake(self, event: Any) -> Names:
        """The topologies that were sent a message, one each."""
        now = self.seconds()
        if self.asked is None or now - self.asked > _REMEMBERED or stale(event, self.known):
            self.known = tuple(sorted(filter(is_name, self.names())))
            self.asked = now
        found = concerned(event, self.known, self.own)
        if found:
            why, routine = reason(event), scheduled(event)
            messages = [Message(topology=name, reason=why, routine=routine) for name in found]
            self.send(messages, spread(event, len(found)))
        return found


def spread(event: Any, count: int) -> timedelta:
    """Over which time so many topologies are looked at. The order is that of their names, so each has its own place in it: the
    slow resync takes all the time that there is until the next one."""
    if scheduled(event):
        return RESYNC
    return min(RESYNC, _APART * max(0, count - _AT_ONCE))


def scheduled(event: Any) -> bool:
    """The slow resync: the clock asks, and nobody else."""
    return isinstance(event, dict) and event.get("source") == "aws.events"


def reason(event: Any) -> str:
    """What kind of event it is, for people: of a call, which one; nothing that the reconciler would act on."""
    kind = event.get("detail-type") if isinstance(event, dict) else None
    found = kind if isinstance(kind, str) else "woken"
    call = _mapping(event.get("detail")).get("eventName") if found == CALL else None
    found = f"{found}: {call}" if isinstance(call, str) else found
    return "".join(c for c in found[:80] if c.isprintable())


def concerned(event: Any, known: Collection[str], own: Collection[str]) -> Names:
    """Names of the known topologies that have to be looked at, in order. `own` are the ARNs of roles whose calls are ours."""
    everything = tuple(sorted(known))
    if not isinstance(event, dict):
        return everything
    if isinstance(event.get("topology"), str):  # by hand: `aws lambda invoke`
        return _only({event["topology"]}, everything)
    detail, kind = _mapping(event.get("detail")), event.get("detail-type")
    if kind == CALL:
        return _called(detail, everything, own)
    source = event.get("source")
    reader = _SOURCES.get(source) if isinstance(source, str) else None
    return reader(detail, everything) if reader else everything


def stale(event: Any, known: Collection[str]) -> bool:
    """Whether the event speaks of a bundle that is not known: what is known has to be read again, as its first one brings it."""
    key = _key(_mapping(event.get("detail"))) if isinstance(event, dict) and event.get("source") == "aws.s3" else ""
    match = _OBJECT.fullmatch(key)
    return bool(match) and (match["bundle"] or match["head"]) not in known if match else False


def _of_object(detail: Mapping[str, Any], known: Names) -> Names:
    """Bundles and heads. What passes write there themselves, such as their records, wakes nobody."""
    match = _OBJECT.fullmatch(_key(detail))
    return _only({match["bundle"] or match["head"]}, known) if match else ()


def _of_stack(detail: Mapping[str, Any], known: Names) -> Names:
    """A stack whose operation has begun is no news: its end is."""
    status = _mapping(detail.get("status-details")).get("status")
    if isinstance(status, str) and status.endswith("_IN_PROGRESS"):
        return ()
    return _with_stack(_stack_name(detail.get("stack-id")), known)


def _of_database(detail: Mapping[str, Any], known: Names) -> Names:
    return tuple(n for n in known if _is_database(detail.get("SourceIdentifier"), n))


def _of_alarm(detail: Mapping[str, Any], known: Names) -> Names:
    alarm = detail.get("alarmName")
    return tuple(n for n in known if isinstance(alarm, str) and alarm.removeprefix("meridian-").startswith(f"{n}-"))


def _called(detail: Mapping[str, Any], known: Names, own: Collection[str]) -> Names:
    """A call that somebody made. Ours need no look: the pass that made them comes back by itself. Nor does one that failed."""
    issuer = _mapping(_mapping(_mapping(detail.get("userIdentity")).get("sessionContext")).get("sessionIssuer")).get(
        "arn"
    )
    if (isinstance(issuer, str) and issuer in own) or detail.get("errorCode") or detail.get("readOnly") is True:
        return ()
    texts = list(_texts(detail.get("requestParameters")))
    if len(texts) > _MANY:
        return known
    found = {n for text in texts for n in (*_with_stack(_stack_name(text), known), *_with_database(text, known))}
    source = detail.get("eventSource")
    if found or (isinstance(source, str) and source in _NAMING):
        return _only(found, known)
    return known


def _with_stack(stack: str, known: Names) -> Names:
    if stack in _SHARED:
        return known
    return tuple(n for n in known for kind in _KINDS if stack == f"meridian-{n}-{kind}")


def _with_database(text: str, known: Names) -> Names:
    return tuple(n for n in known if _is_database(text.rpartition(":")[2], n))


def _is_database(identifier: Any, name: str) -> bool:
    """The global cluster, a cluster or an instance. `orders-eu-west-1` is of `orders`, though there may be an `orders-eu`."""
    if not isinstance(identifier, str) or not identifier.lower().startswith(name):
        return False
    rest = identifier.lower()[len(name) :]
    return not rest or (rest[0] == "-" and bool(_REGION.fullmatch(rest[1:])))


def _stack_name(text: Any) -> str:
    """Of a name, or of an ARN `arn:aws:cloudformation:<region>:<account>:stack/<name>/<id>`."""
    found = text if isinstance(text, str) else ""
    return found.split("/")[1] if ":stack/" in found else found


def _key(detail: Mapping[str, Any]) -> str:
    key = _mapping(detail.get("object")).get("key")
    return key if isinstance(key, str) else ""


def _texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, level by level, so that depth costs no stack."""
    level = [value]
    for _ in range(_DEEP):
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                yield item
            elif isinstance(item, dict):
                below += item.values()
            elif isinstance(item, list):
                below += item
        level = below


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _only(names: Collection[str], known: Names) -> Names:
    return tuple(n for n in known if n in names)


_SOURCES: Mapping[str, Callable[[Mapping[str, Any], Names], Names]] = {
    "aws.s3": _of_object,
    "aws.cloudformation": _of_stack,
    "aws.rds": _of_database,
    "aws.cloudwatch": _of_alarm,
}
