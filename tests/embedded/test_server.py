"""The process behind `meridian local`: start and stop, accounts, the clock, faults, counts, snapshots, many clients at once."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.embedded.conftest import ROOT, Aws, start

ZONE = "Z0123456789EXAMPLE"
QUEUE = {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "one"}}}


# ---- process -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_says_when_it_is_ready_and_stops_on_a_signal(name: signal.Signals) -> None:
    process, line = start("--port", "0")
    port = int(line.removeprefix("AWS_ENDPOINT_URL=http://127.0.0.1:"))
    process.send_signal(name)
    assert process.wait(5) == 0
    assert process.stdout is not None
    assert process.stdout.read() == ""
    process.stdout.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_stops_while_it_is_starting_and_leaves_nothing_on_disk(tmp_path: Path) -> None:
    for delay in (0.1, 0.4):
        command = [sys.executable, "-m", "local_aws", "--port", "0"]
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)}, stderr=subprocess.PIPE
        )
        time.sleep(delay)
        process.terminate()
        _, errors = process.communicate(timeout=5)
        assert process.returncode in (0, -signal.SIGTERM)  # the second: Python itself had not started yet
        assert errors == b""
    process, _ = start("--port", "0", environment={"TMPDIR": str(tmp_path)})
    process.terminate()
    assert process.wait(5) == 0
    process.stdout.close()
    assert [p.name for p in tmp_path.iterdir()] == []


def test_serves_on_127_0_0_1_only(aws: Aws) -> None:
    port = int(aws.url.rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=1)


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "local_aws", "--port", str(port)]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=20)
    assert result.returncode == 1
    assert result.stdout == ""
    wanted = (
        f"cannot listen on 127.0.0.1:{port}: Address already in use; choose another with --port (0: any free one)\n"
    )
    assert result.stderr == wanted


def test_the_environment_of_the_user_stays_outside(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("[default\nthis is no configuration")
    stray = {
        "HOME": str(tmp_path),
        "AWS_PROFILE": "missing",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL": "http://elsewhere",
        "MINISTACK_ACCOUNT_ID": "999999999999",
        "PERSIST_STATE": "1",
        "AUTH": "true",
    }
    process, line = start("--port", "0", environment=stray)
    try:
        aws = Aws(line.partition("=")[2])
        assert aws.client("sts").get_caller_identity()["Account"] == "111111111111"
    finally:
        process.terminate()
        assert process.wait(5) == 0
        process.stdout.close()


@pytest.mark.parametrize(("key", "account"), [("222222222222", "222222222222"), ("AKIAEXAMPLE", "111111111111")])
def test_a_key_of_twelve_digits_names_the_account(aws: Aws, key: str, account: str) -> None:
    sts = boto3.client("sts", "eu-west-1", endpoint_url=aws.url, aws_access_key_id=key, aws_secret_access_key="x")
    assert sts.get_caller_identity()["Account"] == account


def test_starts_with_one_zone_and_nothing_else(aws: Aws) -> None:
    route53 = aws.client("route53")
    (zone,) = route53.list_hosted_zones()["HostedZones"]
    assert (zone["Id"], zone["Name"]) == (f"/hostedzone/{ZONE}", "example.com.")
    records = route53.list_resource_record_sets(HostedZoneId=ZONE)["ResourceRecordSets"]
    assert [(r["Name"], r["Type"]) for r in records] == [("example.com.", "NS"), ("example.com.", "SOA")]
    for region in ("us-east-1", "eu-west-1"):
        assert aws.client("cloudformation", region).describe_stacks()["Stacks"] == []


# ---- clock ---------------------------------------------------------------------------------------------------------


def _now(aws: Aws) -> datetime:
    return datetime.fromisoformat(aws.control("clock")[1]["now"])


def test_the_clock_scales_and_a_change_of_speed_is_no_jump(aws: Aws) -> None:
    assert aws.control("clock")[1]["speed"] == 600
    before = _now(aws)
    time.sleep(0.1)
    assert _now(aws) - before >= timedelta(seconds=59)
    status, answer = aws.control("clock", {"speed": 1})
    assert (status, answer["speed"]) == (200, 1)
    assert _now(aws) - datetime.fromisoformat(answer["now"]) < timedelta(seconds=5)


@pytest.mark.parametrize("speed", [0, -1, "fast", None, True, 1e9])
def test_a_wrong_speed_is_refused(aws: Aws, speed: object) -> None:
    status, answer = aws.control("clock", {"speed": speed})
    assert (status, answer) == (400, {"error": f"speed {speed!r} must be a number above 0, at most 100000"})


def _upsert(aws: Aws, name: str = "a.example.com", value: str = "192.0.2.1") -> str:
    record = {"Name": name, "Type": "A", "TTL": 10, "ResourceRecords": [{"Value": value}]}
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    route53 = aws.client("route53", attempts=10)  # one change of a zone at a time
    return route53.change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch=batch)["ChangeInfo"]["Id"]


def test_what_began_before_a_change_of_speed_follows_it(aws: Aws) -> None:
    aws.control("clock", {"speed": 0.001})  # 30 seconds now take eight hours
    change, route53 = _upsert(aws), aws.client("route53")
    assert route53.get_change(Id=change)["ChangeInfo"]["Status"] == "PENDING"
    assert route53.get_change(Id=change)["ChangeInfo"]["Status"] == "PENDING"  # by time, not by the first read
    aws.control("clock", {"speed": 600})
    aws.until(lambda: route53.get_change(Id=change)["ChangeInfo"]["Status"] == "INSYNC", seconds=5)


def test_timestamps_come_from_the_virtual_clock_and_the_date_header_does_not(aws: Aws) -> None:
    aws.control("clock", {"speed": 100_000})
    time.sleep(0.1)  # hours ahead of the wall from here on
    before = _now(aws)
    aws.deploy("ahead", QUEUE)
    described = aws.client("cloudformation").describe_stacks(StackName="ahead")
    assert described["Stacks"][0]["CreationTime"] >= before - timedelta(seconds=1)
    assert before - datetime.now(UTC) > timedelta(hours=1)
    header = datetime.strptime(described["ResponseMetadata"]["HTTPHeaders"]["date"], "%a, %d %b %Y %H:%M:%S GMT")
    assert abs(header.replace(tzinfo=UTC) - datetime.now(UTC)) < timedelta(seconds=30)


def test_a_signed_address_goes_by_the_wall_clock(aws: Aws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="signed")
    s3.put_object(Bucket="signed", Key="k", Body=b"content")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "signed", "Key": "k"}, ExpiresIn=60)
    aws.control("clock", {"speed": 100_000})
    time.sleep(0.05)
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"content"


# ---- faults and counts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "error", "shown"),
    [
        ("rds", "describe_db_clusters", {}, "Throttling", "Throttling"),
        ("cloudformation", "describe_stacks", {}, "AccessDenied", "AccessDenied"),
        ("ec2", "describe_vpcs", {}, "RequestLimitExceeded", "RequestLimitExceeded"),
        ("route53", "list_hosted_zones", {}, "Throttling", "Throttling"),
        ("cloudfront", "list_distributions", {}, "ServiceUnavailable", "ServiceUnavailable"),
        ("s3", "list_objects_v2", {"Bucket": "b"}, "SlowDown", "SlowDown"),
        ("lambda", "list_functions", {}, "TooManyRequestsException", "TooManyRequestsException"),
        ("apigateway", "get_stages", {"restApiId": "a"}, "TooManyRequestsException", "TooManyRequestsException"),
        ("dynamodb", "get_item", {"TableName": "t", "Key": {"k": {"S": "1"}}}, "Throttling", "ThrottlingException"),
        ("acm", "list_certificates", {}, "AccessDenied", "AccessDeniedException"),
        ("logs", "describe_log_groups", {}, "ServiceUnavailable", "ServiceUnavailableException"),
        ("cloudwatch", "list_metrics", {}, "Throttling", "ThrottlingException"),
        ("sts", "get_caller_identity", {}, "AccessDenied", "AccessDenied"),
        ("sqs", "list_queues", {}, "Throttling", "ThrottlingException"),
    ],
)
def test_a_fault_reads_as_that_services_error(
    aws: Aws, service: str, operation: str, arguments: dict, error: str, shown: str
) -> None:
    client = aws.client(service)
    name = client.meta.method_to_api_mapping[operation]
    assert aws.control("faults", {"faults": [{"call": f"{service}:{name}", "error": error}]})[0] == 200
    with pytest.raises(ClientError) as raised:
        getattr(client, operation)(**arguments)
    assert raised.value.response["Error"]["Code"] == shown


def _fails(aws: Aws, region: str = "us-east-1", agent: str = "") -> bool:
    try:
        aws.client("rds", region, agent=agent).describe_db_clusters()
    except ClientError:
        return True
    return False


def test_a_fault_keeps_to_its_region_its_number_and_those_who_take_part(aws: Aws) -> None:
    fault = {"call": "rds:*", "region": "eu-west-1", "error": "Throttling", "times": 2}
    aws.control("faults", {"faults": [fault]})
    assert not _fails(aws, "us-east-1")
    assert not _fails(aws, "eu-west-1", agent="observer")
    assert [_fails(aws, "eu-west-1") for _ in range(3)] == [True, True, False]
    aws.control("faults", {"faults": [{"call": "*:*", "error": "Throttling", "probability": 0.0}]})
    assert not _fails(aws)
    aws.control("faults", {"faults": []})
    assert not _fails(aws)


def test_a_fault_can_be_a_delay_alone(aws: Aws) -> None:
    aws.control("faults", {"faults": [{"call": "rds:DescribeDBClusters", "delay": 0.3}]})
    begin = time.monotonic()
    assert not _fails(aws)
    assert time.monotonic() - begin >= 0.3


@pytest.mark.parametrize(
    "fault", [{"call": "rds"}, {"error": "X"}, {"call": "a:b", "resource": "AWS::X::Y"}, {"calls": "a:b"}, "rds:*"]
)
def test_a_fault_that_says_nothing_is_refused(aws: Aws, fault: object) -> None:
    status, answer = aws.control("faults", {"faults": [fault]})
    assert status == 400
    assert answer["error"]
    assert not _fails(aws)


def test_calls_are_counted_without_observers(aws: Aws) -> None:
    dynamodb = aws.client("dynamodb")
    for table in ("other", "meridian-state"):
        dynamodb.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    aws.control("calls", {})
    dynamodb.put_item(TableName="meridian-state", Item={"pk": {"S": "lease"}})  # the contract does not count these
    dynamodb.put_item(TableName="other", Item={"pk": {"S": "1"}})
    _upsert(aws)
    aws.client("apigateway").get_rest_apis()
    aws.client("apigateway", agent="observer").get_rest_apis()
    answer = aws.control("calls")[1]
    assert {(c["call"], c["mutating"], c["count"]) for c in answer["calls"]} == {
        ("dynamodb:PutItem", False, 1),
        ("dynamodb:PutItem", True, 1),
        ("route53:ChangeResourceRecordSets", True, 1),
        ("apigateway:GetRestApis", False, 1),
    }
    assert (answer["total"], answer["mutating"]) == (4, 2)


# ---- keeping a world -----------------------------------------------------------------------------------------------


def test_a_world_is_kept_and_brought_back(aws: Aws) -> None:
    aws.deploy("kept", QUEUE, "eu-west-1")
    aws.client("s3").create_bucket(Bucket="kept")
    aws.client("s3").put_object(Bucket="kept", Key="k", Body=b"before")
    kept = aws.control("snapshot", {})[1]["id"]
    aws.client("s3").put_object(Bucket="kept", Key="k", Body=b"after")
    aws.client("cloudformation", "eu-west-1").delete_stack(StackName="kept")
    aws.until(lambda: aws.client("cloudformation", "eu-west-1").describe_stacks()["Stacks"] == [])
    for _ in range(2):  # a snapshot is not used up, nor changed by what follows
        assert aws.control("restore", {"id": kept}) == (200, {"id": kept})
        assert aws.stack_status("kept", "eu-west-1") == "CREATE_COMPLETE"
        assert aws.client("s3").get_object(Bucket="kept", Key="k")["Body"].read() == b"before"
        assert aws.client("sqs", "eu-west-1").list_queues()["QueueUrls"]
        aws.client("s3").delete_object(Bucket="kept", Key="k")


def test_a_world_in_motion_is_neither_kept_nor_replaced(aws: Aws) -> None:
    kept = aws.control("snapshot", {})[1]["id"]
    aws.control("clock", {"speed": 0.001})
    _upsert(aws)
    for what, body in (("snapshot", {}), ("restore", {"id": kept})):
        status, answer = aws.control(what, body)
        assert status == 409
        assert answer["error"].startswith("the world is in motion (stack operations: none; 2 changes under way, ")


def test_a_reset_stops_what_is_under_way(aws: Aws) -> None:
    aws.control("clock", {"speed": 0.001})
    body = json.dumps({"Resources": QUEUE})
    aws.client("cloudformation").create_stack(StackName="half", TemplateBody=body)
    assert aws.stack_status("half") == "CREATE_IN_PROGRESS"
    assert aws.control("reset", {})[0] == 200
    assert aws.client("cloudformation").describe_stacks()["Stacks"] == []
    assert aws.client("sqs").list_queues().get("QueueUrls", []) == []
    assert aws.control("snapshot", {})[0] == 200


def test_an_unknown_snapshot_or_endpoint_is_not_found(aws: Aws) -> None:
    assert aws.control("restore", {"id": "nothing"}) == (404, {"error": "no snapshot 'nothing'"})
    assert aws.control("nothing")[0] == 404


# ---- many clients --------------------------------------------------------------------------------------------------


def _succeeds(call) -> bool:
    try:
        call()
    except ClientError:
        return False
    return True


def test_of_twenty_equal_creations_one_succeeds(aws: Aws) -> None:
    rds, dynamodb = aws.client("rds"), aws.client("dynamodb")
    dynamodb.create_table(
        TableName="lease",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    creations = (
        lambda: rds.create_global_cluster(
            GlobalClusterIdentifier="one", Engine="aurora-postgresql", EngineVersion="16.8"
        ),
        lambda: rds.create_db_cluster_parameter_group(
            DBClusterParameterGroupName="one", DBParameterGroupFamily="aurora-postgresql16", Description="d"
        ),
        lambda: dynamodb.put_item(
            TableName="lease", Item={"pk": {"S": "x"}}, ConditionExpression="attribute_not_exists(pk)"
        ),
    )
    with ThreadPoolExecutor(20) as pool:
        for create in creations:
            assert sum(pool.map(lambda _, c=create: _succeeds(c), range(20))) == 1


def test_twenty_clients_lose_nothing(aws: Aws) -> None:
    regions = ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1", "ap-southeast-2", "sa-east-1"]

    def work(number: int) -> str:
        _upsert(aws, f"n{number}.example.com", f"192.0.2.{number}")
        route53 = aws.client("route53")
        reference = f"ref-{number // 2}"  # two clients race for each: the second gets the first one's check
        config = {"Type": "HTTPS", "FullyQualifiedDomainName": "example.com"}
        made = route53.create_health_check(CallerReference=reference, HealthCheckConfig=config)["HealthCheck"]["Id"]
        queue = {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"q{number}"}}}
        assert aws.deploy(f"stack-{number}", queue, regions[number % len(regions)]) == "CREATE_COMPLETE"
        return made

    with ThreadPoolExecutor(20) as pool:
        checks = list(pool.map(work, range(20)))
    records = aws.client("route53").list_resource_record_sets(HostedZoneId=ZONE)["ResourceRecordSets"]
    assert {r["Name"] for r in records if r["Type"] == "A"} == {f"n{i}.example.com." for i in range(20)}
    assert len(set(checks)) == 10
    for place, region in enumerate(regions):
        stacks = {s["StackName"] for s in aws.client("cloudformation", region).describe_stacks()["Stacks"]}
        assert stacks == {f"stack-{i}" for i in range(20) if i % len(regions) == place}
        assert len(aws.client("sqs", region).list_queues()["QueueUrls"]) == len(stacks)


# ---- events --------------------------------------------------------------------------------------------------------


def test_a_stack_tells_the_bus_of_its_region(aws: Aws) -> None:
    queues = {}
    for region in ("us-east-1", "eu-west-1"):
        sqs, events = aws.client("sqs", region), aws.client("events", region)
        queues[region] = sqs.create_queue(QueueName="seen")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queues[region], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name="stacks", EventPattern=json.dumps({"source": ["aws.cloudformation"]}))
        events.put_targets(Rule="stacks", Targets=[{"Id": "q", "Arn": arn}])
    aws.deploy("told", QUEUE, "eu-west-1")

    def received(region: str) -> list[dict]:
        answer = aws.client("sqs", region).receive_message(QueueUrl=queues[region], MaxNumberOfMessages=10)
        return [json.loads(m["Body"]) for m in answer.get("Messages", [])]

    told = [(e["detail-type"], e["detail"]["status-details"]["status"]) for e in received("eu-west-1")]
    assert told[0] == ("CloudFormation Stack Status Change", "CREATE_IN_PROGRESS")
    assert ("CloudFormation Resource Status Change", "CREATE_COMPLETE") in told
    assert told[-1] == ("CloudFormation Stack Status Change", "CREATE_COMPLETE")
    assert received("us-east-1") == []


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'"x"', b"\xff"])
@pytest.mark.parametrize("target", ["TrentService.DescribeKey", "DynamoDB_20120810.PutItem", "AWSEvents.PutRule"])
def test_a_body_that_cannot_be_read_is_refused_and_no_mistake_of_the_server(aws: Aws, target: str, body: bytes) -> None:
    service = {"Tr": "kms", "Dy": "dynamodb", "AW": "events"}[target[:2]]
    scope = f"111111111111/20260101/us-east-1/{service}/aws4_request"
    signature = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=x"
    headers = {"Authorization": signature, "X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(aws.url, data=body, headers=headers))
    with caught.value as error:
        assert (error.code, json.load(error)["__type"]) == (400, "SerializationException")
