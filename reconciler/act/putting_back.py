"""Drift that is put back by a call of our own: settings that a change set must not touch, and what no template has.

Each call is made of the findings that its step repairs, and of what is there beside them, which stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.act.moves import Move, Wait
from reconciler.model.change import Finding, Tool
from reconciler.model.observed import Observed, StackState, known
from reconciler.model.plan import Step
from reconciler.model.requests import (
    EnableProbe,
    ProtectGlobal,
    PutRecord,
    RescueKey,
    RotateKey,
    SetCluster,
    SetParameters,
)
from reconciler.model.topology import EDGE_REGION, Topology

_LOGS = "EnableCloudwatchLogsExports"
_CAPACITY = "ServerlessV2ScalingConfiguration"


def put_back(step: Step, topology: Topology, observed: Observed, findings: Iterable[Finding]) -> Move:
    """`findings`: those that the step repairs, of which there is one at least."""
    region, found = step.region or EDGE_REGION, tuple(findings)
    match step.target:
        case Tool.CLUSTER:
            return _cluster(region, observed, found)
        case Tool.GLOBAL:
            return ProtectGlobal(region=region, global_cluster=topology.global_cluster)
        case Tool.PARAMETERS:
            values = {_key(f): str(f.desired) for f in found}
            return SetParameters(region=region, group=_physical(observed, found[0]), values=values)
        case Tool.KEY:
            request = RotateKey if all(f.prop == "EnableKeyRotation" for f in found) else RescueKey
            return request(region=region, key=_physical(observed, found[0]))
        case Tool.PROBE:
            return EnableProbe(region=region, probe=_physical(observed, found[0]))
        case _:
            return _record(region, topology, observed, found[0])


def _cluster(region: str, observed: Observed, found: tuple[Finding, ...]) -> Move:
    cluster = known(observed.clusters.get(region))
    if cluster is None or cluster.status != "available":
        return Wait(f"the cluster of {region} is {cluster.status if cluster else 'not to be seen'}")
    settings: dict[str, Any] = {}
    for finding in found:
        name, _, inner = finding.prop.partition(".")
        if name == _LOGS:
            settings["CloudwatchLogsExportConfiguration"] = _exports(finding)
        elif name == _CAPACITY:
            live: Any = observed.live.get((finding.stack, finding.logical_id or "")) if finding.stack else None
            bounds = live.get(name) if isinstance(live, Mapping) else None
            settings[name] = {**(bounds or {}), **settings.get(name, {}), inner: finding.desired}
        else:
            settings[name] = finding.desired
    return SetCluster(region=region, cluster=cluster.identifier, settings=settings)


def _record(region: str, topology: Topology, observed: Observed, finding: Finding) -> Move:
    """`DomainValidationOptions.<name>.HostedZoneId` of a certificate: the record of that name is not there. One at a time."""
    domain = re.split(r"(?<!\\)\.", finding.prop)[1].replace("\\.", ".")
    record = observed.validations.get(domain)
    if record is None:
        return Wait(f"ACM does not tell the record that validates {domain}")
    zone = topology.domain.zone_id
    return PutRecord(region=region, zone=zone, name=record["Name"], type=record["Type"], value=record["Value"])


def _exports(finding: Finding) -> Mapping[str, list[str]]:
    wanted, there = set(finding.desired or ()), set(finding.observed or ())
    both = {"EnableLogTypes": sorted(wanted - there), "DisableLogTypes": sorted(there - wanted)}
    return {name: types for name, types in both.items() if types}


def _key(finding: Finding) -> str:
    r"""`Parameters.rds\.force_ssl` names the parameter `rds.force_ssl`."""
    return finding.prop.partition(".")[2].replace("\\.", ".")


def _physical(observed: Observed, finding: Finding) -> str:
    state = observed.stacks.get(finding.stack) if finding.stack else None
    return state.resources[finding.logical_id or ""] if isinstance(state, StackState) else ""
