"""What tests of several services make: roles, functions, REST APIs, certificates, networks. Each goes at the end of its test."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from tests.contract.conformance.conftest import Target

# The embedded AWS's own, of example.com: not for tests that are `@real`.
ZONE = "Z0123456789EXAMPLE"


# ---- Lambda ----------------------------------------


def archive(text: str = "def handler(event, context):\n    return {}\n") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("main.py", text)
    return file.getvalue()


def role(aws: Target, *services: str, allow: list[str] | None = None, name: str = "role") -> str:
    """The ARN of a role that these services may assume, with these actions on everything."""
    iam, named = aws.client("iam"), aws.name(name)
    trust = {"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"}
    made = iam.create_role(
        RoleName=named,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        Tags=[{"Key": key, "Value": value} for key, value in aws.tags.items()],
    )
    aws.later(iam.delete_role, RoleName=named)
    if allow:
        may = {"Effect": "Allow", "Action": allow, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [may]})
        iam.put_role_policy(RoleName=named, PolicyName="may", PolicyDocument=document)
        aws.later(iam.delete_role_policy, RoleName=named, PolicyName="may")
    return str(made["Role"]["Arn"])


def function(aws: Target, role_arn: str = "", name: str = "function", region: str = "us-east-1", **more: Any) -> str:
    """The name of a function that is ready."""
    client, named = aws.client("lambda", region), aws.name(name)
    settings = {"Runtime": "python3.13", "Handler": "main.handler", "Code": {"ZipFile": archive()}, "Tags": aws.tags}
    role_arn = role_arn or role(aws, "lambda.amazonaws.com")
    aws.patiently(client.create_function, FunctionName=named, Role=role_arn, **settings | more)
    aws.later(client.delete_function, FunctionName=named)
    ready(aws, named, region)
    return named


def ready(aws: Target, name: str, region: str = "us-east-1") -> dict[str, Any]:
    client = aws.client("lambda", region)

    def settled() -> dict[str, Any] | None:
        found: dict[str, Any] = client.get_function_configuration(FunctionName=name)
        return found if (found["State"], found["LastUpdateStatus"]) == ("Active", "Successful") else None

    found: dict[str, Any] = aws.until(settled)
    return found


EDGE = ("lambda.amazonaws.com", "edgelambda.amazonaws.com")


def edge_version(aws: Target, **more: Any) -> str:
    """The ARN of a version that may run at the edge."""
    arn = str(more.pop("Role", "")) or role(aws, *EDGE)
    name = function(aws, arn, **{"Timeout": 5, **more})
    return str(aws.client("lambda").publish_version(FunctionName=name)["FunctionArn"])


# ---- API Gateway ----------------------------------------


def rest_api(aws: Target, *, method: bool = True, **more: Any) -> str:
    """The id of a REST API, with GET / answered by a mock."""
    client = aws.client("apigateway")
    arguments = {"name": aws.name("api"), "tags": aws.tags, "endpointConfiguration": {"types": ["REGIONAL"]}}
    api = str(aws.patiently(client.create_rest_api, **arguments | more)["id"])
    aws.later(client.delete_rest_api, restApiId=api)
    if method:
        [root] = client.get_resources(restApiId=api)["items"]
        place = {"restApiId": api, "resourceId": root["id"], "httpMethod": "GET"}
        client.put_method(**place, authorizationType="NONE")
        client.put_integration(**place, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    return api


def deployment(aws: Target, api: str, **more: Any) -> str:
    return str(aws.patiently(aws.client("apigateway").create_deployment, restApiId=api, **more)["id"])


# ---- ACM, EC2 ----------------------------------------


def certificate(aws: Target, *names: str, region: str = "us-east-1", **more: Any) -> str:
    """The ARN of an issued certificate for names in the embedded AWS's zone, example.com."""
    acm, route53 = aws.client("acm", region), aws.client("route53")
    asked = {"SubjectAlternativeNames": list(names)} if len(names) > 1 else {}
    asked |= more
    arn = str(acm.request_certificate(DomainName=names[0], ValidationMethod="DNS", **asked)["CertificateArn"])
    describe = lambda: acm.describe_certificate(CertificateArn=arn)["Certificate"]  # noqa: E731
    aws.until(lambda: all("ResourceRecord" in option for option in describe()["DomainValidationOptions"]))
    for record in (option["ResourceRecord"] for option in describe()["DomainValidationOptions"]):
        rows = {"Name": record["Name"], "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": record["Value"]}]}
        batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": rows}]}
        route53.change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch=batch)
    aws.until(lambda: describe()["Status"] == "ISSUED")
    return arn


def network(aws: Target, region: str = "us-east-1") -> tuple[str, str, str]:
    """(VPC, subnet, security group) of a network of its own."""
    ec2 = aws.client("ec2", region)
    vpc = ec2.create_vpc(CidrBlock="10.99.0.0/16", TagSpecifications=tagged(aws, "vpc"))["Vpc"]["VpcId"]
    aws.later(ec2.delete_vpc, VpcId=vpc)
    ec2.get_waiter("vpc_exists").wait(VpcIds=[vpc])
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.99.0.0/24", TagSpecifications=tagged(aws, "subnet"))
    aws.later(ec2.delete_subnet, SubnetId=subnet["Subnet"]["SubnetId"])
    group = ec2.create_security_group(
        GroupName=aws.name("group"),
        Description="conformance",
        VpcId=vpc,
        TagSpecifications=tagged(aws, "security-group"),
    )["GroupId"]
    aws.later(ec2.delete_security_group, GroupId=group)
    ec2.get_waiter("security_group_exists").wait(GroupIds=[group])
    return vpc, subnet["Subnet"]["SubnetId"], group


def tagged(aws: Target, kind: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in aws.tags.items()]}]


JOINING = ["ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface", "ec2:DescribeSubnets",
           "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"]  # fmt: skip


# ---- CloudFront ----------------------------------------

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"


def distribution_config(reference: str, **more: Any) -> dict[str, Any]:
    """The least that CloudFront takes, with one origin of its own."""
    origin = {
        "Id": "origin",
        "DomainName": "origin.example.com",
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"},
    }
    return {
        "CallerReference": reference,
        "Comment": "conformance",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": behavior(),
    } | more


def behavior(**more: Any) -> dict[str, Any]:
    plain = {"TargetOriginId": "origin", "ViewerProtocolPolicy": "https-only", "CachePolicyId": CACHING_DISABLED}
    return plain | more


def runs(arn: str, event: str = "origin-request", **more: Any) -> dict[str, Any]:
    """A behaviour's member that has a function run at an event."""
    return {
        "LambdaFunctionAssociations": {
            "Quantity": 1,
            "Items": [{"LambdaFunctionARN": arn, "EventType": event, **more}],
        }
    }


def distribution(aws: Target, **more: Any) -> tuple[str, str]:
    """(id, ETag) of a distribution that is Deployed. On the embedded AWS only: it costs minutes."""
    client = aws.client("cloudfront")
    made = client.create_distribution(DistributionConfig=distribution_config(aws.name(), **more))
    name = made["Distribution"]["Id"]
    deployed(aws, name, made["ETag"])
    return str(name), str(made["ETag"])


def deployed(aws: Target, name: str, etag: str) -> dict[str, Any]:
    """The distribution as soon as this very version of it is Deployed: a read may lag behind the update."""
    client = aws.client("cloudfront")

    def settled() -> dict[str, Any] | None:
        found: dict[str, Any] = client.get_distribution(Id=name)
        return found if found["ETag"] == etag and found["Distribution"]["Status"] == "Deployed" else None

    found: dict[str, Any] = aws.until(settled)
    return found


def updated(aws: Target, name: str, etag: str, **more: Any) -> str:
    """Read, modify, write; the new ETag."""
    client = aws.client("cloudfront")
    config = client.get_distribution_config(Id=name)["DistributionConfig"] | more
    return str(client.update_distribution(Id=name, IfMatch=etag, DistributionConfig=config)["ETag"])
