"""Route 53: what a record's name, TTL and values may be."""

from typing import Any

import dns.exception
import dns.name
import dns.rdata

from local_aws import models
from local_aws.drift.shape import plain_name
from local_aws.refused import Refused

PATCHED: tuple[str, ...] = ()

Record = dict[str, Any]
_TYPES = models.enum("RRType", "route53")
LONGEST_NAME, LONGEST_LABEL = 255, 63
MOST_VALUES, LONGEST_VALUE = 400, 4000  # of one record set; "Quotas" in the developer guide [V]


def check_values(zone: Record, record: Record) -> None:
    """Every rule for what one record says by itself."""
    _type_is_known(record)
    name_is_a_domain_name(record["Name"])
    _name_in_zone(zone, record)
    _one_kind_of_value(record)
    if not record.get("AliasTarget"):
        _ttl_is_a_number(record)
        _values_fit(record)


def bad_batch(message: str) -> Refused:
    return Refused("InvalidChangeBatch", f"[{message}]")


def bad_request(message: str) -> Refused:
    return Refused("InvalidInput", f"Invalid request: {message}")


def named(record: Record) -> str:
    identifier = f", set identifier='{record['SetIdentifier']}'" if record.get("SetIdentifier") else ""
    return f"[name='{record['Name']}', type='{record['Type']}'{identifier}]"


def _type_is_known(record: Record) -> None:
    """RRType [V botocore]."""
    if record["Type"] not in _TYPES:
        raise bad_request(f"{record['Type']} is not a type of records")


def name_is_a_domain_name(name: str) -> None:
    """Domain name format: labels of 1 to 63 characters, 255 in all [V]; the words are those of public reports [S]."""
    labels = name.rstrip(".").split(".")
    if any(len(label) > LONGEST_LABEL for label in labels):
        raise bad_batch(f"FATAL problem: DomainLabelTooLong (Domain label is too long) encountered with '{name}'")
    if not all(labels):
        raise bad_batch(f"FATAL problem: DomainLabelEmpty (Domain label is empty) encountered with '{name}'")
    if len(name.rstrip(".")) + 2 > LONGEST_NAME:  # as it is sent: a length before each label, and the root
        raise bad_batch(f"FATAL problem: DomainNameTooLong (Domain name is too long) encountered with '{name}'")
    if any(ord(c) <= 32 or ord(c) >= 127 for c in name):
        raise bad_batch(
            f"FATAL problem: UnsupportedCharacter (Value contains unsupported characters) encountered with '{name}'"
        )


def _name_in_zone(zone: Record, record: Record) -> None:
    """ChangeResourceRecordSets: a zone holds its own name and names below it."""
    name, apex = plain_name(record["Name"]), plain_name(zone["name"])
    if name != apex and not name.endswith("." + apex):
        raise bad_batch(f"RRSet with DNS name {record['Name']} is not permitted in zone {zone['name']}")


def _one_kind_of_value(record: Record) -> None:
    """ResourceRecordSet: an alias has no TTL of its own; other records need a TTL and values [V]."""
    if record.get("AliasTarget"):
        if record.get("TTL") is not None or record.get("ResourceRecords"):
            raise bad_request(f"{named(record)} is an alias: TTL and values are not allowed")
    elif record.get("TTL") is None or not record.get("ResourceRecords"):
        raise bad_request(f"Expected TTL and ResourceRecords for {named(record)}")


def _ttl_is_a_number(record: Record) -> None:
    """TTL: 0 to 2147483647 [V botocore]."""
    if not str(record["TTL"]).isdecimal() or int(record["TTL"]) > 2147483647:
        raise bad_request(f"TTL {record['TTL']} must be between 0 and 2147483647")


def _values_fit(record: Record) -> None:
    """ResourceRecord.Value: in the form of its type, not twice, not too many; a CNAME has one."""
    values, kind = record["ResourceRecords"], record["Type"]
    if kind == "CNAME" and len(values) != 1:
        raise bad_batch(f"Invalid Resource Record: {named(record)} may have only one value")
    if len(values) > MOST_VALUES:
        raise bad_batch(f"Cannot have more than {MOST_VALUES} records in a RRSet.")
    if len(set(values)) < len(values):
        raise bad_batch(f"Duplicate Resource Record: '{next(v for v in values if values.count(v) > 1)}'")
    for value in values:
        _value_fits(kind, value)


def _value_fits(kind: str, value: str) -> None:
    """RFC 1035's forms, as the developer guide lists them by type [V]."""
    problem = {
        "A": "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)",
        "AAAA": "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)",
        "CNAME": "CNAMERRDATANotSingleField (Value is not a domain name)",
        "TXT": "InvalidCharacterString (Value should be enclosed in quotation marks)",
    }.get(kind, f"{kind}RRDATAIncorrect (Value is not one of type {kind})")
    quoted = kind not in ("TXT", "SPF") or value.startswith('"')
    if len(value) > LONGEST_VALUE or not quoted or not _parses(kind, value):
        raise bad_batch(f"Invalid Resource Record: 'FATAL problem: {problem} encountered with '{value}''")


def _parses(kind: str, value: str) -> bool:
    try:
        dns.rdata.from_text("IN", kind, value, dns.name.root, relativize=False)
    except (dns.exception.DNSException, ValueError):
        return False
    return True
