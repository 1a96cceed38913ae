"""Attributes of resources that templates refer to (`Fn::GetAtt`), where a fact tells them: each one more property checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.facts import Facts, RegionFacts
from reconciler.model.observed import known
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Topology

_SHARED = ("EdgeRole", "ProbeRole")


def attributes(facts: Facts, topology: Topology, ref: StackRef, ids: Mapping[str, str]) -> Mapping[str, str]:
    """`Logical.Attribute` to its value, in one stack. Names that records point at end in a dot, as Route 53 gives them."""
    region = facts.regions[ref.region]
    match ref.kind:
        case StackKind.GLOBAL:
            return _told(_roles(facts, {name: f"meridian-{topology.name}-{name[:-4].lower()}" for name in _SHARED}))
        case StackKind.DATA:
            groups = {f"{name}.GroupId": ids.get(name) for name in ("FunctionGroup", "DatabaseGroup")}
            return _told({**groups, **_database(region)})
        case StackKind.API:
            domain = known(region.domain_names.get(topology.region_origin(ref.region))) or {}
            return _told(
                {
                    **_roles(facts, {name: ids.get(name) for name in ("Role", "MigrateRole")}),
                    "RegionalDomain.RegionalDomainName": _dotted(domain.get("regionalDomainName")),
                    "RegionalDomain.RegionalHostedZoneId": domain.get("regionalHostedZoneId"),
                }
            )
        case StackKind.EDGE:
            distribution = known(facts.distribution) or {}
            ends = f"arn:aws:logs:{ref.region}:{facts.account}:delivery-destination:"
            destination = ids.get("LogDestination")
            return _told(
                {
                    "Distribution.DomainName": _dotted(distribution.get("DomainName")),
                    "LogDestination.Arn": destination and ends + destination,
                }
            )
        case _:
            return {}


def _roles(facts: Facts, names: Mapping[str, str | None]) -> Mapping[str, str | None]:
    """A role's ARN follows from its name: no template of ours gives it a path."""
    return {f"{logical}.Arn": name and f"arn:aws:iam::{facts.account}:role/{name}" for logical, name in names.items()}


def _database(region: RegionFacts) -> Mapping[str, str | None]:
    key, cluster = known(region.key) or {}, known(region.cluster) or {}
    return {
        "Key.Arn": key.get("Arn"),
        "Cluster.DBClusterResourceId": cluster.get("DbClusterResourceId"),
        "Cluster.Endpoint.Address": cluster.get("Endpoint"),
        "Cluster.ReadEndpoint.Address": cluster.get("ReaderEndpoint"),
    }


def _told(found: Mapping[str, Any]) -> Mapping[str, str]:
    return {name: value for name, value in found.items() if value}


def _dotted(name: str | None) -> str | None:
    return name and f"{name.lower()}."
