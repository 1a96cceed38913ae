"""Per type of our templates: a change by hand is seen at the level of properties, and REVERT_DRIFT writes the template back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local_aws import drift
from local_aws.change_sets import reverting
from local_aws.registry.schemas import facts
from tests.embedded.conftest import Aws
from tests.embedded.test_changesets import Stack, log_group
from tests.embedded.test_drift import ROLE, differences, distribution, drifts, function

# Of what a pass deploys: drift of the control plane is nobody's yet.
TEMPLATES = sorted((Path(__file__).parents[1] / "golden" / "templates").glob("[!c]*.json"))
VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16", "EnableDnsHostnames": True}}
SUBNET = {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "us-east-1a"}
NETWORK = {
    "Vpc": VPC,
    "Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {**SUBNET, "MapPublicIpOnLaunch": False}},
    "Routes": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
}
TLS_ONLY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::assets-1/*"}],
}
BUCKET = {
    "BucketName": "assets-1",
    "VersioningConfiguration": {"Status": "Enabled"},
    "BucketEncryption": {
        "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    },
    "LifecycleConfiguration": {
        "Rules": [{"Id": "old", "Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 90}}]
    },
    "PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "BlockPublicPolicy": True},
    "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
}
KEY_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "kms:*", "Resource": "*"}
    ],
}
HEADERS = {
    "Name": "headers",
    "SecurityHeadersConfig": {"FrameOptions": {"FrameOption": "DENY", "Override": True}},
}
ALARM = {
    "AlarmName": "errors",
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluationPeriods": 3,
    "MetricName": "5XXError",
    "Namespace": "AWS/ApiGateway",
    "Period": 60,
    "Statistic": "Average",
    "Threshold": 0.05,
}
LOG_ROLE = {"Fn::GetAtt": ["Role", "Arn"]}
GATEWAY_ROLE = json.loads(json.dumps(ROLE).replace("lambda.amazonaws.com", "apigateway.amazonaws.com"))
Change = Callable[[Aws, dict[str, str]], Any]


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def _bucket(call: str, **arguments: Any) -> Change:
    return lambda aws, _: getattr(aws.client("s3"), call)(Bucket="assets-1", **arguments)


def _vpc(aws: Aws, ids: dict[str, str]) -> None:
    aws.client("ec2").modify_vpc_attribute(VpcId=ids["Vpc"], EnableDnsHostnames={"Value": False})


def _subnet(aws: Aws, ids: dict[str, str]) -> None:
    aws.client("ec2").modify_subnet_attribute(SubnetId=ids["Subnet"], MapPublicIpOnLaunch={"Value": True})


def _gateway_account(aws: Aws, _: dict[str, str]) -> None:
    trust = GATEWAY_ROLE["Properties"]["AssumeRolePolicyDocument"]
    other = aws.client("iam").create_role(RoleName="other", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    aws.passes(10)  # until API Gateway has heard of it
    aws.go()
    operation = {"op": "replace", "path": "/cloudwatchRoleArn", "value": other}
    aws.client("apigateway").update_account(patchOperations=[operation])


def _alarm(aws: Aws, _: dict[str, str]) -> None:
    aws.client("cloudwatch").put_metric_alarm(**(ALARM | {"Threshold": 0.5}))


def _key_rotation(aws: Aws, ids: dict[str, str]) -> None:
    aws.client("kms").disable_key_rotation(KeyId=ids["Key"])


def _key_policy(aws: Aws, ids: dict[str, str]) -> None:
    wider = json.dumps(KEY_POLICY).replace('"kms:*"', '"*"')
    aws.client("kms").put_key_policy(KeyId=ids["Key"], PolicyName="default", Policy=wider)


def _secret(aws: Aws, _: dict[str, str]) -> None:
    aws.client("secretsmanager").update_secret(SecretId="master", Description="other")


def _bucket_policy(aws: Aws, _: dict[str, str]) -> None:
    other = json.dumps(TLS_ONLY).replace("s3:*", "s3:GetObject")
    aws.client("s3").put_bucket_policy(Bucket="assets-1", Policy=other)


def _headers(aws: Aws, ids: dict[str, str]) -> None:
    client = aws.client("cloudfront")
    found = client.get_response_headers_policy(Id=ids["Headers"])
    config = found["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]
    config["SecurityHeadersConfig"]["FrameOptions"]["FrameOption"] = "SAMEORIGIN"
    client.update_response_headers_policy(Id=ids["Headers"], IfMatch=found["ETag"], ResponseHeadersPolicyConfig=config)


BY_HAND: list[tuple[str, dict[str, Any], Change, list[str]]] = [
    ("Vpc", {"Vpc": VPC}, _vpc, ["/EnableDnsHostnames"]),
    ("Subnet", NETWORK, _subnet, ["/MapPublicIpOnLaunch"]),
    (
        "Account",
        {"Role": GATEWAY_ROLE, "Account": resource("AWS::ApiGateway::Account", CloudWatchRoleArn=LOG_ROLE)},
        _gateway_account,
        ["/CloudWatchRoleArn"],
    ),
    ("Alarm", {"Alarm": resource("AWS::CloudWatch::Alarm", **ALARM)}, _alarm, ["/Threshold"]),
    ("Key", {"Key": resource("AWS::KMS::Key", EnableKeyRotation=True)}, _key_rotation, ["/EnableKeyRotation"]),
    ("Key", {"Key": resource("AWS::KMS::Key", KeyPolicy=KEY_POLICY)}, _key_policy, ["/KeyPolicy/Statement/0/Action"]),
    (
        "Secret",
        {"Secret": resource("AWS::SecretsManager::Secret", Name="master", Description="d", GenerateSecretString={})},
        _secret,
        ["/Description"],
    ),
    (
        "Policy",
        {
            "Bucket": resource("AWS::S3::Bucket", **BUCKET),
            "Policy": resource("AWS::S3::BucketPolicy", Bucket={"Ref": "Bucket"}, PolicyDocument=TLS_ONLY),
        },
        _bucket_policy,
        ["/PolicyDocument/Statement/0/Action"],
    ),
    (
        "Headers",
        {"Headers": resource("AWS::CloudFront::ResponseHeadersPolicy", ResponseHeadersPolicyConfig=HEADERS)},
        _headers,
        ["/ResponseHeadersPolicyConfig/SecurityHeadersConfig/FrameOptions/FrameOption"],
    ),
    (
        "Bucket",
        {"Bucket": resource("AWS::S3::Bucket", **BUCKET)},
        _bucket(
            "put_bucket_encryption",
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
            },
        ),
        ["/BucketEncryption/ServerSideEncryptionConfiguration/0/ServerSideEncryptionByDefault/SSEAlgorithm"],
    ),
    (
        "Bucket",
        {"Bucket": resource("AWS::S3::Bucket", **BUCKET)},
        _bucket(
            "put_bucket_lifecycle_configuration",
            LifecycleConfiguration={
                "Rules": [
                    {
                        "ID": "old",
                        "Status": "Enabled",
                        "Filter": {},
                        "NoncurrentVersionExpiration": {"NoncurrentDays": 9},
                    }
                ]
            },
        ),
        ["/LifecycleConfiguration/Rules/0/NoncurrentVersionExpiration/NoncurrentDays"],
    ),
    (
        "Bucket",
        {"Bucket": resource("AWS::S3::Bucket", **BUCKET)},
        _bucket("delete_public_access_block"),
        ["/PublicAccessBlockConfiguration"],
    ),
    (
        "Bucket",
        {"Bucket": resource("AWS::S3::Bucket", **BUCKET)},
        _bucket(
            "put_bucket_ownership_controls",
            OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
        ),
        ["/OwnershipControls/Rules/0/ObjectOwnership"],
    ),
    (
        "Bucket",
        {"Bucket": resource("AWS::S3::Bucket", **BUCKET)},
        _bucket("put_bucket_versioning", VersioningConfiguration={"Status": "Suspended"}),
        ["/VersioningConfiguration/Status"],
    ),
]


@pytest.fixture
def stack(aws: Aws) -> Stack:
    aws.control("clock", {"speed": 5000})
    return Stack(aws)


def ids(stack: Stack) -> dict[str, str]:
    found = stack.client.describe_stack_resources(StackName=stack.name)["StackResources"]
    return {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in found}


def in_sync(stack: Stack) -> bool:
    return {d["StackResourceDriftStatus"] for d in drifts(stack).values()} == {"IN_SYNC"}


@pytest.mark.parametrize(
    ("name", "resources", "change", "paths"), BY_HAND, ids=[f"{row[0]}{row[3][0]}" for row in BY_HAND]
)
def test_a_change_by_hand_is_named_and_reverted(
    stack: Stack, name: str, resources: dict[str, Any], change: Change, paths: list[str]
) -> None:
    body = {"Resources": resources}
    assert stack.run(body, "CREATE") == "CREATE_COMPLETE"
    assert in_sync(stack)
    change(stack.aws, ids(stack))
    found = drifts(stack)
    assert [key for key, d in found.items() if d["StackResourceDriftStatus"] != "IN_SYNC"] == [name]
    assert list(differences(found[name])) == paths
    assert stack.run(body, DeploymentMode="REVERT_DRIFT") == "UPDATE_COMPLETE"
    assert in_sync(stack)


# ---- what cannot be changed, but can be gone ---------------------------------------------------------------------------------

PERMISSION = resource(
    "AWS::Lambda::Permission",
    FunctionName={"Ref": "Function"},
    Action="lambda:InvokeFunction",
    Principal="apigateway.amazonaws.com",
    SourceArn="arn:aws:execute-api:us-east-1:111111111111:a/*",
)
VERSION = resource("AWS::Lambda::Version", FunctionName={"Ref": "Function"})
ASSOCIATION = resource(
    "AWS::EC2::SubnetRouteTableAssociation", RouteTableId={"Ref": "Routes"}, SubnetId={"Ref": "Subnet"}
)


def _no_permission(aws: Aws, made: dict[str, str]) -> None:
    aws.client("lambda").remove_permission(FunctionName="f", StatementId=made["It"])


def _no_association(aws: Aws, made: dict[str, str]) -> None:
    aws.client("ec2").disassociate_route_table(AssociationId=made["It"])


def _pending_deletion(aws: Aws, made: dict[str, str]) -> None:
    aws.client("kms").schedule_key_deletion(KeyId=made["It"], PendingWindowInDays=7)


def _no_policy(aws: Aws, _: dict[str, str]) -> None:
    aws.client("s3").delete_bucket_policy(Bucket="assets-1")


GONE: list[tuple[dict[str, Any], Change]] = [
    ({"Role": ROLE, "Function": function(), "It": PERMISSION}, _no_permission),
    ({**NETWORK, "It": ASSOCIATION}, _no_association),
    ({"It": resource("AWS::KMS::Key", Description="d")}, _pending_deletion),
    (
        {
            "Bucket": resource("AWS::S3::Bucket", BucketName="assets-1"),
            "It": resource("AWS::S3::BucketPolicy", Bucket={"Ref": "Bucket"}, PolicyDocument=TLS_ONLY),
        },
        _no_policy,
    ),
]


@pytest.mark.parametrize(("resources", "remove"), GONE, ids=[r["It"]["Type"] for r, _ in GONE])
def test_what_was_removed_by_hand_is_made_again(stack: Stack, resources: dict[str, Any], remove: Change) -> None:
    body = {"Resources": resources}
    assert stack.run(body, "CREATE") == "CREATE_COMPLETE"
    remove(stack.aws, ids(stack))
    assert drifts(stack)["It"]["StackResourceDriftStatus"] == "DELETED"
    [change] = stack.plan(body, DeploymentMode="REVERT_DRIFT", name="repair")
    assert (change["LogicalResourceId"], change["Action"], change["ResourceDriftStatus"]) == ("It", "Add", "DELETED")
    assert stack.execute("repair") == "UPDATE_COMPLETE"
    assert in_sync(stack)


def test_a_permission_that_was_rewritten_is_seen_but_not_replaced(stack: Stack) -> None:
    """Drift of what cannot change is not reconciled by replacement (aws-facts §9.3)."""
    body = {"Resources": {"Role": ROLE, "Function": function(), "It": PERMISSION}}
    stack.run(body, "CREATE")
    client, statement = stack.aws.client("lambda"), ids(stack)["It"]
    client.remove_permission(FunctionName="f", StatementId=statement)
    arguments = {"FunctionName": "f", "StatementId": statement, "Action": "lambda:InvokeFunction"}
    client.add_permission(**arguments, Principal="events.amazonaws.com")
    assert set(differences(drifts(stack)["It"])) == {"/Principal", "/SourceArn"}
    found = stack.describe(stack.create(body, DeploymentMode="REVERT_DRIFT"))
    assert (found["Status"], found["StackDriftStatus"]) == ("FAILED", "DRIFTED")


def test_a_deleted_version_is_gone(stack: Stack) -> None:
    stack.run({"Resources": {"Role": ROLE, "Function": function(), "It": VERSION}}, "CREATE")
    stack.aws.client("lambda").delete_function(FunctionName="f", Qualifier="1")
    assert drifts(stack)["It"]["StackResourceDriftStatus"] == "DELETED"


def test_a_delivery_of_logs_that_was_changed_by_hand_is_seen(stack: Stack) -> None:
    arn = "arn:aws:logs:us-east-1:111111111111:log-group"
    arn_of_edge = {"Fn::Sub": "arn:aws:cloudfront::${AWS::AccountId}:distribution/${Edge}"}
    resources = {
        "Edge": distribution(),
        "Log": log_group("/aws/vendedlogs/a"),
        "Other": log_group("/aws/vendedlogs/b"),
        "Source": resource("AWS::Logs::DeliverySource", Name="s", LogType="ACCESS_LOGS", ResourceArn=arn_of_edge),
        "To": resource("AWS::Logs::DeliveryDestination", Name="d", DestinationResourceArn=f"{arn}:/aws/vendedlogs/a")
        | {"DependsOn": "Log"},
        "It": resource(
            "AWS::Logs::Delivery",
            DeliverySourceName={"Ref": "Source"},
            DeliveryDestinationArn={"Fn::GetAtt": ["To", "Arn"]},
        ),
    }
    body = {"Resources": resources}
    assert stack.run(body, "CREATE") == "CREATE_COMPLETE"
    logs = stack.aws.client("logs")
    logs.put_delivery_destination(
        name="d", deliveryDestinationConfiguration={"destinationResourceArn": f"{arn}:/aws/vendedlogs/b"}
    )
    assert list(differences(drifts(stack)["To"])) == ["/DestinationResourceArn"]
    assert stack.describe(stack.create(body, DeploymentMode="REVERT_DRIFT"))["Changes"] == []  # it cannot change
    logs.put_delivery_destination(
        name="d", deliveryDestinationConfiguration={"destinationResourceArn": f"{arn}:/aws/vendedlogs/a"}
    )
    logs.delete_delivery(id=ids(stack)["It"])
    assert drifts(stack)["It"]["StackResourceDriftStatus"] == "DELETED"
    assert stack.run(body, DeploymentMode="REVERT_DRIFT") == "UPDATE_COMPLETE"
    assert in_sync(stack)


# ---- exceptions of drift-aware change sets (aws-facts §9.3) ------------------------------------------------------------------


def test_what_another_stack_attached_is_drift_and_is_taken_away(stack: Stack) -> None:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}
    own = {"PolicyName": "own", "PolicyDocument": document}
    body = {"Resources": {"Role": ROLE | {"Properties": ROLE["Properties"] | {"Policies": [own]}}}}
    stack.run(body, "CREATE")
    attached = resource("AWS::IAM::Policy", PolicyName="other", PolicyDocument=document, Roles=["r"])
    assert stack.aws.deploy("other", {"Attached": attached}) == "CREATE_COMPLETE"
    assert list(differences(drifts(stack)["Role"])) == ["/Policies/1"]
    assert stack.run(body, DeploymentMode="REVERT_DRIFT") == "UPDATE_COMPLETE"
    assert stack.aws.client("iam").list_role_policies(RoleName="r")["PolicyNames"] == ["own"]


def test_a_kms_key_is_not_compared(stack: Stack) -> None:
    made = [stack.aws.client("kms").create_key()["KeyMetadata"]["Arn"] for _ in range(2)]
    secret = resource("AWS::SecretsManager::Secret", Name="m", KmsKeyId=made[0], GenerateSecretString={})
    stack.run({"Resources": {"It": secret}}, "CREATE")
    stack.aws.client("secretsmanager").update_secret(SecretId="m", KmsKeyId=made[1])
    assert drifts(stack)["It"]["StackResourceDriftStatus"] == "IN_SYNC"


def test_a_value_of_a_secret_is_left_alone_and_said_to_be(stack: Stack) -> None:
    stack.aws.client("secretsmanager").create_secret(Name="m", SecretString=json.dumps({"mode": "a"}))
    value = {"Variables": {"MODE": "{{resolve:secretsmanager:m:SecretString:mode}}"}}
    body = {"Resources": {"Role": ROLE, "Function": function(Environment=value)}}
    stack.run(body, "CREATE")
    arguments = {"FunctionName": "f", "MemorySize": 128, "Environment": {"Variables": {"MODE": "b"}}}
    stack.aws.client("lambda").update_function_configuration(**arguments)
    [change] = stack.plan(body, DeploymentMode="REVERT_DRIFT")
    assert [d["Target"]["Path"] for d in change["Details"]] == ["/Properties/MemorySize"]
    ignored = {"Path": "/Properties/Environment", "Reason": "SENSITIVE_PROPERTY"}
    assert ignored in change["ResourceDriftIgnoredAttributes"]


def test_every_type_of_ours_that_cloudformation_can_read_has_a_reader() -> None:
    types = {r["Type"] for path in TEMPLATES for r in json.loads(path.read_text())["Resources"].values()}
    assert sorted(kind for kind in types if facts(kind).readable and kind not in drift.READERS) == []


def test_the_engine_version_of_an_instance_that_upgrades_itself_is_aws_s(aws: Aws) -> None:
    managed = lambda **properties: list(reverting._managed("AWS::RDS::DBInstance", properties))  # noqa: E731
    assert managed(EngineVersion="16.4") == ["EngineVersion"]
    assert managed(EngineVersion="16.4", AutoMinorVersionUpgrade="false") == managed() == []


def test_a_detection_is_told_to_eventbridge_as_documented(stack: Stack) -> None:
    sqs, events = stack.aws.client("sqs"), stack.aws.client("events")
    queue = sqs.create_queue(QueueName="told")["QueueUrl"]
    pattern = {"source": ["aws.cloudformation"], "detail-type": ["CloudFormation Drift Detection Status Change"]}
    events.put_rule(Name="drift", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="drift", Targets=[{"Id": "q", "Arn": "arn:aws:sqs:us-east-1:111111111111:told"}])
    stack.run({"Resources": {"Log": log_group("/l")}}, "CREATE")
    stack.aws.client("logs").put_retention_policy(logGroupName="/l", retentionInDays=1)
    drifts(stack)
    told: list[dict[str, Any]] = []

    def both() -> bool:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        told.extend(json.loads(message["Body"]) for message in messages)
        return len(told) == 2

    stack.aws.until(both)
    details = {event["detail"]["status-details"]["detection-status"]: event["detail"] for event in told}
    assert {event["region"] for event in told} == {"us-east-1"}
    assert details["DETECTION_IN_PROGRESS"]["drift-detection-details"] == {"drifted-stack-resource-count": -1}
    done = details["DETECTION_COMPLETE"]
    assert done["drift-detection-details"] == {"drifted-stack-resource-count": 1}
    assert done["status-details"]["stack-drift-status"] == "DRIFTED"
    assert done["stack-id"] == told[0]["resources"][0]
