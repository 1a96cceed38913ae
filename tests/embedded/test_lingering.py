"""What outlives its user: a function's interfaces, an edge function's replicas, the use of a certificate; in stacks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.embedded.conftest import Aws
from tests.embedded.test_drift import ROLE, distribution, function
from tests.embedded.test_global_cluster import network
from tests.embedded.test_legality import EDGE_ROLE, NETWORK_ROLE, NUMBERED, VERSION, certificate, domain, refused, why

GROUP = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"VpcId": {"Ref": "Vpc"}, "GroupDescription": "f"}}
OUTPUTS = {name: {"Value": {"Ref": name}} for name in ("Subnet0", "Group", "Vpc")}


@pytest.fixture
def world(aws: Any) -> Any:
    aws.control("clock", {"speed": 5000})
    return aws


def begun(aws: Aws, name: str) -> str:
    """Begins to delete a stack; its id, by which it is known also when it is gone."""
    client = aws.client("cloudformation")
    stack = str(client.describe_stacks(StackName=name)["Stacks"][0]["StackId"])
    client.delete_stack(StackName=name)
    return stack


def ended(aws: Aws, stack: str) -> str:
    return aws.settled(stack)


def events(aws: Aws, stack: str) -> dict[tuple[str, str], str]:
    """When each resource got to each status."""
    found = aws.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return {(e["LogicalResourceId"], e["ResourceStatus"]): e["Timestamp"] for e in found}


def minutes(later: Any, earlier: Any) -> float:
    return float((later - earlier).total_seconds() / 60)


def with_function(world: Aws) -> dict[str, str]:
    """Two stacks, as the product has them: a network, and a function in it. Gives the network's ids."""
    assert world.deploy("data", network("us-east-1") | {"Group": GROUP}, Outputs=OUTPUTS) == "CREATE_COMPLETE"
    outputs = world.client("cloudformation").describe_stacks(StackName="data")["Stacks"][0]["Outputs"]
    ids = {one["OutputKey"]: one["OutputValue"] for one in outputs}
    joined = function(VpcConfig={"SubnetIds": [ids["Subnet0"]], "SecurityGroupIds": [ids["Group"]]})
    assert world.deploy("api", {"Role": NETWORK_ROLE, "Function": joined}) == "CREATE_COMPLETE"
    return ids


def test_a_network_that_is_deleted_right_after_its_function_waits_and_fails(world: Aws) -> None:
    """The group is tried again for ten minutes and given up; when the interface is gone, the next attempt succeeds."""
    ids = with_function(world)
    world.control("clock", {"speed": 300})  # the second deletion follows within minutes also on a busy machine
    api = begun(world, "api")
    assert ended(world, api) == "DELETE_COMPLETE"
    happened = events(world, api)
    waited = minutes(happened["Function", "DELETE_COMPLETE"], happened["Function", "DELETE_IN_PROGRESS"])
    assert 4 <= waited < 6, "until the interface is detached"

    data = begun(world, "data")
    assert ended(world, data) == "DELETE_FAILED"
    happened = events(world, data)
    assert minutes(happened["Group", "DELETE_FAILED"], happened["Group", "DELETE_IN_PROGRESS"]) >= 10
    told = world.client("cloudformation").describe_stacks(StackName=data)["Stacks"][0]["StackStatusReason"]
    assert "[Group, Subnet0]" in told, "the other subnet went, the network waits for both"

    world.control("clock", {"speed": 5000})
    ec2 = world.client("ec2")
    here = [{"Name": "vpc-id", "Values": [ids["Vpc"]]}]
    world.until(lambda: not ec2.describe_network_interfaces(Filters=here)["NetworkInterfaces"])
    assert ended(world, begun(world, "data")) == "DELETE_COMPLETE"


def test_a_snapshot_can_be_taken_while_interfaces_linger(world: Aws) -> None:
    """Nothing is under way that anybody waits for; the interfaces are in the copy."""
    with_function(world)
    ended(world, begun(world, "api"))
    world.control("clock", {"speed": 1})
    status, kept = world.control("snapshot", {})
    assert status == 200, kept
    left = [one["NetworkInterfaceId"] for one in world.client("ec2").describe_network_interfaces()["NetworkInterfaces"]]
    assert left
    world.control("reset", {})
    assert world.client("ec2").describe_network_interfaces()["NetworkInterfaces"] == []
    world.control("restore", kept)
    assert [
        one["NetworkInterfaceId"] for one in world.client("ec2").describe_network_interfaces()["NetworkInterfaces"]
    ] == left


def edge(arn: Any, **version: Any) -> dict[str, Any]:
    changed = distribution()
    behavior = changed["Properties"]["DistributionConfig"]["DefaultCacheBehavior"]
    behavior["LambdaFunctionAssociations"] = [{"EventType": "origin-request", "LambdaFunctionARN": arn}]
    plain = function(Environment={"Variables": {}}, Timeout=5)
    return {"Role": EDGE_ROLE, "Function": plain, "Version": VERSION | version, "Edge": changed}


def test_a_stack_cannot_delete_a_version_that_ran_at_the_edge(world: Aws) -> None:
    assert world.deploy("edge", edge(NUMBERED)) == "CREATE_COMPLETE"
    stack = begun(world, "edge")
    assert ended(world, stack) == "DELETE_FAILED"
    assert "replicated function" in why(world, stack)
    assert ("Edge", "DELETE_COMPLETE") in events(world, stack)


def test_a_version_is_let_go_of_with_retain(world: Aws) -> None:
    kept = {"DeletionPolicy": "Retain"}
    resources = edge(NUMBERED, **kept)
    resources["Function"] |= kept
    assert world.deploy("edge", resources) == "CREATE_COMPLETE"
    assert ended(world, begun(world, "edge")) == "DELETE_COMPLETE"


def test_a_stack_waits_until_its_certificate_is_let_go_of(world: Aws) -> None:
    name = "a.example.com"
    options = [{"DomainName": name, "HostedZoneId": "Z0123456789EXAMPLE"}]
    properties = {"DomainName": name, "ValidationMethod": "DNS", "DomainValidationOptions": options}
    own = {"Type": "AWS::CertificateManager::Certificate", "Properties": properties}
    assert (
        world.deploy("one", {"Certificate": own, "Domain": domain(name, {"Ref": "Certificate"})}) == "CREATE_COMPLETE"
    )
    stack = begun(world, "one")
    assert ended(world, stack) == "DELETE_COMPLETE"
    happened = events(world, stack)
    assert minutes(happened["Certificate", "DELETE_COMPLETE"], happened["Domain", "DELETE_COMPLETE"]) >= 5


def test_a_domain_that_moved_to_another_certificate_lets_the_first_one_go_later(world: Aws) -> None:
    first, second = certificate(world, "a.example.com"), certificate(world, "*.example.com")
    world.deploy("one", {"Domain": domain("a.example.com", first)})
    world.deploy("one", {"Domain": domain("a.example.com", second)})
    acm = world.client("acm")
    world.until(lambda: not acm.describe_certificate(CertificateArn=first)["Certificate"]["InUseBy"])
    acm.delete_certificate(CertificateArn=first)
    refused("ResourceInUseException", acm.delete_certificate, CertificateArn=second)


def test_plain_roles_do_for_functions_outside_a_network(world: Aws) -> None:
    assert world.deploy("f", {"Role": ROLE, "Function": function()}) == "CREATE_COMPLETE"
