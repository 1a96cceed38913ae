"""What Route 53 steers by: records, traffic gates, probes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.facts import Facts
from reconciler.model.observed import Probe, Record, Seen, StackState, TrafficGate, Unknown
from reconciler.model.stacks import StackKind, StackRef
from reconciler.observe.names import dns


def record(found: Mapping[str, Any]) -> Record:
    alias = found.get("AliasTarget")
    return Record(
        name=dns(found["Name"]),
        type=found["Type"],
        ttl=found.get("TTL"),
        values=tuple(r["Value"] for r in found.get("ResourceRecords", ())),
        alias=dns(alias["DNSName"]) if alias else None,
        region=found.get("Region"),
        set_identifier=found.get("SetIdentifier"),
        health_check=found.get("HealthCheckId"),
    )


def traffic_gate(facts: Facts, reference_prefix: str) -> Seen[TrafficGate]:
    """The gate whose CallerReference starts so; of several, the one made last (its number is the highest)."""
    if isinstance(facts.health_checks, Unknown):
        return facts.health_checks
    numbered = {
        int(number): check
        for check in facts.health_checks
        if check["HealthCheckConfig"]["Type"] == "CALCULATED"
        and (number := check["CallerReference"].removeprefix(reference_prefix)).isdecimal()
    }
    if not numbered:
        return None
    check = numbered[max(numbered)]
    config = check["HealthCheckConfig"]
    samples = _samples(facts, check["Id"])
    return TrafficGate(
        id=check["Id"],
        reference=check["CallerReference"],
        children=tuple(config.get("ChildHealthChecks", ())),
        threshold=config["HealthThreshold"],
        version=check["HealthCheckVersion"],
        disabled=config.get("Disabled", False),
        inverted=config.get("Inverted", False),
        healthy=None if isinstance(samples, Unknown) or not samples else samples[-1][1],
        samples=() if isinstance(samples, Unknown) else samples,
    )


def probe(facts: Facts, stacks: Mapping[StackRef, Seen[StackState]], region: str) -> Seen[Probe]:
    """The Region's HTTPS check, by the id that its `api` stack gives out."""
    api = stacks.get(StackRef(StackKind.API, region))
    if api is None or isinstance(api, Unknown):
        return api
    if "ProbeId" not in api.outputs:
        return None
    if isinstance(facts.health_checks, Unknown):
        return facts.health_checks
    probe_id = api.outputs["ProbeId"]
    if all(check["Id"] != probe_id for check in facts.health_checks):
        return None
    samples = _samples(facts, probe_id)
    return samples if isinstance(samples, Unknown) else Probe(id=probe_id, samples=samples)


def _samples(facts: Facts, check_id: str) -> tuple[tuple[Any, bool], ...] | Unknown:
    series = facts.health.get(check_id, ())
    return series if isinstance(series, Unknown) else tuple((time, value >= 1) for time, value in series)
