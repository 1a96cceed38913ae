"""Route 53's records as certificate authorities see them: which of them may issue for a name."""

from collections.abc import Iterable

from ministack.services import route53

AUTHORITIES = ("amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com")


def in_zones(kind: str) -> list[tuple[str, str]]:
    """(name, value) of all records of a type, in every hosted zone."""
    return [
        (record["Name"].lower(), value.rstrip(".").lower())
        for records in list(route53._records._data.values())
        for record in records
        if record["Type"] == kind
        for value in record.get("ResourceRecords") or []
    ]


def forbids(names: Iterable[str]) -> bool:
    """A CAA record at a name, or at the next name above that has one, must let Amazon issue [V: ACM, CAA records]."""
    records = in_zones("CAA")
    return any(forbidden(name, records) for name in names)


def forbidden(name: str, records: list[tuple[str, str]]) -> bool:
    wildcard, at = name.startswith("*."), name.removeprefix("*.").lower() + "."
    while at:
        here = [value for owner, value in records if owner == at]
        wild = [value for value in here if " issuewild " in value]
        relevant = wild if wildcard and wild else [value for value in here if " issue " in value]
        if here:
            return bool(relevant) and not any(authority in value for value in relevant for authority in AUTHORITIES)
        at = at.partition(".")[2]
    return False
