"""A Region's metrics: how far its cluster is behind and how busy it is, and the requests that its API gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime

from reconciler.aws import metrics
from reconciler.aws.parallel import Reads
from reconciler.aws.read_stacks import STAGE
from reconciler.model.facts import Answer, Listing, Series
from reconciler.model.observed import Unknown, known
from reconciler.model.topology import Topology

Replication = Mapping[str, Series] | Unknown
"""`lag` and `load`."""


def start_replication(
    reads: Reads, topology: Topology, region: str, at: datetime, whole: Answer
) -> Future[Replication]:
    """AWS publishes the lag by cluster and by the Region it comes from; which one that is, this read need not know. It may
    be one that leaves: so every member of the global cluster is asked for."""
    members = (known(whole) or {}).get("GlobalClusterMembers", ())
    sources = {*topology.region_names, *(member["DBClusterArn"].split(":")[3] for member in members)} - {region}
    cluster = {"DBClusterIdentifier": topology.cluster(region)}
    dimensions = [cluster, *({**cluster, "SourceRegion": source} for source in sorted(sources))]
    queries = [
        metrics.query(f"lag{i}", "AWS/RDS", "AuroraGlobalDBReplicationLag", "Maximum", d)
        for i, d in enumerate(dimensions)
    ]
    queries.append(metrics.query("load", "AWS/RDS", "ACUUtilization", "Maximum", cluster))

    def read(cloudwatch: object) -> Mapping[str, Series]:
        found = metrics.series(cloudwatch, queries, at)
        load = found.pop("load")
        return {"lag": sorted({point for points in found.values() for point in points}), "load": load}

    nothing: Mapping[str, Series] = {"lag": (), "load": ()}
    return reads.start("cloudwatch", region, read, nothing)


def start_requests(
    reads: Reads, topology: Topology, checks: Listing, regions: Sequence[str], at: datetime
) -> Mapping[str, Future[Series]]:
    """Requests by minute that were no health checks, of the Regions whose traffic gate is closed."""
    if isinstance(checks, Unknown):
        return {}
    prefixes = {topology.gate_reference_prefix(region): region for region in regions}
    closed = {
        region
        for check in checks
        for prefix, region in prefixes.items()
        if check["CallerReference"].startswith(prefix) and _is_closed(check["HealthCheckConfig"])
    }
    return {region: _start_requests(reads, topology, region, at) for region in closed}


def _is_closed(config: Mapping[str, object]) -> bool:
    children, threshold = config.get("ChildHealthChecks", ()), config.get("HealthThreshold", 0)
    return isinstance(children, Sequence) and isinstance(threshold, int) and threshold > len(children)


def _start_requests(reads: Reads, topology: Topology, region: str, at: datetime) -> Future[Series]:
    """All of the stage less those of the health path, each of which API Gateway counts by the minute."""
    stage = {"ApiName": topology.name, "Stage": STAGE}
    health = {**stage, "Method": "GET", "Resource": topology.api.health.path}
    queries = [
        metrics.query(name, "AWS/ApiGateway", "Count", "Sum", dimensions)
        for name, dimensions in (("all", stage), ("health", health))
    ]

    def read(cloudwatch: object) -> Series:
        found = metrics.series(cloudwatch, queries, at)
        checked = dict(found["health"])
        return [(minute, max(0.0, count - checked.get(minute, 0.0))) for minute, count in found["all"]]

    nothing: Series = ()
    return reads.start("cloudwatch", region, read, nothing)
