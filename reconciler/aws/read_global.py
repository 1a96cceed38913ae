"""Reads what exists once: the zone and its records, traffic gates and probes, the global cluster, the edge, the status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Any

from reconciler.aws import approvals, metrics
from reconciler.aws.parallel import Reads, body, done
from reconciler.aws.read_serving import start_edge_details
from reconciler.aws.read_stacks import Listed
from reconciler.aws.recorded import Recorded, query
from reconciler.model.facts import Answer, Listing, Series
from reconciler.model.observed import Unknown
from reconciler.model.topology import EDGE_REGION, Topology

GLOBAL = "us-east-1"
"""Where Route 53, CloudFront and the metrics of health checks answer."""
_SERIES = 500  # in one GetMetricData call
_MARGIN = timedelta(minutes=5)  # the newest minutes are not there yet


def start_zone(reads: Reads, topology: Topology) -> Future[Answer]:
    zone = topology.domain.zone_id

    def read(route53: Any) -> Mapping[str, Any]:
        answer = route53.get_hosted_zone(Id=zone)
        return {**answer["HostedZone"], "DelegationSet": answer.get("DelegationSet", {})}

    return reads.one("route53", GLOBAL, read)


def start_records(reads: Reads, topology: Topology) -> Future[Listing]:
    """Record sets at or below the domain. Route 53 lists names by their labels reversed, so they stand together."""
    domain = topology.domain.name.lower()

    def read(route53: Any) -> Sequence[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        pages = route53.get_paginator("list_resource_record_sets").paginate(
            HostedZoneId=topology.domain.zone_id, StartRecordName=domain
        )
        for page in pages:
            for record in page["ResourceRecordSets"]:
                name = record["Name"].rstrip(".").lower()
                if not _sort_key(name).startswith(_sort_key(domain)):
                    return found
                if name == domain or name.endswith("." + domain):
                    found.append(record)
        return found

    nothing: Sequence[Mapping[str, Any]] = ()
    return reads.start("route53", GLOBAL, read, nothing)


def _sort_key(name: str) -> str:
    return ".".join(reversed(name.split(".")))


def start_health_checks(reads: Reads, topology: Topology) -> Future[Listing]:
    """The topology's, of all in the account (Route 53 has no filter): by CallerReference, or by the name they probe."""
    ours, under = f"meridian/{topology.name}/", "." + topology.domain.name.lower()

    def read(route53: Any) -> Sequence[Mapping[str, Any]]:
        checks = (c for page in route53.get_paginator("list_health_checks").paginate() for c in page["HealthChecks"])
        return [
            check
            for check in checks
            if check["CallerReference"].startswith(ours)
            or ("." + check["HealthCheckConfig"].get("FullyQualifiedDomainName", "").lower()).endswith(under)
        ]

    nothing: Sequence[Mapping[str, Any]] = ()
    return reads.start("route53", GLOBAL, read, nothing)


def read_health(reads: Reads, topology: Topology, checks: Listing, at: datetime) -> Mapping[str, Series]:
    """HealthCheckStatus of each check. CloudWatch has it in one Region only, and only as a metric for calculated ones. It
    reaches back far enough to tell that a Region has been drained for as long as the topology asks."""
    if isinstance(checks, Unknown):
        return {}
    ids = [check["Id"] for check in checks]
    batches = [ids[i : i + _SERIES] for i in range(0, len(ids), _SERIES)]
    window = max(metrics.WINDOW, timedelta(seconds=topology.routing.drain_seconds) + _MARGIN)
    pending = [(batch, _start_health(reads, batch, at, window)) for batch in batches]
    found: dict[str, Series] = {}
    for batch, future in pending:
        answer = future.result()
        found.update(dict.fromkeys(batch, answer) if isinstance(answer, Unknown) else answer)
    return found


def _start_health(
    reads: Reads, ids: Sequence[str], at: datetime, window: timedelta
) -> Future[dict[str, Series] | Unknown]:
    queries = [
        metrics.query(f"h{i}", "AWS/Route53", "HealthCheckStatus", "Minimum", {"HealthCheckId": check})
        for i, check in enumerate(ids)
    ]

    def read(cloudwatch: Any) -> dict[str, Series]:
        found = metrics.series(cloudwatch, queries, at, window)
        return {check: found[f"h{i}"] for i, check in enumerate(ids)}

    nothing: dict[str, Series] = {}
    return reads.start("cloudwatch", GLOBAL, read, nothing)


def start_global_cluster(reads: Reads, topology: Topology) -> Future[Answer]:
    name = topology.global_cluster
    return reads.one(
        "rds",
        topology.home_region,
        lambda c: c.describe_global_clusters(GlobalClusterIdentifier=name)["GlobalClusters"][0],
    )


def start_recorded(reads: Reads, topology: Topology) -> Future[Recorded | Unknown]:
    """The status document that the last pass left, and what is suspended."""
    return reads.start("dynamodb", topology.home_region, lambda c: query(c, topology.name), Recorded())


def start_approval(reads: Reads, topology: Topology) -> Future[Answer]:
    """The plan that a person approved; not asked for where no document says that it takes one."""
    if topology.safety.approval == "none":
        return done(None)
    return reads.start("dynamodb", topology.home_region, lambda c: approvals.query(c, topology.name), None)


def start_edge(reads: Reads, topology: Topology, edge: Listed, *, full: bool) -> dict[str, Future[Any]]:
    """The edge stack's resources, by the ids that its listing gives; the certificate may be one that the user uploaded."""
    fields = ("distribution", "edge_certificate", "edge_function")
    if isinstance(edge, Unknown):
        return {field: done(edge) for field in fields}
    ids = edge.ids
    found: dict[str, Future[Any]] = {field: done(None) for field in fields}
    if distribution := ids.get("Distribution"):
        found["distribution"] = reads.one(
            "cloudfront", GLOBAL, lambda c: c.get_distribution(Id=distribution)["Distribution"]
        )
    if certificate := ids.get("Certificate") or topology.edge.certificate_arn:
        found["edge_certificate"] = reads.one(
            "acm", EDGE_REGION, lambda c: c.describe_certificate(CertificateArn=certificate)["Certificate"]
        )
    if full:
        return found | start_edge_details(reads, ids)
    if router := ids.get("Router"):
        found["edge_function"] = reads.one(
            "lambda", EDGE_REGION, lambda c: body(c.get_function_configuration(FunctionName=router))
        )
    return found
