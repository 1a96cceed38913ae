"""RDS: clusters, alone and as members of a global database."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conformance.aurora import AP, ENGINE, EU, FOUNDER, GLOBAL, US, Aurora, alone, arn, ready
from tests.contract.conformance.claims import real, refusal, state, success
from tests.contract.conformance.conftest import Target, refused

API = "API reference [V]"
BUSY = "InvalidDBClusterStateFault"


def modify(aurora: Aurora, region: str, **changes: Any) -> Any:
    return aurora.rds(region).modify_db_cluster(DBClusterIdentifier=f"orders-{region}", **changes)["DBCluster"]


@success("rds:CreateDBCluster", source=API)
@state("rds:CreateDBCluster", "creating", source=API)
@state("rds:CreateDBCluster", "pending-resync", source="API reference: SynchronizationStatus [V]; at creation [K]")
def test_a_member_is_created_and_catches_up(aws: Target) -> None:
    aurora = ready(aws)
    wanted = {"DBClusterIdentifier": f"orders-{AP}", "GlobalClusterIdentifier": GLOBAL, **ENGINE}
    made = aurora.rds(AP).create_db_cluster(**wanted)["DBCluster"]
    assert (made["Status"], made["MasterUsername"], made["DatabaseName"]) == ("creating", "postgres", "orders")
    assert made["ReplicationSourceIdentifier"] == arn(US)
    assert aurora.members()[AP]["SynchronizationStatus"] == "pending-resync"
    aurora.go()
    aws.until(lambda: aurora.cluster(AP)["Status"] == "available")
    assert aurora.members()[AP]["SynchronizationStatus"] == "connected"


@refusal("rds:CreateDBCluster", "DBClusterAlreadyExistsFault", source=API)
@refusal("rds:CreateDBCluster", "GlobalClusterNotFoundFault", source=API)
@refusal("rds:CreateDBCluster", "DBSubnetGroupNotFoundFault", source=API)
@refusal("rds:CreateDBCluster", "DBClusterParameterGroupNotFound", source=API)
@refusal("rds:CreateDBCluster", "InvalidParameterValue", source="aws-facts §3.3, cdk#29880 [S]")
@refusal("rds:CreateDBCluster", "InvalidParameterCombination", source="aws-facts §3.3, crossplane#1668 [S]")
@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("DBClusterAlreadyExistsFault", {"DBClusterIdentifier": f"orders-{EU}"}),
        ("GlobalClusterNotFoundFault", {"GlobalClusterIdentifier": "none"}),
        ("DBSubnetGroupNotFoundFault", {"DBSubnetGroupName": "none"}),
        ("DBClusterParameterGroupNotFound", {"DBClusterParameterGroupName": "none"}),
        ("InvalidParameterValue", {"BackupRetentionPeriod": 36}),
        ("InvalidParameterValue", {"EngineVersion": "16.9"}),
        ("InvalidParameterValue", {"StorageEncrypted": True, "KmsKeyId": "key"}),
        ("InvalidParameterCombination", {"EngineVersion": "16.1"}),
        ("InvalidParameterCombination", {"MasterUserPassword": "correct-horse"}),
        ("InvalidParameterCombination", {"ManageMasterUserPassword": True}),
    ],
)
def test_a_secondary_fits_its_global_database(aws: Target, code: str, changes: dict[str, Any]) -> None:
    aurora = ready(aws)
    region = EU if "DBClusterIdentifier" in changes else AP
    wanted = {"DBClusterIdentifier": f"orders-{region}", "GlobalClusterIdentifier": GLOBAL, **ENGINE, **changes}
    refused(aurora.rds(region).create_db_cluster, code, **wanted)


@refusal("rds:CreateDBCluster", BUSY, source="terraform-provider-aws#28546 [S]")
@refusal("rds:CreateDBCluster", "InvalidGlobalClusterStateFault", source=API)
def test_a_secondary_is_made_from_a_primary_at_rest(aws: Target) -> None:
    aurora = ready(aws)
    wanted = {"DBClusterIdentifier": f"orders-{AP}", "GlobalClusterIdentifier": GLOBAL, **ENGINE}
    modify(aurora, US, BackupRetentionPeriod=3)
    refused(aurora.rds(AP).create_db_cluster, BUSY, **wanted)
    aurora.rds(EU).failover_global_cluster(
        GlobalClusterIdentifier=GLOBAL, TargetDbClusterIdentifier=arn(EU), AllowDataLoss=True
    )
    refused(aurora.rds(AP).create_db_cluster, "InvalidGlobalClusterStateFault", **wanted)


@success("rds:DescribeDBClusters", source=API)
@refusal("rds:DescribeDBClusters", "DBClusterNotFoundFault", source=API)
@refusal("rds:DescribeDBClusters", "InvalidParameterValue", source="boto3#3126: unknown filters [S]")
@real("nothing: it lists, and asks for what is not there")
def test_what_is_not_there_is_said(aws: Target) -> None:
    rds = aws.client("rds")
    assert aws.name() not in {c["DBClusterIdentifier"] for c in rds.describe_db_clusters()["DBClusters"]}
    refused(rds.describe_db_clusters, "DBClusterNotFoundFault", DBClusterIdentifier=aws.name())
    unknown = [{"Name": "db-cluster-name", "Values": [aws.name()]}]
    for wrong in ({"Filters": unknown}, {"MaxRecords": 101}):
        refused(rds.describe_db_clusters, "InvalidParameterValue", **wrong)


@success("rds:ModifyDBCluster", source=API)
@state("rds:ModifyDBCluster", "modifying", source=API)
@state("rds:ModifyDBCluster", "pending-reboot", source="user guide, Working with parameter groups [V]")
@refusal("rds:ModifyDBCluster", "DBClusterParameterGroupNotFound", source=API)
@refusal("rds:ModifyDBCluster", "DBClusterNotFoundFault", source=API)
@refusal("rds:ModifyDBCluster", "InvalidParameterValue", source=API)
@refusal("rds:ModifyDBCluster", BUSY, source=API)
def test_a_change_takes_time_and_another_group_a_reboot(aws: Target) -> None:
    aurora = ready(aws)
    group = {"DBClusterParameterGroupName": "ours"}
    refused(aurora.rds(EU).modify_db_cluster, "DBClusterNotFoundFault", DBClusterIdentifier="none", **group)
    refused(
        aurora.rds(EU).modify_db_cluster, "DBClusterParameterGroupNotFound", DBClusterIdentifier=f"orders-{EU}", **group
    )
    invalid = {"DBClusterIdentifier": f"orders-{EU}", "BackupRetentionPeriod": 36}
    refused(aurora.rds(EU).modify_db_cluster, "InvalidParameterValue", **invalid)
    aurora.rds(EU).create_db_cluster_parameter_group(
        **group, DBParameterGroupFamily="aurora-postgresql16", Description="d"
    )
    assert modify(aurora, EU, BackupRetentionPeriod=9, **group)["Status"] == "modifying"
    refused(aurora.rds(EU).modify_db_cluster, BUSY, DBClusterIdentifier=f"orders-{EU}", BackupRetentionPeriod=8)
    [member] = aurora.cluster(EU)["DBClusterMembers"]
    assert member["DBClusterParameterGroupStatus"] == "pending-reboot"
    aurora.go()
    aws.until(lambda: aurora.cluster(EU)["Status"] == "available")
    aurora.rds(EU).reboot_db_instance(DBInstanceIdentifier=f"orders-{EU}-0")
    aws.until(lambda: aurora.cluster(EU)["DBClusterMembers"][0]["DBClusterParameterGroupStatus"] == "in-sync")
    assert aurora.cluster(EU)["BackupRetentionPeriod"] == 9


@state("rds:ModifyDBCluster", "disabling", source="API reference [V]; how long is [K]")
@state("rds:ModifyDBCluster", "enabling", source="API reference [V]; how long is [K]")
@refusal("rds:ModifyDBCluster", "InvalidParameterCombination", source=API)
def test_forwarding_is_switched_by_call_and_takes_its_time(aws: Target) -> None:
    aurora = ready(aws)

    def seen() -> tuple[str, str, str]:
        both = aurora.cluster(EU)["GlobalWriteForwardingStatus"], aurora.members()[EU]["GlobalWriteForwardingStatus"]
        return *both, aurora.members()[US]["GlobalWriteForwardingStatus"]

    assert seen() == ("enabled", "enabled", "unknown")
    for wanted, moving, final in ((False, "disabling", "disabled"), (True, "enabling", "enabled")):
        aurora.still()
        modify(aurora, EU, EnableGlobalWriteForwarding=wanted)
        assert seen() == (moving, moving, "unknown")
        aurora.go()
        aws.until(lambda final=final: seen() == (final, final, "unknown"))
        aws.until(lambda: aurora.cluster(EU)["Status"] == "available")
    aws.control("reset", {})
    lonely = {"DBClusterIdentifier": f"orders-{US}", "EnableGlobalWriteForwarding": True}
    refused(alone(aws).rds().modify_db_cluster, "InvalidParameterCombination", **lonely)


@state("rds:ModifyDBCluster", "upgrading", source="user guide, DB cluster status [V]")
def test_a_minor_version_goes_to_the_secondaries_first(aws: Target) -> None:
    """Order [V user guide]; code and words of the refusal [S terraform-provider-aws#30358]."""
    aurora = ready(aws)
    wanted = {"EngineVersion": "16.9", "ApplyImmediately": True}
    primary = {"DBClusterIdentifier": f"orders-{US}", **wanted}
    told = refused(aurora.rds().modify_db_cluster, "InvalidParameterValue", **primary)
    assert "Please upgrade global replicas first" in told
    backward = {"DBClusterIdentifier": f"orders-{EU}", "EngineVersion": "15.10"}
    refused(aurora.rds(EU).modify_db_cluster, "InvalidParameterCombination", **backward)
    for region in (EU, US):
        aurora.still()
        upgrading = modify(aurora, region, **wanted)
        assert (upgrading["Status"], upgrading["EngineVersion"]) == ("upgrading", "16.8")
        aurora.go()
        aws.until(lambda region=region: aurora.cluster(region)["Status"] == "available")
        assert (aurora.cluster(region)["EngineVersion"], aurora.instance(region)["EngineVersion"]) == ("16.9", "16.9")
        assert aurora.group()["EngineVersion"] == ("16.8" if region == EU else "16.9")


def test_a_headless_secondary_gets_no_minor_version(aws: Target) -> None:
    """User guide [V]."""
    aurora = ready(aws)
    aurora.rds(EU).delete_db_instance(DBInstanceIdentifier=f"orders-{EU}-0", SkipFinalSnapshot=True)
    wanted = {"DBClusterIdentifier": f"orders-{EU}", "EngineVersion": "16.9", "ApplyImmediately": True}
    assert "at least one DB instance" in refused(aurora.rds(EU).modify_db_cluster, BUSY, **wanted)


@state("rds:ModifyDBCluster", "PendingModifiedValues", source=API)
def test_without_apply_immediately_a_version_waits_for_the_window(aws: Target) -> None:
    aurora = ready(aws)
    waiting = modify(aurora, EU, EngineVersion="16.9", EnableIAMDatabaseAuthentication=True)
    assert (waiting["Status"], waiting["EngineVersion"]) == ("available", "16.8")
    held = {"EngineVersion": "16.9", "IAMDatabaseAuthenticationEnabled": True}
    assert waiting["PendingModifiedValues"] == held
    assert modify(aurora, EU, BackupRetentionPeriod=4, ApplyImmediately=True)["Status"] == "upgrading"
    aurora.go()
    aws.until(lambda: aurora.cluster(EU)["EngineVersion"] == "16.9")
    assert not aurora.cluster(EU).get("PendingModifiedValues")


@success("rds:DeleteDBCluster", source=API)
@state("rds:DeleteDBCluster", "deleting", source=API)
@refusal("rds:DeleteDBCluster", "DBClusterNotFoundFault", source=API)
@refusal("rds:DeleteDBCluster", "InvalidParameterCombination", source=API)
@refusal("rds:DeleteDBCluster", "DBClusterSnapshotAlreadyExistsFault", source=API)
def test_a_cluster_goes_with_a_final_snapshot_or_without_one(aws: Target) -> None:
    aurora = alone(aws, DeletionProtection=True)
    delete, name = aurora.rds().delete_db_cluster, {"DBClusterIdentifier": f"orders-{US}"}
    refused(delete, "DBClusterNotFoundFault", DBClusterIdentifier="none", SkipFinalSnapshot=True)
    refused(delete, "InvalidParameterCombination", **name, SkipFinalSnapshot=True)
    aurora.go()
    modify(aurora, US, DeletionProtection=False)
    aws.until(lambda: aurora.cluster()["Status"] == "available")
    refused(delete, "InvalidParameterCombination", **name)
    refused(delete, "InvalidParameterCombination", **name, SkipFinalSnapshot=True, FinalDBSnapshotIdentifier="last")
    aurora.rds().create_db_cluster_snapshot(DBClusterSnapshotIdentifier="taken", **name)
    refused(delete, "DBClusterSnapshotAlreadyExistsFault", **name, FinalDBSnapshotIdentifier="taken")
    aurora.still()
    assert delete(**name, FinalDBSnapshotIdentifier="last")["DBCluster"]["Status"] == "deleting"
    last = aurora.rds().describe_db_cluster_snapshots(DBClusterSnapshotIdentifier="last")["DBClusterSnapshots"]
    assert [s["Status"] for s in last] == ["creating"]
    aurora.go()
    aws.until(lambda: not aurora.rds().describe_db_clusters()["DBClusters"])


@refusal("rds:DeleteDBCluster", "InvalidGlobalClusterStateFault", source="cloud-nuke#597 [S]")
@refusal("rds:DeleteDBCluster", BUSY, source="terraform-provider-aws, aws_rds_cluster; #40333 [S]")
def test_a_member_is_not_deleted_and_a_promoted_one_not_at_once(aws: Target) -> None:
    aurora = ready(aws)
    for region, code in ((US, "InvalidGlobalClusterStateFault"), (EU, BUSY)):
        delete = aurora.rds(region).delete_db_cluster
        refused(delete, code, DBClusterIdentifier=f"orders-{region}", SkipFinalSnapshot=True)
    aurora.go()
    aurora.rds(EU).delete_db_instance(DBInstanceIdentifier=f"orders-{EU}-0", SkipFinalSnapshot=True)
    aws.until(lambda: not aurora.rds(EU).describe_db_instances()["DBInstances"])
    aurora.still()
    member = {"GlobalClusterIdentifier": GLOBAL, "DbClusterIdentifier": arn(EU)}
    aurora.rds(EU).remove_from_global_cluster(**member)
    refused(aurora.rds(EU).delete_db_cluster, BUSY, DBClusterIdentifier=f"orders-{EU}", SkipFinalSnapshot=True)


@refusal("rds:StopDBCluster", BUSY, source="user guide, limitations of global databases [V]")
@success("rds:StopDBCluster", source=API)
def test_a_member_is_not_stopped(aws: Target) -> None:
    aurora = ready(aws)
    refused(aurora.rds().stop_db_cluster, BUSY, DBClusterIdentifier=f"orders-{US}")
    aurora.go()
    aurora.rds(AP).create_db_cluster(DBClusterIdentifier="lonely", **ENGINE, **FOUNDER)
    aws.until(lambda: aurora.rds(AP).describe_db_clusters()["DBClusters"][0]["Status"] == "available")
    aurora.rds(AP).create_db_instance(
        DBInstanceIdentifier="lonely-0", DBClusterIdentifier="lonely", DBInstanceClass="db.serverless", **ENGINE
    )
    aws.until(lambda: aurora.rds(AP).describe_db_instances()["DBInstances"][0]["DBInstanceStatus"] == "available")
    assert aurora.rds(AP).stop_db_cluster(DBClusterIdentifier="lonely")["DBCluster"]["Status"] in {
        "stopping",
        "stopped",
    }
