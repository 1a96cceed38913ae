"""RDS: the instances of a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conformance.aurora import ENGINE, EU, US, Aurora, arn, ready
from tests.contract.conformance.claims import real, refusal, state, success
from tests.contract.conformance.conftest import Target, refused

API = "API reference [V]"
BUSY = "InvalidDBInstanceState"


def writer(aurora: Aurora) -> str:
    [found] = [m["DBInstanceIdentifier"] for m in aurora.cluster()["DBClusterMembers"] if m["IsClusterWriter"]]
    return str(found)


@success("rds:CreateDBInstance", source=API)
@state("rds:CreateDBInstance", "creating", source=API)
def test_an_instance_takes_what_its_cluster_has(aws: Target) -> None:
    aurora = ready(aws)
    wanted = {"DBInstanceIdentifier": f"orders-{EU}-1", "DBClusterIdentifier": f"orders-{EU}", "PromotionTier": 3}
    made = aurora.rds(EU).create_db_instance(**wanted, DBInstanceClass="db.serverless", **ENGINE)["DBInstance"]
    assert (made["DBInstanceStatus"], made["EngineVersion"]) == ("creating", "16.8")
    new = aurora.cluster(EU)["DBClusterMembers"][1]
    assert (new["IsClusterWriter"], new["PromotionTier"]) == (False, 3)
    aurora.go()
    aws.until(lambda: aurora.instance(EU, 1)["DBInstanceStatus"] == "available")


@refusal("rds:CreateDBInstance", "DBClusterNotFoundFault", source=API)
@refusal("rds:CreateDBInstance", "DBInstanceAlreadyExists", source=API)
@refusal("rds:CreateDBInstance", "InvalidParameterValue", source=API)
@refusal(
    "rds:CreateDBInstance", "InvalidParameterCombination", source="aws-facts §3.3: no burstable classes [V]; code [K]"
)
@refusal("rds:CreateDBInstance", "InvalidDBClusterStateFault", source="API reference [V]; for which states is [K]")
@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("DBClusterNotFoundFault", {"DBClusterIdentifier": "none"}),
        ("DBInstanceAlreadyExists", {"DBInstanceIdentifier": f"orders-{EU}-0"}),
        ("InvalidParameterValue", {"PromotionTier": 16}),
        ("InvalidParameterCombination", {"DBInstanceClass": "db.t4g.medium"}),
        ("InvalidDBClusterStateFault", {}),
    ],
)
def test_an_instance_fits_its_cluster(aws: Target, code: str, changes: dict[str, Any]) -> None:
    aurora = ready(aws)
    if not changes:
        aurora.rds(EU).modify_db_cluster(DBClusterIdentifier=f"orders-{EU}", BackupRetentionPeriod=3)
    wanted = {"DBInstanceIdentifier": f"orders-{EU}-1", "DBClusterIdentifier": f"orders-{EU}"}
    wanted |= {"DBInstanceClass": "db.serverless", **ENGINE, **changes}
    refused(aurora.rds(EU).create_db_instance, code, **wanted)


@success("rds:DescribeDBInstances", source=API)
@refusal("rds:DescribeDBInstances", "DBInstanceNotFound", source=API)
@refusal("rds:DescribeDBInstances", "InvalidParameterValue", source="boto3#3126: unknown filters [S]")
@real("nothing: it lists, and asks for what is not there")
def test_what_is_not_there_is_said(aws: Target) -> None:
    rds = aws.client("rds")
    none = [{"Name": "db-cluster-id", "Values": [aws.name()]}]
    try:
        assert rds.describe_db_instances(Filters=none)["DBInstances"] == []
    except rds.exceptions.DBClusterNotFoundFault:
        assert aws.real  # AWS may look for the cluster that the filter names
    refused(rds.describe_db_instances, "DBInstanceNotFound", DBInstanceIdentifier=aws.name())
    unknown = [{"Name": "db-cluster-name", "Values": [aws.name()]}]
    for wrong in ({"Filters": unknown}, {"MaxRecords": 19}):
        refused(rds.describe_db_instances, "InvalidParameterValue", **wrong)


@success("rds:DescribeDBInstances", source="API reference [V]: the instances of a cluster, by its name or ARN")
def test_the_instances_of_a_cluster_are_listed(aws: Target) -> None:
    aurora = ready(aws)

    def of(cluster: str) -> list[str]:
        found = aurora.rds().describe_db_instances(Filters=[{"Name": "db-cluster-id", "Values": [cluster]}])
        return [instance["DBInstanceIdentifier"] for instance in found["DBInstances"]]

    assert of(f"orders-{US}") == of(arn(US)) == [f"orders-{US}-0", f"orders-{US}-1"]
    assert of("other") == []


@success("rds:ModifyDBInstance", source=API)
@state("rds:ModifyDBInstance", "modifying", source=API)
@state("rds:ModifyDBInstance", "PendingModifiedValues", source=API)
@refusal("rds:ModifyDBInstance", "DBInstanceNotFound", source=API)
@refusal("rds:ModifyDBInstance", "InvalidParameterValue", source=API)
@refusal("rds:ModifyDBInstance", BUSY, source=API)
def test_a_class_waits_for_the_window_and_a_tier_does_not(aws: Target) -> None:
    aurora = ready(aws)
    modify, name = aurora.rds().modify_db_instance, {"DBInstanceIdentifier": f"orders-{US}-1"}
    refused(modify, "DBInstanceNotFound", DBInstanceIdentifier="none")
    refused(modify, "InvalidParameterValue", **name, PromotionTier=99)
    waiting = modify(**name, DBInstanceClass="db.r6g.large")["DBInstance"]
    assert (waiting["DBInstanceStatus"], waiting["DBInstanceClass"]) == ("available", "db.serverless")
    assert waiting["PendingModifiedValues"] == {"DBInstanceClass": "db.r6g.large"}
    assert modify(**name, PromotionTier=7)["DBInstance"]["DBInstanceStatus"] == "modifying"
    refused(modify, BUSY, **name, PromotionTier=8)
    aurora.go()
    aws.until(lambda: aurora.instance(US, 1)["DBInstanceStatus"] == "available")
    assert {m["PromotionTier"] for m in aurora.cluster()["DBClusterMembers"]} == {1, 7}


@success("rds:RebootDBInstance", source=API)
@state("rds:RebootDBInstance", "rebooting", source=API)
@refusal("rds:RebootDBInstance", "DBInstanceNotFound", source=API)
@refusal("rds:RebootDBInstance", BUSY, source=API)
def test_a_reboot_takes_a_minute(aws: Target) -> None:
    aurora = ready(aws)
    reboot, name = aurora.rds().reboot_db_instance, {"DBInstanceIdentifier": f"orders-{US}-1"}
    refused(reboot, "DBInstanceNotFound", DBInstanceIdentifier="none")
    assert reboot(**name)["DBInstance"]["DBInstanceStatus"] == "rebooting"
    refused(reboot, BUSY, **name)
    aurora.go()
    aws.until(lambda: aurora.instance(US, 1)["DBInstanceStatus"] == "available")


@success("rds:FailoverDBCluster", source=API)
@state("rds:FailoverDBCluster", "failing-over", source=API)
@refusal("rds:FailoverDBCluster", "DBClusterNotFoundFault", source=API)
@refusal("rds:FailoverDBCluster", "InvalidDBClusterStateFault", source=API)
@refusal("rds:FailoverDBCluster", BUSY, source="API reference [V]; for the writer itself [K]")
def test_inside_a_cluster_the_writer_moves_in_half_a_minute(aws: Target) -> None:
    aurora = ready(aws)
    fail = aurora.rds().failover_db_cluster
    refused(fail, "DBClusterNotFoundFault", DBClusterIdentifier="none")
    name = {"DBClusterIdentifier": f"orders-{US}"}
    refused(fail, BUSY, **name, TargetDBInstanceIdentifier=f"orders-{US}-0")
    assert fail(**name)["DBCluster"]["Status"] == "failing-over"
    assert (aurora.cluster()["Status"], writer(aurora)) == ("failing-over", f"orders-{US}-0")
    refused(fail, "InvalidDBClusterStateFault", **name)
    refused(aurora.rds(EU).failover_db_cluster, "InvalidDBClusterStateFault", DBClusterIdentifier=f"orders-{EU}")
    aurora.go()
    aws.until(lambda: aurora.cluster()["Status"] == "available")
    assert writer(aurora) == f"orders-{US}-1"


@success("rds:DeleteDBInstance", source=API)
@state("rds:DeleteDBInstance", "deleting", source=API)
@refusal("rds:DeleteDBInstance", "DBInstanceNotFound", source=API)
@refusal("rds:DeleteDBInstance", BUSY, source=API)
@refusal(
    "rds:DeleteDBInstance",
    "InvalidParameterCombination",
    source="API reference: no final snapshot of a member [K: code]",
)
@refusal("rds:DeleteDBInstance", "InvalidDBClusterStateFault", source="aws-nuke#570 [S]")
def test_the_primary_keeps_its_last_instance_while_others_follow(aws: Target) -> None:
    aurora = ready(aws)
    delete = aurora.rds().delete_db_instance
    refused(delete, "DBInstanceNotFound", DBInstanceIdentifier="none", SkipFinalSnapshot=True)
    first = {"DBInstanceIdentifier": f"orders-{US}-0"}
    refused(delete, "InvalidParameterCombination", **first, FinalDBSnapshotIdentifier="last")
    assert delete(**first, SkipFinalSnapshot=True)["DBInstance"]["DBInstanceStatus"] == "deleting"
    refused(delete, BUSY, **first, SkipFinalSnapshot=True)
    assert writer(aurora) == f"orders-{US}-1"
    last = {"DBInstanceIdentifier": f"orders-{US}-1", "SkipFinalSnapshot": True}
    assert "last instance of the master cluster" in refused(delete, "InvalidDBClusterStateFault", **last)
    aurora.go()
    aws.until(lambda: len(aurora.rds().describe_db_instances()["DBInstances"]) == 1)
