"""How to ask the name servers without DNS: TestDNSAnswer, GetDNSSEC, and the control endpoints of client places."""

import re
from ipaddress import ip_network
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import route53

from local_aws import models
from local_aws.dns import locations
from local_aws.dns.answering import Answer, Healthy, answer
from local_aws.drift.shape import plain_name
from local_aws.gateway.control import GOT, POSTED
from local_aws.gateway.wire import single
from local_aws.refused import Refused
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.services.route53._error_response",
    "ministack.services.route53._xml_response",
    "ministack.services.route53._zones",
    "ministack.services.route53.handle_request",
)
_TYPES = models.enum("RRType", "route53")
_IP = re.compile(models.shape("IPAddress", "route53").metadata["pattern"])
_DNSSEC = re.compile(r"/2013-04-01/hostedzone/([^/]+)/dnssec")
NAME_SERVER = "ns-1.awsdns-1.com"  # ministack's first


def dns_answer(query: dict[str, Any], healthy: Healthy) -> Any:
    """TestDNSAnswer [V]: public zones only; by default it asks for a resolver in us-east-1."""
    asked = single(query)
    try:
        zone = _zone(asked.get("hostedzoneid", ""))
        name, kind = _question(zone, asked)
        found = answer(name, kind, _place(asked), healthy, (get_account_id(), zone["id"]))
    except Refused as refusal:
        return route53._error_response(refusal.code, refusal.message, refusal.status)
    return route53._xml_response("TestDNSAnswerResponse", lambda root: _told(root, asked["recordname"], kind, found))


def dnssec(zone_id: str) -> Any:
    """GetDNSSEC [V]. Nothing here signs."""
    try:
        _zone(zone_id)
    except Refused as refusal:
        return route53._error_response(refusal.code, refusal.message, refusal.status)

    def told(root: Any) -> None:
        status = route53.SubElement(root, "Status")
        route53.SubElement(status, "ServeSignature").text = "NOT_SIGNING"
        route53.SubElement(root, "KeySigningKeys")

    return route53._xml_response("GetDNSSECResponse", told)


def _wrong(message: str) -> Refused:
    return Refused("InvalidInput", message)


def _zone(zone_id: str) -> dict[str, Any]:
    zone: dict[str, Any] | None = route53._zones.get(zone_id)
    if zone is None:
        raise Refused("NoSuchHostedZone", f"No hosted zone found with ID: {zone_id}", 404)
    return zone


def _question(zone: dict[str, Any], asked: dict[str, str]) -> tuple[str, str]:
    name, kind, apex = asked.get("recordname", ""), asked.get("recordtype", ""), plain_name(zone["name"])
    if zone.get("private"):
        raise _wrong("TestDNSAnswer is not supported for private hosted zones")
    if kind not in _TYPES:
        raise _wrong(f"Invalid record type: {kind}")
    if len(name) > 1024 or not ("." + plain_name(name)).endswith("." + apex):
        raise _wrong(f"The record name {name} is not in the hosted zone {zone['name']}")
    return plain_name(name), kind


def _place(asked: dict[str, str]) -> str:
    for name in ("resolverip", "edns0clientsubnetip"):
        if asked.get(name) and not _IP.fullmatch(asked[name]):
            raise _wrong(f"{asked[name]} is not a valid IP address")
    client, mask = asked.get("edns0clientsubnetip"), asked.get("edns0clientsubnetmask")
    if mask and not client:
        raise _wrong("edns0clientsubnetmask is given without edns0clientsubnetip")
    if client:
        bits = int(mask) if (mask or "").isdecimal() else 64 if ":" in client else 24
        if (mask and not mask.isdecimal()) or bits > (128 if ":" in client else 32):
            raise _wrong(f"{mask} is not a valid subnet mask for {client}")
        return locations.of_subnet(str(ip_network(f"{client}/{bits}", strict=False).network_address))
    return locations.of_source(asked["resolverip"]) if asked.get("resolverip") else "us-east-1"


def _told(root: Any, name: str, kind: str, found: Answer) -> None:
    for tag, text in (("Nameserver", NAME_SERVER), ("RecordName", name), ("RecordType", kind)):
        route53.SubElement(root, tag).text = text
    data = route53.SubElement(root, "RecordData")
    for part in found.answers:
        for value in part.values:
            route53.SubElement(data, "RecordDataEntry").text = value
    route53.SubElement(root, "ResponseCode").text = found.rcode
    route53.SubElement(root, "Protocol").text = "UDP"


def install(healthy: Healthy) -> None:
    async def handle(stock: Any, method: str, path: str, headers: Any, body: bytes, query: dict[str, Any]) -> Any:
        if method == "GET" and path == "/2013-04-01/testdnsanswer":
            return dns_answer(query, healthy)
        if method == "GET" and (asked := _DNSSEC.fullmatch(path)):
            return dnssec(asked[1])
        return await stock(method, path, headers, body, query)

    around(route53, "handle_request", handle)
    GOT["locations"] = locations.described
    POSTED["locations"] = locations.change
