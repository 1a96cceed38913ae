"""What a policy allows and denies: elements, limits, conditions, and the resources that a call is about."""

from __future__ import annotations

from typing import Any

import pytest

from tests.embedded.iam_world import ACCOUNT, Caller, World, allow, deny, document, refused, session, trusting

ANN = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/ann"}
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table"


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


def test_a_transaction_needs_the_right_to_each_of_its_parts(world: World) -> None:
    """There is none to a transaction itself [V: DynamoDB, using IAM with transactions]."""
    world.aws.client("dynamodb").create_table(
        TableName="parts",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    check = {"TableName": "parts", "Key": {"pk": {"S": "lease"}}, "ConditionExpression": "attribute_not_exists(pk)"}
    put = {"TableName": "parts", "Item": {"pk": {"S": "status"}}}
    rights = ("dynamodb:ConditionCheckItem", "dynamodb:PutItem")

    def write(role: str, *actions: str) -> None:
        client = world.assume(role, allow(*actions, resource=f"{TABLE}/parts")).client("dynamodb")
        client.transact_write_items(TransactItems=[{"ConditionCheck": check}, {"Put": put}])

    for number, right in enumerate(rights):
        with refused("AccessDeniedException", f"not authorized to perform: {rights[1 - number]}"):
            write(f"half-{number}", right)
    write("whole", *rights)


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
