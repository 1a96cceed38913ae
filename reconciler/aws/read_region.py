"""Reads one Region: its stacks and everything in it that observation or drift needs.

Names are fixed, so almost every read starts at once; a second round needs physical ids, or looks closer at what the
first one found (a stack that failed, a Region without a network).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any

from reconciler.aws import read_details
from reconciler.aws.parallel import Reads, body, done
from reconciler.aws.read_metrics import Replication, start_replication
from reconciler.aws.read_serving import named, start_details, start_domains, start_function
from reconciler.aws.read_stacks import STAGE, Known, Listed, RegionStacks
from reconciler.model.facts import Answer, Listing, RegionFacts, Sweep
from reconciler.model.observed import Unknown
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Topology

Ids = Mapping[str, str] | Unknown


def read_region(
    reads: Reads,
    topology: Topology,
    region: str,
    at: datetime,
    listing: Future[Listing] | None,
    edge: Future[Listed],
    members: Future[Answer],
    known: Known,
    sweep: Sweep = Sweep.PLAN,
    *,
    whole: bool,
) -> RegionFacts:
    """`whole` false: the Region is none of the topology's; only its stacks are read, unless `data` or `api` is among them.
    `members` is the global cluster; `known`: what needs no reading."""
    stacks = RegionStacks(reads, topology, region, listing, edge, known)
    whole = whole or stacks.has_regional()
    full, names = sweep is Sweep.FULL, (topology.region_origin(region), topology.origin_name) if whole else ()
    pending = _by_name(reads, topology, region, full=full) if whole else {}
    domains = start_domains(reads, region) if whole else done(())
    mappings = {name: _mappings(reads, region, name) for name in names}
    logs = _log_groups(reads, topology, region, whole=whole)
    stacks.start(whole=whole)  # last, for it waits
    pending |= _closer(reads, topology, region, stacks.listing.result())
    replication: Future[Replication] = done({})
    if whole:
        replication = start_replication(reads, topology, region, at, members.result())
        pending |= _by_id(reads, region, stacks.ids(StackKind.API), stacks.ids(StackKind.DATA))
        if full:
            data = stacks.ids(StackKind.DATA)
            pending |= read_details.start_database(reads, topology, region, data)
            pending |= read_details.start_network(reads, region, data)
            pending |= start_details(reads, topology, region, _known(stacks.ids(StackKind.API)))
        pending |= _interfaces(reads, region, stacks)
    answers = {name: future.result() for name, future in pending.items()}
    if "clusters" in answers:
        answers["cluster"] = read_details.named(answers["clusters"], topology.cluster(region))
    if "snapshots" in answers:
        answers["snapshot_attributes"] = read_details.read_sharing(reads, region, answers["snapshots"])
    return RegionFacts(
        stacks=stacks.facts(),
        log_groups=logs.result(),
        **_spread(replication.result(), "lag", "load"),
        **answers,
        domain_names=named(domains.result(), names),
        mappings={name: future.result() for name, future in mappings.items()},
    )


def _closer(reads: Reads, topology: Topology, region: str, found: Listing) -> dict[str, Future[Any]]:
    """The availability zones, for a Region of ours that has no network yet."""
    data = StackRef(StackKind.DATA, region).name(topology.name)
    if isinstance(found, Unknown) or region not in topology.region_names:
        return {}
    if any(s["StackName"] == data and s["StackStatus"] != "REVIEW_IN_PROGRESS" for s in found):
        return {}
    filters = [{"Name": "zone-type", "Values": ["availability-zone"]}, {"Name": "state", "Values": ["available"]}]

    def read(ec2: Any) -> Sequence[Mapping[str, Any]]:
        zones: Sequence[Mapping[str, Any]] = ec2.describe_availability_zones(Filters=filters)["AvailabilityZones"]
        return zones

    nothing: Sequence[Mapping[str, Any]] = ()
    return {"availability_zones": reads.start("ec2", region, read, nothing)}


def _interfaces(reads: Reads, region: str, stacks: RegionStacks) -> dict[str, Future[Any]]:
    """Lambda's, which outlive its functions: of a Region that has a network and no functions (any more)."""
    if not stacks.only_data():
        return {}
    ids = stacks.ids(StackKind.DATA)
    if isinstance(ids, Unknown):
        return {"interfaces": done(ids)}
    if "Vpc" not in ids:
        return {}
    # By what they are called: those that Lambda has detached are not of its type any more.
    filters = [{"Name": "vpc-id", "Values": [ids["Vpc"]]}, {"Name": "description", "Values": ["AWS Lambda VPC ENI-*"]}]
    listing = reads.many("ec2", region, "describe_network_interfaces", "NetworkInterfaces", Filters=filters)
    return {"interfaces": listing}


def _spread(answer: Mapping[str, Any] | Unknown, *names: str) -> dict[str, Any]:
    """One answer that holds several facts; if it could not be read, each of them could not."""
    return dict.fromkeys(names, answer) if isinstance(answer, Unknown) else dict(answer)


def _by_name(reads: Reads, topology: Topology, region: str, *, full: bool) -> dict[str, Future[Any]]:
    cluster = topology.cluster(region)
    function = f"meridian-{topology.name}-api"
    members = [{"Name": "db-cluster-id", "Values": [cluster]}]
    found = (
        {"clusters": read_details.start_clusters(reads, topology, region)}
        if full
        else {
            "cluster": reads.one(
                "rds", region, lambda c: c.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"][0]
            )
        }
    )
    return found | {
        "instances": reads.many("rds", region, "describe_db_instances", "DBInstances", Filters=members),
        "function": start_function(reads, region, function, full=full),
        "alarms": reads.many(
            "cloudwatch", region, "describe_alarms", "MetricAlarms", AlarmNamePrefix=f"meridian-{topology.name}-"
        ),
    }


def _log_groups(reads: Reads, topology: Topology, region: str, *, whole: bool) -> Future[Listing]:
    """Ours by prefix: a listing by pattern leaves out the retention. The database's group and the edge's are looked at by
    drift-aware change sets alone: what they are set to serves nobody."""
    if not whole:
        return done(())
    return reads.many(
        "logs", region, "describe_log_groups", "logGroups", logGroupNamePrefix=f"/meridian/{topology.name}/"
    )


def _mappings(reads: Reads, region: str, name: str) -> Future[Listing]:
    return reads.many("apigateway", region, "get_base_path_mappings", "items", domainName=name)


def _known(ids: Ids) -> Mapping[str, str]:
    return {} if isinstance(ids, Unknown) else ids


def _by_id(reads: Reads, region: str, api: Ids, data: Ids) -> dict[str, Future[Any]]:
    found: dict[str, Future[Any]] = {}

    def start(name: str, service: str, ids: Ids, logical_id: str, read: Any) -> None:
        if isinstance(ids, Unknown):
            found[name] = done(ids)
        elif physical_id := ids.get(logical_id):
            found[name] = reads.one(service, region, lambda client: read(client, physical_id))

    start("rest_api", "apigateway", api, "Api", lambda c, i: body(c.get_rest_api(restApiId=i)))
    start("stage", "apigateway", api, "Api", lambda c, i: body(c.get_stage(restApiId=i, stageName=STAGE)))
    start(
        "certificate", "acm", api, "Certificate", lambda c, i: c.describe_certificate(CertificateArn=i)["Certificate"]
    )
    start("key", "kms", data, "Key", lambda c, i: c.describe_key(KeyId=i)["KeyMetadata"])
    return found
