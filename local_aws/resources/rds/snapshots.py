"""DB cluster snapshots: creating, with progress, then available; final ones, and who may restore them.

Restoring one is not there: nothing of ours does it, and it has no copy of the database's contents.
"""

import secrets
from typing import Any
from xml.sax.saxutils import escape

from ministack.core.responses import get_account_id, request_scope
from ministack.services import cloudformation as cfn
from ministack.services import rds
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from local_aws import durations, states
from local_aws.arns import account_of, region_of
from local_aws.clock import CLOCK
from local_aws.resources.rds.events import tell
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.services.rds._ACTION_MAP",
    "ministack.services.rds._cluster_snapshot_xml",
    "ministack.services.rds._create_cluster_snapshot_internal",
    "ministack.services.rds._create_db_cluster_snapshot",
    "ministack.services.rds._db_cluster_snapshots",
    "ministack.services.rds._describe_db_cluster_snapshot_attributes",
    "ministack.services.rds._subnet_groups",
)

Record = dict[str, Any]
TYPE = "AWS::RDS::DBCluster"


def begin(name: str, cluster: Record, *, kind: str = "manual") -> Record:
    """A snapshot that is being taken, in the cluster's Region."""
    with request_scope(account_of(cluster["DBClusterArn"]), region_of(cluster["DBClusterArn"])):
        snapshot: Record = rds._create_cluster_snapshot_internal(name, cluster)
        group = rds._subnet_groups.get(cluster.get("DBSubnetGroup") or "") or {}
    snapshot.update(SnapshotType=kind, VpcId=group.get("VpcId", snapshot["VpcId"]), _begun=CLOCK.now())
    if cluster.get("CopyTagsToSnapshot"):
        snapshot["TagList"] = list(cluster.get("TagList") or [])
    ids = ("RDS-EVENT-0074", "RDS-EVENT-0075") if kind == "manual" else ("RDS-EVENT-0168", "RDS-EVENT-0169")
    word = "manual" if kind == "manual" else "automated"
    arn = snapshot["DBClusterSnapshotArn"]
    tell(arn, ids[0], "backup", f"Creating {word} cluster snapshot")
    states.hold(
        snapshot,
        "Status",
        "creating",
        "available",
        durations.CLUSTER_SNAPSHOT,
        lambda: tell(arn, ids[1], "backup", f"{word.capitalize()} cluster snapshot created"),
    )
    return snapshot


def _create(stock: Any, request: Record) -> Any:
    name = rds._p(request, "DBClusterSnapshotIdentifier").lower()  # stored as lowercase [V]
    answer = stock({**request, "DBClusterSnapshotIdentifier": [name]})
    if answer[0] >= 300:
        return answer
    tagged = rds._db_cluster_snapshots[name]["TagList"]
    snapshot = begin(name, rds._resolve_cluster_in_request_region(rds._p(request, "DBClusterIdentifier")))
    snapshot["TagList"] = tagged or snapshot["TagList"]
    body = (
        f"<CreateDBClusterSnapshotResult><DBClusterSnapshot>{rds._cluster_snapshot_xml(snapshot)}</DBClusterSnapshot>"
    )
    return rds._xml(200, "CreateDBClusterSnapshotResponse", body + "</CreateDBClusterSnapshotResult>")


def _snapshot_xml(stock: Any, snapshot: Record) -> str:
    done = 100
    if snapshot["Status"] == "creating":
        done = min(99, int(100 * (CLOCK.now() - snapshot["_begun"]) / durations.CLUSTER_SNAPSHOT))
    return str(stock({**snapshot, "PercentProgress": done}))


def _for_stack(physical_id: str, _properties: Record) -> None:
    """DeletionPolicy Snapshot: CloudFormation makes the name up: stack, "snapshot", logical id, twelve characters [S]."""
    cluster = rds._clusters.get(physical_id)
    if cluster is None:
        return
    names = [
        (stack["StackName"], logical_id)
        for stack in cfn._stacks.values()
        for logical_id, resource in (stack.get("_resources") or {}).items()
        if resource.get("PhysicalResourceId") == physical_id and resource.get("ResourceType") == TYPE
    ]
    stack, logical_id = names[0] if names else ("stack", physical_id)
    begin(f"{stack}-snapshot-{logical_id}-{secrets.token_hex(6)}".lower(), cluster)


# ---- who may restore it ----------------------------------------------------------------------------------------------------


def _attributes(operation: str, name: str) -> Any:
    shared = rds._db_cluster_snapshots[name].get("_restore") or []
    values = "".join(f"<AttributeValue>{escape(account)}</AttributeValue>" for account in shared)
    attribute = f"<AttributeName>restore</AttributeName><AttributeValues>{values}</AttributeValues>"
    body = (
        f"<{operation}Result><DBClusterSnapshotAttributesResult>"
        f"<DBClusterSnapshotIdentifier>{escape(name)}</DBClusterSnapshotIdentifier><DBClusterSnapshotAttributes>"
        f"<DBClusterSnapshotAttribute>{attribute}</DBClusterSnapshotAttribute></DBClusterSnapshotAttributes>"
        f"</DBClusterSnapshotAttributesResult></{operation}Result>"
    )
    return rds._xml(200, f"{operation}Response", body)


def _describe_attributes(stock: Any, request: Record) -> Any:
    answer, name = stock(request), rds._p(request, "DBClusterSnapshotIdentifier")
    return answer if answer[0] >= 300 else _attributes("DescribeDBClusterSnapshotAttributes", name)


def modify_attribute(request: Record) -> Any:
    """ModifyDBClusterSnapshotAttribute, which ministack lacks: the accounts that a snapshot is shared with."""
    name = rds._p(request, "DBClusterSnapshotIdentifier")
    snapshot = rds._db_cluster_snapshots[name]
    shared = set(snapshot.get("_restore") or []) | set(rds._parse_member_list(request, "ValuesToAdd"))
    shared -= set(rds._parse_member_list(request, "ValuesToRemove"))
    snapshot["_restore"] = sorted(shared - {get_account_id()})
    return _attributes("ModifyDBClusterSnapshotAttribute", name)


def install() -> None:
    around(rds, "_create_db_cluster_snapshot", _create)
    around(rds, "_cluster_snapshot_xml", _snapshot_xml)
    around(rds, "_describe_db_cluster_snapshot_attributes", _describe_attributes)
    rds.modify_db_cluster_snapshot_attribute = modify_attribute
    rds._ACTION_MAP["ModifyDBClusterSnapshotAttribute"] = modify_attribute
    _RESOURCE_HANDLERS[TYPE]["snapshot"] = _for_stack
