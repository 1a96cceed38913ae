"""Aurora global databases: membership, roles, forwarding, the endpoint and the switchover."""

import datetime as dt
from typing import Any

import pytest

from tests.embedded.test_changesets import refused

REGIONS = ("us-east-1", "eu-west-1")


def network(region: str) -> dict[str, Any]:
    subnets = {
        f"Subnet{i}": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": f"10.0.{i}.0/24",
                "AvailabilityZone": f"{region}{zone}",
            },
        }
        for i, zone in enumerate("ab")
    }
    group = {
        "DBSubnetGroupName": "g",
        "DBSubnetGroupDescription": "d",
        "SubnetIds": [{"Ref": name} for name in subnets],
    }
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        **subnets,
        "SubnetGroup": {"Type": "AWS::RDS::DBSubnetGroup", "Properties": group},
    }


def cluster(region: str, **more: Any) -> dict[str, Any]:
    properties = {
        "DBClusterIdentifier": f"orders-{region}",
        "Engine": "aurora-postgresql",
        "EngineVersion": "16.8",
        "GlobalClusterIdentifier": "orders",
        "EnableGlobalWriteForwarding": True,
        "DBSubnetGroupName": {"Ref": "SubnetGroup"},
        **more,
    }
    if not properties["GlobalClusterIdentifier"]:
        properties.pop("EnableGlobalWriteForwarding")  # for members only
    return {"Type": "AWS::RDS::DBCluster", "Properties": {k: v for k, v in properties.items() if v is not None}}


FOUNDER = {"MasterUsername": "postgres", "MasterUserPassword": "correct-horse", "DatabaseName": "orders"}
GLOBAL = {
    "Global": {
        "Type": "AWS::RDS::GlobalCluster",
        "Properties": {"GlobalClusterIdentifier": "orders", "Engine": "aurora-postgresql", "EngineVersion": "16.8"},
    }
}


def instance(region: str) -> dict[str, Any]:
    properties = {
        "DBInstanceIdentifier": f"orders-{region}-0",
        "DBClusterIdentifier": {"Ref": "Cluster"},
        "DBInstanceClass": "db.serverless",
        "Engine": "aurora-postgresql",
    }
    return {"Type": "AWS::RDS::DBInstance", "Properties": properties}


def data(region: str, *, founder: bool = False, instances: int = 1, **more: Any) -> dict[str, Any]:
    resources = {**network(region), "Cluster": cluster(region, **(FOUNDER if founder else {}), **more)}
    return {**resources, **{f"Instance{i}": instance(region) for i in range(instances)}}


@pytest.fixture
def world(aws: Any) -> Any:
    aws.control("clock", {"speed": 5000})
    return aws


@pytest.fixture
def database(world: Any) -> Any:
    """A global database with its writer in the first Region and a secondary in the second."""
    assert world.deploy("global", GLOBAL) == "CREATE_COMPLETE"
    for region in REGIONS:
        assert world.deploy("data", data(region, founder=region == REGIONS[0]), region) == "CREATE_COMPLETE"
    return world


def described(aws: Any) -> dict[str, Any]:
    [found] = aws.client("rds").describe_global_clusters(GlobalClusterIdentifier="orders")["GlobalClusters"]
    return found


def roles(aws: Any) -> dict[str, bool]:
    return {m["DBClusterArn"].split(":")[3]: m["IsWriter"] for m in described(aws)["GlobalClusterMembers"]}


def target(region: str) -> dict[str, str]:
    arn = f"arn:aws:rds:{region}:111111111111:cluster:orders-{region}"
    return {"GlobalClusterIdentifier": "orders", "TargetDbClusterIdentifier": arn}


def test_an_empty_global_cluster_has_its_endpoint(world: Any) -> None:
    outputs = {"Endpoint": {"Value": {"Fn::GetAtt": ["Global", "GlobalEndpoint.Address"]}}}
    assert world.deploy("global", GLOBAL, Outputs=outputs) == "CREATE_COMPLETE"
    found = described(world)
    assert (found["Status"], found["GlobalClusterMembers"]) == ("available", [])
    assert found["Endpoint"].startswith("orders.global-")
    [output] = world.client("cloudformation").describe_stacks(StackName="global")["Stacks"][0]["Outputs"]
    assert output["OutputValue"] == found["Endpoint"]


def test_stacks_make_members_and_the_first_one_writes(database: Any) -> None:
    assert roles(database) == {"us-east-1": True, "eu-west-1": False}
    members = {m["DBClusterArn"].split(":")[3]: m for m in described(database)["GlobalClusterMembers"]}
    assert members["us-east-1"]["Readers"] == [members["eu-west-1"]["DBClusterArn"]]
    assert members["eu-west-1"]["GlobalWriteForwardingStatus"] == "enabled"
    assert {m["SynchronizationStatus"] for m in members.values()} == {"connected"}
    [secondary] = database.client("rds", "eu-west-1").describe_db_clusters()["DBClusters"]
    assert (secondary["MasterUsername"], secondary["DatabaseName"]) == ("postgres", "orders")
    assert secondary["GlobalWriteForwardingStatus"] == "enabled"


def test_a_member_catches_up_before_it_is_connected(world: Any) -> None:
    world.deploy("global", GLOBAL)
    world.deploy("data", data("us-east-1", founder=True))
    world.control("clock", {"speed": 100})
    rds = world.client("rds", "eu-west-1")
    arguments = {"DBClusterIdentifier": "orders-eu-west-1", "Engine": "aurora-postgresql"}
    rds.create_db_cluster(**arguments, GlobalClusterIdentifier="orders")
    statuses = {
        m["DBClusterArn"].split(":")[3]: m["SynchronizationStatus"] for m in described(world)["GlobalClusterMembers"]
    }
    assert statuses == {"us-east-1": "connected", "eu-west-1": "pending-resync"}


def test_forwarding_waits_for_an_instance_that_is_available(world: Any) -> None:
    """aws-facts §3.2: write forwarding does not start until a replica is created."""
    world.deploy("global", GLOBAL)
    world.deploy("data", data(REGIONS[0], founder=True), REGIONS[0])
    world.deploy("data", data(REGIONS[1], instances=0), REGIONS[1])
    rds = world.client("rds", REGIONS[1])
    assert forwarding(world) == ["disabled"]
    still(world)
    rds.create_db_instance(**instance(REGIONS[1])["Properties"] | {"DBClusterIdentifier": f"orders-{REGIONS[1]}"})
    assert (statuses(rds), forwarding(world)) == (["creating"], ["enabling"])
    go(world)
    world.until(lambda: statuses(rds) == ["available"])
    assert forwarding(world) == ["enabled"]


def still(aws: Any) -> None:
    aws.control("clock", {"speed": 0.001})


def go(aws: Any) -> None:
    aws.control("clock", {"speed": 5000})


def statuses(rds: Any) -> list[str]:
    return [i["DBInstanceStatus"] for i in rds.describe_db_instances()["DBInstances"]]


def forwarding(aws: Any) -> list[str]:
    clusters = aws.client("rds", REGIONS[1]).describe_db_clusters()["DBClusters"]
    return [c["GlobalWriteForwardingStatus"] for c in clusters]


def test_a_switchover_moves_the_writer_and_shows_itself_while_it_lasts(database: Any) -> None:
    database.control("clock", {"speed": 100})
    answer = database.client("rds").switchover_global_cluster(**target("eu-west-1"))["GlobalCluster"]
    assert (answer["Status"], answer["FailoverState"]["Status"]) == ("switching-over", "pending")
    assert answer["FailoverState"]["IsDataLossAllowed"] is False
    assert roles(database) == {"us-east-1": True, "eu-west-1": False}
    again = database.client("rds").switchover_global_cluster
    refused("InvalidGlobalClusterStateFault", again, **target("eu-west-1"))
    database.control("clock", {"speed": 5000})
    database.until(lambda: "FailoverState" not in described(database))
    assert roles(database) == {"us-east-1": False, "eu-west-1": True}
    assert described(database)["Status"] == "available"


def test_a_switchover_is_no_drift_of_any_stack(database: Any) -> None:
    endpoint = described(database)["Endpoint"]
    database.client("rds").switchover_global_cluster(**target("eu-west-1"))
    database.until(lambda: "FailoverState" not in described(database))
    assert described(database)["Endpoint"] == endpoint
    for region, name in (("us-east-1", "global"), ("us-east-1", "data"), ("eu-west-1", "data")):
        client = database.client("cloudformation", region)
        client.detect_stack_drift(StackName=name)
        found = client.describe_stack_resource_drifts(StackName=name)["StackResourceDrifts"]
        drifted = [d for d in found if d["StackResourceDriftStatus"] != "IN_SYNC"]
        assert not drifted, (region, name, drifted)


def test_a_switchover_needs_an_instance_and_members_at_rest(world: Any) -> None:
    world.deploy("global", GLOBAL)
    world.deploy("data", data("us-east-1", founder=True))
    world.deploy("data", data("eu-west-1", instances=0), "eu-west-1")
    switch = world.client("rds").switchover_global_cluster
    assert "at least one DB instance" in refused("InvalidGlobalClusterStateFault", switch, **target("eu-west-1"))
    world.control("clock", {"speed": 50})
    world.client("rds").modify_db_cluster(DBClusterIdentifier="orders-us-east-1", BackupRetentionPeriod=3)
    assert "not available" in refused("InvalidGlobalClusterStateFault", switch, **target("eu-west-1"))


def test_deleting_a_secondary_stack_takes_it_out(database: Any) -> None:
    client = database.client("cloudformation", "eu-west-1")
    client.delete_stack(StackName="data")
    database.until(lambda: not client.describe_stacks()["Stacks"])
    assert roles(database) == {"us-east-1": True}


def test_the_writer_cannot_go_while_others_exist(database: Any) -> None:
    client = database.client("cloudformation")
    client.delete_stack(StackName="data")
    assert database.settled("data") == "DELETE_FAILED"
    found = client.describe_stack_events(StackName="data")["StackEvents"]
    failed = {e["LogicalResourceId"]: e for e in found if e["ResourceStatus"] == "DELETE_FAILED"}
    assert set(failed) == {"data", "Instance0"}
    assert "Cannot delete the last instance of the master cluster" in failed["Instance0"]["ResourceStatusReason"]
    remove = database.client("rds").remove_from_global_cluster
    arn = target("us-east-1")["TargetDbClusterIdentifier"]
    refused("InvalidGlobalClusterStateFault", remove, GlobalClusterIdentifier="orders", DbClusterIdentifier=arn)


def test_of_two_instances_of_the_writer_that_go_at_once_one_stays(database: Any) -> None:
    resources = data("us-east-1", founder=True) | {"Instance1": instance("us-east-1")}
    resources["Instance1"]["Properties"]["DBInstanceIdentifier"] = "orders-us-east-1-1"
    assert database.deploy("data", resources) == "UPDATE_COMPLETE"
    client = database.client("cloudformation")
    client.delete_stack(StackName="data")
    assert database.settled("data") == "DELETE_FAILED"
    statuses = [r["ResourceStatus"] for r in client.list_stack_resources(StackName="data")["StackResourceSummaries"]]
    assert statuses.count("DELETE_FAILED") == 1
    left = database.client("rds").describe_db_clusters(DBClusterIdentifier="orders-us-east-1")["DBClusters"][0]
    assert [member["IsClusterWriter"] for member in left["DBClusterMembers"]] == [True]


def test_a_template_that_drops_the_global_cluster_detaches_the_cluster(database: Any) -> None:
    assert database.deploy("data", data("eu-west-1", GlobalClusterIdentifier=None), "eu-west-1") == "UPDATE_COMPLETE"
    assert roles(database) == {"us-east-1": True}
    [alone] = database.client("rds", "eu-west-1").describe_db_clusters()["DBClusters"]
    assert "GlobalClusterIdentifier" not in alone


def test_a_global_cluster_with_members_cannot_be_deleted(database: Any) -> None:
    refused(
        "InvalidGlobalClusterStateFault", database.client("rds").delete_global_cluster, GlobalClusterIdentifier="orders"
    )
    database.client("cloudformation").delete_stack(StackName="global")
    assert database.settled("global") == "DELETE_FAILED"


def test_the_lag_of_a_secondary_can_be_read_and_set(database: Any) -> None:
    def lag(region: str) -> list[float]:
        now = dt.datetime.fromisoformat(database.control("clock")[1]["now"])
        metric = {
            "Namespace": "AWS/RDS",
            "MetricName": "AuroraGlobalDBReplicationLag",
            "Dimensions": [{"Name": "DBClusterIdentifier", "Value": f"orders-{region}"}],
        }
        query = {"Id": "lag", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}
        [found] = database.client("cloudwatch", region).get_metric_data(
            MetricDataQueries=[query], StartTime=now - dt.timedelta(minutes=5), EndTime=now
        )["MetricDataResults"]
        return list(found["Values"])

    assert lag("us-east-1") == []
    assert set(lag("eu-west-1")) == {80.0}
    assert database.control("lag", {"cluster": "orders-eu-west-1", "ms": 5000})[0] == 200
    assert set(lag("eu-west-1")) == {5000.0}
    assert database.control("lag", {"cluster": "nothing", "ms": 1})[0] == 400
