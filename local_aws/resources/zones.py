"""Route 53's names and listings: how names are kept, and in which order and pages zones and records come."""

from typing import Any

from ministack.services import route53
from ministack.services.cloudformation import provisioners

from local_aws.gateway.wire import single
from local_aws.resources.wrap import around

Record = dict[str, Any]


def _normalised(stock: Any, name: str) -> str:
    """Names are kept in lower case, a wildcard as its code (developer guide, "DNS domain name format" [V])."""
    kept: str = stock(name)
    return kept.lower().replace("*", "\\052")


def _record_set(stock: Any, *args: Any) -> Record:
    """The name of an alias target is kept in lower case, too."""
    record: Record = stock(*args)
    if target := record.get("AliasTarget"):
        target["DNSName"] = target["DNSName"].lower()
    return record


def _sort_key(_stock: Any, name: str) -> str:
    """ListResourceRecordSets: ASCII order of the labels reversed, with the dot at the end (com.example.www.) [V]."""
    return ".".join(reversed(name.rstrip(".").split("."))) + "."


def _by_name(_stock: Any, query: dict[str, Any]) -> Any:
    """ListHostedZonesByName [V]: the order of records; DNSName and HostedZoneId name the first of the page."""
    asked = single(query)
    start = route53._normalise_name(asked["dnsname"]) if asked.get("dnsname") else ""
    size = min(int(asked.get("maxitems") or 100), 100)
    order = lambda zone: (route53._name_sort_key(zone["name"]), zone["id"])  # noqa: E731
    first = (route53._name_sort_key(start), asked.get("hostedzoneid") or "") if start else ("", "")
    zones = [zone for zone in sorted(route53._zones.values(), key=order) if order(zone) >= first]

    def build(root: Any) -> None:
        for tag, text in (("DNSName", start), ("HostedZoneId", asked.get("hostedzoneid") or "")):
            if text:
                route53.SubElement(root, tag).text = text
        listed = route53.SubElement(root, "HostedZones")
        for zone in zones[:size]:
            route53._build_hosted_zone_el(listed, zone)
        route53.SubElement(root, "IsTruncated").text = str(len(zones) > size).lower()
        route53.SubElement(root, "MaxItems").text = str(size)
        for following in zones[size : size + 1]:
            route53.SubElement(root, "NextDNSName").text = following["name"]
            route53.SubElement(root, "NextHostedZoneId").text = following["id"]

    return route53._xml_response("ListHostedZonesByNameResponse", build)


def install() -> None:
    around(route53, "_normalise_name", _normalised)
    around(route53, "_parse_record_set", _record_set)
    around(provisioners, "_r53_record_set_build_rs", _record_set)
    around(route53, "_name_sort_key", _sort_key)
    around(route53, "_list_hosted_zones_by_name", _by_name)
