"""`meridian bootstrap` on the embedded AWS: what it makes can be read back from each service; done again it changes nothing;
options, an upgrade, a failure, a removal, and what is adopted afterwards.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import pytest

from tests.embedded.command import Meridian, prepared
from tests.embedded.conftest import SPEED, Aws

ACCOUNT, HOME = "111111111111", "us-east-1"
BUCKET = f"meridian-revisions-{ACCOUNT}-{HOME}"
GITHUB = "token.actions.githubusercontent.com"


@dataclass(frozen=True, slots=True)
class World:
    aws: Aws
    meridian: Meridian
    kept: str
    failed: tuple[int, str]
    """Exit code and stderr of the very first run, in which a resource failed."""
    first: dict[str, Any]

    def bootstrap(self, *arguments: str, **environment: str) -> dict[str, Any]:
        """The document of a run that went well."""
        code, (document,) = self.meridian.json("bootstrap", *arguments, **environment)
        assert code == 0, document
        return dict(document)


def results(document: dict[str, Any]) -> dict[str, str]:
    return {f"{s['name'].removeprefix('meridian-')}/{s['region']}": s["result"] for s in document["stacks"]}


@pytest.fixture(scope="module")
def made(server: Aws, tmp_path_factory: pytest.TempPathFactory) -> World:
    server.control("reset", {})
    server.control("clock", {"speed": SPEED})
    meridian = prepared(tmp_path_factory.mktemp("work"), server.url)
    fault = {"resource": "AWS::Lambda::EventSourceMapping", "times": 1}
    assert server.control("faults", {"faults": [fault]})[0] == 200
    code, _, err = meridian.run("bootstrap")
    server.control("faults", {"faults": []})
    _, (document,) = meridian.json("bootstrap")
    kept = server.until(lambda: server.control("snapshot", {})[1].get("id"))  # once no function is at work
    return World(server, meridian, kept, (code, err), document)


@pytest.fixture
def world(made: World) -> World:
    made.aws.until(lambda: made.aws.control("restore", {"id": made.kept})[0] == 200)
    return made


# ---- what is there --------------------------------------------------------------------------------------------------------


def test_every_stack_is_made_home_first(world: World) -> None:
    assert results(world.first) == {
        "foundation/us-east-1": "Unchanged",  # the run that failed had made it
        "control/us-east-1": "Created",
        "control/ap-northeast-1": "Created",
        "control/eu-west-1": "Created",
    }
    assert world.first["outputs"]["RevisionBucket"] == BUCKET
    assert world.first["found"] == {"trail": None, "githubProvider": None}


def test_the_revision_bucket_is_private_versioned_encrypted_and_heard_of(world: World) -> None:
    s3, kms = world.aws.client("s3"), world.aws.client("kms")
    (rule,) = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    default = rule["ApplyServerSideEncryptionByDefault"]
    key = kms.describe_key(KeyId="alias/meridian-control")["KeyMetadata"]
    assert (default["SSEAlgorithm"], default["KMSMasterKeyID"], rule["BucketKeyEnabled"]) == (
        "aws:kms",
        key["Arn"],
        True,
    )
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"]
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    assert set(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values()) == {True}
    assert s3.get_bucket_notification_configuration(Bucket=BUCKET)["EventBridgeConfiguration"] == {}
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    rules = {r["ID"]: r for r in s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]}
    days = {name: r.get("Expiration", {}).get("Days") for name, r in rules.items()}
    assert days == dict.fromkeys(("runs", "reports"), 90) | dict.fromkeys(
        ("revisions", "code", "heads", "templates", "unfinished")
    )
    assert rules["revisions"]["NoncurrentVersionExpiration"]["NoncurrentDays"] == 365


def test_messages_wait_are_tried_five_times_and_then_put_aside(world: World) -> None:
    sqs, aws_lambda = world.aws.client("sqs"), world.aws.client("lambda")
    url = world.first["outputs"]["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    dead = f"arn:aws:sqs:{HOME}:{ACCOUNT}:meridian-reconcile-dead"
    redrive = json.loads(queue["RedrivePolicy"])
    assert (queue["VisibilityTimeout"], redrive["deadLetterTargetArn"]) == ("240", dead)
    assert int(redrive["maxReceiveCount"]) == 5
    assert "key/" in queue["KmsMasterKeyId"]
    assert json.loads(queue["Policy"])["Statement"][0]["Sid"] == "TlsOnly"
    (mapping,) = aws_lambda.list_event_source_mappings(FunctionName="meridian-reconcile")["EventSourceMappings"]
    assert mapping["EventSourceArn"] == queue["QueueArn"]
    assert (mapping["BatchSize"], mapping["State"]) == (1, "Enabled")
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 10}


def test_functions_know_where_everything_is(world: World) -> None:
    client = world.aws.client("lambda")
    reconcile = client.get_function_configuration(FunctionName="meridian-reconcile")
    assert (reconcile["Handler"], reconcile["Timeout"]) == ("handlers.reconcile.app.handler", 180)
    role = f"arn:aws:iam::{ACCOUNT}:role/meridian"
    assert reconcile["Role"] == f"{role}-reconcile"
    assert reconcile["LoggingConfig"]["LogGroup"] == "/meridian/control/reconcile"
    assert reconcile["Environment"]["Variables"] == {
        "MERIDIAN_BUCKET": BUCKET,
        "MERIDIAN_QUEUE_URL": world.first["outputs"]["QueueUrl"],
        "MERIDIAN_HOME_REGION": HOME,
        "MERIDIAN_ACCOUNT": ACCOUNT,
        "MERIDIAN_CACHE": "/tmp/meridian",
        "MERIDIAN_SERVICE_ROLE": f"{role}-cloudformation",
        "MERIDIAN_DELETE_ROLE": f"{role}-cloudformation-delete",
        "MERIDIAN_EVENTS_TOPIC": f"arn:aws:sns:{HOME}:{ACCOUNT}:meridian-events",
        "MERIDIAN_SYNTH_FUNCTION": "",
    }
    wake = client.get_function_configuration(FunctionName="meridian-wake")["Environment"]["Variables"]
    assert f"{role}-reconcile" in wake["MERIDIAN_OWN_ROLES"].split(",")
    names = {f["FunctionName"] for f in client.list_functions()["Functions"]}
    assert names == {"meridian-wake", "meridian-reconcile"}  # no image, no synth
    groups = world.aws.client("logs").describe_log_groups(logGroupNamePrefix="/meridian/control/")["logGroups"]
    assert {g["retentionInDays"] for g in groups} == {30}


def test_rules_at_home_wake_and_those_elsewhere_send_home(world: World) -> None:
    events = world.aws.client("events")
    wake = f"arn:aws:lambda:{HOME}:{ACCOUNT}:function:meridian-wake"
    at_home = {r["Name"]: r for r in events.list_rules(NamePrefix="meridian-")["Rules"]}
    assert {r["State"] for r in at_home.values()} == {"ENABLED"}
    assert at_home["meridian-resync"]["ScheduleExpression"] == "rate(15 minutes)"
    for name in at_home:
        assert [t["Arn"] for t in events.list_targets_by_rule(Rule=name)["Targets"]] == [wake]
    policy = json.loads(world.aws.client("lambda").get_policy(FunctionName="meridian-wake")["Policy"])
    sources = {s["Condition"]["ArnLike"]["AWS:SourceArn"] for s in policy["Statement"]}
    assert sources == {r["Arn"] for r in at_home.values()}
    stacks = json.loads(at_home["meridian-stacks"]["EventPattern"])["detail"]
    assert stacks["stack-id"] == [{"wildcard": f"arn:aws:cloudformation:*:{ACCOUNT}:stack/meridian-*/*"}]
    elsewhere = world.aws.client("events", "eu-west-1")
    remote = {r["Name"]: r for r in elsewhere.list_rules(NamePrefix="meridian-")["Rules"]}
    assert set(remote) == set(at_home) - {"meridian-resync", "meridian-revision"}
    for name, rule in remote.items():
        assert json.loads(rule["EventPattern"]) == json.loads(at_home[name]["EventPattern"])
        (target,) = elsewhere.list_targets_by_rule(Rule=name)["Targets"]
        assert target["Arn"] == f"arn:aws:events:{HOME}:{ACCOUNT}:event-bus/default"
        assert target["RoleArn"].endswith(":role/meridian-forward-eu-west-1")


def test_patterns_take_what_they_are_for_and_nothing_else(world: World) -> None:
    events = world.aws.client("events")
    rules = {r["Name"]: r.get("EventPattern") for r in events.list_rules(NamePrefix="meridian-")["Rules"]}

    def taken(**event: Any) -> set[str]:
        whole = {"id": "1", "account": ACCOUNT, "region": "eu-west-1", "time": "2026-01-01T00:00:00Z", "resources": []}
        text = json.dumps(whole | {k.replace("_", "-"): v for k, v in event.items()})
        return {n for n, p in rules.items() if p and events.test_event_pattern(EventPattern=p, Event=text)["Result"]}

    def stack(name: str, status: str) -> set[str]:
        arn = f"arn:aws:cloudformation:eu-west-1:{ACCOUNT}:stack/{name}/1"
        return taken(
            source="aws.cloudformation",
            detail_type="CloudFormation Stack Status Change",
            detail={"stack-id": arn, "status-details": {"status": status}},
        )

    def by_call(source: str, *, reads: bool) -> set[str]:
        return taken(
            source=f"aws.{source}",
            detail_type="AWS API Call via CloudTrail",
            detail={"eventSource": f"{source}.amazonaws.com", "readOnly": reads},
        )

    def uploaded(key: str, bucket: str = BUCKET) -> set[str]:
        detail = {"bucket": {"name": bucket}, "object": {"key": key}}
        return taken(source="aws.s3", detail_type="Object Created", detail=detail)

    assert stack("meridian-orders-api", "UPDATE_COMPLETE") == {"meridian-stacks"}
    assert stack("meridian-orders-api", "UPDATE_ROLLBACK_FAILED") == {"meridian-stacks"}
    assert stack("meridian-orders-api", "UPDATE_IN_PROGRESS") == set()
    assert stack("somebody-elses", "UPDATE_COMPLETE") == set()
    assert by_call("route53", reads=False) == by_call("rds", reads=False) == {"meridian-calls"}
    assert by_call("route53", reads=True) == by_call("s3", reads=False) == set()
    assert taken(source="aws.rds", detail_type="RDS DB Cluster Event", detail={}) == {"meridian-databases"}
    assert uploaded("revisions/orders.zip") == {"meridian-revision"}
    assert uploaded("runs/orders/x") == uploaded("revisions/orders.zip", "another") == set()
    alarm = {"source": "aws.cloudwatch", "detail_type": "CloudWatch Alarm State Change"}
    assert taken(**alarm, detail={"alarmName": "meridian-orders-api-latency"}) == {"meridian-alarms"}
    assert taken(**alarm, detail={"alarmName": "another"}) == set()


def test_alarms_reach_somebody_and_the_dashboard_is_one(world: World) -> None:
    cloudwatch, sns = world.aws.client("cloudwatch"), world.aws.client("sns")
    alarms = {
        a["AlarmName"]: a for a in cloudwatch.describe_alarms(AlarmNamePrefix="meridian-control-")["MetricAlarms"]
    }
    topic = f"arn:aws:sns:{HOME}:{ACCOUNT}:meridian-alarms"
    assert len(alarms) == 11
    silent = alarms["meridian-control-silent"]
    assert (silent["MetricName"], silent["TreatMissingData"]) == ("Invocations", "breaching")
    assert {tuple(a["AlarmActions"]) for a in alarms.values()} == {(topic,)}
    dead = alarms["meridian-control-deadletters"]
    assert dead["Dimensions"] == [{"Name": "QueueName", "Value": "meridian-reconcile-dead"}]
    assert alarms["meridian-control-stalled"]["Dimensions"] == []
    shown = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert {s["Sid"] for s in json.loads(shown["Policy"])["Statement"]} == {"Alarms", "TlsOnly"}
    assert "key/" in shown["KmsMasterKeyId"]
    body = json.loads(cloudwatch.get_dashboard(DashboardName="meridian-control")["DashboardBody"])
    assert {w["properties"]["region"] for w in body["widgets"]} == {HOME}
    ours = {m[1] for w in body["widgets"] for m in w["properties"]["metrics"] if m[0] == "Meridian"}
    assert {a["MetricName"] for a in alarms.values() if a["Namespace"] == "Meridian"} < ours
    assert {"AwsCalls", "DriftFindings", "LeaseWaits", "PassDuration", "TopologiesWoken"} < ours


def test_a_trail_is_made_where_there_was_none(world: World) -> None:
    client = world.aws.client("cloudtrail")
    (trail,) = client.describe_trails()["trailList"]
    assert (trail["Name"], trail["IsMultiRegionTrail"], trail["LogFileValidationEnabled"]) == ("meridian", True, True)
    assert client.get_trail_status(Name="meridian")["IsLogging"]
    (selector,) = client.get_event_selectors(TrailName="meridian")["EventSelectors"]
    assert (selector["ReadWriteType"], selector["IncludeManagementEvents"]) == ("WriteOnly", True)
    tags = client.list_tags(ResourceIdList=[trail["TrailARN"]])["ResourceTagList"][0]["TagsList"]
    assert {t["Key"]: t["Value"] for t in tags}["meridian:stack"] == "control"


# ---- again, otherwise, away ------------------------------------------------------------------------------------------------


def test_a_second_run_changes_nothing_and_says_so(world: World) -> None:
    code, out, err = world.meridian.run("bootstrap", "--detailed-exitcode")
    assert (code, "Nothing to change." in out) == (0, True), out + err
    document = world.bootstrap()
    assert (set(results(document).values()), document["changed"]) == ({"Unchanged"}, False)
    assert document["found"]["trail"] is None  # ours is not taken for somebody else's


def test_a_pass_finds_foundation_as_it_wants_it(world: World) -> None:
    _, (plan,) = world.meridian.json("plan")
    steps = {step["id"] for wave in plan["waves"] for step in wave["steps"]}
    assert "deploy/foundation/eu-west-1" in steps
    assert "deploy/foundation/us-east-1" not in steps


def test_options_change_what_they_are_about_and_stay(world: World) -> None:
    document = world.bootstrap("--github", "example/orders", "--alarm-email", "ops@example.com")
    assert results(document) == {
        "foundation/us-east-1": "Unchanged",
        "control/us-east-1": "Updated",
        "control/ap-northeast-1": "Unchanged",
        "control/eu-west-1": "Unchanged",
    }
    iam, sns = world.aws.client("iam"), world.aws.client("sns")
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB}"
    shown = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider)
    assert (shown["Url"], shown["ClientIDList"]) == (GITHUB, ["sts.amazonaws.com"])
    main = iam.get_role(RoleName="meridian-github-main")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert main["Principal"] == {"Federated": provider}
    assert main["Condition"]["StringEquals"][f"{GITHUB}:sub"] == ["repo:example/orders:ref:refs/heads/main"]
    topic = f"arn:aws:sns:{HOME}:{ACCOUNT}:meridian-alarms"
    subscriptions = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [s["Endpoint"] for s in subscriptions] == ["ops@example.com"]
    again = world.bootstrap()
    assert (again["changed"], again["found"]["githubProvider"]) == (False, None)


def test_an_upgrade_changes_the_functions_alone(world: World) -> None:
    other = {"MERIDIAN_RUNTIME": "python3.12", "MERIDIAN_ARCHITECTURE": "x86_64"}
    code, out, err = world.meridian.run("bootstrap", "--detailed-exitcode", **other)
    assert code == 2, out + err
    function = world.aws.client("lambda").get_function_configuration(FunctionName="meridian-reconcile")
    assert (function["Runtime"], function["Architectures"]) == ("python3.12", ["x86_64"])


def test_what_the_account_has_is_used(world: World) -> None:
    for _ in range(2):  # what was under way may still write
        world.aws.control("reset", {})
        time.sleep(0.5)
    iam, client, s3 = world.aws.client("iam"), world.aws.client("cloudtrail", "eu-west-1"), world.aws.client("s3")
    arn = f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/theirs"
    s3.create_bucket(Bucket="theirs")
    by = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    looks = by | {"Action": "s3:GetBucketAcl", "Resource": "arn:aws:s3:::theirs"}
    writes = by | {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::theirs/*"}
    s3.put_bucket_policy(Bucket="theirs", Policy=json.dumps({"Version": "2012-10-17", "Statement": [looks, writes]}))
    client.create_trail(Name="theirs", S3BucketName="theirs", IsMultiRegionTrail=True)
    client.start_logging(Name="theirs")
    provider = iam.create_open_id_connect_provider(
        Url=f"https://{GITHUB}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
    )["OpenIDConnectProviderArn"]
    document = world.bootstrap("--github", "example/orders")
    assert document["found"] == {"trail": arn, "githubProvider": provider}
    assert [t["Name"] for t in client.describe_trails()["trailList"]] == ["theirs"]
    assert world.bootstrap()["changed"] is False


def test_credentials_of_another_account_are_refused_before_anything_is_made(world: World) -> None:
    code, out, _ = world.meridian.run("bootstrap", "--format", "json", AWS_ACCESS_KEY_ID="222222222222")
    assert (code, json.loads(out)["errors"][0]["code"]) == (3, "WrongAccount")


def test_what_fails_is_named_and_the_next_run_goes_on(made: World) -> None:
    code, err = made.failed
    assert code == 1
    assert "stack meridian-control in us-east-1 is ROLLBACK_COMPLETE; first failure: Messages" in err
    assert results(made.first)["control/us-east-1"] == "Created"


def test_it_is_taken_away_and_adopts_what_it_left(world: World) -> None:
    s3, kms = world.aws.client("s3"), world.aws.client("kms")
    s3.put_object(Bucket=BUCKET, Key="revisions/orders.zip", Body=b"desired")
    key = kms.describe_key(KeyId="alias/meridian-control")["KeyMetadata"]["KeyId"]
    gone = world.bootstrap("--remove")
    assert results(gone) == {
        "control/us-east-1": "Removed",
        "control/ap-northeast-1": "Removed",
        "control/eu-west-1": "Removed",
    }
    assert set(results(world.bootstrap("--remove")).values()) == {"Absent"}
    names = {r["RoleName"] for r in world.aws.client("iam").list_roles()["Roles"]}
    assert {n for n in names if n.startswith("meridian-") and "foundation" not in n} == {
        "meridian-cloudformation",
        "meridian-cloudformation-delete",
    }
    assert world.aws.client("cloudtrail").describe_trails()["trailList"] == []
    assert results(world.bootstrap())["control/us-east-1"] == "Created"
    assert s3.get_object(Bucket=BUCKET, Key="revisions/orders.zip")["Body"].read() == b"desired"
    assert kms.describe_key(KeyId="alias/meridian-control")["KeyMetadata"]["KeyId"] == key
    assert world.bootstrap()["changed"] is False


def test_what_was_changed_meanwhile_is_as_the_template_has_it(world: World) -> None:
    """An import changes nothing of what it finds; the update after it does."""
    world.bootstrap("--remove")
    s3, iam = world.aws.client("s3"), world.aws.client("iam")
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    iam.delete_role_policy(RoleName="meridian-cloudformation", PolicyName="never")
    world.bootstrap()
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    assert "never" in iam.list_role_policies(RoleName="meridian-cloudformation")["PolicyNames"]


def test_a_key_about_to_be_deleted_is_said_to_be(world: World) -> None:
    world.bootstrap("--remove")
    (rule,) = world.aws.client("s3").get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    key = rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    world.aws.client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    code, _, err = world.meridian.run("bootstrap")
    assert (code, "which is PendingDeletion" in err, "cancel its deletion" in err) == (3, True, True), err
