"""EC2: networks, their groups and interfaces, and that nothing goes while something uses it."""

from __future__ import annotations

from typing import Any

from tests.contract.conformance import made
from tests.contract.conformance.claims import real, refusal, state, success
from tests.contract.conformance.conftest import Target, refused

API = "EC2 API reference [V]"
CODES = "EC2 error codes [V]"
QUOTAS = "VPC quotas [V]"


@success("ec2:DescribeAvailabilityZones", source=API)
@refusal("ec2:DescribeAvailabilityZones", "InvalidParameterValue", source=API)
@real("nothing")
def test_a_region_names_its_zones(aws: Target) -> None:
    client = aws.client("ec2")
    filters = [{"Name": "opt-in-status", "Values": ["opt-in-not-required"]}, {"Name": "state", "Values": ["available"]}]
    zones = client.describe_availability_zones(Filters=filters)["AvailabilityZones"]
    assert len(zones) >= 3
    assert {zone["ZoneType"] for zone in zones} == {"availability-zone"}
    one = zones[0]["ZoneName"]
    assert [z["ZoneName"] for z in client.describe_availability_zones(ZoneNames=[one])["AvailabilityZones"]] == [one]
    refused(client.describe_availability_zones, "InvalidParameterValue", ZoneNames=["us-east-1zz"])
    refused(client.describe_availability_zones, "InvalidParameterValue", Filters=[{"Name": "nothing", "Values": ["x"]}])


@success("ec2:CreateVpc", source=API)
@success("ec2:DescribeVpcs", source=API)
@success("ec2:CreateSubnet", source=API)
@success("ec2:DescribeSubnets", source=API)
@success("ec2:CreateSecurityGroup", source=API)
@success("ec2:DescribeSecurityGroups", source=API)
@success("ec2:DeleteSubnet", source=API)
@success("ec2:DeleteSecurityGroup", source=API)
@success("ec2:DeleteVpc", source=API)
@refusal("ec2:CreateVpc", "InvalidVpc.Range", source=CODES)
@refusal("ec2:CreateSubnet", "InvalidSubnet.Range", source=CODES)
@refusal("ec2:CreateSubnet", "InvalidSubnet.Conflict", source=CODES)
@refusal("ec2:CreateSecurityGroup", "InvalidGroup.Duplicate", source=CODES)
@refusal("ec2:CreateSecurityGroup", "InvalidVpcID.NotFound", source=CODES)
@refusal("ec2:CreateSecurityGroup", "InvalidParameterValue", source=API)
@refusal("ec2:DeleteVpc", "DependencyViolation", source=CODES)
@refusal("ec2:DescribeVpcs", "InvalidVpcID.NotFound", source=CODES)
@refusal("ec2:DescribeSecurityGroups", "InvalidGroup.NotFound", source=CODES)
@real("nothing, but it needs room for one more VPC")
def test_a_network_is_made_and_goes_from_the_inside_out(aws: Target) -> None:
    client = aws.client("ec2")
    refused(client.create_vpc, "InvalidVpc.Range", CidrBlock="10.0.0.0/8")
    vpc, subnet, group = made.network(aws)
    for cidr, code in (("10.99.0.0/29", "Range"), ("10.98.0.0/24", "Range"), ("10.99.0.128/25", "Conflict")):
        refused(client.create_subnet, f"InvalidSubnet.{code}", VpcId=vpc, CidrBlock=cidr)
    named = {"Description": "conformance", "VpcId": vpc}
    refused(client.create_security_group, "InvalidGroup.Duplicate", GroupName=aws.name("group"), **named)
    refused(client.create_security_group, "InvalidParameterValue", GroupName="sg-conformance", **named)
    none = "vpc-00000000000000000"
    refused(client.create_security_group, "InvalidVpcID.NotFound", GroupName="x", Description="x", VpcId=none)
    assert client.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlock"] == "10.99.0.0/16"
    assert client.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"] == vpc
    assert client.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["VpcId"] == vpc
    refused(client.delete_vpc, "DependencyViolation", VpcId=vpc)
    client.delete_security_group(GroupId=group)
    client.delete_subnet(SubnetId=subnet)
    client.delete_vpc(VpcId=vpc)
    refused(client.describe_vpcs, "InvalidVpcID.NotFound", VpcIds=[vpc])
    refused(client.describe_security_groups, "InvalidGroup.NotFound", GroupIds=[group])


def rule(**more: Any) -> list[dict[str, Any]]:
    return [{"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, **more}]


@success("ec2:AuthorizeSecurityGroupIngress", source=API)
@success("ec2:RevokeSecurityGroupIngress", source=API)
@success("ec2:AuthorizeSecurityGroupEgress", source=API)
@success("ec2:RevokeSecurityGroupEgress", source=API)
@refusal("ec2:AuthorizeSecurityGroupIngress", "InvalidPermission.Duplicate", source=CODES)
@refusal("ec2:AuthorizeSecurityGroupIngress", "InvalidGroup.NotFound", source=CODES)
@refusal("ec2:AuthorizeSecurityGroupIngress", "InvalidParameterValue", source=CODES)
@refusal("ec2:AuthorizeSecurityGroupEgress", "InvalidPermission.Duplicate", source=CODES)
@refusal("ec2:RevokeSecurityGroupIngress", "InvalidPermission.NotFound", source=CODES)
@refusal("ec2:RevokeSecurityGroupEgress", "InvalidPermission.NotFound", source=CODES)
@refusal("ec2:DeleteSecurityGroup", "DependencyViolation", source=f"{CODES}: another group's rule names it")
@real("nothing, but it needs room for one more VPC")
def test_a_rule_is_there_once(aws: Target) -> None:
    client = aws.client("ec2")
    vpc, _, group = made.network(aws)
    tags = made.tagged(aws, "security-group")
    named = {"GroupName": aws.name("other"), "Description": "conformance", "VpcId": vpc}
    other = client.create_security_group(**named, TagSpecifications=tags)["GroupId"]
    aws.later(client.delete_security_group, GroupId=other)
    for way, key in (("ingress", "IpPermissions"), ("egress", "IpPermissionsEgress")):
        grant = getattr(client, f"authorize_security_group_{way}")
        revoke = getattr(client, f"revoke_security_group_{way}")
        permissions = rule(UserIdGroupPairs=[{"GroupId": other}])
        grant(GroupId=group, IpPermissions=permissions)
        refused(grant, "InvalidPermission.Duplicate", GroupId=group, IpPermissions=permissions)
        refused(client.delete_security_group, "DependencyViolation", GroupId=other)
        described = client.describe_security_groups(GroupIds=[group])["SecurityGroups"][0][key]
        revoke(GroupId=group, IpPermissions=[p for p in described if p["UserIdGroupPairs"]])  # as it is told
        refused(revoke, "InvalidPermission.NotFound", GroupId=group, IpPermissions=permissions)
    wrong = rule(IpRanges=[{"CidrIp": "10.0.0.0/8"}])
    wrong[0]["ToPort"] = 1
    refused(client.authorize_security_group_ingress, "InvalidParameterValue", GroupId=group, IpPermissions=wrong)
    nobody = rule(UserIdGroupPairs=[{"GroupId": "sg-00000000000000000"}])
    refused(client.authorize_security_group_ingress, "InvalidGroup.NotFound", GroupId=group, IpPermissions=nobody)


@refusal("ec2:AuthorizeSecurityGroupIngress", "RulesPerSecurityGroupLimitExceeded", source=QUOTAS)
def test_a_group_has_at_most_sixty_rules(aws: Target) -> None:
    client = aws.client("ec2")
    _, _, group = made.network(aws)
    grant = client.authorize_security_group_ingress
    for port in range(60):
        permissions = [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
        grant(GroupId=group, IpPermissions=permissions)
    more = rule(IpRanges=[{"CidrIp": "10.0.0.0/8"}])
    refused(grant, "RulesPerSecurityGroupLimitExceeded", GroupId=group, IpPermissions=more)


@success("ec2:DescribeNetworkInterfaces", source=API)
@success("ec2:DeleteNetworkInterface", source="alchemy#937 [S]: one that Lambda has detached may go")
@refusal("ec2:DescribeNetworkInterfaces", "InvalidNetworkInterfaceID.NotFound", source=CODES)
@refusal("ec2:DescribeNetworkInterfaces", "InvalidParameterValue", source=API)
@refusal("ec2:DeleteNetworkInterface", "InvalidParameterValue", source="currently in use (terraform-provider-aws) [S]")
@refusal("ec2:DeleteSecurityGroup", "DependencyViolation", source="cdk#6701 [S]; aws-facts §2.3")
@refusal("ec2:DeleteSubnet", "DependencyViolation", source="cdk#14456 [S]; aws-facts §2.3")
@state(
    "ec2:DescribeNetworkInterfaces", "in use after its function went", source="alchemy#937, coverage-roadmap#392 [S]"
)
@state("ec2:DescribeNetworkInterfaces", "available before Lambda removes it", source="alchemy#937 [S]")
def test_a_functions_interfaces_outlive_it(aws: Target) -> None:
    client, functions = aws.client("ec2"), aws.client("lambda")
    _, subnet, group = made.network(aws)
    role = made.role(aws, "lambda.amazonaws.com", allow=made.JOINING)
    network = {"SubnetIds": [subnet], "SecurityGroupIds": [group]}
    names = [made.function(aws, role, name=name, VpcConfig=network) for name in ("one", "two")]

    def interfaces(**more: str) -> list[dict[str, Any]]:
        filters = [
            {"Name": name.replace("_", "-"), "Values": [value]} for name, value in ({"group_id": group} | more).items()
        ]
        found: list[dict[str, Any]] = client.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        return found

    [one] = interfaces()
    assert one["Description"].startswith("AWS Lambda VPC ENI-")
    assert (one["InterfaceType"], one["Status"], one["RequesterManaged"], one["SubnetId"]) == (
        "lambda",
        "in-use",
        True,
        subnet,
    )
    assert interfaces(interface_type="lambda", subnet_id=subnet, description="AWS Lambda VPC ENI-*") == [one]
    named = {"NetworkInterfaceId": one["NetworkInterfaceId"]}
    functions.delete_function(FunctionName=names[0])
    assert len(interfaces()) == 1, "two functions share it"
    aws.control("clock", {"speed": 20})
    functions.delete_function(FunctionName=names[1])
    assert interfaces()[0]["Status"] == "in-use"
    refused(client.delete_network_interface, "InvalidParameterValue", **named)
    refused(client.delete_security_group, "DependencyViolation", GroupId=group)
    refused(client.delete_subnet, "DependencyViolation", SubnetId=subnet)
    aws.control("clock", {"speed": 600})
    aws.until(lambda: interfaces()[0]["Status"] == "available", minutes=10)
    assert interfaces()[0]["InterfaceType"] == "interface", "only the description still tells whose it was"
    refused(client.delete_security_group, "DependencyViolation", GroupId=group)
    client.delete_network_interface(**named)
    refused(
        client.describe_network_interfaces,
        "InvalidNetworkInterfaceID.NotFound",
        NetworkInterfaceIds=[one["NetworkInterfaceId"]],
    )
    refused(client.describe_network_interfaces, "InvalidParameterValue", Filters=[{"Name": "nothing", "Values": ["x"]}])
    client.delete_security_group(GroupId=group)
    client.delete_subnet(SubnetId=subnet)


@success("ec2:DescribeNetworkInterfaces", source="Lambda VPC: up to 20 minutes and more [V]; aws-facts §2.3")
def test_lambda_removes_its_interfaces_by_and_by(aws: Target) -> None:
    client = aws.client("ec2")
    _, subnet, group = made.network(aws)
    role = made.role(aws, "lambda.amazonaws.com", allow=made.JOINING)
    name = made.function(aws, role, VpcConfig={"SubnetIds": [subnet], "SecurityGroupIds": [group]})
    functions = aws.client("lambda")
    functions.update_function_configuration(FunctionName=name, VpcConfig={"SubnetIds": [], "SecurityGroupIds": []})
    made.ready(aws, name)
    refused(client.delete_security_group, "DependencyViolation", GroupId=group)
    aws.patiently(client.delete_security_group, GroupId=group, minutes=60)
    assert (
        client.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [subnet]}])["NetworkInterfaces"]
        == []
    )
