"""Who may assume a role, and what a policy allows: trust, sessions, boundaries, denies, conditions, eventual consistency."""

from __future__ import annotations

import base64
import io
import json
import time
import zipfile
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from tests.embedded.conftest import Aws
from tests.embedded.iam_world import (
    ACCOUNT,
    Caller,
    World,
    allow,
    deny,
    document,
    refused,
    service,
    session,
    trusting,
)

ANN = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/ann"}
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
HOST = "token.actions.githubusercontent.com"
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table"


# ---- trust -----------------------------------------------------------------------------------------------------------------


def test_a_role_that_names_the_user_needs_no_policy_one_that_names_the_account_does(world: World) -> None:
    ann = world.user("ann")
    session(ann, world.role("named", ANN))
    arn = world.role("delegated", ROOT)
    with refused("AccessDenied", "ann is not authorized to perform: sts:AssumeRole on resource: " + arn):
        session(ann, arn)
    allowed = allow("sts:AssumeRole", resource=arn)
    world.aws.client("iam").put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=document(allowed))
    session(ann, arn)


def test_a_role_that_trusts_others_is_refused_and_so_is_root(world: World) -> None:
    ann, arn = world.user("ann", allow("sts:*")), world.role("for-lambda", service("lambda"))
    with refused("AccessDenied", "sts:AssumeRole"):
        session(ann, arn)
    with refused("AccessDenied", "Roles may not be assumed by root accounts."):
        session(Caller(world.aws, ACCOUNT, "test"), arn)
    with refused("AccessDenied", "ann is not authorized"):
        session(ann, f"arn:aws:iam::{ACCOUNT}:role/none")


def test_conditions_of_the_trust_policy(world: World) -> None:
    ann = world.user("ann", allow("sts:*"))
    external = world.role("external", trusting(ANN, Condition={"StringEquals": {"sts:ExternalId": "secret"}}))
    session(ann, external, ExternalId="secret")
    for wrong in ({}, {"ExternalId": "guess"}):
        with refused("AccessDenied"):
            session(ann, external, **wrong)
    tagged = {"StringEquals": {"aws:RequestTag/plan": "remove-region"}}
    planned = world.role("planned", trusting(ANN, "sts:AssumeRole", "sts:TagSession", Condition=tagged))
    session(ann, planned, Tags=[{"Key": "plan", "Value": "remove-region"}])
    with refused("AccessDenied"):
        session(ann, planned, Tags=[{"Key": "plan", "Value": "add-region"}])
    untagged = world.role("untagged", ANN)
    with refused("AccessDenied", "sts:TagSession"):
        session(ann, untagged, Tags=[{"Key": "plan", "Value": "remove-region"}])


def test_how_long_a_session_may_last(world: World) -> None:
    ann = world.user("ann")
    first_role = world.role("first", ANN)
    long = world.role("long", {"AWS": [ANN["AWS"], first_role]}, MaxSessionDuration=7200)
    session(ann, long, DurationSeconds=7200)
    with refused("ValidationError", "exceeds the MaxSessionDuration set for this role"):
        session(ann, long, DurationSeconds=7201)
    first = session(ann, first_role)
    session(first, long, DurationSeconds=3600)
    with refused("ValidationError", "role chaining"):
        session(first, long, DurationSeconds=3601)


def test_a_role_is_seen_by_others_after_a_while(world: World) -> None:
    ann, iam = world.user("ann"), world.aws.client("iam")
    world.aws.control("clock", {"speed": 20})
    arn = iam.create_role(RoleName="fresh", AssumeRolePolicyDocument=trusting(ANN))["Role"]["Arn"]
    with refused("AccessDenied"):
        session(ann, arn)
    fresh = world.aws.until(lambda: attempt(ann, arn))
    with refused("AccessDenied"):
        fresh.client("sqs").list_queues()
    world.grant("fresh", allow("sqs:*"))
    assert iam.list_role_policies(RoleName="fresh")["PolicyNames"] == ["rights"]  # IAM itself knows at once
    with refused("AccessDenied"):
        fresh.client("sqs").list_queues()
    time.sleep(0.6)
    fresh.client("sqs").list_queues()
    iam.delete_role_policy(RoleName="fresh", PolicyName="rights")
    fresh.client("sqs").list_queues()  # and taking away takes as long
    time.sleep(0.6)
    with refused("AccessDenied"):
        fresh.client("sqs").list_queues()


def test_changes_of_trust_and_of_managed_policies_are_seen_after_a_while(world: World) -> None:
    ann, iam = world.user("ann"), world.aws.client("iam")
    made = iam.create_policy(PolicyName="rights", PolicyDocument=document(allow("sqs:*")))["Policy"]["Arn"]
    arn = world.role("reader", ANN)
    iam.attach_role_policy(RoleName="reader", PolicyArn=made)
    world.propagated()
    world.aws.control("clock", {"speed": 20})
    iam.create_policy_version(PolicyArn=made, PolicyDocument=document(allow("sns:*")), SetAsDefault=True)
    iam.update_assume_role_policy(RoleName="reader", PolicyDocument=trusting(service("lambda")))
    reader = session(ann, arn)
    reader.client("sqs").list_queues()
    time.sleep(0.6)
    with refused("AccessDenied"):
        reader.client("sqs").list_queues()
    with refused("AccessDenied"):
        session(ann, arn)


def attempt(caller: Caller, role: str) -> Caller | None:
    try:
        return session(caller, role)
    except Exception:
        return None


def test_a_function_made_too_soon_after_its_role_is_refused_without_the_option_too(aws: Aws) -> None:
    iam = aws.client("iam")
    aws.control("clock", {"speed": 20})
    arn = iam.create_role(RoleName="fresh", AssumeRolePolicyDocument=trusting(service("lambda")))["Role"]["Arn"]
    make = {"FunctionName": "f", "Runtime": "python3.13", "Handler": "a.b", "Code": {"ZipFile": empty()}, "Role": arn}
    with refused("InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."):
        aws.client("lambda").create_function(**make)
    time.sleep(0.6)
    aws.client("lambda").create_function(**make)
    other = iam.create_role(RoleName="other", AssumeRolePolicyDocument=trusting(service("ec2")))["Role"]["Arn"]
    time.sleep(0.6)
    with refused("InvalidParameterValueException", "cannot be assumed by Lambda."):
        aws.client("lambda").create_function(**make | {"FunctionName": "g", "Role": other})
    active = lambda: aws.client("lambda").get_function(FunctionName="f")["Configuration"]["State"] == "Active"  # noqa: E731
    aws.until(active)
    with refused("InvalidParameterValueException", "cannot be assumed by Lambda."):
        aws.client("lambda").update_function_configuration(FunctionName="f", Role=other)


def empty() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.py", "def b(event, context): return {}")
    return out.getvalue()


# ---- web identity ----------------------------------------------------------------------------------------------------------


def token(**claims: Any) -> str:
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")  # noqa: E731
    standard = {"iss": f"https://{HOST}", "aud": "sts.amazonaws.com", "exp": time.time() + 300}
    return f"{part({'alg': 'none'})}.{part(standard | claims)}."


def test_a_workflow_of_github_becomes_the_role_that_trusts_it(world: World) -> None:
    nobody = boto3.client(
        "sts", region_name="us-east-1", endpoint_url=world.aws.url, config=Config(signature_version=UNSIGNED)
    )
    admitted = {
        "StringEquals": {f"{HOST}:aud": "sts.amazonaws.com"},
        "StringLike": {f"{HOST}:sub": "repo:team/orders:ref:refs/heads/main"},
    }
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{HOST}"
    trust = trusting({"Federated": provider}, "sts:AssumeRoleWithWebIdentity", Condition=admitted)
    arn = world.role("deployer", trust, allow("sqs:ListQueues"))
    assume = lambda **claims: nobody.assume_role_with_web_identity(  # noqa: E731
        RoleArn=arn, RoleSessionName="run-17", WebIdentityToken=token(**claims)
    )
    main = "repo:team/orders:ref:refs/heads/main"
    with refused("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for https://{HOST}"):
        assume(sub=main)
    world.aws.client("iam").create_open_id_connect_provider(
        Url=f"https://{HOST}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
    )
    made = assume(sub=main)
    assert made["SubjectFromWebIdentityToken"] == main
    c = made["Credentials"]
    deployer = Caller(world.aws, c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"])
    assert deployer.client("sts").get_caller_identity()["Arn"].endswith("assumed-role/deployer/run-17")
    deployer.client("sqs").list_queues()
    with refused("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        assume(sub="repo:team/orders:ref:refs/heads/other")
    with refused("InvalidIdentityToken", "Incorrect token audience"):
        assume(sub=main, aud="somebody")
    with refused("ExpiredTokenException"):
        assume(sub=main, exp=time.time() - 1)
    with refused("AccessDenied", "sts:AssumeRole on resource"):  # nor may people become what is for workflows
        session(world.user("ann", allow("sts:*")), arn)


# ---- policies --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(world: World) -> str:
    world.aws.client("s3").create_bucket(Bucket="some-bucket")
    world.aws.client("s3").put_object(Bucket="some-bucket", Key="a/one", Body=b"1")
    return "some-bucket"


def read(caller: Caller, key: str = "a/one") -> bytes:
    found: bytes = caller.client("s3").get_object(Bucket="some-bucket", Key=key)["Body"].read()
    return found


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([allow("s3:GetObject")], True),
        ([allow("s3:Get*", resource="arn:aws:s3:::some-bucket/a/*")], True),
        ([allow("s3:GetObject", resource="arn:aws:s3:::some-bucket/b/*")], False),
        ([allow("s3:*"), deny("s3:GetObject", resource="arn:aws:s3:::some-bucket/a/*")], False),
        ([{"Effect": "Allow", "NotAction": "s3:PutObject", "Resource": "*"}], True),
        ([{"Effect": "Allow", "NotAction": "s3:Get*", "Resource": "*"}], False),
        ([{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::some-bucket/b/*"}], True),
        ([allow("s3:*"), {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::other/*"}], False),
        ([allow("*", Condition={"StringEquals": {"aws:PrincipalTag/team": "blue"}})], True),
        ([allow("*", Condition={"StringEquals": {"aws:PrincipalTag/team": "red"}})], False),
        ([allow("*", Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/reader"}})], True),
        ([allow("*", Condition={"Bool": {"aws:SecureTransport": "true"}})], True),
    ],
)
def test_a_policy(world: World, bucket: str, statements: list[dict[str, Any]], allowed: bool) -> None:
    reader = world.assume("reader", *statements, Tags=[{"Key": "team", "Value": "blue"}])
    if allowed:
        assert read(reader) == b"1"
    else:
        with refused("AccessDenied", f"assumed-role/reader/test is not authorized to perform: s3:GetObject on resource: "
                     f"arn:aws:s3:::{bucket}/a/one"):  # fmt: skip
            read(reader)


def test_a_session_policy_and_a_boundary_only_take_away(world: World, bucket: str) -> None:
    ann = world.user("ann")
    arn = world.role("reader", ANN, allow("s3:GetObject"))
    assert read(session(ann, arn, Policy=document(allow("s3:*")))) == b"1"
    with refused("AccessDenied"):
        read(session(ann, arn, Policy=document(allow("sqs:*"))))
    with refused("AccessDenied"):
        session(ann, arn, Policy=document(allow("sqs:*"))).client("sqs").list_queues()
    made = world.aws.client("iam").create_policy(PolicyName="limit", PolicyDocument=document(allow("sqs:*")))
    bounded = world.role("bounded", ANN, allow("*"), PermissionsBoundary=made["Policy"]["Arn"])
    session(ann, bounded).client("sqs").list_queues()
    with refused("AccessDenied"):
        read(session(ann, bounded))


def test_roles_can_be_made_only_with_their_boundary(world: World) -> None:
    limit = world.aws.client("iam").create_policy(PolicyName="limit", PolicyDocument=document(allow("sqs:*")))
    arn = limit["Policy"]["Arn"]
    bounded = {"StringEquals": {"iam:PermissionsBoundary": arn}}
    maker = world.assume("maker", allow("iam:CreateRole", "iam:PutRolePolicy", Condition=bounded)).client("iam")
    make = {"RoleName": "made", "AssumeRolePolicyDocument": trusting(ROOT)}
    with refused("AccessDenied", "iam:CreateRole"):
        maker.create_role(**make)
    maker.create_role(**make, PermissionsBoundary=arn)
    maker.put_role_policy(RoleName="made", PolicyName="p", PolicyDocument=document(allow("*")))


def test_items_of_a_table_by_their_leading_keys(world: World) -> None:
    world.aws.client("dynamodb").create_table(
        TableName="items",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["orders"]}}
    table = world.assume("one", allow("dynamodb:*", resource=f"{TABLE}/items", Condition=own)).client("dynamodb")
    table.put_item(TableName="items", Item={"pk": {"S": "orders"}})
    keyed = {"KeyConditionExpression": "#k = :v", "ExpressionAttributeNames": {"#k": "pk"}}
    assert table.query(TableName="items", **keyed, ExpressionAttributeValues={":v": {"S": "orders"}})["Count"] == 1
    for refused_call in (
        lambda: table.put_item(TableName="items", Item={"pk": {"S": "billing"}}),
        lambda: table.get_item(TableName="items", Key={"pk": {"S": "billing"}}),
        lambda: table.query(TableName="items", **keyed, ExpressionAttributeValues={":v": {"S": "billing"}}),
        lambda: table.batch_write_item(RequestItems={"items": [{"DeleteRequest": {"Key": {"pk": {"S": "billing"}}}}]}),
        lambda: table.transact_write_items(
            TransactItems=[{"Delete": {"TableName": "items", "Key": {"pk": {"S": "billing"}}}}]
        ),
    ):
        with refused("AccessDeniedException", "not authorized to perform: dynamodb:"):
            refused_call()


def test_records_by_name_type_and_action(world: World) -> None:
    prefix = "route53:ChangeResourceRecordSets"
    ours = {
        "ForAllValues:StringLike": {f"{prefix}NormalizedRecordNames": ["route.api.example.com", "*.origin.api.example.com"]},
        "ForAllValues:StringEquals": {f"{prefix}RecordTypes": ["CNAME"], f"{prefix}Actions": ["UPSERT"]},
    }  # fmt: skip
    zone = "arn:aws:route53:::hostedzone/Z0123456789EXAMPLE"
    dns = world.assume("dns", allow("route53:ChangeResourceRecordSets", resource=zone, Condition=ours)).client(
        "route53"
    )

    def change(name: str, kind: str = "CNAME", action: str = "UPSERT") -> None:
        value = {"CNAME": "x.example.com", "TXT": '"x"'}[kind]
        record = {"Name": name, "Type": kind, "TTL": 10, "ResourceRecords": [{"Value": value}]}
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        dns.change_resource_record_sets(HostedZoneId="Z0123456789EXAMPLE", ChangeBatch=batch)

    change("Route.api.example.com.")
    change("eu-west-1.origin.api.example.com")
    for other in (("www.example.com",), ("route.api.example.com", "TXT"), ("route.api.example.com", "CNAME", "DELETE")):
        with refused("AccessDenied", "hostedzone/Z0123456789EXAMPLE"):
            change(*other)


def test_every_cluster_that_a_switchover_names_must_be_allowed(world: World) -> None:
    both = [f"arn:aws:rds::{ACCOUNT}:global-cluster:orders", f"arn:aws:rds:*:{ACCOUNT}:cluster:orders-*"]
    target = f"arn:aws:rds:us-east-1:{ACCOUNT}:cluster:orders-us-east-1"
    call = {"GlobalClusterIdentifier": "orders", "TargetDbClusterIdentifier": target}
    for number, resources in enumerate(both):
        rds = world.assume(f"half-{number}", allow("rds:SwitchoverGlobalCluster", resource=resources)).client("rds")
        with refused(
            "AccessDenied", "rds:SwitchoverGlobalCluster on resource: ", ":cluster:" if number == 0 else ":global-"
        ):
            rds.switchover_global_cluster(**call)
    rds = world.assume("whole", allow("rds:SwitchoverGlobalCluster", resource=both)).client("rds")
    with refused("GlobalClusterNotFoundFault"):  # allowed, and there is none
        rds.switchover_global_cluster(**call)


def test_a_call_that_names_nothing_is_about_everything(world: World) -> None:
    one = f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:one"
    alarms = world.assume("one", allow("cloudwatch:DescribeAlarms", resource=one)).client("cloudwatch")
    with refused(
        "AccessDeniedException",
        f"cloudwatch:DescribeAlarms on resource: arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:*",
    ):
        alarms.describe_alarms()
    networks = world.assume("two", allow("ec2:DescribeSubnets", resource=f"arn:aws:ec2:*:{ACCOUNT}:subnet/*"))
    with refused("UnauthorizedOperation"):  # takes no resources: only `*` allows it
        networks.client("ec2").describe_subnets(SubnetIds=["subnet-1"])


def test_tags_of_requests_and_resources(world: World) -> None:
    asked = {"StringEquals": {"aws:RequestTag/meridian:topology": "orders"}}
    maker = world.assume("maker", allow("sqs:CreateQueue", "sqs:TagQueue", Condition=asked)).client("sqs")
    maker.create_queue(QueueName="ours", tags={"meridian:topology": "orders"})
    with refused("AccessDenied"):
        maker.create_queue(QueueName="theirs", tags={"meridian:topology": "billing"})
    untagging = world.assume("untagging", allow("sqs:CreateQueue")).client("sqs")
    with refused("AccessDenied", "sqs:TagQueue"):
        untagging.create_queue(QueueName="another", tags={"a": "b"})
    owned = {"StringEquals": {"aws:ResourceTag/meridian:topology": "orders"}}
    world.aws.client("sqs").create_queue(QueueName="others")
    sender = world.assume("sender", allow("sqs:SendMessage", Condition=owned)).client("sqs")
    url = lambda name: world.aws.client("sqs").get_queue_url(QueueName=name)["QueueUrl"]  # noqa: E731
    sender.send_message(QueueUrl=url("ours"), MessageBody="x")
    with refused("AccessDenied"):
        sender.send_message(QueueUrl=url("others"), MessageBody="x")
    rds = world.aws.client("rds")
    for name, topology in (("ours", "orders"), ("others", "billing")):
        tags = [{"Key": "meridian:topology", "Value": topology}]
        rds.create_global_cluster(GlobalClusterIdentifier=name, Engine="aurora-postgresql", Tags=tags)
    owner = world.assume("owner", allow("rds:DeleteGlobalCluster", Condition=owned)).client("rds")
    owner.delete_global_cluster(GlobalClusterIdentifier="ours")
    with refused("AccessDenied", "global-cluster:others"):
        owner.delete_global_cluster(GlobalClusterIdentifier="others")
