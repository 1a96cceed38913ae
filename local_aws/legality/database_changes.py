"""Aurora: ModifyDBCluster, and what a stack may make of a cluster (aws-facts §3.2, §8.12)."""

from typing import Any

from ministack.services import rds

from local_aws.legality import database
from local_aws.legality.guard import on_call, on_stack
from local_aws.refused import Refused
from local_aws.resources.rds.members import clusters_of, is_secondary, member_of
from local_aws.resources.wrap import Properties

PATCHED: tuple[str, ...] = (
    "ministack.services.rds._error",
    "ministack.services.rds._modify_db_cluster",
    "ministack.services.rds._p",
    "ministack.services.rds._resolve_cluster_in_request_region",
)

Record = dict[str, Any]


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def no_move(cluster: Record) -> None:
    """§3.2#7: nothing is changed during a switchover or failover, by call or by stack [K: the words]."""
    group, _ = member_of(cluster)
    if group and group.get("FailoverState"):
        raise Refused(
            "InvalidDBClusterStateFault",
            f"DB cluster {cluster['DBClusterIdentifier']} is not in available state: its global cluster is switching over.",
        )


def at_rest(cluster: Record) -> None:
    """Most calls: InvalidDBClusterStateFault unless the cluster is available [V]."""
    if cluster["Status"] != "available":
        raise Refused(
            "InvalidDBClusterStateFault", f"DB cluster {cluster['DBClusterIdentifier']} is not in available state."
        )


# ---- ModifyDBCluster -------------------------------------------------------------------------------------------------------


def check_modify(request: Record) -> None:
    cluster = rds._resolve_cluster_in_request_region(rds._p(request, "DBClusterIdentifier"))
    if cluster is None:
        return  # ministack says what is not found
    no_move(cluster)
    at_rest(cluster)
    names = ("BackupRetentionPeriod", "DBClusterParameterGroupName", "EnableGlobalWriteForwarding", "EngineVersion")
    wanted = {"Engine": cluster["Engine"], **{k: rds._p(request, k) for k in names if rds._p(request, k)}}
    database.retention(wanted)
    database.parameter_group({"EngineVersion": cluster["EngineVersion"], **wanted})
    if member_of(cluster)[0] is None:
        database.forwards_to_somebody(wanted)
    _password(cluster, request)
    if wanted.get("EngineVersion", cluster["EngineVersion"]) != cluster["EngineVersion"]:
        _upgrade(cluster, wanted["EngineVersion"], major=rds._p(request, "AllowMajorVersionUpgrade") == "true")


def _password(cluster: Record, request: Record) -> None:
    """§3.3: credentials are the primary's [K: the code]; a managed password is not for global databases [V]."""
    if rds._p(request, "MasterUserPassword") and is_secondary(cluster):
        raise Refused("InvalidDBClusterStateFault", "The master user password must be changed on the primary cluster.")
    if rds._p(request, "ManageMasterUserPassword") == "true" and member_of(cluster)[0]:
        raise Refused(
            "InvalidParameterCombination",
            "ManageMasterUserPassword is not supported for a cluster in an Aurora global database.",
        )


def _upgrade(cluster: Record, wanted: str, *, major: bool) -> None:
    forward_only(cluster["Engine"], cluster["EngineVersion"], wanted)
    if member_of(cluster)[0] is None:
        allowed_major(cluster["EngineVersion"], wanted, allowed=major)
    elif is_secondary(cluster):
        _has_an_instance(cluster)
    else:
        _secondaries_first(cluster, wanted)


def forward_only(engine: str, has: str, wanted: str) -> None:
    """An engine is never downgraded in place [V]; the words are [K]."""
    if version(wanted) < version(has):
        raise Refused("InvalidParameterCombination", f"Cannot upgrade {engine} from {has} to {wanted}")


def allowed_major(has: str, wanted: str, *, allowed: bool) -> None:
    """ModifyDBCluster, ModifyGlobalCluster: another major version needs AllowMajorVersionUpgrade [V]."""
    if version(has)[:1] != version(wanted)[:1] and not allowed:
        raise Refused(
            "InvalidParameterCombination",
            "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version.",
        )


def _has_an_instance(cluster: Record) -> None:
    """§3.3: a headless secondary cannot get a minor upgrade [V user guide]; the code is [K]."""
    if not cluster.get("DBClusterMembers"):
        raise Refused(
            "InvalidDBClusterStateFault",
            f"DB cluster {cluster['DBClusterIdentifier']} must have at least one DB instance to perform a minor upgrade.",
        )


def _secondaries_first(primary: Record, wanted: str) -> None:
    """§8.12: the order [V user guide]; code and words [S terraform-provider-aws#30358]."""
    group, _ = member_of(primary)
    behind = [c for c in clusters_of(group or {}) if c is not primary and version(c["EngineVersion"]) < version(wanted)]
    if behind:
        raise Refused(
            "InvalidParameterValue",
            f"Cannot upgrade DB cluster '{primary['DBClusterIdentifier']}' to engine version {wanted} as global replica(s) "
            "are running lower version. Please upgrade global replicas first before upgrading the primary member.",
        )


# ---- stacks ----------------------------------------------------------------------------------------------------------------


def _check_stack_cluster(now: Properties, before: Properties | None) -> None:
    """§3.2#2: a template that adds or changes GlobalClusterIdentifier or Engine fails; one that drops the first detaches [S]."""
    if before is None:
        database.check_new_cluster(now)
        return
    wanted = now.get("GlobalClusterIdentifier")
    if (wanted and wanted != before.get("GlobalClusterIdentifier")) or now.get("Engine") != before.get("Engine"):
        raise Refused("NotUpdatable", "Resource is immutable")


def install() -> None:
    on_call(rds, "_modify_db_cluster", check_modify, rds._error)
    on_stack("AWS::RDS::DBCluster", put=_check_stack_cluster)
