"""A stack does what its service role may do, else what its caller may do; and the right to hand a role to a service."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.embedded.conftest import Aws
from tests.embedded.iam_policies import OF_A_PASS, make_service_role
from tests.embedded.iam_world import (
    ACCOUNT,
    World,
    allow,
    deny,
    refused,
    service,
    session,
    trusting,
)

QUEUE = {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "jobs"}}}
QUEUE_ARN = f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs"
STACKS = f"arn:aws:cloudformation:*:{ACCOUNT}:stack/app-*/*"
SQS = ("sqs:CreateQueue", "sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:ListQueueTags", "sqs:TagQueue")
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


def deploy(who: Any, name: str, resources: dict[str, Any], **more: Any) -> str:
    body, cloudformation = json.dumps({"Resources": resources}), who.client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"], **more)
    return str(Aws.settled(who, name))


def reasons(world: World, name: str) -> str:
    events = world.aws.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    return " ".join(e.get("ResourceStatusReason", "") for e in events if e["ResourceStatus"].endswith("_FAILED"))


def test_without_a_role_a_stack_has_its_callers_rights(world: World) -> None:
    caller = world.assume("caller", allow("cloudformation:*"))
    assert deploy(caller, "app-one", QUEUE) == "ROLLBACK_COMPLETE"
    assert (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/caller/test is not authorized to perform: sqs:CreateQueue on resource: "
        f"{QUEUE_ARN} because no identity-based policy allows the sqs:CreateQueue action (Service: Sqs, Status Code: 403"
    ) in reasons(world, "app-one")
    assert "(HandlerErrorCode: AccessDenied)" in reasons(world, "app-one")
    through = {"ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}
    world.grant("caller", allow("cloudformation:*"), allow(*SQS, Condition=through))
    world.propagated()
    assert deploy(caller, "app-two", QUEUE) == "CREATE_COMPLETE"
    with refused("AccessDenied"):  # the same right, but not through CloudFormation
        caller.client("sqs").create_queue(QueueName="other")


def test_with_a_role_a_stack_has_the_roles_rights_and_keeps_them(world: World) -> None:
    role = world.role("builder", service("cloudformation"), allow(*SQS, resource=QUEUE_ARN))
    first = world.assume("first", allow("cloudformation:*"), allow("iam:PassRole", resource=role))
    assert deploy(first, "app-one", QUEUE, RoleARN=role) == "CREATE_COMPLETE"
    cloudformation = first.client("cloudformation")
    assert cloudformation.describe_stacks(StackName="app-one")["Stacks"][0]["RoleARN"] == role
    second = world.assume("second", allow("cloudformation:*"))  # neither the rights nor the role to pass
    update = {"Queue": QUEUE["Queue"] | {"Properties": {"QueueName": "jobs", "DelaySeconds": 5}}}
    second.client("cloudformation").update_stack(StackName="app-one", TemplateBody=json.dumps({"Resources": update}))
    assert world.aws.settled("app-one") == "UPDATE_ROLLBACK_COMPLETE"
    assert "assumed-role/builder/AWSCloudFormation is not authorized to perform: sqs:SetQueueAttributes" in reasons(
        world, "app-one"
    )
    world.grant("builder", allow(*SQS, "sqs:SetQueueAttributes", "sqs:UntagQueue", "sqs:DeleteQueue"))
    world.propagated()
    second.client("cloudformation").update_stack(StackName="app-one", TemplateBody=json.dumps({"Resources": update}))
    assert world.aws.settled("app-one") == "UPDATE_COMPLETE"
    second.client("cloudformation").delete_stack(StackName="app-one")
    world.aws.until(lambda: not world.aws.client("sqs").list_queues().get("QueueUrls"))


def test_a_role_comes_with_a_change_set(world: World) -> None:
    role = world.role("builder", service("cloudformation"), allow("sqs:*"))
    who = world.assume("who", allow("cloudformation:*"), allow("iam:PassRole", resource=role))
    cloudformation = who.client("cloudformation")
    cloudformation.create_change_set(
        StackName="app-one", ChangeSetName="one", ChangeSetType="CREATE", RoleARN=role,
        TemplateBody=json.dumps({"Resources": QUEUE}),
    )  # fmt: skip
    ready = lambda: cloudformation.describe_change_set(StackName="app-one", ChangeSetName="one")["Status"]  # noqa: E731
    world.aws.until(lambda: ready() == "CREATE_COMPLETE")
    cloudformation.execute_change_set(StackName="app-one", ChangeSetName="one")
    assert world.aws.settled("app-one") == "CREATE_COMPLETE"


def test_a_role_that_cloudformation_may_not_assume_is_refused_without_the_option_too(aws: Aws) -> None:
    aws.client("iam").create_role(RoleName="other", AssumeRolePolicyDocument=trusting(service("lambda")))
    for name in ("other", "none"):
        with refused("ValidationError", f"Role arn:aws:iam::{ACCOUNT}:role/{name} is invalid or cannot be assumed"):
            deploy(aws, "app-one", QUEUE, RoleARN=f"arn:aws:iam::{ACCOUNT}:role/{name}")


def test_an_orchestrator_is_held_to_its_stacks_and_its_role(world: World) -> None:
    role = world.role("builder", service("cloudformation"), allow("sqs:*"))
    other = world.role("almighty", service("cloudformation"), allow("*"))
    only = {"StringEquals": {"cloudformation:RoleArn": role}}
    operations = ("cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:DeleteStack")
    statements = (
        allow(*operations, resource=STACKS, Condition=only),
        allow("cloudformation:Describe*"),
        allow("iam:PassRole", resource="*", Condition={"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}),
    )  # fmt: skip
    who = world.assume("who", *statements)
    with refused("AccessDenied", "cloudformation:CreateStack", "stack/app-one/*"):
        deploy(who, "app-one", QUEUE)
    with refused("AccessDenied", "cloudformation:CreateStack"):
        deploy(who, "app-one", QUEUE, RoleARN=other)
    with refused("AccessDenied", "cloudformation:CreateStack"):
        deploy(who, "else", QUEUE, RoleARN=role)
    assert deploy(who, "app-one", QUEUE, RoleARN=role) == "CREATE_COMPLETE"
    tagged = [{"Key": "a", "Value": "b"}]
    with refused("AccessDenied", "cloudformation:TagResource"):
        deploy(who, "app-two", QUEUE, RoleARN=role, Tags=tagged)


# ---- every type of our templates -----------------------------------------------------------------------------------------------


# What makes each type of our templates.
MAKES = dict(
    line.split()
    for line in """
        AWS::ApiGateway::Account               apigateway:PATCH
        AWS::ApiGateway::BasePathMapping       apigateway:POST
        AWS::ApiGateway::Deployment            apigateway:POST
        AWS::ApiGateway::DomainName            apigateway:POST
        AWS::ApiGateway::RestApi               apigateway:POST
        AWS::ApiGateway::Stage                 apigateway:POST
        AWS::CertificateManager::Certificate   acm:RequestCertificate
        AWS::CloudFront::Distribution          cloudfront:CreateDistribution
        AWS::CloudFront::ResponseHeadersPolicy cloudfront:CreateResponseHeadersPolicy
        AWS::CloudWatch::Alarm                 cloudwatch:PutMetricAlarm
        AWS::DynamoDB::Table                   dynamodb:CreateTable
        AWS::EC2::RouteTable                   ec2:CreateRouteTable
        AWS::EC2::SecurityGroup                ec2:CreateSecurityGroup
        AWS::EC2::Subnet                       ec2:CreateSubnet
        AWS::EC2::SubnetRouteTableAssociation  ec2:AssociateRouteTable
        AWS::EC2::VPC                          ec2:CreateVpc
        AWS::IAM::Role                         iam:CreateRole
        AWS::KMS::Key                          kms:CreateKey
        AWS::Lambda::Function                  lambda:CreateFunction
        AWS::Lambda::Permission                lambda:AddPermission
        AWS::Lambda::Version                   lambda:PublishVersion
        AWS::Logs::Delivery                    logs:CreateDelivery
        AWS::Logs::DeliveryDestination         logs:PutDeliveryDestination
        AWS::Logs::DeliverySource              logs:PutDeliverySource
        AWS::Logs::LogGroup                    logs:CreateLogGroup
        AWS::RDS::DBCluster                    rds:CreateDBCluster
        AWS::RDS::DBClusterParameterGroup      rds:CreateDBClusterParameterGroup
        AWS::RDS::DBInstance                   rds:CreateDBInstance
        AWS::RDS::DBSubnetGroup                rds:CreateDBSubnetGroup
        AWS::RDS::GlobalCluster                rds:CreateGlobalCluster
        AWS::Route53::HealthCheck              route53:CreateHealthCheck
        AWS::Route53::RecordSet                route53:ChangeResourceRecordSets
        AWS::S3::Bucket                        s3:CreateBucket
        AWS::S3::BucketPolicy                  s3:PutBucketPolicy
        AWS::SecretsManager::Secret            secretsmanager:CreateSecret
    """.strip().splitlines()
)
# Where our templates' own properties, with plain values in place of references, are not what the registry admits.
PLAIN = {
    "AWS::Lambda::Function": {
        "Role": f"arn:aws:iam::{ACCOUNT}:role/some", "Runtime": "python3.13", "Handler": "a.b",
        "Code": {"S3Bucket": "some-bucket", "S3Key": "key"},
    },
    "AWS::Lambda::Version": {"FunctionName": "some"},
    "AWS::RDS::DBCluster": {"Engine": "aurora-postgresql", "DBClusterIdentifier": "some"},
    "AWS::RDS::DBClusterParameterGroup": {"Description": "some", "Family": "aurora-postgresql16", "Parameters": {"a": "b"}},
    "AWS::RDS::DBInstance": {"Engine": "aurora-postgresql", "DBInstanceClass": "db.serverless", "DBClusterIdentifier": "some"},
    "AWS::S3::Bucket": {"BucketName": "some-bucket"},
}  # fmt: skip


def test_the_list_of_types_is_complete() -> None:
    definitions = [d for path in OF_A_PASS for d in json.loads(path.read_text())["Resources"].values()]
    assert {definition["Type"] for definition in definitions} == set(MAKES)


@pytest.mark.parametrize("kind", MAKES)
def test_every_type_of_our_templates_is_authorised(world: World, kind: str) -> None:
    """Deployed by a role that lacks one permission of the type: refused for exactly that."""
    caller = world.assume("caller", allow("*"), deny(MAKES[kind]))
    thing = {"Type": kind, "Properties": PLAIN.get(kind) or sample(kind)}
    assert deploy(caller, "app-one", {"Thing": thing}) == "ROLLBACK_COMPLETE"
    assert f"is not authorized to perform: {MAKES[kind]} on resource: " in reasons(world, "app-one")
    assert "with an explicit deny in an identity-based policy" in reasons(world, "app-one")


def sample(kind: str) -> dict[str, Any]:
    """A definition of this type from our templates, with plain values where it refers to something."""
    for path in OF_A_PASS:
        for definition in json.loads(path.read_text())["Resources"].values():
            if definition["Type"] == kind:
                found: dict[str, Any] = _plain(definition.get("Properties", {}))
                return found
    raise AssertionError(kind)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and next(iter(value)) in ("Ref", "Fn::Sub", "Fn::GetAtt", "Fn::Select", "Fn::Split", "Fn::Join"):
        return f"arn:aws:iam::{ACCOUNT}:role/some"
    return {k: _plain(v) for k, v in value.items()}


@pytest.mark.parametrize("without", ["sqs:CreateQueue", "sqs:GetQueueAttributes", "sqs:TagQueue"])
def test_reading_and_tagging_is_needed_too(world: World, without: str) -> None:
    caller = world.assume("caller", allow("cloudformation:*"), allow(*(a for a in SQS if a != without)))
    assert deploy(caller, "app-one", QUEUE) == "ROLLBACK_COMPLETE"
    assert f"not authorized to perform: {without} on resource: {QUEUE_ARN}" in reasons(world, "app-one")


def test_data_is_deleted_only_by_a_role_that_is_tagged_for_it(world: World) -> None:
    """CloudFormation passes no session tags, so the tag is the role's."""
    role = make_service_role(world)
    caller = world.assume("caller", allow("cloudformation:*", "iam:PassRole"))
    key = {"Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": key_policy()}}}
    assert deploy(caller, "app-one", key, RoleARN=role) == "CREATE_COMPLETE"
    caller.client("cloudformation").delete_stack(StackName="app-one")
    assert world.aws.settled("app-one") == "DELETE_FAILED"
    assert "kms:ScheduleKeyDeletion on resource: arn:aws:kms" in reasons(world, "app-one")
    world.aws.client("iam").tag_role(
        RoleName="meridian-cloudformation", Tags=[{"Key": "plan", "Value": "remove-region"}]
    )
    world.propagated()
    stack = caller.client("cloudformation").describe_stacks(StackName="app-one")["Stacks"][0]["StackId"]
    caller.client("cloudformation").delete_stack(StackName="app-one")
    world.aws.until(lambda: world.aws.stack_status(stack) == "DELETE_COMPLETE")


def key_policy(principal: str = f"arn:aws:iam::{ACCOUNT}:root") -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "kms:*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_rights_that_are_taken_away_end_what_they_began(world: World) -> None:
    ann = world.user("ann", allow("sts:AssumeRole"))
    caller = session(ann, world.role("caller", ROOT, allow("*")))
    queue = {"Type": "AWS::SQS::Queue"}
    chain = {"First": queue, "Second": queue | {"DependsOn": "First"}, "Third": queue | {"DependsOn": "Second"}}
    world.aws.still()
    caller.client("cloudformation").create_stack(StackName="app-one", TemplateBody=json.dumps({"Resources": chain}))
    world.aws.client("iam").delete_role_policy(RoleName="caller", PolicyName="rights")
    world.aws.go(20)  # others see it between two resources, not between two rights of one
    assert world.aws.settled("app-one") == "ROLLBACK_FAILED"
    assert "sqs:CreateQueue" in reasons(world, "app-one")
    assert "sqs:DeleteQueue" in reasons(world, "app-one")
