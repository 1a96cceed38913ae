"""What only a full sweep reads: a Region's network, and its database down to parameters and snapshots; the topology's roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from reconciler.aws.parallel import Reads, body, done
from reconciler.aws.read_global import GLOBAL
from reconciler.model.facts import Answer, Listing
from reconciler.model.observed import Unknown
from reconciler.model.topology import Topology

_ROLES = 1000
"""The most that IAM gives at a time [V: GetAccountAuthorizationDetails, MaxItems]."""


def start_clusters(reads: Reads, topology: Topology, region: str) -> Future[Listing]:
    """All of our engine instead of ours by its name: it is one call as well, and shows who else goes by our name."""
    engine = [{"Name": "engine", "Values": [topology.database.engine]}]
    return reads.many("rds", region, "describe_db_clusters", "DBClusters", Filters=engine)


def named(clusters: Listing, name: str) -> Answer:
    if isinstance(clusters, Unknown):
        return clusters
    return next((c for c in clusters if c["DBClusterIdentifier"] == name), None)


def start_database(
    reads: Reads, topology: Topology, region: str, ids: Mapping[str, str] | Unknown
) -> dict[str, Future[Any]]:
    """The key's rotation, the master secret, the parameters that were set, manual snapshots; `ids`: the data stack's resources."""
    if isinstance(ids, Unknown):
        return {field: done(ids) for field in ("key_rotation", "secret", "parameters", "snapshots")}
    cluster = topology.cluster(region)
    found: dict[str, Future[Any]] = {
        "secret": done(None),
        "snapshots": reads.many(
            "rds",
            region,
            "describe_db_cluster_snapshots",
            "DBClusterSnapshots",
            DBClusterIdentifier=cluster,
            SnapshotType="manual",
        ),
    }
    if key := ids.get("Key"):
        found["key_rotation"] = reads.one("kms", region, lambda c: body(c.get_key_rotation_status(KeyId=key)))
    if secret := ids.get("Master"):
        found["secret"] = reads.one("secretsmanager", region, lambda c: body(c.describe_secret(SecretId=secret)))
    if group := ids.get("Parameters"):
        found["parameters"] = reads.one("rds", region, lambda c: _parameters(c, group))
    return found


def _parameters(rds: Any, group: str) -> Mapping[str, Any]:
    pages = rds.get_paginator("describe_db_cluster_parameters").paginate(
        DBClusterParameterGroupName=group, Source="user"
    )
    return {"Parameters": [parameter for page in pages for parameter in page["Parameters"]]}


def read_sharing(reads: Reads, region: str, snapshots: Listing) -> Mapping[str, Answer]:
    """Who may restore each of these snapshots. Mostly there are none."""
    if isinstance(snapshots, Unknown):
        return {}

    def attributes(name: str) -> Future[Answer]:
        key = "DBClusterSnapshotAttributesResult"
        return reads.one(
            "rds",
            region,
            lambda c: c.describe_db_cluster_snapshot_attributes(DBClusterSnapshotIdentifier=name)[key],
        )

    pending = {s["DBClusterSnapshotIdentifier"]: attributes(s["DBClusterSnapshotIdentifier"]) for s in snapshots}
    return {name: future.result() for name, future in pending.items()}


def start_network(reads: Reads, region: str, ids: Mapping[str, str] | Unknown) -> dict[str, Future[Any]]:
    """Security groups and route tables; subnets are told by the database's subnet group, the network by its route tables."""
    if isinstance(ids, Unknown):
        return {field: done(ids) for field in ("security_groups", "route_tables")}
    if "Vpc" not in ids:
        return {}
    filters = [{"Name": "vpc-id", "Values": [ids["Vpc"]]}]
    return {
        "security_groups": reads.many("ec2", region, "describe_security_groups", "SecurityGroups", Filters=filters),
        "route_tables": reads.many("ec2", region, "describe_route_tables", "RouteTables", Filters=filters),
    }


def start_roles(reads: Reads, topology: Topology) -> Future[Listing]:
    """With trust, inline and attached policies of each in one call for all, where GetRole and its like take six for one."""

    def read(iam: Any) -> Sequence[Mapping[str, Any]]:
        pages = iam.get_paginator("get_account_authorization_details").paginate(
            Filter=["Role"], PaginationConfig={"PageSize": _ROLES}
        )
        roles = (role for page in pages for role in page["RoleDetailList"])
        return [role for role in roles if role["RoleName"].startswith(f"meridian-{topology.name}-")]

    nothing: Sequence[Mapping[str, Any]] = ()
    return reads.start("iam", GLOBAL, read, nothing)
