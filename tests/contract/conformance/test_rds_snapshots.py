"""RDS: cluster snapshots and who may restore them."""

from __future__ import annotations

from tests.contract.conformance.aurora import AP, ENGINE, FOUNDER, US, Aurora, alone
from tests.contract.conformance.claims import real, refusal, state, success
from tests.contract.conformance.conftest import Target, refused

API = "API reference [V]"
NAME = {"DBClusterSnapshotIdentifier": "kept"}
STATE = "InvalidDBClusterSnapshotStateFault"


def taken(aws: Target) -> Aurora:
    aurora = alone(aws)
    aurora.rds().create_db_cluster_snapshot(DBClusterIdentifier=f"orders-{US}", **NAME)
    aurora.go()
    aws.until(lambda: look(aurora)["Status"] == "available")
    return aurora


def look(aurora: Aurora) -> dict[str, object]:
    [found] = aurora.rds().describe_db_cluster_snapshots(**NAME)["DBClusterSnapshots"]
    return found


@success("rds:CreateDBClusterSnapshot", source=API)
@state("rds:CreateDBClusterSnapshot", "creating", source=API)
@refusal("rds:CreateDBClusterSnapshot", "DBClusterNotFoundFault", source=API)
@refusal("rds:CreateDBClusterSnapshot", "DBClusterSnapshotAlreadyExistsFault", source=API)
@refusal("rds:CreateDBClusterSnapshot", "InvalidParameterValue", source=API)
@refusal("rds:CreateDBClusterSnapshot", "InvalidDBClusterStateFault", source="terraform-provider-aws#40333 [S]")
def test_a_snapshot_makes_progress_until_it_is_available(aws: Target) -> None:
    aurora = alone(aws)
    create, cluster = aurora.rds().create_db_cluster_snapshot, {"DBClusterIdentifier": f"orders-{US}"}
    refused(create, "DBClusterNotFoundFault", DBClusterIdentifier="none", **NAME)
    refused(create, "InvalidParameterValue", **cluster, DBClusterSnapshotIdentifier="not--valid")
    made = create(**cluster, DBClusterSnapshotIdentifier="Kept")["DBClusterSnapshot"]
    assert (made["DBClusterSnapshotIdentifier"], made["Status"], made["PercentProgress"]) == ("kept", "creating", 0)
    refused(create, "DBClusterSnapshotAlreadyExistsFault", **cluster, **NAME)
    aurora.go(60)
    aws.until(lambda: 0 < int(str(look(aurora)["PercentProgress"])) < 100)
    aurora.go()
    aws.until(lambda: look(aurora)["Status"] == "available")
    assert (look(aurora)["PercentProgress"], look(aurora)["SnapshotType"]) == (100, "manual")
    aurora.still()
    aurora.rds().modify_db_cluster(**cluster, BackupRetentionPeriod=3)
    refused(create, "InvalidDBClusterStateFault", **cluster, DBClusterSnapshotIdentifier="second")


@success("rds:DescribeDBClusterSnapshots", source=API)
@refusal("rds:DescribeDBClusterSnapshots", "DBClusterSnapshotNotFoundFault", source=API)
@refusal("rds:DeleteDBClusterSnapshot", "DBClusterSnapshotNotFoundFault", source=API)
@refusal("rds:DescribeDBClusterSnapshotAttributes", "DBClusterSnapshotNotFoundFault", source=API)
@refusal("rds:ModifyDBClusterSnapshotAttribute", "DBClusterSnapshotNotFoundFault", source=API)
@real("nothing: it lists, and asks for what is not there")
def test_what_is_not_there_is_said(aws: Target) -> None:
    rds, none = aws.client("rds"), {"DBClusterSnapshotIdentifier": aws.name()}
    listed = rds.describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]
    assert aws.name() not in {s["DBClusterSnapshotIdentifier"] for s in listed}
    share = {"AttributeName": "restore", "ValuesToAdd": [aws.account()]}
    refused(rds.describe_db_cluster_snapshots, "DBClusterSnapshotNotFoundFault", **none)
    refused(rds.describe_db_cluster_snapshot_attributes, "DBClusterSnapshotNotFoundFault", **none)
    refused(rds.delete_db_cluster_snapshot, "DBClusterSnapshotNotFoundFault", **none)
    refused(rds.modify_db_cluster_snapshot_attribute, "DBClusterSnapshotNotFoundFault", **none, **share)


@success("rds:DeleteDBClusterSnapshot", source=API)
@refusal("rds:DeleteDBClusterSnapshot", STATE, source=API)
def test_a_snapshot_is_deleted_when_it_is_available(aws: Target) -> None:
    aurora = alone(aws)
    aurora.rds().create_db_cluster_snapshot(DBClusterIdentifier=f"orders-{US}", **NAME)
    refused(aurora.rds().delete_db_cluster_snapshot, STATE, **NAME)
    aurora.go()
    aws.until(lambda: look(aurora)["Status"] == "available")
    aurora.rds().delete_db_cluster_snapshot(**NAME)
    assert aurora.rds().describe_db_cluster_snapshots()["DBClusterSnapshots"] == []


@success("rds:ModifyDBClusterSnapshotAttribute", source=API)
@success("rds:DescribeDBClusterSnapshotAttributes", source=API)
@refusal(
    "rds:ModifyDBClusterSnapshotAttribute",
    "InvalidParameterValue",
    source="API reference: restore [V]; the code is [K]",
)
def test_a_snapshot_that_is_shared_says_with_whom(aws: Target) -> None:
    """aws-facts §9 row 36."""
    aurora = taken(aws)
    share = aurora.rds().modify_db_cluster_snapshot_attribute

    def shared() -> list[str]:
        found = aurora.rds().describe_db_cluster_snapshot_attributes(**NAME)["DBClusterSnapshotAttributesResult"]
        [restore] = [a for a in found["DBClusterSnapshotAttributes"] if a["AttributeName"] == "restore"]
        return list(restore["AttributeValues"])

    assert shared() == []
    refused(share, "InvalidParameterValue", **NAME, AttributeName="other", ValuesToAdd=["222222222222"])
    share(**NAME, AttributeName="restore", ValuesToAdd=["222222222222", "all"])
    assert shared() == ["222222222222", "all"]
    share(**NAME, AttributeName="restore", ValuesToRemove=["all"])
    assert shared() == ["222222222222"]


@refusal(
    "rds:ModifyDBClusterSnapshotAttribute",
    STATE,
    source="API reference: an encrypted one is never public [V]; code [K]",
)
def test_an_encrypted_snapshot_is_not_made_public(aws: Target) -> None:
    aurora = Aurora(aws)
    aurora.go()
    key = aws.client("kms", AP).create_key()["KeyMetadata"]["Arn"]
    more = {"StorageEncrypted": True, "KmsKeyId": key, **ENGINE, **FOUNDER}
    aurora.rds(AP).create_db_cluster(DBClusterIdentifier=f"orders-{AP}", **more)
    aws.until(lambda: aurora.cluster(AP)["Status"] == "available")
    aurora.rds(AP).create_db_cluster_snapshot(DBClusterIdentifier=f"orders-{AP}", **NAME)
    share = aurora.rds(AP).modify_db_cluster_snapshot_attribute
    refused(share, STATE, **NAME, AttributeName="restore", ValuesToAdd=["all"])
    share(**NAME, AttributeName="restore", ValuesToAdd=["222222222222"])  # so that was why
