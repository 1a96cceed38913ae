"""The control plane's roles, as `meridian bootstrap` makes them: what each needs passes, what it must never do is denied, and the
reconciler's is enough to converge from nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.model.control import (
    BREAK_GLASS,
    GITHUB_APPROVE,
    GITHUB_MAIN,
    GITHUB_PLAN,
    OBSERVER,
    RECONCILE,
    SERVICE,
    SERVICE_DELETE,
    SYNTH,
    WAKE,
)
from tests.embedded.command import prepared
from tests.embedded.conftest import ROOT, Aws
from tests.embedded.control_plane import REPOSITORY, Call, ControlPlane, arn, denied
from tests.embedded.iam_world import ACCOUNT, World, allow, document, refused, service

QUICKLY = 5000
BUCKET = f"meridian-revisions-{ACCOUNT}-us-east-1"
ASSETS = f"meridian-assets-{ACCOUNT}-us-east-1"
IMAGE = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/meridian-synth@sha256:{'0' * 64}"
QUEUE = f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/meridian-reconcile"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:meridian-events"
PAGE = "reports/orders.html"
CLUSTER = f"arn:aws:rds:us-east-1:{ACCOUNT}:cluster:orders-us-east-1"
ZONE = "Z0123456789EXAMPLE"
BODY = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'


@pytest.fixture(scope="module")
def plane(enforcing_server: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    assert enforcing_server.control("reset", {})[0] == 200
    enforcing_server.control("clock", {"speed": QUICKLY})
    meridian = prepared(tmp_path_factory.mktemp("work"), enforcing_server.url)
    image = {"uri": IMAGE, "python": sys.executable, "handler": "handlers.synth.app.handler", "path": [str(ROOT)]}
    assert enforcing_server.control("images", image)[0] == 200
    code, out, err = meridian.run("bootstrap", "--github", REPOSITORY, "--synth-image", IMAGE)
    assert code == 0, out + err
    put(PAGE)(enforcing_server.client)  # what is not there reads as forbidden to who may not list
    yield ControlPlane(World(enforcing_server), meridian)
    enforcing_server.control("reset", {})


def put(key: str, bucket: str = BUCKET) -> Call:
    return lambda client: client("s3").put_object(Bucket=bucket, Key=key, Body=b"x")


def get(key: str, bucket: str = BUCKET) -> Call:
    return lambda client: client("s3").get_object(Bucket=bucket, Key=key)


def call(name: str, operation: str, region: str = "us-east-1", **arguments: Any) -> Call:
    return lambda client: getattr(client(name, region), operation)(**arguments)


def change_set(role: str | None, stack: str = "meridian-parcels-global", kind: str = "CREATE") -> Call:
    given = {"RoleARN": arn(role)} if role else {}
    return call("cloudformation", "create_change_set", StackName=stack, ChangeSetName="x", ChangeSetType=kind,
                TemplateBody=BODY, **given)  # fmt: skip


def record(kind: str, value: str) -> Call:
    change = {
        "Action": "UPSERT",
        "ResourceRecordSet": {"Name": "x.example.com", "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]},
    }
    return call("route53", "change_resource_record_sets", HostedZoneId=ZONE, ChangeBatch={"Changes": [change]})


LOOK = {
    "stacks": call("cloudformation", "describe_stacks", "eu-west-1"),
    "global cluster": call("rds", "describe_global_clusters"),
    "health checks": call("route53", "list_health_checks"),
    "networks": call("ec2", "describe_vpcs", "eu-west-1"),
    "status": call("dynamodb", "get_item", TableName="meridian-state", Key={"pk": {"S": "x"}, "sk": {"S": "y"}}),
}
FAILOVER = call("rds", "failover_global_cluster", GlobalClusterIdentifier="orders", TargetDbClusterIdentifier=CLUSTER)
SWITCHOVER = call(
    "rds", "switchover_global_cluster", GlobalClusterIdentifier="orders", TargetDbClusterIdentifier=CLUSTER
)
DELETE_CLUSTER = call("rds", "delete_db_cluster", DBClusterIdentifier="orders-us-east-1", SkipFinalSnapshot=True)
DETACH = call("rds", "remove_from_global_cluster", GlobalClusterIdentifier="orders", DbClusterIdentifier=CLUSTER)
CREATE_CLUSTER = call("rds", "create_db_cluster", DBClusterIdentifier="other", Engine="aurora-postgresql")
CREATE_ROLE = call("iam", "create_role", RoleName="admin", AssumeRolePolicyDocument=document())
OWN_ROLE = call("iam", "put_role_policy", RoleName=RECONCILE, PolicyName="more", PolicyDocument=document())
CREATE_VPC = call("ec2", "create_vpc", CidrBlock="10.99.0.0/16")
SEND = call("sqs", "send_message", QueueUrl=QUEUE, MessageBody='{"topology": "orders", "reason": "test"}')
RECEIVE = call("sqs", "receive_message", QueueUrl=QUEUE)
SECRET = call("secretsmanager", "get_secret_value", SecretId="Master")
INVOKE = call("lambda", "invoke", FunctionName="meridian-orders-api")
DELETE_OBJECT = call("s3", "delete_object", Bucket=BUCKET, Key="revisions/orders.zip")
KEEP = call("dynamodb", "put_item", TableName="meridian-state", Item={"pk": {"S": "x"}, "sk": {"S": "y"}})
APPROVE = call(
    "dynamodb", "put_item", TableName="meridian-state", Item={"pk": {"S": "approval#orders"}, "sk": {"S": "approval"}}
)
ASK = call(
    "dynamodb",
    "query",
    TableName="meridian-state",
    KeyConditionExpression="pk = :topology",
    ExpressionAttributeValues={":topology": {"S": "topology#orders"}},
)
GATE = call("route53", "create_health_check", CallerReference="meridian/x/us-east-1/gate/1", HealthCheckConfig={
    "Type": "CALCULATED", "HealthThreshold": 0, "ChildHealthChecks": []})  # fmt: skip
PUBLISH = call("sns", "publish", TopicArn=TOPIC, Subject="s", Message="m")
SUBSCRIBE = call("sns", "subscribe", TopicArn=TOPIC, Protocol="email", Endpoint="mallory@example.com")
KEY_DELETION = call("kms", "schedule_key_deletion", KeyId="11111111-1111-1111-1111-111111111111")

NEEDED: dict[str, dict[str, Call]] = {
    OBSERVER: {**LOOK, "page": get(PAGE)},
    WAKE: {"send": SEND, "list": call("s3", "list_objects_v2", Bucket=BUCKET, Prefix="revisions/")},
    RECONCILE: {
        **LOOK,
        "deploy": change_set(SERVICE),
        "delete": call("cloudformation", "delete_stack", StackName="meridian-x-api", RoleARN=arn(SERVICE_DELETE)),
        "read bundle": get("revisions/orders.zip"),
        "keep record": put("runs/orders/2026-01-01/x.json.gz"),
        "keep status": KEEP,
        "page": put(PAGE),
        "tell": PUBLISH,
        "requeue": SEND,
        "receive": RECEIVE,
        "synthesise": call("lambda", "get_function_configuration", FunctionName=SYNTH),
        "switchover": SWITCHOVER,
        "detach": DETACH,
        "last of a Region": DELETE_CLUSTER,
        "gate": GATE,
        "asset": put("assets/x.zip", ASSETS),
    },
    SYNTH: {"bundle": get("revisions/orders.zip"), "code": get("code/x.zip"), "template": put("templates/x.zip")},
    SERVICE: {
        "network": CREATE_VPC,
        "record": record("CNAME", "y.example.com"),
        "role": call("iam", "create_role", RoleName="meridian-x-edge", AssumeRolePolicyDocument=document()),
        "code": get("assets/x.zip", ASSETS),
        "database": CREATE_CLUSTER,
    },
    SERVICE_DELETE: {"cluster": DELETE_CLUSTER, "look": call("ec2", "describe_vpcs")},
    BREAK_GLASS: {"look": LOOK["global cluster"], "fail over": FAILOVER, "journal": put("failover/x.json", ASSETS)},
    GITHUB_PLAN: {**LOOK, "page": get(PAGE), "bundle": get("revisions/orders.zip"), "head": get("heads/orders.json")},
    GITHUB_MAIN: {
        "bundle": put("revisions/orders.zip"),
        "code": put("code/x.zip"),
        "head": put("heads/orders.json"),
        "status": LOOK["status"],
        "page": get(PAGE),
    },
    GITHUB_APPROVE: {"status": ASK, "what was approved": LOOK["status"], "approve": APPROVE, "wake": SEND},
}
CHANGES: dict[str, Call] = {
    "fail over": FAILOVER,
    "delete data": DELETE_CLUSTER,
    "detach": DETACH,
    "make a cluster": CREATE_CLUSTER,
    "make a role": CREATE_ROLE,
    "widen a role": OWN_ROLE,
    "make a network": CREATE_VPC,
    "send a message": SEND,
    "take a message": RECEIVE,
    "read a secret": SECRET,
    "call a function": INVOKE,
    "delete a revision": DELETE_OBJECT,
    "put a revision": put("revisions/orders.zip"),
    "put a template": put("templates/x.zip"),
    "put a record of a run": put("runs/x"),
    "put an asset": put("assets/x.zip", ASSETS),
    "put a page": put("reports/x.html"),
    "tell people": PUBLISH,
    "listen in": SUBSCRIBE,
    "write the state": KEEP,
    "approve a plan": APPROVE,
    "make a gate": GATE,
    "change DNS": record("A", "192.0.2.1"),
    "delegate a name": record("NS", "ns.example.net"),
    "deploy as another role": change_set(BREAK_GLASS),
    "deploy by its own rights": change_set(None),
    "delete the key": KEY_DELETION,
    "deploy by the service role": change_set(SERVICE),
    "switch over": SWITCHOVER,
}
"""What one or the other role may do, and every other must not."""
MAY: dict[str, set[str]] = {
    OBSERVER: set(),
    WAKE: {"send a message"},
    RECONCILE: {
        "send a message",
        "take a message",
        "write the state",
        "make a gate",
        "put a record of a run",
        "put a page",
        "tell people",
        "put an asset",
        "deploy by the service role",
        "switch over",
        "delete data",
        "detach",
    },
    SYNTH: {"put a template"},
    SERVICE: {"make a cluster", "make a network", "change DNS", "make a gate", "read a secret"},  # for templates' own
    SERVICE_DELETE: {"delete data", "detach", "delete the key", "change DNS", "read a secret"},
    BREAK_GLASS: {"fail over", "put an asset"},
    GITHUB_PLAN: set(),
    GITHUB_MAIN: {"put a revision", "put a template"},  # made where the bundle is
    GITHUB_APPROVE: {"approve a plan", "send a message"},
}


@pytest.mark.parametrize("role", NEEDED)
def test_what_a_role_needs_passes(role: str, plane: ControlPlane) -> None:
    caller = plane.act_as(role)
    assert [name for name, one in NEEDED[role].items() if denied(caller, one)] == []


@pytest.mark.parametrize("role", MAY)
def test_what_a_role_must_not_do_is_denied(role: str, plane: ControlPlane) -> None:
    caller = plane.act_as(role)
    assert {name for name, one in CHANGES.items() if not denied(caller, one)} - MAY[role] == set()


def test_the_reconciler_deploys_as_the_one_role_and_deletes_as_the_other(plane: ControlPlane) -> None:
    client = plane.act_as(RECONCILE).client("cloudformation")
    for role in (SERVICE, BREAK_GLASS, None):
        given = {"RoleARN": arn(role)} if role else {}
        with refused("AccessDenied", "cloudformation:DeleteStack"):
            client.delete_stack(StackName="meridian-x-api", **given)
    with refused("AccessDenied", "cloudformation:CreateChangeSet"):
        change_set(SERVICE_DELETE)(plane.act_as(RECONCILE).client)
    with refused("AccessDenied", "cloudformation:CreateStack"):
        client.create_stack(StackName="meridian-x-api", TemplateBody=BODY, RoleARN=arn(SERVICE))
    with refused("AccessDenied", "cloudformation:CreateChangeSet"):
        change_set(SERVICE, stack="somebody-elses")(plane.act_as(RECONCILE).client)


def test_a_workflow_is_let_in_for_its_repository_and_its_branch_alone(plane: ControlPlane) -> None:
    approving = f"repo:{REPOSITORY}:environment:meridian-approval"
    for role, subject, *ref in (
        (GITHUB_MAIN, f"repo:{REPOSITORY}:pull_request"),
        (GITHUB_MAIN, f"repo:{REPOSITORY}:ref:refs/heads/other"),
        (GITHUB_MAIN, "repo:stranger/orders:ref:refs/heads/main"),
        (GITHUB_PLAN, f"repo:{REPOSITORY}-fork:pull_request"),
        (GITHUB_APPROVE, f"repo:{REPOSITORY}:ref:refs/heads/main"),
        (GITHUB_APPROVE, f"repo:{REPOSITORY}:environment:production"),
        (GITHUB_APPROVE, f"repo:{REPOSITORY}-fork:environment:meridian-approval"),
        (GITHUB_PLAN, f"repo:{REPOSITORY}:ref:refs/heads/other"),
        (GITHUB_APPROVE, approving, "refs/heads/other"),  # whoever may push can name the environment there
        (GITHUB_APPROVE, approving, "refs/pull/7/merge"),
    ):
        with refused("AccessDenied"):
            plane.web(role, subject, *ref)
    assert plane.web(GITHUB_APPROVE, approving)
    assert plane.web(GITHUB_PLAN, f"repo:{REPOSITORY}:ref:refs/heads/main")  # the search for drift runs there


def test_nobody_tells_people_in_our_name_whatever_else_they_may(plane: ControlPlane) -> None:
    """The topic's own policy says so: an administrator's notice would say `meridian approve` as well."""
    administrator = plane.world.assume("administrator", allow("*"))
    for caller in (administrator.client, plane.world.aws.client):
        with refused("AuthorizationError"):
            PUBLISH(caller)
    SUBSCRIBE(administrator.client)


def test_the_key_opens_pages_to_an_observer_and_no_messages(plane: ControlPlane) -> None:
    observer = plane.act_as(OBSERVER)
    for key in ("revisions/orders.zip", "runs/x", "code/x.zip"):
        with refused("AccessDenied"):
            get(key)(observer.client)
    ciphertext = call("kms", "decrypt", CiphertextBlob=b"x", KeyId="alias/meridian-control")
    assert denied(observer, ciphertext)


def test_events_are_forwarded_home_and_the_role_does_nothing_else(plane: ControlPlane) -> None:
    caller = plane.act_as("meridian-forward-eu-west-1")
    assert [name for name, one in CHANGES.items() if not denied(caller, one)] == []
    entry = {"Source": "x", "DetailType": "y", "Detail": "{}"}
    home = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"
    caller.client("events").put_events(Entries=[entry | {"EventBusName": home}])
    with refused("AccessDeniedException"):
        caller.client("events", "eu-west-1").put_events(Entries=[entry])


@pytest.mark.timeout(600)  # a whole topology, by the command, with every call checked: it is what the roles are for
def test_the_reconcilers_role_converges_from_nothing(plane: ControlPlane) -> None:
    roles = {"MERIDIAN_SERVICE_ROLE": arn(SERVICE), "MERIDIAN_DELETE_ROLE": arn(SERVICE_DELETE)}
    who = plane.act_as(RECONCILE).environment
    plane.world.aws.go()  # measurements must not be too old before they are asked for
    with plane.meridian.start("converge", **who, **roles) as process:
        out, err = process.communicate(timeout=550)
    assert process.returncode == 0, out[-3000:] + err
    used = {}
    for region in ("us-east-1", "eu-west-1", "ap-northeast-1"):
        for stack in plane.world.aws.client("cloudformation", region).describe_stacks()["Stacks"]:
            if not stack["StackName"].startswith("meridian-parcels-"):  # another test's
                used[stack["StackName"], region] = stack.get("RoleARN")
    # What `bootstrap` deploys is out of the service role's reach.
    by_bootstrap = {key for key, role in used.items() if role is None}
    assert by_bootstrap == {("meridian-foundation", "us-east-1"), *((n, r) for n, r in used if n == "meridian-control")}
    assert {role for key, role in used.items() if key not in by_bootstrap} == {arn(SERVICE)}


def test_a_role_of_aws_is_assumed_by_aws_alone(plane: ControlPlane) -> None:
    iam = plane.world.aws.client("iam")
    for role, of in {"forward-ap-northeast-1": "events", SYNTH.removeprefix("meridian-"): "lambda"}.items():
        shown = iam.get_role(RoleName=f"meridian-{role}")["Role"]["AssumeRolePolicyDocument"]["Statement"]
        assert shown[0]["Principal"] == service(of)
