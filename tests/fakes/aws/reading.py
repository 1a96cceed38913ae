"""What AWS answers when everything is read: `Facts` in boto3's shapes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from reconciler.model.facts import LATER, Facts, RegionFacts, StackFacts
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Topology
from tests.fakes.aws.account import DISTRIBUTION, Account, attribute
from tests.fakes.aws.aurora import ACCOUNT, Cluster
from tests.fakes.aws.stacks import Stack
from tests.fakes.aws.timeline import instant

LOAD = 10.0
"""Percent of its capacity that a cluster uses."""
ROUTER = {"FunctionName": "router", "Role": "arn:role", "MemorySize": 128, "Timeout": 5}


def read(account: Account, topology: Topology) -> Facts:
    gates = f"meridian/{topology.name}/"
    checks = [c for c in account.route53.checks.values() if c.region or c.reference.startswith(gates)]
    document = json.loads(account.documents[topology.name]) if topology.name in account.documents else None
    regions = {*topology.deployment_regions, *_left(account, topology, document)}
    minutes = max(15, topology.routing.drain_seconds // 60 + 5)
    return Facts(
        at=instant(account.timeline.now),
        account=ACCOUNT,
        regions={
            r: _region(account, topology, r) for r in (*topology.deployment_regions, *sorted(regions)) if r in regions
        },
        zone={"Id": f"/hostedzone/{topology.domain.zone_id}", "Name": f"{topology.domain.zone_name}."},
        records=[_record(r) for r in account.route53.records.values()],
        health_checks=[_check(c.id, c.reference, c.version, c.config) for c in checks],
        health={c.id: [(instant(t), v) for t, v in account.route53.samples(c, minutes)] for c in checks},
        global_cluster=_group(account),
        distribution=_distribution(account),
        edge_function=ROUTER if account.cloudfront.published else None,
        recorded=document,
        approval=account.approval,
    )


def glimpse(facts: Facts) -> Facts:
    """What a fast sweep has of it."""
    regions = {
        name: replace(
            region,
            **dict.fromkeys(("instances", "lag", "load", "requests", "interfaces", "log_groups", "alarms"), LATER),
            **dict.fromkeys(("rest_api", "certificate", "key", "security_groups", "availability_zones"), LATER),
            mappings=dict.fromkeys(region.domain_names, LATER),
        )
        for name, region in facts.regions.items()
    }
    return replace(facts, regions=regions, zone=LATER, edge_certificate=LATER, edge_function=LATER)


def _left(account: Account, topology: Topology, document: Mapping[str, Any] | None) -> set[str]:
    """Regions of which something global, or the record of the last pass, still speaks."""
    found = set(account.aurora.group.members) if account.aurora.group else set()
    for check in account.route53.checks.values():
        if check.reference.startswith(f"meridian/{topology.name}/"):
            found.add(check.reference.split("/")[2])
    found |= {r["Region"] for r in account.route53.records.values() if "Region" in r}
    return found | {r["name"] for r in (document or {}).get("regions", ())}


def _region(account: Account, topology: Topology, region: str) -> RegionFacts:
    names = {s.name: s for ref, s in account.stacks.stacks.items() if ref.region == region}
    place, cluster = account.regions[region], account.aurora.clusters.get(region)
    data = account.stacks.stacks.get(StackRef(StackKind.DATA, region))
    api = account.stacks.stacks.get(StackRef(StackKind.API, region))
    gate = account.route53.gate(topology.gate_reference_prefix(region))
    origin = topology.region_origin(region)
    minute = instant(account.timeline.now // 60 * 60 - 60)
    without_network = data is None or data.status == "REVIEW_IN_PROGRESS"
    return RegionFacts(
        stacks={name: _stack(account, s) for name, s in names.items()},
        availability_zones=[_zone(region, letter) for letter in "abc"] if without_network else (),
        cluster=_cluster(cluster) if cluster else None,
        instances=_instances(cluster) if cluster else (),
        lag=_lag(account, region, minute) if cluster else (),
        load=[(minute, LOAD)] if cluster else (),
        requests=_requests(account, topology, region) if gate and not gate.is_open else (),
        interfaces=[{"NetworkInterfaceId": f"eni-{n}"} for n in range(place.interfaces)] if data and not api else (),
        function=_function(place.function, topology) if place.function else None,
        domain_names={origin: _domain(origin, region)} if place.domain else {origin: None},
    )


def _requests(account: Account, topology: Topology, region: str) -> list[tuple[datetime, float]]:
    """What clients asked of the Region, by minute; somebody who counts them puts them there."""
    first = account.timeline.now - max(15 * 60, topology.routing.drain_seconds + 300)
    counted = account.regions[region].requests
    last = (account.timeline.now - 30) // 60 * 60
    return [(instant(m), n) for m, n in sorted(counted.items()) if first <= m < last]


def _zone(region: str, letter: str) -> Mapping[str, Any]:
    return {"ZoneName": region + letter, "State": "available", "ZoneType": "availability-zone"}


def _lag(account: Account, region: str, minute: datetime) -> list[tuple[datetime, float]]:
    group = account.aurora.group
    reader = group is not None and region in group.members and group.writer != region
    return [(minute, account.aurora.lag_ms(region))] if reader and account.aurora.clusters[region].connected else []


def _stack(account: Account, stack: Stack) -> StackFacts:
    shown = stack.wanted or stack.applied or stack.tried
    if stack.status.startswith("UPDATE") and stack.applied:
        shown = stack.applied
    described: dict[str, Any] = {
        "StackName": stack.name,
        "StackId": stack.id,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "CreationTime": instant(stack.created),
        "Parameters": [
            {"ParameterKey": k, "ParameterValue": v} for k, v in (shown.parameters if shown else {}).items()
        ],
        "Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in stack.outputs.items()],
    }
    if stack.updated is not None:
        described["LastUpdatedTime"] = instant(stack.updated)
    event = {
        "LogicalResourceId": "Something",
        "PhysicalResourceId": "something",
        "ResourceType": "AWS::Test::Resource",
        "ResourceStatus": "UPDATE_FAILED",
        "ResourceStatusReason": stack.failure,
    }
    failed = stack.failure and not stack.busy
    return StackFacts(
        stack=described,
        template=shown.template if shown else None,
        resources={
            name: account.router(name) if name in account.routers else f"{name}-id"
            for name in (shown.template["Resources"] if shown else ())
        },
        settled_at=instant(stack.settled) if stack.settled is not None else None,
        events=[event] if failed else (),
    )


def _cluster(cluster: Cluster) -> Mapping[str, Any]:
    return {
        "DBClusterIdentifier": cluster.identifier,
        "DBClusterArn": cluster.arn,
        "Status": cluster.status,
        "Engine": cluster.settings["Engine"],
        "EngineVersion": cluster.version,
        "DeletionProtection": cluster.protected,
        "ServerlessV2ScalingConfiguration": dict(cluster.settings["ServerlessV2ScalingConfiguration"]),
        "DatabaseName": cluster.settings.get("DatabaseName"),
        "MasterUsername": cluster.settings.get("MasterUsername"),
    }


def _instances(cluster: Cluster) -> list[Mapping[str, Any]]:
    return [
        {
            "DBInstanceIdentifier": name,
            "DBInstanceStatus": status,
            "DBInstanceClass": "db.serverless",
            "Engine": cluster.settings["Engine"],
        }
        for name, status in cluster.instances.items()
    ]


def _group(account: Account) -> Mapping[str, Any] | None:
    group = account.aurora.group
    if group is None:
        return None
    found: dict[str, Any] = {
        "GlobalClusterIdentifier": group.identifier,
        "Status": "switching-over" if group.moving else "available",
        "Engine": "aurora-postgresql",
        "EngineVersion": group.version,
        "StorageEncrypted": True,
        "DeletionProtection": group.protected,
        "GlobalClusterMembers": [_member(account, r) for r in group.members],
    }
    if group.moving:
        status, writer, target = group.moving
        arns = {r: account.aurora.clusters[r].arn for r in (writer, target)}
        found["FailoverState"] = {
            "Status": status,
            "FromDbClusterArn": arns[writer],
            "ToDbClusterArn": arns[target],
            "IsDataLossAllowed": False,
        }
    return found


def _member(account: Account, region: str) -> Mapping[str, Any]:
    cluster, group = account.aurora.clusters[region], account.aurora.group
    writes = group is not None and group.writer == region
    member: dict[str, Any] = {"DBClusterArn": cluster.arn, "IsWriter": writes}
    if not writes:
        member["SynchronizationStatus"] = "connected" if cluster.connected else "pending-resync"
    return member


def _distribution(account: Account) -> Mapping[str, Any] | None:
    config = account.cloudfront.config
    if config is None:
        return None
    aliases = {"Quantity": len(config["Aliases"]), "Items": list(config["Aliases"])}
    return {
        "Id": "D1",
        "DomainName": DISTRIBUTION.rstrip("."),
        "Status": account.cloudfront.status,
        "DistributionConfig": {**config, "Aliases": aliases},
    }


def _record(record: Mapping[str, Any]) -> Mapping[str, Any]:
    found = {k: v for k, v in record.items() if k != "HostedZoneId"}
    if "ResourceRecords" in found:
        found["ResourceRecords"] = [{"Value": v} for v in found["ResourceRecords"]]
        found["TTL"] = int(found["TTL"])
    return found


def _check(check_id: str, reference: str, version: int, config: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "Id": check_id,
        "CallerReference": reference,
        "HealthCheckVersion": version,
        "HealthCheckConfig": dict(config),
    }


def _function(function: Mapping[str, Any], topology: Topology) -> Mapping[str, Any]:
    return {"FunctionName": f"meridian-{topology.name}-api", "Role": "arn:role", **function}


def _domain(name: str, region: str) -> Mapping[str, Any]:
    return {
        "domainName": name,
        "domainNameStatus": "AVAILABLE",
        "regionalDomainName": attribute(region, "RegionalDomain.RegionalDomainName").rstrip("."),
        "regionalHostedZoneId": attribute(region, "RegionalDomain.RegionalHostedZoneId"),
    }
