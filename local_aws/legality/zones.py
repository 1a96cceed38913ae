"""Route 53: how zones may be made, listings asked for, and tags set."""

from typing import Any

from ministack.services import route53

from local_aws.gateway.wire import single
from local_aws.legality.guard import on_call
from local_aws.legality.values import name_is_a_domain_name
from local_aws.refused import Refused

PATCHED: tuple[str, ...] = (
    "ministack.services.route53._caller_refs",
    "ministack.services.route53._change_tags_for_resource",
    "ministack.services.route53._create_hosted_zone",
    "ministack.services.route53._error_response",
    "ministack.services.route53._find",
    "ministack.services.route53._findall",
    "ministack.services.route53._list_health_checks",
    "ministack.services.route53._list_hosted_zones_by_name",
    "ministack.services.route53._list_resource_record_sets",
    "ministack.services.route53._normalise_name",
    "ministack.services.route53._parse_body",
    "ministack.services.route53._tags",
    "ministack.services.route53._text",
)
MOST_TAGS, LONGEST_KEY, LONGEST_VALUE = 10, 128, 256


def _wrong(message: str) -> Refused:
    return Refused("InvalidInput", message)


def _check_create(body: bytes, *_: Any) -> None:
    """CreateHostedZone: a reference is used once, whatever it is used for again; InvalidDomainName [V]."""
    root = route53._parse_body(body)
    if root is None:
        return
    reference, name = route53._text(root, "CallerReference"), route53._text(root, "Name")
    if reference in route53._caller_refs:
        raise Refused(
            "HostedZoneAlreadyExists",
            f"A hosted zone has already been created with the specified caller reference {reference}.",
            409,
        )
    if not 1 <= len(reference) <= 128 or not name:
        raise _wrong("Name and CallerReference (1 to 128 characters) are needed")
    try:
        name_is_a_domain_name(route53._normalise_name(name))
    except Refused as refusal:
        raise Refused("InvalidDomainName", f"{name} is not a valid domain name") from refusal


def _asked(query: dict[str, Any]) -> dict[str, str]:
    return {name: value or "" for name, value in single(query).items()}


def _check_page_size(query: dict[str, Any]) -> None:
    """MaxItems is a number of at least 1 [K]."""
    size = _asked(query).get("maxitems")
    if size and not (size.isdecimal() and int(size) >= 1):
        raise _wrong(f"MaxItems {size} must be a number of at least 1")


def _check_listing(_zone: str, query: dict[str, Any]) -> None:
    """ListResourceRecordSets: a type needs a name, an identifier needs both [V]."""
    _check_page_size(query)
    asked = _asked(query)
    if asked.get("type") and not asked.get("name"):
        raise _wrong("StartRecordType is given without StartRecordName")
    if asked.get("identifier") and not (asked.get("name") and asked.get("type")):
        raise _wrong("StartRecordIdentifier is given without StartRecordName and StartRecordType")


def _check_by_name(query: dict[str, Any]) -> None:
    """ListHostedZonesByName: HostedZoneId needs DNSName [V]."""
    _check_page_size(query)
    if _asked(query).get("hostedzoneid") and not _asked(query).get("dnsname"):
        raise _wrong("HostedZoneId is given without DNSName")


def _check_tags(kind: str, resource_id: str, body: bytes) -> None:
    """ChangeTagsForResource: 10 tags in a call and on a resource, keys of 128 and values of 256 characters [V]."""
    root = route53._parse_body(body)
    if root is None:
        return
    added, removed = route53._find(root, "AddTags"), route53._find(root, "RemoveTagKeys")
    tags = (
        {route53._text(t, "Key"): route53._text(t, "Value") for t in route53._findall(added, "Tag")}
        if added is not None
        else {}
    )
    keys = {k.text or "" for k in route53._findall(removed, "Key")} if removed is not None else set()
    if not tags and not keys:
        raise _wrong("AddTags or RemoveTagKeys is needed")
    for key, value in tags.items():
        if not 1 <= len(key) <= LONGEST_KEY or len(value) > LONGEST_VALUE or key.lower().startswith("aws:"):
            raise _wrong(
                f"Tag {key!r}: a key has 1 to {LONGEST_KEY} characters and not the prefix aws:, a value at most {LONGEST_VALUE}"
            )
    present = route53._tags.get((kind, resource_id)) or {}
    if max(len(tags), len(keys), len({*present, *tags} - keys)) > MOST_TAGS:
        raise _wrong(f"at most {MOST_TAGS} tags are allowed, in one call and on one resource")


def install() -> None:
    on_call(route53, "_create_hosted_zone", _check_create, route53._error_response)
    on_call(route53, "_list_resource_record_sets", _check_listing, route53._error_response)
    on_call(route53, "_list_hosted_zones_by_name", _check_by_name, route53._error_response)
    on_call(route53, "_list_health_checks", _check_page_size, route53._error_response)
    on_call(route53, "_change_tags_for_resource", _check_tags, route53._error_response)
