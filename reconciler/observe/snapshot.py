"""One snapshot of AWS, put together from the facts of a pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.model.approval import Approval
from reconciler.model.facts import Facts, Listing
from reconciler.model.observed import Distribution, Observed, Seen, Unknown, Zone, known
from reconciler.model.suspension import Suspension
from reconciler.model.topology import Topology
from reconciler.observe import leaving
from reconciler.observe.beside import beside, strangers
from reconciler.observe.database import cluster, global_cluster, shared, strays
from reconciler.observe.glance import glance
from reconciler.observe.live import live
from reconciler.observe.names import dns, items
from reconciler.observe.routing import probe, record, traffic_gate
from reconciler.observe.stacks import stack_states


def observe(facts: Facts, topology: Topology) -> Observed:
    stacks = stack_states(facts, topology)
    members = global_cluster(facts)
    writer = members.writer if members and not isinstance(members, Unknown) else None
    listed = facts.records if isinstance(facts.records, Unknown) else tuple(map(record, facts.records))
    gates = {r: traffic_gate(facts, topology.gate_reference_prefix(r)) for r in facts.regions}
    seen = Observed(
        at=facts.at,
        account=facts.account,
        zone=_zone(facts),
        stacks=stacks,
        global_cluster=members,
        clusters={r: cluster(f, is_writer=r == writer) for r, f in facts.regions.items()},
        zones={r: found for r, f in facts.regions.items() if (found := _availability_zones(f.availability_zones))},
        gates=gates,
        probes={r: probe(facts, stacks, r) for r in facts.regions},
        records=listed,
        alarms={r: _alarms(f.alarms) for r, f in facts.regions.items()},
        distribution=_distribution(facts),
        live=live(facts, topology, stacks),
        validations=_validations(facts),
        strays={r: strays(f, topology, r) for r, f in facts.regions.items()},
        shared={r: shared(f) for r, f in facts.regions.items()},
        beside=beside(facts, topology, stacks),
        strangers=strangers(facts, topology, stacks),
        interfaces=leaving.interfaces(facts, stacks),
        requests=leaving.requests(facts, gates),
        recorded=known(facts.recorded),
        approval=_approval(facts),
        suspension=Suspension.recorded(known(facts.suspension)),
        unrecorded=facts.recorded if isinstance(facts.recorded, Unknown) else None,
    )
    return replace(seen, glance=glance(facts, topology, seen))


def _approval(facts: Facts) -> Seen[Approval]:
    found = facts.approval
    return found if isinstance(found, Unknown) else Approval.recorded(found)


def _validations(facts: Facts) -> dict[str, Mapping[str, str]]:
    """As DescribeCertificate tells them, some seconds after a certificate was asked for."""
    certificates = [known(f.certificate) for f in facts.regions.values()] + [known(facts.edge_certificate)]
    return {
        option["DomainName"]: option["ResourceRecord"]
        for certificate in certificates
        for option in (certificate or {}).get("DomainValidationOptions", ())
        if "ResourceRecord" in option
    }


def _alarms(listing: Listing) -> tuple[str, ...] | Unknown:
    if isinstance(listing, Unknown):
        return listing
    return tuple(sorted(a["AlarmName"] for a in listing if a.get("StateValue") == "ALARM"))


def _zone(facts: Facts) -> Seen[Zone]:
    zone = facts.zone
    if zone is None or isinstance(zone, Unknown):
        return zone
    return Zone(
        id=zone["Id"].removeprefix("/hostedzone/"),
        name=dns(zone["Name"]),
        private=bool(zone.get("Config", {}).get("PrivateZone", False)),
        name_servers=tuple(map(dns, zone.get("DelegationSet", {}).get("NameServers", ()))),
        answered=tuple(map(dns, (known(facts.zone_servers) or {}).get("RecordData", ()))),
        signing=(known(facts.dnssec) or {}).get("Status", {}).get("ServeSignature", ""),
    )


def _availability_zones(listing: Listing) -> tuple[str, ...] | Unknown:
    if isinstance(listing, Unknown):
        return listing
    kind = "availability-zone"
    return tuple(
        sorted(z["ZoneName"] for z in listing if z.get("ZoneType", kind) == kind and z.get("State") == "available")
    )


def _distribution(facts: Facts) -> Seen[Distribution]:
    found = facts.distribution
    if found is None or isinstance(found, Unknown):
        return found
    config = found["DistributionConfig"]
    return Distribution(
        id=found["Id"],
        domain_name=dns(found["DomainName"]),
        status=found["Status"],
        enabled=config["Enabled"],
        aliases=tuple(map(dns, items(config.get("Aliases")))),
    )
