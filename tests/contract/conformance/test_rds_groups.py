"""RDS: parameter groups, subnet groups, maintenance, events, tags."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.conformance.aurora import ENGINE, EU, GLOBAL, US, alone, arn, ready, remove_global
from tests.contract.conformance.claims import real, refusal, success
from tests.contract.conformance.conftest import Target, refused
from tests.contract.conformance.made import tagged

API = "API reference [V]"
FAMILY = "aurora-postgresql16"
SUBNETS = "DBSubnetGroupDoesNotCoverEnoughAZs"


@success("rds:CreateDBClusterParameterGroup", source=API)
@success("rds:DescribeDBClusterParameterGroups", source=API)
@success("rds:ModifyDBClusterParameterGroup", source=API)
@success("rds:ResetDBClusterParameterGroup", source=API)
@success("rds:DescribeDBClusterParameters", source=API)
@success("rds:DeleteDBClusterParameterGroup", source=API)
@refusal("rds:CreateDBClusterParameterGroup", "DBParameterGroupAlreadyExists", source=API)
@refusal("rds:ModifyDBClusterParameterGroup", "InvalidParameterCombination", source="public reports of the words [S]")
@refusal("rds:ModifyDBClusterParameterGroup", "DBParameterGroupNotFound", source=API)
@refusal("rds:ResetDBClusterParameterGroup", "DBParameterGroupNotFound", source=API)
@refusal("rds:DescribeDBClusterParameterGroups", "DBParameterGroupNotFound", source=API)
@refusal("rds:DescribeDBClusterParameters", "DBParameterGroupNotFound", source=API)
@refusal("rds:DeleteDBClusterParameterGroup", "DBParameterGroupNotFound", source=API)
@real("nothing: a parameter group has no price")
def test_a_parameter_group_is_made_changed_and_deleted(aws: Target) -> None:
    rds, name = aws.client("rds"), {"DBClusterParameterGroupName": aws.name()}
    aws.later(rds.delete_db_cluster_parameter_group, **name)
    tags = [{"Key": key, "Value": value} for key, value in aws.tags.items()]
    wanted = {**name, "DBParameterGroupFamily": FAMILY, "Description": "conformance"}
    rds.create_db_cluster_parameter_group(**wanted, Tags=tags)
    refused(rds.create_db_cluster_parameter_group, "DBParameterGroupAlreadyExists", **wanted)
    [made] = rds.describe_db_cluster_parameter_groups(**name)["DBClusterParameterGroups"]
    assert made["DBParameterGroupFamily"] == FAMILY

    def parameter(key: str, value: str, method: str) -> list[dict[str, str]]:
        return [{"ParameterName": key, "ParameterValue": value, "ApplyMethod": method}]

    def ours() -> dict[str, str]:
        found = rds.describe_db_cluster_parameters(**name, Source="user")["Parameters"]
        return {p["ParameterName"]: p["ParameterValue"] for p in found}

    modify = rds.modify_db_cluster_parameter_group
    modify(**name, Parameters=parameter("log_min_duration_statement", "1000", "immediate"))
    modify(**name, Parameters=parameter("rds.logical_replication", "1", "pending-reboot"))
    static = parameter("rds.logical_replication", "0", "immediate")
    assert "static parameter" in refused(modify, "InvalidParameterCombination", **name, Parameters=static)
    aws.until(lambda: ours() == {"log_min_duration_statement": "1000", "rds.logical_replication": "1"})
    rds.reset_db_cluster_parameter_group(**name, ResetAllParameters=True)
    aws.until(lambda: ours() == {})
    rds.delete_db_cluster_parameter_group(**name)
    for call, more in (
        (rds.describe_db_cluster_parameter_groups, {}),
        (rds.describe_db_cluster_parameters, {}),
        (rds.delete_db_cluster_parameter_group, {}),
        (rds.reset_db_cluster_parameter_group, {"ResetAllParameters": True}),
        (modify, {"Parameters": parameter("log_min_duration_statement", "1", "immediate")}),
    ):
        refused(call, "DBParameterGroupNotFound", **name, **more)


@refusal("rds:DeleteDBClusterParameterGroup", "InvalidDBParameterGroupState", source=API)
def test_a_parameter_group_in_use_stays_and_a_static_value_waits_for_a_reboot(aws: Target) -> None:
    aurora = ready(aws)
    rds, name = aurora.rds(EU), {"DBClusterParameterGroupName": "ours"}
    rds.create_db_cluster_parameter_group(**name, DBParameterGroupFamily=FAMILY, Description="d")
    aurora.go()
    rds.modify_db_cluster(DBClusterIdentifier=f"orders-{EU}", **name)
    aws.until(lambda: aurora.cluster(EU)["Status"] == "available")
    refused(rds.delete_db_cluster_parameter_group, "InvalidDBParameterGroupState", **name)

    def waits() -> str:
        return str(aurora.cluster(EU)["DBClusterMembers"][0]["DBClusterParameterGroupStatus"])

    rds.reboot_db_instance(DBInstanceIdentifier=f"orders-{EU}-0")
    aws.until(lambda: waits() == "in-sync")
    value = {"ParameterName": "max_connections", "ParameterValue": "500", "ApplyMethod": "pending-reboot"}
    rds.modify_db_cluster_parameter_group(**name, Parameters=[value])
    assert waits() == "pending-reboot"


@success("rds:CreateDBSubnetGroup", source=API)
@success("rds:DescribeDBSubnetGroups", source=API)
@success("rds:DeleteDBSubnetGroup", source=API)
@refusal("rds:CreateDBSubnetGroup", "DBSubnetGroupAlreadyExists", source=API)
@refusal("rds:CreateDBSubnetGroup", SUBNETS, source=API)
@refusal("rds:CreateDBSubnetGroup", "InvalidSubnet", source=API)
@refusal("rds:DescribeDBSubnetGroups", "DBSubnetGroupNotFoundFault", source=API)
@refusal("rds:DeleteDBSubnetGroup", "DBSubnetGroupNotFoundFault", source=API)
@real("nothing: the network that it makes has no price, but needs room for one more VPC")
def test_a_subnet_group_covers_two_zones(aws: Target) -> None:
    rds, ec2, name = aws.client("rds"), aws.client("ec2"), {"DBSubnetGroupName": aws.name()}
    vpc = ec2.create_vpc(CidrBlock="10.99.0.0/24", TagSpecifications=tagged(aws, "vpc"))["Vpc"]["VpcId"]
    aws.later(ec2.delete_vpc, VpcId=vpc)
    ec2.get_waiter("vpc_exists").wait(VpcIds=[vpc])
    subnets = []
    for cidr, zone in (("10.99.0.0/26", "us-east-1a"), ("10.99.0.64/26", "us-east-1b")):
        place = {"VpcId": vpc, "CidrBlock": cidr, "AvailabilityZone": zone}
        made = ec2.create_subnet(**place, TagSpecifications=tagged(aws, "subnet"))["Subnet"]["SubnetId"]
        aws.later(ec2.delete_subnet, SubnetId=made)
        subnets.append(made)
    create, about = rds.create_db_subnet_group, {**name, "DBSubnetGroupDescription": "conformance"}
    refused(create, SUBNETS, **about, SubnetIds=subnets[:1])
    refused(create, "InvalidSubnet", **about, SubnetIds=[*subnets, "subnet-0123456789abcdef0"])
    aws.later(rds.delete_db_subnet_group, **name)
    create(**about, SubnetIds=subnets, Tags=[{"Key": k, "Value": v} for k, v in aws.tags.items()])
    refused(create, "DBSubnetGroupAlreadyExists", **about, SubnetIds=subnets)
    [found] = rds.describe_db_subnet_groups(**name)["DBSubnetGroups"]
    assert {s["SubnetIdentifier"] for s in found["Subnets"]} == set(subnets)
    rds.delete_db_subnet_group(**name)
    refused(rds.delete_db_subnet_group, "DBSubnetGroupNotFoundFault", **name)
    refused(rds.describe_db_subnet_groups, "DBSubnetGroupNotFoundFault", **name)


@refusal("rds:DeleteDBSubnetGroup", "InvalidDBSubnetGroupStateFault", source=API)
def test_a_subnet_group_in_use_stays(aws: Target) -> None:
    rds, ec2, name = aws.client("rds"), aws.client("ec2"), {"DBSubnetGroupName": "used"}
    vpc = ec2.create_vpc(CidrBlock="10.99.0.0/24")["Vpc"]["VpcId"]
    zones = (("10.99.0.0/26", "us-east-1a"), ("10.99.0.64/26", "us-east-1b"))
    made = [ec2.create_subnet(VpcId=vpc, CidrBlock=c, AvailabilityZone=z)["Subnet"]["SubnetId"] for c, z in zones]
    rds.create_db_subnet_group(**name, DBSubnetGroupDescription="d", SubnetIds=made)
    alone(aws, **name)
    refused(rds.delete_db_subnet_group, "InvalidDBSubnetGroupStateFault", **name)


@success("rds:DescribePendingMaintenanceActions", source=API)
@success("rds:ApplyPendingMaintenanceAction", source=API)
@refusal("rds:ApplyPendingMaintenanceAction", "ResourceNotFoundFault", source=API)
@refusal("rds:ApplyPendingMaintenanceAction", "InvalidDBClusterStateFault", source=API)
def test_maintenance_is_announced_and_applied(aws: Target) -> None:
    aurora = ready(aws)
    rds = aurora.rds(EU)
    apply, wanted = rds.apply_pending_maintenance_action, {"ResourceIdentifier": arn(EU), "ApplyAction": "os-upgrade"}
    refused(apply, "ResourceNotFoundFault", **wanted, OptInType="immediate")
    assert rds.describe_pending_maintenance_actions()["PendingMaintenanceActions"] == []
    aws.control("maintenance", {"cluster": f"orders-{EU}", "action": "os-upgrade"})
    [pending] = rds.describe_pending_maintenance_actions(ResourceIdentifier=arn(EU))["PendingMaintenanceActions"]
    assert [d["Action"] for d in pending["PendingMaintenanceActionDetails"]] == ["os-upgrade"]
    opted = apply(**wanted, OptInType="immediate")["ResourcePendingMaintenanceActions"]
    assert opted["PendingMaintenanceActionDetails"][0]["OptInStatus"] == "immediate"
    assert aurora.cluster(EU)["Status"] == "maintenance"
    refused(apply, "InvalidDBClusterStateFault", **wanted, OptInType="immediate")
    aurora.go()
    aws.until(lambda: aurora.cluster(EU)["Status"] == "available")
    assert rds.describe_pending_maintenance_actions()["PendingMaintenanceActions"] == []


@success(
    "rds:DescribeEvents",
    source="user guide, event categories and messages for Aurora [V]; that all members tell is [K]",
)
@refusal("rds:DescribeEvents", "InvalidParameterCombination", source=API)
def test_every_member_tells_of_a_switchover_to_people_and_to_eventbridge(aws: Target) -> None:
    aurora = ready(aws)
    refused(aurora.rds().describe_events, "InvalidParameterCombination", SourceIdentifier=f"orders-{US}")
    queues = {region: _queue(aws, region) for region in (US, EU)}
    aurora.rds().switchover_global_cluster(GlobalClusterIdentifier=GLOBAL, TargetDbClusterIdentifier=arn(EU))
    aurora.go(600)
    aws.until(lambda: aurora.writer() == EU)
    for region, (sqs, url) in queues.items():
        about = {
            "SourceType": "db-cluster",
            "SourceIdentifier": f"orders-{region}",
            "EventCategories": ["global-failover"],
        }
        messages = [e["Message"] for e in aurora.rds(region).describe_events(**about, Duration=600)["Events"]]
        assert messages[-1] == f"Global switchover to DB cluster orders-{EU} in Region {EU} finished."
        got = [json.loads(m["Body"]) for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]]
        ids = {event["detail"]["EventID"] for event in got}
        assert {"RDS-EVENT-0181", "RDS-EVENT-0182", "RDS-EVENT-0184", "RDS-EVENT-0185"} <= ids
        assert {(e["source"], e["detail-type"], e["resources"][0]) for e in got} == {
            ("aws.rds", "RDS DB Cluster Event", arn(region))
        }


def _queue(aws: Target, region: str) -> tuple[Any, str]:
    sqs, events = aws.client("sqs", region), aws.client("events", region)
    url = sqs.create_queue(QueueName="rds")["QueueUrl"]
    where = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.rds"], "detail": {"EventCategories": ["global-failover"]}}
    events.put_rule(Name="rds", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="rds", Targets=[{"Id": "queue", "Arn": where}])
    return sqs, url


@success("rds:AddTagsToResource", source=API)
@success("rds:ListTagsForResource", source=API)
@success("rds:RemoveTagsFromResource", source=API)
@refusal("rds:AddTagsToResource", "DBClusterNotFoundFault", source=API)
@refusal("rds:ListTagsForResource", "DBClusterNotFoundFault", source=API)
@refusal("rds:RemoveTagsFromResource", "DBClusterNotFoundFault", source=API)
@real("nothing: an empty global cluster has no price")
def test_tags_come_and_go(aws: Target) -> None:
    rds, name = aws.client("rds"), {"GlobalClusterIdentifier": aws.name()}
    aws.later(remove_global(rds), **name)
    where = rds.create_global_cluster(**name, **ENGINE)["GlobalCluster"]["GlobalClusterArn"]
    aws.until(lambda: rds.describe_global_clusters(**name)["GlobalClusters"][0]["Status"] == "available")
    rds.add_tags_to_resource(ResourceName=where, Tags=[{"Key": "meridian:conformance", "Value": aws.run}])
    assert {"Key": "meridian:conformance", "Value": aws.run} in rds.list_tags_for_resource(ResourceName=where)[
        "TagList"
    ]
    rds.remove_tags_from_resource(ResourceName=where, TagKeys=["meridian:conformance"])
    assert rds.list_tags_for_resource(ResourceName=where)["TagList"] == []
    none = {"ResourceName": f"arn:aws:rds:us-east-1:{aws.account()}:cluster:{aws.name()}"}
    refused(rds.add_tags_to_resource, "DBClusterNotFoundFault", **none, Tags=[{"Key": "a", "Value": "b"}])
    refused(rds.list_tags_for_resource, "DBClusterNotFoundFault", **none)
    refused(rds.remove_tags_from_resource, "DBClusterNotFoundFault", **none, TagKeys=["a"])
