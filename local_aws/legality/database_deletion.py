"""Aurora: when a cluster may go, by call or with its stack (aws-facts §3.2#6, §3.6)."""

from collections.abc import Callable
from typing import Any

from ministack.services import rds

from local_aws.legality.database_changes import no_move
from local_aws.legality.guard import on_call, on_stack
from local_aws.refused import Refused
from local_aws.resources.rds.members import member_of, members
from local_aws.resources.wrap import Properties, boolean
from local_aws.stacks import delete as stack_delete

PATCHED: tuple[str, ...] = (
    "ministack.services.rds._clusters",
    "ministack.services.rds._db_cluster_snapshots",
    "ministack.services.rds._delete_db_cluster",
    "ministack.services.rds._error",
    "ministack.services.rds._p",
    "ministack.services.rds._resolve_cluster_in_request_region",
    "ministack.services.rds._stop_db_cluster",
)

Record = dict[str, Any]


def check_delete(request: Record) -> None:
    """DeleteDBCluster by call: what follows, and DBClusterSnapshotAlreadyExistsFault [V botocore]."""
    cluster = rds._resolve_cluster_in_request_region(rds._p(request, "DBClusterIdentifier"))
    if cluster is None:
        return
    no_move(cluster)
    _unprotected(cluster)
    _not_the_primary_of_others(cluster)
    _alone(cluster)
    _without_instances(cluster)
    if cluster["Status"] == "deleting":
        raise Refused("InvalidDBClusterStateFault", f"{cluster['DBClusterIdentifier']} is already being deleted.")
    final_snapshot(request)
    can_be_copied(cluster)
    name = rds._p(request, "FinalDBSnapshotIdentifier").lower()
    if name and name in rds._db_cluster_snapshots:
        raise Refused("DBClusterSnapshotAlreadyExistsFault", f"DB cluster snapshot {name} already exists.")


def _unprotected(cluster: Record) -> None:
    """DeleteDBCluster: not while DeletionProtection is on [V]; code and words [K]."""
    if boolean(cluster.get("DeletionProtection")):
        raise Refused(
            "InvalidParameterCombination",
            "Cannot delete protected Cluster, please disable deletion protection and try again.",
        )


def _not_the_primary_of_others(cluster: Record) -> None:
    """§3.2#6, §3.6 [S cloud-nuke#597, terraform-provider-aws#26236]."""
    group, entry = member_of(cluster)
    if group and entry and entry["IsWriter"] and len(members(group)) > 1:
        raise Refused(
            "InvalidGlobalClusterStateFault",
            "Unable to delete cluster that is a primary member of global cluster while there are other global cluster "
            "members",
        )


def _alone(cluster: Record) -> None:
    """DeleteDBCluster by call: a member leaves first [S terraform-provider-aws, aws_rds_cluster]."""
    if member_of(cluster)[0]:
        raise Refused(
            "InvalidDBClusterStateFault",
            "This cluster is a part of a global cluster, please remove it from globalcluster first",
        )


def _without_instances(cluster: Record) -> None:
    """DeleteDBCluster: InvalidDBClusterStateFault while instances are left [V botocore: the code; words K]."""
    if cluster.get("DBClusterMembers"):
        raise Refused(
            "InvalidDBClusterStateFault",
            "Cluster cannot be deleted, it still contains DB instances in non-deleting state.",
        )


def final_snapshot(request: Record) -> None:
    """DeleteDBCluster: either a final snapshot's name or SkipFinalSnapshot, and not both [V]."""
    skipped, name = rds._p(request, "SkipFinalSnapshot") == "true", rds._p(request, "FinalDBSnapshotIdentifier")
    if skipped and name:
        raise Refused(
            "InvalidParameterCombination", "FinalDBSnapshotIdentifier can not be specified when deleting with a skip."
        )
    if not skipped and not name:
        raise Refused(
            "InvalidParameterCombination",
            "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
        )


def can_be_copied(cluster: Record) -> None:
    """CreateDBClusterSnapshot, DeleteDBCluster: not while promoting or modifying [S terraform-provider-aws#40333]."""
    if cluster["Status"] != "available":
        raise Refused(
            "InvalidDBClusterStateFault",
            f"Can't create a snapshot because the database cluster {cluster['DBClusterIdentifier']} isn't currently in "
            "the available state.",
        )


def check_stop(request: Record) -> None:
    """StopDBCluster: not for members of a global database [V limitations]; the words are [K]."""
    cluster = rds._resolve_cluster_in_request_region(rds._p(request, "DBClusterIdentifier"))
    if cluster and member_of(cluster)[0]:
        raise Refused("InvalidDBClusterStateFault", "You can't stop a DB cluster that is part of a global cluster.")


# ---- stacks ----------------------------------------------------------------------------------------------------------------


def check_stack_delete(name: str) -> None:
    """§3.2#6: protection, secondaries and instances are looked at first, before any snapshot [S DeleteHandler]."""
    cluster = rds._clusters.get(name)
    if cluster is None:
        return
    no_move(cluster)
    _unprotected(cluster)
    _not_the_primary_of_others(cluster)
    _without_instances(cluster)


def _taken_out_by_hand(name: str, properties: Properties) -> None:
    """§8.2: the handler's RemoveFromGlobalCluster does not find what somebody took out before [K: it may count as deleted]."""
    cluster, joined = rds._clusters.get(name), properties.get("GlobalClusterIdentifier")
    if cluster and joined and not cluster.get("_left"):
        raise Refused("DBClusterNotFoundFault", f"DBCluster {name} is not a member of global cluster {joined}.", 404)


def refuse_at_once(kind: str, rule: Callable[[str], None]) -> None:
    """`rule` comes before a stack shows the resource as being deleted, not at the end of the time that takes."""
    show = stack_delete._DELETING[kind]

    def showing(name: str) -> Any:
        try:
            rule(name)
        except Refused as refusal:
            raise ValueError(refusal.as_stack_reason("Rds")) from refusal
        return show(name)

    stack_delete.shows_deleting(kind, showing)


def install() -> None:
    on_call(rds, "_delete_db_cluster", check_delete, rds._error)
    on_call(rds, "_stop_db_cluster", check_stop, rds._error)
    on_stack("AWS::RDS::DBCluster", delete=_taken_out_by_hand)
    refuse_at_once("AWS::RDS::DBCluster", check_stack_delete)
