"""CloudTrail: who did what, found by event, and told to the bus where a trail is switched on."""

from __future__ import annotations

import json
import time
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.embedded.conftest import Aws, trail_bucket

EU = "eu-west-1"
ZONE = "Z0123456789EXAMPLE"
LOG = {"Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "log"}}}


def found(aws: Aws, region: str = EU, **attribute: str) -> list[dict[str, Any]]:
    """The events with this attribute, newest first, as soon as there is one."""
    asked = [{"AttributeKey": key, "AttributeValue": value} for key, value in attribute.items()]
    lookup = aws.client("cloudtrail", region).lookup_events
    events = aws.until(lambda: lookup(LookupAttributes=asked)["Events"])
    return [{**event, **json.loads(event["CloudTrailEvent"])} for event in events]


def names(aws: Aws, region: str = EU) -> set[str]:
    return {e["EventName"] for e in aws.client("cloudtrail", region, agent="observer").lookup_events()["Events"]}


def test_an_event_says_who_did_what_and_hides_secrets(aws: Aws) -> None:
    aws.client("rds", EU).create_db_cluster(
        DBClusterIdentifier="c",
        Engine="aurora-postgresql",
        MasterUsername="root",
        MasterUserPassword="hunter22",
        Tags=[{"Key": "a", "Value": "b"}],
    )
    (event,) = found(aws, ResourceName="c")
    assert event["Resources"] == [{"ResourceType": "AWS::RDS::DBCluster", "ResourceName": "c"}]
    assert (event["EventName"], event["ReadOnly"], event["Username"]) == ("CreateDBCluster", "false", "root")
    assert event["eventSource"] == "rds.amazonaws.com"
    assert event["awsRegion"] == EU
    assert event["userIdentity"]["arn"] == "arn:aws:iam::111111111111:root"
    assert event["sourceIPAddress"] == "127.0.0.1"
    assert "Boto3" in event["userAgent"]
    assert event["requestParameters"] == {
        "dBClusterIdentifier": "c",
        "engine": "aurora-postgresql",
        "masterUsername": "root",
        "masterUserPassword": "HIDDEN_DUE_TO_SECURITY_REASONS",
        "tags": [{"key": "a", "value": "b"}],
    }
    assert event["responseElements"]["dBCluster"]["dBClusterIdentifier"] == "c"
    assert "hunter22" not in event["CloudTrailEvent"]


def test_a_refusal_is_recorded_with_its_error_and_a_throttled_call_is_not(aws: Aws) -> None:
    aws.control("clock", {"speed": 0.001})
    apigateway = aws.client("apigateway", EU)
    for _ in range(2):
        with pytest.raises(ClientError):
            apigateway.delete_rest_api(restApiId="nothing")
    aws.control("clock", {"speed": 600})
    (event,) = found(aws, EventName="DeleteRestApi")
    assert (event["errorCode"], event["responseElements"]) == ("NotFoundException", None)
    assert event["requestParameters"] == {"restApiId": "nothing"}


def test_an_injected_refusal_is_one_and_a_lost_answer_tells_what_happened(aws: Aws) -> None:
    faults = [
        {"call": "sqs:ListQueues", "error": "AccessDenied", "times": 1},
        {"call": "sqs:CreateQueue", "drop": "after", "times": 1},
    ]
    aws.control("faults", {"faults": faults})
    for call in (lambda sqs: sqs.list_queues(), lambda sqs: sqs.create_queue(QueueName="q")):
        with pytest.raises(Exception, match=r"AccessDenied|closed"):
            call(aws.client("sqs", EU))
    assert found(aws, EventName="ListQueues")[0]["errorCode"] == "AccessDeniedException"
    assert found(aws, EventName="CreateQueue")[0]["responseElements"]["queueUrl"].endswith("/q")


def test_events_are_late_and_reads_of_observers_and_data_leave_none(aws: Aws) -> None:
    aws.control("clock", {"speed": 0.001})
    sqs, watching = aws.client("sqs", EU), aws.client("sqs", EU, agent="observer")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    watching.list_queues()
    sqs.send_message(QueueUrl=url, MessageBody="m")
    sqs.receive_message(QueueUrl=url)
    watching.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7"})
    assert names(aws) == set()
    aws.control("clock", {"speed": 600})
    aws.until(lambda: names(aws) == {"CreateQueue", "SetQueueAttributes"})


def test_a_session_is_found_by_its_name_and_names_its_role(aws: Aws) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = aws.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    aws.passes(10)  # until STS has heard of it
    aws.go()
    session = aws.client("sts", EU).assume_role(RoleArn=role, RoleSessionName="somebody")["Credentials"]
    lambda_ = boto3.client(
        "lambda",
        EU,
        endpoint_url=aws.url,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    with pytest.raises(ClientError):
        lambda_.update_function_configuration(FunctionName="f", Environment={"Variables": {"KEY": "hunter22"}})
    (event,) = found(aws, Username="somebody")
    assert event["eventName"] == "UpdateFunctionConfiguration20150331v2"
    assert event["userIdentity"]["type"] == "AssumedRole"
    assert event["userIdentity"]["arn"].endswith(":assumed-role/role/somebody")
    assert event["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] == role
    assert "hunter22" not in event["CloudTrailEvent"]
    assumed = found(aws, EventName="AssumeRole")
    assert session["SessionToken"] not in "".join(event["CloudTrailEvent"] for event in assumed)


def test_global_services_are_recorded_in_us_east_1_only(aws: Aws) -> None:
    record = {"Name": "a.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    route53 = aws.client("route53", EU)
    route53.change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch=batch)
    (event,) = found(aws, "us-east-1", ResourceName=ZONE)
    assert event["requestParameters"]["hostedZoneId"] == ZONE
    (change,) = event["requestParameters"]["changeBatch"]["changes"]
    assert change["resourceRecordSet"]["resourceRecords"] == [{"value": "192.0.2.1"}]
    assert "ChangeResourceRecordSets" not in names(aws)


def test_what_a_stack_changes_is_recorded_as_cloudformations(aws: Aws) -> None:
    assert aws.deploy("s", LOG, EU) == "CREATE_COMPLETE"
    changed = {"Log": {**LOG["Log"], "Properties": {"LogGroupName": "log", "RetentionInDays": 7}}}
    assert aws.deploy("s", changed, EU) == "UPDATE_COMPLETE"
    aws.client("cloudformation", EU).delete_stack(StackName="s")
    aws.until(lambda: "DeleteLogGroup" in names(aws))
    events = found(aws, ResourceName="log")
    assert [e["eventName"] for e in events] == ["DeleteLogGroup", "PutRetentionPolicy", "CreateLogGroup"]
    for event in events:
        assert event["userIdentity"]["invokedBy"] == event["sourceIPAddress"] == "cloudformation.amazonaws.com"
        assert event["userIdentity"]["type"] == "Root"
    (created,) = found(aws, EventName="CreateStack")
    assert created["sourceIPAddress"] == "127.0.0.1"
    assert "templateBody" not in created["requestParameters"]


def test_what_a_stack_changes_with_a_role_is_the_roles(aws: Aws) -> None:
    """CloudFormation assumes it [S aws-waf-security-automations#33: the session's name]; the call itself is the caller's."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudformation.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = aws.client("iam").create_role(RoleName="deploy", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    aws.passes(10)
    aws.go()
    body = json.dumps({"Resources": LOG})
    aws.client("cloudformation", EU).create_stack(StackName="s", TemplateBody=body, RoleARN=role)
    assert aws.settled("s", EU) == "CREATE_COMPLETE"
    (made,) = found(aws, EventName="CreateLogGroup")
    assert made["userIdentity"]["arn"].endswith(":assumed-role/deploy/AWSCloudFormation")
    (asked,) = found(aws, EventName="CreateStack")
    assert asked["userIdentity"]["type"] == "Root"


def test_a_resource_that_the_service_refuses_is_recorded_with_the_error(aws: Aws) -> None:
    no = "arn:aws:acm:eu-west-1:111111111111:certificate/no"
    regional = {"EndpointConfiguration": {"Types": ["REGIONAL"]}, "RegionalCertificateArn": no}
    domain = {"DomainName": "a.example.com", **regional}
    record = {"HostedZoneId": ZONE, "Name": "a.example.com", "Type": "A", "TTL": "60", "ResourceRecords": ["192.0.2.1"]}
    resources = {
        "Domain": {"Type": "AWS::ApiGateway::DomainName", "Properties": domain},
        "Record": {"Type": "AWS::Route53::RecordSet", "Properties": {**record, "HealthCheckId": "no"}},
    }
    for name, resource in resources.items():
        assert aws.deploy(name, {name: resource}, EU).startswith("ROLLBACK")
    assert found(aws, EventName="CreateDomainName")[0]["errorCode"] == "BadRequestException"
    assert found(aws, "us-east-1", EventName="ChangeResourceRecordSets")[0]["errorCode"] == "NoSuchHealthCheck"


# ---- the bus -----------------------------------------------------------------------------------------------------------


def bus(aws: Aws, region: str) -> Any:
    """Gives what CloudTrail told the Region's default bus."""
    sqs, events = aws.client("sqs", region), aws.client("events", region)
    url = sqs.create_queue(QueueName="seen")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="trail", EventPattern=json.dumps({"detail-type": ["AWS API Call via CloudTrail"]}))
    events.put_targets(Rule="trail", Targets=[{"Id": "q", "Arn": arn}])

    def told() -> list[dict[str, Any]]:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [json.loads(m["Body"]) for m in answer.get("Messages", [])]

    return told


def trail(aws: Aws, region: str, name: str = "trail", **more: Any) -> None:
    trail_bucket(aws, f"bucket-{name}")
    cloudtrail = aws.client("cloudtrail", region)
    cloudtrail.create_trail(Name=name, S3BucketName=f"bucket-{name}", **more)
    cloudtrail.start_logging(Name=name)


def change(aws: Aws, number: int) -> None:
    aws.client("logs", EU).create_log_group(logGroupName=f"log-{number}")
    aws.client("iam").create_role(RoleName=f"role-{number}", AssumeRolePolicyDocument="{}")
    aws.client("logs", EU).describe_log_groups()


def test_changes_reach_the_bus_of_their_region_only_while_a_trail_logs_them(aws: Aws) -> None:
    europe, home = bus(aws, EU), bus(aws, "us-east-1")
    change(aws, 0)
    trail(aws, EU, IsMultiRegionTrail=True)
    change(aws, 1)

    def names(told: Any) -> list[str]:
        return sorted(e["detail"]["eventName"] for e in told())

    aws.until(lambda: "CreateLogGroup" in names(europe) and "CreateRole" in names(home))
    assert names(europe) == ["CreateLogGroup", "StartLogging"]
    (event,) = (e for e in home() if e["detail"]["eventName"] == "CreateRole")
    assert (event["source"], event["region"]) == ("aws.iam", "us-east-1")
    assert event["detail"]["requestParameters"]["roleName"] == "role-1"
    aws.client("cloudtrail", EU).stop_logging(Name="trail")
    change(aws, 2)
    time.sleep(0.2)  # two virtual minutes: they would have come
    assert names(home).count("CreateRole") == 1


def test_a_trail_of_one_region_or_of_reads_alone_tells_no_other_bus(aws: Aws) -> None:
    home, europe = bus(aws, "us-east-1"), bus(aws, EU)
    trail(aws, "us-east-1", "reads")
    selector = {"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}
    aws.client("cloudtrail").put_event_selectors(TrailName="reads", EventSelectors=[selector])
    trail(aws, EU, "here")
    change(aws, 1)
    aws.until(lambda: [e["detail"]["eventName"] for e in europe()].count("CreateLogGroup") == 1)
    assert "CreateRole" not in {e["detail"]["eventName"] for e in home()}
