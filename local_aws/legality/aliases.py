"""Route 53 aliases: the target must exist, in the zone that is named, with an address of the type that is asked."""

from typing import Any

from ministack.services import route53

from local_aws.dns import answering
from local_aws.dns.answering import CLOUDFRONT_ZONE
from local_aws.drift.shape import plain_name
from local_aws.legality.values import bad_batch

PATCHED: tuple[str, ...] = (
    "ministack.services.route53._records",
    "ministack.services.route53._zones",
)

Record = dict[str, Any]


def check_alias(zone: Record, others: list[Record], record: Record) -> None:
    """Every rule for one alias; `others` are the zone's other records."""
    target = record.get("AliasTarget")
    if not target:
        return
    told = f"Tried to create an alias that targets {target['DNSName']}, type {record['Type']} in zone {target['HostedZoneId']}"
    _has_a_type_for_aliases(record)
    name = plain_name(target["DNSName"])
    if target["HostedZoneId"] == CLOUDFRONT_ZONE:
        _distribution_exists(name, record, told)
    elif region := answering.api_region(name):
        _regional_domain_exists(name, region, record, told)
    elif target["HostedZoneId"] in route53._zones:
        _record_exists(zone, others, record, told)
    else:
        raise bad_batch(f"{told}, but the alias target name does not lie within the target zone")


def _has_a_type_for_aliases(record: Record) -> None:
    """AliasTarget: any type but NS and SOA [V]."""
    if record["Type"] in ("NS", "SOA"):
        raise bad_batch(f"An alias record of type {record['Type']} is not permitted: {record['Name']}")


def _distribution_exists(name: str, record: Record, told: str) -> None:
    """AliasTarget, CloudFront: a distribution's own name, A or (with IPv6) AAAA, never evaluated [V]; that it exists [S]."""
    if not name.endswith(".cloudfront.net"):
        raise bad_batch(f"{told}, but the alias target name does not lie within the target zone")
    if record["AliasTarget"].get("EvaluateTargetHealth"):
        raise bad_batch(f"{told}, but EvaluateTargetHealth cannot be true for a CloudFront distribution")
    found = answering.distribution(name)
    if (
        found is None
        or record["Type"] not in ("A", "AAAA")
        or (record["Type"] == "AAAA" and not answering.has_ipv6(found))
    ):
        raise bad_batch(f"{told}, but that target was not found")


def _regional_domain_exists(name: str, region: str, record: Record, told: str) -> None:
    """AliasTarget, API Gateway: regionalDomainName with its own regionalHostedZoneId; AAAA for dualstack domains only [V]."""
    domain = answering.regional_domain(name)
    if domain is not None and domain["regionalHostedZoneId"] != record["AliasTarget"]["HostedZoneId"]:
        raise bad_batch(f"{told}, but the alias target name does not lie within the target zone")
    served = domain is not None and (
        record["Type"] == "A" or (record["Type"] == "AAAA" and answering.dual_stack(domain))
    )
    if not served:
        raise bad_batch(f"{told}, but that target was not found")


def _record_exists(zone: Record, others: list[Record], record: Record, told: str) -> None:
    """AliasTarget inside a hosted zone: a record of the same type must be there, in that zone (tf#1668) [S]."""
    target = record["AliasTarget"]
    wanted, apex = plain_name(target["DNSName"]), plain_name(route53._zones[target["HostedZoneId"]]["name"])
    if wanted != apex and not wanted.endswith("." + apex):
        raise bad_batch(f"{told}, but the alias target name does not lie within the target zone")
    inside = target["HostedZoneId"] == zone["id"]
    records = others if inside else route53._records.get(target["HostedZoneId"], [])
    if (wanted, record["Type"]) not in {(plain_name(r["Name"]), r["Type"]) for r in records}:
        raise bad_batch(f"{told}, but that target was not found")
    if inside and wanted == plain_name(record["Name"]):
        raise bad_batch(f"{told}, but an alias cannot target itself")
