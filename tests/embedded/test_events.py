"""Events: what AWS's services tell, through rules, across Regions and on schedules, to queues and functions."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.embedded.conftest import Aws, trail_bucket
from tests.embedded.iam_world import allow, document, service, trusting
from tests.embedded.queued import ACCOUNT, arn, execution_role, function, mapping, queue, received, told

HOME, EU, AP = "us-east-1", "eu-west-1", "ap-northeast-1"
BUS = f"arn:aws:events:{HOME}:{ACCOUNT}:event-bus/default"
FORWARD = f"arn:aws:iam::{ACCOUNT}:role/forward"


@pytest.fixture
def into(aws: Aws) -> str:
    return queue(aws, "told")


def rule(
    aws: Aws, pattern: dict[str, Any] | str, target: str, region: str = HOME, name: str = "r", **more: Any
) -> None:
    """With a pattern, or with a schedule if that is a text."""
    events = aws.client("events", region)
    kind = {"ScheduleExpression": pattern} if isinstance(pattern, str) else {"EventPattern": json.dumps(pattern)}
    events.put_rule(Name=name, **kind)
    events.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": target, **more}])


def put(aws: Aws, region: str, **detail: Any) -> None:
    entry = {"Source": "ours", "DetailType": "Test", "Detail": json.dumps(detail)}
    aws.client("events", region).put_events(Entries=[entry])


def quiet(aws: Aws, url: str) -> bool:
    time.sleep(0.4)
    return not list(received(aws, url))


# ---- across Regions -----------------------------------------------------------------------------------------------------


def test_a_bus_of_another_region_gets_the_event_as_it_was_told(aws: Aws, into: str) -> None:
    rule(aws, {"source": ["ours"]}, BUS, EU, RoleArn=FORWARD)
    rule(aws, {"source": ["ours"]}, arn("told"))
    put(aws, EU, number=1)
    (event,) = told(aws, into)
    assert (event["region"], event["account"], event["detail"]) == (EU, ACCOUNT, {"number": 1})


def test_an_event_crosses_one_border_and_no_second(aws: Aws, into: str) -> None:
    far = queue(aws, "told", AP)
    rule(aws, {"source": ["ours"]}, BUS, EU, RoleArn=FORWARD)
    rule(aws, {"source": ["ours"]}, BUS.replace(HOME, AP), HOME, RoleArn=FORWARD)
    rule(aws, {"source": ["ours"]}, arn("told"), HOME, name="home")
    rule(aws, {"source": ["ours"]}, arn("told", AP), AP)
    put(aws, EU, number=1)
    told(aws, into)
    put(aws, HOME, number=2)
    assert [event["detail"]["number"] for event in told(aws, far, region=AP)] == [2]
    rule(aws, {"source": ["ours"]}, BUS.replace(HOME, EU), HOME, RoleArn=FORWARD)
    list(received(aws, into))
    put(aws, EU, number=3)
    assert [event["detail"]["number"] for event in told(aws, into)] == [3]  # and does not come round again
    assert quiet(aws, into)


def test_the_role_of_a_forwarding_rule_must_allow_it(world: Any) -> None:
    aws = world.aws
    into = queue(aws, "told")
    admitted = {**allow("sqs:SendMessage", resource=arn("told")), "Principal": service("events")}
    aws.client("sqs").set_queue_attributes(QueueUrl=into, Attributes={"Policy": document(admitted)})
    role = world.role("forward", trusting(service("events")), allow("events:PutEvents", resource=f"{BUS}-other"))
    rule(aws, {"source": ["ours"]}, BUS, EU, RoleArn=role)
    rule(aws, {"source": ["ours"]}, arn("told"))
    put(aws, EU, number=1)
    assert quiet(aws, into)
    world.grant("forward", allow("events:PutEvents", resource=BUS))
    world.propagated()
    put(aws, EU, number=2)
    assert [event["detail"]["number"] for event in told(aws, into)] == [2]


# ---- schedules, and events that are lost --------------------------------------------------------------------------------


def test_a_schedule_goes_by_the_virtual_clock(aws: Aws, into: str) -> None:
    begun = time.monotonic()
    rule(aws, "rate(15 minutes)", arn("told"))
    found = told(aws, into, 2)
    assert (found[0]["source"], found[0]["detail-type"]) == ("aws.events", "Scheduled Event")
    assert 2.9 <= time.monotonic() - begun < 300
    assert found[0]["time"] < found[1]["time"]


def test_events_are_lost_when_a_test_says_so_but_schedules_go_on(aws: Aws, into: str) -> None:
    rule(aws, {"source": ["ours"]}, arn("told"))
    rule(aws, "rate(1 minute)", arn("told"), name="tick")
    assert aws.control("faults", {"faults": [{"rules": "off"}]})[0] == 200
    put(aws, HOME, number=1)
    assert {event["source"] for event in told(aws, into, 2)} == {"aws.events"}
    assert aws.control("faults", {"faults": [{"rules": "off", "schedules": "off"}]})[0] == 200
    list(received(aws, into))
    assert quiet(aws, into)


# ---- what services tell -------------------------------------------------------------------------------------------------


def test_s3_tells_of_an_object_and_its_version(aws: Aws, into: str) -> None:
    bucket = {
        "BucketName": "bundles",
        "VersioningConfiguration": {"Status": "Enabled"},
        "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
    }
    assert aws.deploy("s", {"B": {"Type": "AWS::S3::Bucket", "Properties": bucket}}) == "CREATE_COMPLETE"
    rule(aws, {"source": ["aws.s3"], "detail": {"bucket": {"name": ["bundles"]}}}, arn("told"))
    put_ = aws.client("s3").put_object(Bucket="bundles", Key="revisions/orders.zip", Body=b"zip")
    (event,) = told(aws, into)
    assert (event["detail-type"], event["resources"]) == ("Object Created", ["arn:aws:s3:::bundles"])
    told_of = event["detail"]["object"]
    assert (told_of["key"], told_of["size"], told_of["etag"]) == ("revisions/orders.zip", 3, put_["ETag"].strip('"'))
    assert told_of["version-id"] == put_["VersionId"]
    assert (event["detail"]["reason"], event["region"]) == ("PutObject", HOME)


def test_s3_tells_nothing_of_a_bucket_that_was_not_asked_to(aws: Aws, into: str) -> None:
    aws.client("s3").create_bucket(Bucket="silent")
    rule(aws, {"source": ["aws.s3"]}, arn("told"))
    aws.client("s3").put_object(Bucket="silent", Key="key", Body=b"1")
    assert quiet(aws, into)
    asked = {"EventBridgeConfiguration": {}}
    aws.client("s3").put_bucket_notification_configuration(Bucket="silent", NotificationConfiguration=asked)
    aws.client("s3").put_object(Bucket="silent", Key="key", Body=b"2")
    assert len(told(aws, into)) == 1


def test_a_stack_tells_its_region_and_the_home_bus(aws: Aws, into: str) -> None:
    rule(
        aws,
        {"source": ["aws.cloudformation"], "detail-type": ["CloudFormation Stack Status Change"]},
        BUS,
        EU,
        RoleArn=FORWARD,
    )
    rule(aws, {"source": ["aws.cloudformation"]}, arn("told"))
    aws.deploy("meridian-orders-api", {"T": {"Type": "AWS::SNS::Topic", "Properties": {}}}, EU)
    events = told(aws, into, 2)
    assert {event["detail"]["status-details"]["status"] for event in events} == {
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
    }
    assert {event["region"] for event in events} == {EU}
    assert all(f":{EU}:{ACCOUNT}:stack/meridian-orders-api/" in event["detail"]["stack-id"] for event in events)


def test_calls_of_global_services_are_told_in_us_east_1(aws: Aws, into: str) -> None:
    trail = aws.client("cloudtrail")
    trail_bucket(aws, "trail")
    trail.create_trail(Name="t", S3BucketName="trail", IsMultiRegionTrail=True)
    trail.start_logging(Name="t")
    rule(aws, {"detail-type": ["AWS API Call via CloudTrail"], "source": ["aws.route53"]}, arn("told"))
    aws.client("route53", EU).create_hosted_zone(Name="more.test", CallerReference="1")
    (event,) = told(aws, into)
    assert (event["detail"]["eventName"], event["region"]) == ("CreateHostedZone", HOME)


def test_rds_tells_of_a_cluster_in_its_region(aws: Aws) -> None:
    into = queue(aws, "told", EU)
    rule(aws, {"source": ["aws.rds"]}, arn("told", EU), EU)
    rds = aws.client("rds", EU)
    rds.create_db_cluster(
        DBClusterIdentifier="orders", Engine="aurora-postgresql", MasterUsername="root", MasterUserPassword="hunter22"
    )
    (made,) = told(aws, into, region=EU)
    assert (made["detail-type"], made["detail"]["SourceIdentifier"]) == ("RDS DB Cluster Event", "orders")
    assert (made["detail"]["SourceType"], made["detail"]["EventID"]) == ("CLUSTER", "RDS-EVENT-0170")
    instance = {"DBInstanceIdentifier": "one", "DBInstanceClass": "db.serverless", "Engine": "aurora-postgresql"}
    aws.until(lambda: rds.describe_db_clusters()["DBClusters"][0]["Status"] == "available")
    rds.create_db_instance(DBClusterIdentifier="orders", **instance)
    told_of = [(event["detail-type"], event["detail"]["EventID"]) for event in told(aws, into, region=EU)]
    assert told_of == [("RDS DB Instance Event", "RDS-EVENT-0005")]
    rds.delete_db_instance(DBInstanceIdentifier="one")
    assert [event["detail"]["EventID"] for event in told(aws, into, region=EU)] == ["RDS-EVENT-0003"]
    rds.delete_db_cluster(DBClusterIdentifier="orders", SkipFinalSnapshot=True)
    assert [event["detail"]["EventID"] for event in told(aws, into, region=EU)] == ["RDS-EVENT-0171"]


# ---- functions as targets -----------------------------------------------------------------------------------------------


def test_a_function_that_fails_gets_its_event_twice_more(aws: Aws, into: str) -> None:
    code = "def handler(event, context):\n    tell(event['detail'])\n    raise ValueError('no')\n"
    made = function(aws, "f", code, role=execution_role(aws))
    rule(aws, {"source": ["ours"]}, made)
    put(aws, HOME, number=1)
    assert told(aws, into, 3) == [{"number": 1}] * 3
    time.sleep(0.5)
    assert quiet(aws, into)


def test_a_bundle_wakes_a_function_that_asks_for_another_and_that_for_itself(world: Any) -> None:
    """The way of the control plane: every step by a policy or a role that allows just that."""
    aws = world.aws
    lambda_ = aws.client("lambda")
    into, work = queue(aws, "told"), queue(aws, "work", VisibilityTimeout=60)
    sends = allow("sqs:SendMessage", resource=[arn("work"), arn("told")])
    takes = allow("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", resource=arn("work"))
    code = """
def handler(event, context):
    tell({"key": event["detail"]["object"]["key"]}, "work")
"""
    wakes = function(aws, "wake", code, role=world.role("wake", service("lambda"), sends))
    code = """
def handler(event, context):
    for record in event["Records"]:
        message = json.loads(record["body"])
        url = os.environ["AWS_ENDPOINT_URL"] + "/111111111111/work"
        tell(message | {"at": time.time()})
        if not message.get("again"):
            body = json.dumps(message | {"again": True})
            call("sqs", "AmazonSQS.SendMessage", QueueUrl=url, MessageBody=body, DelaySeconds=300)
"""
    function(aws, "reconcile", code, role=world.role("reconcile", service("lambda"), sends, takes))
    mapping(aws, "reconcile", "work")
    aws.client("s3").create_bucket(Bucket="bundles")
    told_of = {"EventBridgeConfiguration": {}}
    aws.client("s3").put_bucket_notification_configuration(Bucket="bundles", NotificationConfiguration=told_of)
    rule(aws, {"source": ["aws.s3"]}, wakes)
    aws.client("s3").put_object(Bucket="bundles", Key="revisions/early.zip", Body=b"1")
    assert quiet(aws, into)  # the function's policy does not admit the rule
    source = f"arn:aws:events:{HOME}:{ACCOUNT}:rule/r"
    lambda_.add_permission(
        FunctionName="wake",
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=source,
    )
    aws.client("s3").put_object(Bucket="bundles", Key="revisions/orders.zip", Body=b"1")
    first, second = told(aws, into, 2)
    assert (first["key"], second["key"]) == ("revisions/orders.zip", "revisions/orders.zip")
    assert second["at"] - first["at"] >= 300 / 600
    assert aws.control("calls")[1]["functions"].keys() == {"wake", "reconcile"}
    del work


def test_a_delayed_message_belongs_to_the_world_that_is_kept(aws: Aws, into: str) -> None:
    queue(aws, "work", VisibilityTimeout=60)
    function(aws, "f", "def handler(event, context):\n    tell(event['Records'][0]['body'])\n")
    mapping(aws, "f", "work")
    aws.passes(60)
    url = aws.client("sqs").get_queue_url(QueueName="work")["QueueUrl"]
    aws.client("sqs").send_message(QueueUrl=url, MessageBody="later", DelaySeconds=900)
    status, kept = aws.control("snapshot", {})
    assert status == 200, kept
    for _ in range(2):
        aws.go()
        assert told(aws, into) == ["later"]
        aws.until(lambda: aws.control("restore", kept)[0] == 200)


# ---- alarms -------------------------------------------------------------------------------------------------------------

CHANGES = {"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"]}


def alarm(aws: Aws, namespace: str, metric: str, dimensions: dict[str, str], **more: Any) -> None:
    wanted = {
        "AlarmName": "a",
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    aws.client("cloudwatch").put_metric_alarm(**wanted | more)


def changes(aws: Aws, url: str, number: int) -> list[tuple[str, str]]:
    found = [event["detail"] for event in told(aws, url, number)]
    return [(detail["previousState"]["value"], detail["state"]["value"]) for detail in found]


def test_dead_letters_raise_an_alarm_that_ends_by_itself(aws: Aws, into: str) -> None:
    rule(aws, CHANGES, arn("told"))
    dead = queue(aws, "dead")
    alarm(aws, "AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "dead"})
    assert changes(aws, into, 1) == [("INSUFFICIENT_DATA", "OK")]
    aws.client("sqs").send_message(QueueUrl=dead, MessageBody="poison")
    assert changes(aws, into, 1) == [("OK", "ALARM")]
    aws.client("sqs").purge_queue(QueueUrl=dead)
    assert changes(aws, into, 1) == [("ALARM", "OK")]


def test_an_alarm_looks_at_its_own_dimensions(aws: Aws, into: str) -> None:
    rule(aws, CHANGES, arn("told"))
    alarm(aws, "Meridian", "Stalled", {"topology": "orders"}, TreatMissingData="notBreaching")
    assert changes(aws, into, 1) == [("INSUFFICIENT_DATA", "OK")]
    data = {"MetricName": "Stalled", "Value": 1.0}
    for name in ("other", "orders"):
        dimensions = [{"Name": "topology", "Value": name}]
        aws.client("cloudwatch").put_metric_data(Namespace="Meridian", MetricData=[data | {"Dimensions": dimensions}])
        if name == "other":
            assert quiet(aws, into)
    assert changes(aws, into, 2) == [("OK", "ALARM"), ("ALARM", "OK")]


def test_a_line_of_a_functions_log_is_a_metric(aws: Aws, into: str) -> None:
    rule(aws, CHANGES, arn("told"))
    code = """
def handler(event, context):
    metrics = [{"Namespace": "Meridian", "Dimensions": [["topology"]], "Metrics": [{"Name": "Steals", "Unit": "Count"}]}]
    print(json.dumps({"_aws": {"Timestamp": 0, "CloudWatchMetrics": metrics}, "topology": "orders", "Steals": [1, 2]}))
    print('{"_aws": "not of the format"}')
"""
    function(aws, "f", code)
    alarm(
        aws,
        "Meridian",
        "Steals",
        {"topology": "orders"},
        Statistic="Sum",
        Threshold=2.5,
        TreatMissingData="notBreaching",
    )
    assert changes(aws, into, 1) == [("INSUFFICIENT_DATA", "OK")]
    aws.client("lambda").invoke(FunctionName="f", Payload="{}")
    assert changes(aws, into, 1)[0] == ("OK", "ALARM")


def test_a_state_that_was_set_by_hand_is_told_and_does_not_last(aws: Aws, into: str) -> None:
    rule(aws, CHANGES, arn("told"))
    queue(aws, "dead")
    alarm(aws, "AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "dead"})
    changes(aws, into, 1)
    aws.client("cloudwatch").set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="a drill")
    assert changes(aws, into, 2) == [("OK", "ALARM"), ("ALARM", "OK")]


def test_a_function_that_nothing_invokes_any_more_raises_an_alarm_and_a_throttled_request_is_no_invocation(
    aws: Aws, into: str
) -> None:
    rule(aws, CHANGES, arn("told"))
    function(aws, "f", "def handler(event, context): pass")
    client = aws.client("lambda")
    silent = {"ComparisonOperator": "LessThanThreshold", "Threshold": 2, "TreatMissingData": "breaching"}
    alarm(aws, "AWS/Lambda", "Invocations", {"FunctionName": "f"}, Statistic="Sum", Period=3600, **silent)
    assert changes(aws, into, 1) == [("INSUFFICIENT_DATA", "ALARM")]
    client.invoke(FunctionName="f", Payload="{}")
    assert quiet(aws, into)
    client.invoke(FunctionName="f", Payload="{}")
    assert changes(aws, into, 2) == [("ALARM", "OK"), ("OK", "ALARM")], "an hour later nothing came again"
    client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    for _ in range(3):
        with pytest.raises(client.exceptions.TooManyRequestsException):
            client.invoke(FunctionName="f", Payload="{}")
    assert quiet(aws, into)


def test_a_health_check_that_fails_raises_its_alarm_in_us_east_1(aws: Aws, into: str) -> None:
    rule(aws, CHANGES, arn("told"))
    config = {"Type": "HTTPS", "FullyQualifiedDomainName": "somewhere.example.org", "Port": 443}
    made = aws.client("route53").create_health_check(CallerReference="1", HealthCheckConfig=config)["HealthCheck"]["Id"]
    assert aws.control("health", {"id": made, "status": "healthy"})[0] == 200
    breach = {"ComparisonOperator": "LessThanThreshold", "Threshold": 1}
    alarm(aws, "AWS/Route53", "HealthCheckStatus", {"HealthCheckId": made}, Statistic="Minimum", **breach)
    assert changes(aws, into, 1)[-1][1] == "OK"
    assert aws.control("health", {"id": made, "status": "unhealthy"})[0] == 200
    assert changes(aws, into, 1)[-1][1] == "ALARM"
    assert aws.control("health", {"id": made, "status": "healthy"})[0] == 200
    assert changes(aws, into, 1)[-1][1] == "OK"
