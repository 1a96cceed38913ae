"""What CloudFormation makes of Aurora's clusters (aws-facts §3.2): re-sent settings, upgrades, leaving, final snapshots."""

from __future__ import annotations

from typing import Any

import pytest

from tests.embedded.test_changesets import refused
from tests.embedded.test_global_cluster import FOUNDER, GLOBAL, REGIONS, data, go, roles, still

US, EU = REGIONS
MINE = {"DBClusterParameterGroupName": "mine", "DBParameterGroupFamily": "aurora-postgresql16", "Description": "d"}


@pytest.fixture
def world(aws: Any) -> Any:
    go(aws)
    return aws


@pytest.fixture
def database(world: Any) -> Any:
    world.deploy("global", GLOBAL)
    world.deploy("data", data(US, founder=True))
    assert world.deploy("data", data(EU), EU) == "CREATE_COMPLETE"
    return world


def cluster(aws: Any, region: str) -> Any:
    return aws.client("rds", region).describe_db_clusters(DBClusterIdentifier=f"orders-{region}")["DBClusters"][0]


def by_hand(aws: Any, region: str, **changes: Any) -> None:
    aws.client("rds", region).modify_db_cluster(
        DBClusterIdentifier=f"orders-{region}", ApplyImmediately=True, **changes
    )
    aws.until(lambda: cluster(aws, region)["Status"] == "available")


def why(aws: Any, region: str = US, name: str = "data") -> str:
    events = aws.client("cloudformation", region).describe_stack_events(StackName=name)["StackEvents"]
    return " ".join(e.get("ResourceStatusReason", "") for e in events)


def test_an_unrelated_update_overwrites_what_was_set_by_hand(database: Any) -> None:
    """§3.2#3: everything that the template names is sent again; what it does not name is left alone."""
    settings = {"BackupRetentionPeriod": 7, "DBClusterParameterGroupName": "default.aurora-postgresql16"}
    settings |= {"ServerlessV2ScalingConfiguration": {"MinCapacity": 1, "MaxCapacity": 4}, "StorageType": "aurora"}
    assert database.deploy("data", data(EU, **settings), EU) == "UPDATE_COMPLETE"
    database.client("rds", EU).create_db_cluster_parameter_group(**MINE)
    raised = {"ServerlessV2ScalingConfiguration": {"MinCapacity": 2, "MaxCapacity": 64}}
    by_hand(
        database, EU, BackupRetentionPeriod=3, DBClusterParameterGroupName="mine", StorageType="aurora-iopt1", **raised
    )
    by_hand(database, EU, PreferredBackupWindow="01:00-02:00", DeletionProtection=True)
    tagged = data(EU, **settings, Tags=[{"Key": "team", "Value": "orders"}])
    assert database.deploy("data", tagged, EU) == "UPDATE_COMPLETE"
    found = cluster(database, EU)
    assert (found["BackupRetentionPeriod"], found["StorageType"]) == (7, "aurora")
    assert found["ServerlessV2ScalingConfiguration"]["MaxCapacity"] == 4
    assert found["DBClusterParameterGroup"] == "default.aurora-postgresql16"
    assert (found["PreferredBackupWindow"], found["DeletionProtection"]) == ("01:00-02:00", True)
    assert {m["DBClusterParameterGroupStatus"] for m in found["DBClusterMembers"]} == {"pending-reboot"}


def test_the_password_is_sent_only_when_the_template_changed_it(database: Any) -> None:
    """§3.2#5, and §3.3: it is the primary's."""
    target = {"GlobalClusterIdentifier": "orders", "TargetDbClusterIdentifier": cluster(database, EU)["DBClusterArn"]}
    database.client("rds").switchover_global_cluster(**target)
    database.until(lambda: roles(database) == {US: False, EU: True})
    database.until(lambda: cluster(database, US)["Status"] == "available")
    assert database.deploy("data", data(US, founder=True, BackupRetentionPeriod=5)) == "UPDATE_COMPLETE"
    other = {**data(US, founder=True, BackupRetentionPeriod=5)}
    other["Cluster"]["Properties"]["MasterUserPassword"] = "another-horse"
    assert database.deploy("data", other) == "UPDATE_ROLLBACK_COMPLETE"
    assert "must be changed on the primary cluster" in why(database)


def test_a_minor_version_by_templates_goes_secondary_first_and_not_through_the_global_stack(database: Any) -> None:
    """§8.12 [V]; that the global cluster's handler sends the version, and the call refuses a minor one [S]."""
    newer = {"Global": {**GLOBAL["Global"], "Properties": {**GLOBAL["Global"]["Properties"], "EngineVersion": "16.9"}}}
    assert database.deploy("global", newer) == "UPDATE_ROLLBACK_COMPLETE"
    assert "only supports Major Version Upgrades" in why(database, name="global")
    assert database.deploy("data", data(US, founder=True, EngineVersion="16.9")) == "UPDATE_ROLLBACK_COMPLETE"
    assert "Please upgrade global replicas first" in why(database)
    for region in (EU, US):
        assert (
            database.deploy("data", data(region, founder=region == US, EngineVersion="16.9"), region)
            == "UPDATE_COMPLETE"
        )
    assert database.deploy("global", newer) == "UPDATE_COMPLETE"


def test_a_roll_back_does_not_take_the_version_back(database: Any) -> None:
    """[S] Translator.modifyDbClusterRequest."""
    broken = data(EU, EngineVersion="16.9")
    broken["Extra"] = {
        "Type": "AWS::RDS::DBClusterParameterGroup",
        "DependsOn": "Cluster",
        "Properties": {"DBClusterParameterGroupName": "x", "Family": "f", "Description": "d", "Parameters": {}},
    }
    fault = {"resource": "AWS::RDS::DBClusterParameterGroup", "error": "no"}
    assert database.control("faults", {"faults": [fault]})[0] == 200
    assert database.deploy("data", broken, EU) == "UPDATE_ROLLBACK_COMPLETE"
    database.control("faults", {"faults": []})
    assert cluster(database, EU)["EngineVersion"] == "16.9"


def test_a_stack_that_deletes_a_member_takes_it_out_first(database: Any) -> None:
    by_hand(database, EU, DeletionProtection=False)
    client = database.client("cloudformation", EU)
    database.client("rds", EU).delete_db_instance(DBInstanceIdentifier=f"orders-{EU}-0", SkipFinalSnapshot=True)
    database.until(lambda: not database.client("rds", EU).describe_db_instances()["DBInstances"])
    database.still()
    client.delete_stack(StackName="data")
    database.passes(290)  # the instance has its time, though it is gone
    database.go(60)
    database.until(lambda: cluster(database, EU)["Status"] == "promoting")
    assert set(roles(database)) == {US, EU}
    database.control("clock", {"speed": 100})
    database.until(lambda: cluster(database, EU)["Status"] == "deleting")
    assert set(roles(database)) == {US}
    go(database)
    database.until(lambda: not client.describe_stacks()["Stacks"])


def test_a_protected_cluster_fails_at_once_and_leaves_nothing_behind(world: Any) -> None:
    """§3.2#6: looked at before any snapshot or detachment."""
    world.deploy("global", GLOBAL)
    resources = data(US, founder=True, instances=0, DeletionProtection=True)
    resources["Cluster"]["DeletionPolicy"] = "Snapshot"
    world.deploy("data", resources)
    still(world)
    world.client("cloudformation").delete_stack(StackName="data")
    world.until(lambda: "Cannot delete protected Cluster" in why(world))
    assert (cluster(world, US)["Status"], roles(world)) == ("available", {US: True})
    assert world.client("rds").describe_db_cluster_snapshots()["DBClusterSnapshots"] == []


def test_the_final_snapshot_has_a_name_that_cloudformation_makes_up(world: Any) -> None:
    resources = data(US, founder=True, instances=0, GlobalClusterIdentifier=None)
    resources["Cluster"]["DeletionPolicy"] = "Snapshot"
    world.deploy("data", resources)
    world.client("cloudformation").delete_stack(StackName="data")
    world.until(lambda: not world.client("cloudformation").describe_stacks()["Stacks"])
    [kept] = world.client("rds").describe_db_cluster_snapshots()["DBClusterSnapshots"]
    assert kept["DBClusterSnapshotIdentifier"].startswith("data-snapshot-cluster-")
    assert (kept["Status"], kept["SnapshotType"]) == ("available", "manual")


def test_a_member_that_was_taken_out_by_hand_does_not_go_with_its_stack(database: Any) -> None:
    member = {"GlobalClusterIdentifier": "orders", "DbClusterIdentifier": cluster(database, EU)["DBClusterArn"]}
    database.client("rds", EU).remove_from_global_cluster(**member)
    database.until(lambda: set(roles(database)) == {US})
    database.client("cloudformation", EU).delete_stack(StackName="data")
    assert database.settled("data", EU) == "DELETE_FAILED"
    assert "is not a member of global cluster orders" in why(database, EU)
    assert cluster(database, EU)["Status"] == "available"


def test_a_stack_waits_for_forwarding_and_for_the_time_that_leaving_takes(database: Any) -> None:
    """§3.2#7."""
    database.control("clock", {"speed": 600})
    client = database.client("cloudformation", EU)
    off = data(EU, EnableGlobalWriteForwarding=False)
    database.deploy("data", off, EU)
    assert cluster(database, EU)["GlobalWriteForwardingStatus"] == "disabled"
    dropped = data(EU, GlobalClusterIdentifier=None)
    assert database.deploy("data", dropped, EU) == "UPDATE_COMPLETE"
    assert cluster(database, EU)["Status"] == "available"
    assert client.describe_stacks(StackName="data")["Stacks"][0]["StackStatus"] == "UPDATE_COMPLETE"


def test_tags_that_somebody_else_set_outlive_an_update(database: Any) -> None:
    rds, arn = database.client("rds", EU), cluster(database, EU)["DBClusterArn"]
    rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "theirs", "Value": "1"}])
    database.deploy("data", data(EU, Tags=[{"Key": "ours", "Value": "1"}]), EU)
    assert {t["Key"] for t in rds.list_tags_for_resource(ResourceName=arn)["TagList"]} >= {"theirs", "ours"}


def test_an_engine_cannot_be_exchanged(database: Any) -> None:
    """§3.2#2: Resource is immutable; nothing of a cluster is replaced silently."""
    other = data(EU)
    other["Cluster"]["Properties"]["Engine"] = "aurora-mysql"
    other["Cluster"]["Properties"].pop("EngineVersion")
    assert database.deploy("data", other, EU) == "UPDATE_ROLLBACK_COMPLETE"
    assert roles(database) == {US: True, EU: False}


def test_a_property_that_replaces_is_refused_for_a_cluster_with_a_name(database: Any) -> None:
    """I14: createOnly properties replace, and a custom-named resource cannot be replaced."""
    before = cluster(database, EU)["DbClusterResourceId"]
    assert database.deploy("data", data(EU, KmsKeyId="other"), EU) == "UPDATE_ROLLBACK_COMPLETE"
    assert "requires replacing" in why(database, EU)
    assert (cluster(database, EU)["DbClusterResourceId"], roles(database)) == (before, {US: True, EU: False})


def test_monitoring_set_by_hand_is_drift_and_gone_after_the_next_update(database: Any) -> None:
    settings = {"MonitoringInterval": 0, "AutoMinorVersionUpgrade": False}
    database.deploy("data", data(EU, **settings), EU)
    by_hand(database, EU, MonitoringInterval=60, MonitoringRoleArn="arn:aws:iam::111111111111:role/monitoring")
    client = database.client("cloudformation", EU)
    client.detect_stack_drift(StackName="data")
    found = {
        d["LogicalResourceId"]: d
        for d in client.describe_stack_resource_drifts(StackName="data")["StackResourceDrifts"]
    }
    paths = {d["PropertyPath"] for d in found["Cluster"]["PropertyDifferences"]}
    assert paths == {"/MonitoringInterval"}
    database.deploy("data", data(EU, **settings, BackupRetentionPeriod=2), EU)
    assert cluster(database, EU)["MonitoringInterval"] == 0


def test_no_rule_is_lost_between_the_call_and_the_stack(world: Any) -> None:
    """What a stack sends is the call, so a version that does not exist fails in both."""
    world.deploy("global", GLOBAL)
    world.deploy("data", data(US, founder=True, instances=0))
    modify = world.client("rds").modify_db_cluster
    refused("InvalidParameterCombination", modify, DBClusterIdentifier=f"orders-{US}", EngineVersion="16.99")
    assert (
        world.deploy("data", data(US, founder=True, instances=0, EngineVersion="16.99")) == "UPDATE_ROLLBACK_COMPLETE"
    )
    assert "16.99" in why(world)
    assert FOUNDER["MasterUsername"] == cluster(world, US)["MasterUsername"]
