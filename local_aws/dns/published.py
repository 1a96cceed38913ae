"""What the name servers hold of every hosted zone: the records as of the changes that are INSYNC.

A change is noticed when it is made and reaches the servers `durations.DNS_CHANGE` later, all of its records at one moment;
until then they answer with what was there. Record by record: two changes under way do not hold each other up.
"""

from typing import Any

from ministack.services import route53
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from local_aws import durations, states
from local_aws.clock import CLOCK
from local_aws.drift.shape import plain_name

PATCHED: tuple[str, ...] = (
    "ministack.services.route53._records",
    "ministack.services.route53._zones",
    "ministack.services.cloudformation.provisioners._RESOURCE_HANDLERS",
)

Record = dict[str, Any]
Zone = tuple[str, str]  # account, zone id
Key = tuple[str, str, str]  # plain name, type, set identifier
Change = dict[Key, Record | None]  # None: the record goes
TYPE = "AWS::Route53::RecordSet"

published: dict[Zone, dict[Key, Record]] = {}
announced: dict[Zone, dict[Key, Record]] = {}  # seen in Route 53's own listing, on the way to the servers


def key(record: Record) -> Key:
    return plain_name(record["Name"]), record["Type"], str(record.get("SetIdentifier") or "")


def look(*, after: float = durations.DNS_CHANGE) -> None:
    """Send whatever changed since the last look on its way."""
    for zone in {*route53._records._data, *announced}:
        now = {key(record): record for record in route53._records._data.get(zone, ())}
        before = announced.get(zone, {})
        if now == before:
            continue
        change: Change = {k: r for k, r in now.items() if before.get(k) != r}
        change |= dict.fromkeys(before.keys() - now.keys())
        announced[zone] = now
        if after:
            CLOCK.later(after, lambda zone=zone, change=change: _publish(zone, change))
        else:
            _publish(zone, change)


def _publish(zone: Zone, change: Change) -> None:
    held = {k: r for k, r in published.get(zone, {}).items() if k not in change}
    held |= {k: r for k, r in change.items() if r is not None}
    published[zone] = held
    if not held:
        del published[zone]
        announced.pop(zone, None)


def zone_of(name: str, only: Zone | None = None) -> tuple[Zone, str] | None:
    """The public zone that a plain name belongs to, and the zone's plain name: the longest, of several the oldest."""
    found: tuple[Zone, str] | None = None
    for zone in published if only is None else {only} & published.keys():
        record = route53._zones._data.get(zone)
        apex = plain_name(record["name"]) if record else ""
        inside = apex and not record.get("private") and (name == apex or name.endswith("." + apex))
        if inside and (found is None or len(apex) > len(found[1])):
            found = (zone, apex)
    return found


def _at_once_when_deleted(handlers: dict[str, Any]) -> None:
    """A stack waits for INSYNC on its own, before the handler of a deletion runs: then the record is gone everywhere."""
    delete, create, update = handlers["delete"], handlers["create"], handlers["update"]

    def deleted(*args: Any) -> Any:
        look()
        answer = delete(*args)
        look(after=0)
        return answer

    def noticed(handler: Any) -> Any:
        def put(*args: Any) -> Any:
            answer = handler(*args)
            look()
            return answer

        return put

    handlers |= {"create": noticed(create), "update": noticed(update), "delete": deleted}


def install() -> None:
    _at_once_when_deleted(_RESOURCE_HANDLERS[TYPE])
    states.on_change(look)
