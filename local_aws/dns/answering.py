"""Route 53's choice: which records answer a question, by policy, health and the client's place.

Developer guide, "How Amazon Route 53 chooses records when health checking is configured" [V]: a record without a health check
is healthy; an alias with EvaluateTargetHealth is healthy while something that it stands for is; a record that has both needs
both; when nothing in a group is healthy, everything is. Geolocation, geoproximity and CIDR records answer with their
default only: places here have no country.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from ministack.core.responses import _request_account_id, get_account_id
from ministack.services import apigateway_v1, cloudfront

from local_aws.dns import addresses, locations
from local_aws.dns.published import Key, Record, Zone, published, zone_of
from local_aws.drift import edge
from local_aws.drift.shape import plain_name
from local_aws.gateway.faults import data_plane_is_out
from local_aws.resources.wrap import boolean

PATCHED: tuple[str, ...] = (
    "ministack.core.responses._request_account_id",
    "ministack.services.apigateway_v1._domain_names",
    "ministack.services.cloudfront._distributions",
)
CLOUDFRONT_ZONE, SERVICE_TTL = "Z2FDTNDATAQYW2", 60  # the TTL of CloudFront and API Gateway names [V]
MULTIVALUE, LONGEST_CHAIN = 8, 16
_EXECUTE_API = re.compile(r".+\.execute-api\.([a-z0-9-]+)\.amazonaws\.com")

Healthy = Callable[[str], bool]  # of a health check, as the name servers see it


@dataclass(frozen=True, slots=True)
class RRset:
    name: str
    type: str
    ttl: int
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    rcode: str
    answers: tuple[RRset, ...] = ()
    authority: tuple[RRset, ...] = ()
    authoritative: bool = True


def answer(name: str, kind: str, place: str, healthy: Healthy, zone: Zone | None = None) -> Answer:
    """The answer to one question from one place, by the zone that the name leads to or by a certain one.

    `name` is in lower case, without a dot at its end.
    """
    found = zone_of(name, zone)
    if found is None:
        return Answer("REFUSED", authoritative=False)
    zone, apex = found
    token = _request_account_id.set(zone[0])
    try:
        return Search(zone, apex, place, healthy).answer(name, kind)
    finally:
        _request_account_id.reset(token)


@dataclass(frozen=True, slots=True)
class Search:
    """One question in one zone."""

    zone: Zone
    apex: str
    place: str
    healthy: Healthy

    @property
    def records(self) -> dict[Key, Record]:
        return published.get(self.zone, {})

    def at(self, name: str, kind: str = "") -> list[Record]:
        return [r for (n, k, _), r in self.records.items() if n == name and kind in ("", k)]

    def answer(self, name: str, kind: str) -> Answer:
        if referral := self._referral(name):
            return Answer("NOERROR", authority=(referral,), authoritative=False)
        chain: list[RRset] = []
        while len(chain) < LONGEST_CHAIN and (name == self.apex or name.endswith("." + self.apex)):
            here = self.at(name) or self._wildcard(name)
            if not here and not self._leads_somewhere(name):
                return Answer("NXDOMAIN", tuple(chain), self._soa())
            of_kind = [r for r in here if r["Type"] == kind]
            found = self._answered(name, kind, of_kind or [r for r in here if r["Type"] == "CNAME"])
            if found is None:
                return Answer("NOERROR", tuple(chain), self._soa())
            chain.append(found)
            if of_kind:
                break
            name = plain_name(found.values[0])
        return Answer("NOERROR", tuple(chain))

    def _wildcard(self, name: str) -> list[Record]:
        """RFC 4592: the wildcard beside the closest ancestor that exists."""
        while name != self.apex:
            name = name.partition(".")[2]
            if found := self.at(f"*.{name}"):
                return found
            if self.at(name) or self._leads_somewhere(name):
                return []
        return []

    def _leads_somewhere(self, name: str) -> bool:
        """There is something below it, so the name exists, without any data."""
        return any(n.endswith("." + name) for n, _, _ in self.records)

    def _referral(self, name: str) -> RRset | None:
        """A part of the zone that NS records give to somebody else."""
        while name != self.apex:
            if found := self.at(name, "NS"):
                return self._rrset(name, "NS", found)
            name = name.partition(".")[2]
        return None

    def _soa(self) -> tuple[RRset, ...]:
        """RFC 2308: a negative answer may be kept for the lower of the SOA's TTL and its last field."""
        soa = self._rrset(self.apex, "SOA", self.at(self.apex, "SOA"))
        if soa is None:
            return ()
        return (RRset(soa.name, "SOA", min(soa.ttl, int(soa.values[0].split()[-1])), soa.values),)

    # ---- from records to values ------------------------------------------------------------------------------------------

    def _answered(self, name: str, kind: str, group: list[Record]) -> RRset | None:
        return self._rrset(name, kind if group and group[0]["Type"] == kind else "CNAME", group)

    def _rrset(self, name: str, kind: str, group: list[Record], depth: int = 0) -> RRset | None:
        """The values of the records that are chosen, under `name`."""
        found = [part for record in self.choose(group) if (part := self._part(name, kind, record, depth))]
        values = tuple(dict.fromkeys(value for part in found for value in part.values))
        return RRset(name, kind, min(part.ttl for part in found), values) if found else None

    def _part(self, name: str, kind: str, record: Record, depth: int) -> RRset | None:
        target = record.get("AliasTarget")
        if not target:
            return RRset(name, kind, int(record["TTL"]), tuple(record["ResourceRecords"]))
        pointed = plain_name(target["DNSName"])
        if service := _service_addresses(target["HostedZoneId"], pointed, kind):
            return RRset(name, kind, SERVICE_TTL, service)
        inside = self._in_zone(target["HostedZoneId"])
        if inside is None or depth >= LONGEST_CHAIN:
            return None
        return inside._rrset(name, kind, inside.at(pointed, kind), depth + 1)

    def _in_zone(self, zone_id: str) -> "Search | None":
        zone = (self.zone[0], zone_id)
        return Search(zone, self.apex, self.place, self.healthy) if zone in published else None

    # ---- which records ---------------------------------------------------------------------------------------------------

    def choose(self, group: list[Record]) -> list[Record]:
        """All unhealthy is all healthy [V]."""
        if len(group) < 2:
            return group
        well = [record for record in group if self.record_is_healthy(record)]
        first = group[0]
        if first.get("Region"):
            return [min(well or group, key=lambda r: (locations.latency(self.place, r["Region"]), r["Region"]))]
        if first.get("Weight") is not None:
            return [_by_weight(well or group)]
        if first.get("Failover"):
            return [min(well or group, key=lambda r: r["Failover"])]  # PRIMARY comes before SECONDARY
        if first.get("MultiValueAnswer"):
            return random.sample(well or group, min(MULTIVALUE, len(well or group)))
        return [r for r in group if (r.get("GeoLocation") or {}).get("CountryCode") == "*"]

    def record_is_healthy(self, record: Record, depth: int = 0) -> bool:
        check, target = record.get("HealthCheckId"), record.get("AliasTarget") or {}
        if check and not self.healthy(check):
            return False
        if not target.get("EvaluateTargetHealth") or depth >= LONGEST_CHAIN:
            return True
        pointed = plain_name(target["DNSName"])
        if region := api_region(pointed):
            return not data_plane_is_out(region)  # of API Gateway itself, never of the API behind it [V]
        inside = self._in_zone(target["HostedZoneId"])
        if inside is None:
            return True
        return any(inside.record_is_healthy(r, depth + 1) for r in inside.at(pointed, record["Type"]))


def _by_weight(group: list[Record]) -> Record:
    """In proportion to the weights; those with zero count only where there are no others, and then alike [V]."""
    weighted = [r for r in group if int(r["Weight"])]
    chosen = random.choices(weighted, [int(r["Weight"]) for r in weighted]) if weighted else random.choices(group)
    return chosen[0]


# ---- names of AWS itself ---------------------------------------------------------------------------------------------------


def api_region(name: str) -> str | None:
    """The Region of a regional API Gateway name."""
    found = _EXECUTE_API.fullmatch(name)
    return found[1] if found and found[1] in locations.REGIONS else None


def regional_domain(name: str) -> Record | None:
    """The custom domain whose regional name this is."""
    for (account, _, _), domain in list(apigateway_v1._domain_names.all_items()):
        if account == get_account_id() and plain_name(domain.get("regionalDomainName") or "") == name:
            found: Record = domain
            return found
    return None


def distribution(name: str) -> Record | None:
    return next((d for d in cloudfront._distributions.values() if plain_name(d["DomainName"]) == name), None)


def _service_addresses(zone_id: str, name: str, kind: str) -> tuple[str, ...]:
    """A and AAAA of a CloudFront distribution or of an API Gateway domain, while it exists."""
    region, found = api_region(name), ()
    if zone_id == CLOUDFRONT_ZONE:
        at_edge = distribution(name)
        found = addresses.EDGE if at_edge and (kind == "A" or has_ipv6(at_edge)) else ()
    elif region and (domain := regional_domain(name)) and (kind == "A" or dual_stack(domain)):
        found = addresses.of_region(region)
    if kind == "AAAA":
        return tuple(addresses.mapped(address) for address in found)
    return found if kind == "A" else ()


def dual_stack(domain: Record) -> bool:
    """API Gateway answers AAAA for custom domains of the address type dualstack only [V]."""
    return bool((domain.get("endpointConfiguration") or {}).get("ipAddressType") == "dualstack")


def has_ipv6(record: Record) -> bool:
    """DistributionConfig.IsIPV6Enabled [V]."""
    live = edge.distribution(record["Id"], {}) or {}
    return boolean((live.get("DistributionConfig") or {}).get("IPV6Enabled"))
