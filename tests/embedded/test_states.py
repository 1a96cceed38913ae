"""States in between: each is seen while the clock nearly stands, then gives way when time passes."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.embedded.conftest import SPEED, Aws

ZONE = "Z0123456789EXAMPLE"
STILL = 0.001  # a virtual second takes a quarter of an hour
REGION = "eu-west-1"


def still(aws: Aws) -> None:
    aws.control("clock", {"speed": STILL})


def go(aws: Aws, speed: float = SPEED) -> None:
    aws.control("clock", {"speed": speed})


def queue(name: str, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name, **more}}


def template(**resources: Any) -> str:
    return json.dumps({"Resources": resources})


def statuses(aws: Aws, stack: str, region: str = "us-east-1") -> dict[str, str]:
    resources = aws.client("cloudformation", region).describe_stack_resources(StackName=stack)["StackResources"]
    return {r["LogicalResourceId"]: r["ResourceStatus"] for r in resources}


def events(aws: Aws, stack: str) -> list[tuple[str, str]]:
    """(logical id, status), oldest first."""
    pages = aws.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=stack)
    found = [e for page in pages for e in page["StackEvents"]]
    return [(e["LogicalResourceId"], e["ResourceStatus"]) for e in reversed(found)]


# ---- stacks --------------------------------------------------------------------------------------------------------

CHAIN = {
    "A": queue("a"),
    "B": queue("b"),
    "C": {**queue("c"), "DependsOn": ["A", "B"]},
}


def test_resources_go_side_by_side_in_the_order_of_their_dependencies(aws: Aws) -> None:
    still(aws)
    aws.client("cloudformation").create_stack(StackName="s", TemplateBody=template(**CHAIN))
    assert aws.stack_status("s") == "CREATE_IN_PROGRESS"
    assert statuses(aws, "s") == {"A": "CREATE_IN_PROGRESS", "B": "CREATE_IN_PROGRESS"}
    go(aws)
    assert aws.settled("s") == "CREATE_COMPLETE"
    order = events(aws, "s")
    assert order[0] == ("s", "CREATE_IN_PROGRESS")
    assert order[-1] == ("s", "CREATE_COMPLETE")
    started = order.index(("C", "CREATE_IN_PROGRESS"))
    assert max(order.index(("A", "CREATE_COMPLETE")), order.index(("B", "CREATE_COMPLETE"))) < started


def test_events_are_seconds_apart_on_the_virtual_clock(aws: Aws) -> None:
    aws.deploy("s", CHAIN)
    found = aws.client("cloudformation").describe_stack_events(StackName="s")["StackEvents"]
    moment = {(e["LogicalResourceId"], e["ResourceStatus"]): e["Timestamp"] for e in found}
    assert 9 <= (moment["s", "CREATE_COMPLETE"] - moment["s", "CREATE_IN_PROGRESS"]).total_seconds() <= 60


def test_an_update_touches_what_changes_and_cleans_up_after_it(aws: Aws) -> None:
    aws.deploy("s", {"Same": queue("same"), "Changed": queue("changed"), "Gone": queue("gone")})
    still(aws)
    changed = template(Same=queue("same"), Changed=queue("changed", DelaySeconds=5), New=queue("new"))
    aws.client("cloudformation").update_stack(StackName="s", TemplateBody=changed)
    assert aws.stack_status("s") == "UPDATE_IN_PROGRESS"
    assert statuses(aws, "s") == {
        "Same": "CREATE_COMPLETE",
        "Changed": "UPDATE_IN_PROGRESS",
        "Gone": "CREATE_COMPLETE",
        "New": "CREATE_IN_PROGRESS",
    }
    go(aws, 60)
    aws.until(lambda: aws.stack_status("s") == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    assert statuses(aws, "s")["Gone"] == "DELETE_IN_PROGRESS"
    assert aws.settled("s") == "UPDATE_COMPLETE"
    assert statuses(aws, "s") == {"Same": "CREATE_COMPLETE", "Changed": "UPDATE_COMPLETE", "New": "CREATE_COMPLETE"}
    assert [status for name, status in events(aws, "s") if name == "Same"].count("CREATE_COMPLETE") == 1
    assert not [status for name, status in events(aws, "s") if name == "Same" and status.startswith("UPDATE")]


def test_a_replacement_deletes_the_old_one_at_the_end(aws: Aws) -> None:
    aws.deploy("s", {"Q": queue("old")})
    assert aws.deploy("s", {"Q": queue("new")}) == "UPDATE_COMPLETE"
    order = events(aws, "s")
    assert order.index(("Q", "UPDATE_COMPLETE")) < order.index(("s", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"))
    assert order.index(("s", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")) < order.index(("Q", "DELETE_COMPLETE"))
    assert [u.rpartition("/")[2] for u in aws.client("sqs").list_queues()["QueueUrls"]] == ["new"]


def test_a_stack_is_deleted_dependents_first(aws: Aws) -> None:
    aws.deploy("s", CHAIN)
    still(aws)
    cloudformation = aws.client("cloudformation")
    stack_id = cloudformation.describe_stacks(StackName="s")["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName="s")
    cloudformation.delete_stack(StackName="s")  # as on AWS, a second one changes nothing
    assert aws.stack_status("s") == "DELETE_IN_PROGRESS"
    assert statuses(aws, "s") == {"A": "CREATE_COMPLETE", "B": "CREATE_COMPLETE", "C": "DELETE_IN_PROGRESS"}
    go(aws)
    assert aws.settled(stack_id) == "DELETE_COMPLETE"
    order = [e for e in events(aws, stack_id) if e[1].startswith("DELETE")]
    assert order.index(("C", "DELETE_COMPLETE")) < order.index(("A", "DELETE_IN_PROGRESS"))
    assert [name for name, status in order if status == "DELETE_COMPLETE"].count("C") == 1


def test_a_failed_creation_takes_back_what_it_made(aws: Aws) -> None:
    fault = {"resource": "AWS::SNS::Topic", "error": "no more topics", "times": 1}
    aws.control("faults", {"faults": [fault]})
    topic = {"Type": "AWS::SNS::Topic", "DependsOn": "A"}
    go(aws, 60)
    aws.client("cloudformation").create_stack(
        StackName="s", TemplateBody=template(A=queue("a"), Topic=topic, B=CHAIN["C"] | {"DependsOn": "Topic"})
    )
    aws.until(lambda: aws.stack_status("s") == "ROLLBACK_IN_PROGRESS")
    assert aws.settled("s") == "ROLLBACK_COMPLETE"
    order = events(aws, "s")
    assert ("Topic", "CREATE_FAILED") in order
    assert ("A", "DELETE_COMPLETE") in order
    assert "B" not in {name for name, _ in order}
    found = aws.client("cloudformation").describe_stack_events(StackName="s")["StackEvents"]
    assert "no more topics" in {e.get("ResourceStatusReason") for e in found}
    assert aws.client("sqs").list_queues().get("QueueUrls", []) == []


def test_a_failure_gives_up_what_goes_on_beside_it(aws: Aws) -> None:
    aws.control("faults", {"faults": [{"resource": "AWS::SNS::Topic", "error": "no"}]})
    resources = {"Slow": queue("slow"), "Topic": {"Type": "AWS::SNS::Topic"}}
    assert aws.deploy("s", resources) == "ROLLBACK_COMPLETE"
    reasons = {
        e["LogicalResourceId"]: e.get("ResourceStatusReason")
        for e in aws.client("cloudformation").describe_stack_events(StackName="s")["StackEvents"]
        if e["ResourceStatus"] == "CREATE_FAILED"
    }
    assert reasons == {"Slow": "Resource creation cancelled", "Topic": "no"}
    found = aws.client("cloudformation").describe_stack_events(StackName="s")["StackEvents"]
    (reason,) = [e["ResourceStatusReason"] for e in found if e["ResourceStatus"] == "ROLLBACK_IN_PROGRESS"]
    assert reason == "The following resource(s) failed to create: [Topic, Slow]. Rollback requested by user."
    assert aws.client("sqs").list_queues().get("QueueUrls", []) == []


def test_a_failed_update_goes_back_to_the_values_before(aws: Aws) -> None:
    aws.deploy("s", {"A": queue("a", DelaySeconds=1)})
    aws.control("faults", {"faults": [{"resource": "AWS::SNS::Topic", "error": "no"}]})
    changed = {"A": queue("a", DelaySeconds=9), "Topic": {"Type": "AWS::SNS::Topic", "DependsOn": "A"}}
    assert aws.deploy("s", changed) == "UPDATE_ROLLBACK_COMPLETE"
    names = [status for name, status in events(aws, "s") if name == "s"]
    assert names[-3:] == [
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName="a")["QueueUrl"]
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])["Attributes"]["DelaySeconds"] == "1"


def test_a_stack_can_be_deleted_while_it_is_created(aws: Aws) -> None:
    still(aws)
    cloudformation = aws.client("cloudformation")
    stack_id = cloudformation.create_stack(StackName="s", TemplateBody=template(**CHAIN))["StackId"]
    aws.until(lambda: statuses(aws, "s"))
    cloudformation.delete_stack(StackName="s")
    go(aws)
    assert aws.settled(stack_id) == "DELETE_COMPLETE"
    assert aws.client("sqs").list_queues().get("QueueUrls", []) == []


def test_an_update_under_way_can_be_cancelled(aws: Aws) -> None:
    aws.deploy("s", {"A": queue("a", DelaySeconds=1)})
    still(aws)
    cloudformation = aws.client("cloudformation")
    cloudformation.update_stack(StackName="s", TemplateBody=template(A=queue("a", DelaySeconds=9), B=queue("b")))
    cloudformation.cancel_update_stack(StackName="s")
    go(aws)
    assert aws.settled("s") == "UPDATE_ROLLBACK_COMPLETE"
    assert [u.rpartition("/")[2] for u in aws.client("sqs").list_queues()["QueueUrls"]] == ["a"]


# ---- services ------------------------------------------------------------------------------------------------------


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("app.py", "def handler(event, context):\n    return {'ok': True}\n")
    return out.getvalue()


def _function(aws: Aws) -> Any:
    client = aws.client("lambda")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = aws.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    go(aws)
    time.sleep(20 / SPEED)  # Lambda sees a new role after some seconds
    still(aws)
    client.create_function(
        FunctionName="f",
        Runtime="python3.13",
        Handler="app.handler",
        Role=role,
        Code={"ZipFile": _zip()},
    )
    return client


def _distribution_config(**more: Any) -> dict[str, Any]:
    origin = {
        "Id": "o",
        "DomainName": "origin.example.com",
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"},
    }
    return {
        "CallerReference": "one",
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "o",
            "ViewerProtocolPolicy": "https-only",
            "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
        },
        **more,
    }


def test_a_distribution_is_in_progress_after_each_change(aws: Aws) -> None:
    cloudfront = aws.client("cloudfront")
    still(aws)
    made = cloudfront.create_distribution(DistributionConfig=_distribution_config())["Distribution"]
    status: Callable[[], str] = lambda: cloudfront.get_distribution(Id=made["Id"])["Distribution"]["Status"]  # noqa: E731
    assert made["Status"] == status() == "InProgress"
    go(aws)
    aws.until(lambda: status() == "Deployed")
    still(aws)
    now = cloudfront.get_distribution_config(Id=made["Id"])
    changed = {**now["DistributionConfig"], "PriceClass": "PriceClass_100"}
    cloudfront.update_distribution(Id=made["Id"], IfMatch=now["ETag"], DistributionConfig=changed)
    assert status() == "Deployed", "the first read may still see what was before the update"
    assert status() == "InProgress"
    with pytest.raises(ClientError, match="PreconditionFailed"):
        cloudfront.update_distribution(Id=made["Id"], IfMatch=now["ETag"], DistributionConfig=changed)
    go(aws)
    aws.until(lambda: status() == "Deployed")


def test_a_function_is_pending_when_new_and_in_progress_when_changed(aws: Aws) -> None:
    still(aws)
    client = _function(aws)
    read = lambda: client.get_function_configuration(FunctionName="f")  # noqa: E731
    assert (read()["State"], read()["LastUpdateStatus"]) == ("Pending", "InProgress")
    go(aws)
    aws.until(lambda: (read()["State"], read()["LastUpdateStatus"]) == ("Active", "Successful"))
    still(aws)
    client.update_function_configuration(FunctionName="f", MemorySize=512)
    assert (read()["State"], read()["LastUpdateStatus"]) == ("Active", "InProgress")
    go(aws)
    aws.until(lambda: read()["LastUpdateStatus"] == "Successful")
    assert read()["MemorySize"] == 512


def test_a_certificate_waits_for_its_record_however_long(aws: Aws) -> None:
    acm, route53 = aws.client("acm", REGION), aws.client("route53")
    arn = acm.request_certificate(DomainName="x.example.com", ValidationMethod="DNS")["CertificateArn"]
    read = lambda: acm.describe_certificate(CertificateArn=arn)["Certificate"]  # noqa: E731
    time.sleep(0.5)  # five virtual minutes change nothing
    assert read()["Status"] == "PENDING_VALIDATION"
    assert "NotAfter" not in read()
    record = read()["DomainValidationOptions"][0]["ResourceRecord"]
    wanted = {
        "Name": record["Name"],
        "Type": record["Type"],
        "TTL": 300,
        "ResourceRecords": [{"Value": record["Value"]}],
    }
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": wanted}]}
    go(aws, 60)
    route53.change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch=batch)
    assert read()["Status"] == "PENDING_VALIDATION"
    aws.until(lambda: read()["Status"] == "ISSUED")
    assert read()["DomainValidationOptions"][0]["ValidationStatus"] == "SUCCESS"


def _certificate(zone: str, name: str = "y.example.com") -> dict[str, Any]:
    options = [{"DomainName": name, "HostedZoneId": zone}]
    properties = {"DomainName": name, "ValidationMethod": "DNS", "DomainValidationOptions": options}
    return {"Type": "AWS::CertificateManager::Certificate", "Properties": properties}


def test_a_stack_writes_the_validation_record_and_waits_for_the_issue(aws: Aws) -> None:
    still(aws)
    aws.client("cloudformation", REGION).create_stack(StackName="c", TemplateBody=template(C=_certificate(ZONE)))
    (summary,) = aws.until(lambda: aws.client("acm", REGION).list_certificates()["CertificateSummaryList"])
    assert summary["Status"] == "PENDING_VALIDATION"
    records = aws.client("route53").list_resource_record_sets(HostedZoneId=ZONE)["ResourceRecordSets"]
    assert [r["Name"] for r in records if r["Type"] == "CNAME"] != []
    go(aws)
    assert aws.settled("c", REGION) == "CREATE_COMPLETE"


def test_a_certificate_in_a_wrong_zone_keeps_its_stack_waiting(aws: Aws) -> None:
    other = aws.client("route53").create_hosted_zone(Name="other.org", CallerReference="o")["HostedZone"]["Id"]
    body = template(C=_certificate(other.rpartition("/")[2]))
    aws.client("cloudformation", REGION).create_stack(StackName="c", TemplateBody=body)
    time.sleep(0.7)  # seven virtual minutes
    assert aws.stack_status("c", REGION) == "CREATE_IN_PROGRESS"
    assert statuses(aws, "c", REGION) == {"C": "CREATE_IN_PROGRESS"}


def test_a_custom_domain_takes_its_time_after_each_change(aws: Aws) -> None:
    aws.deploy("c", {"C": _certificate(ZONE)}, REGION)
    certificate = aws.client("acm", REGION).list_certificates()["CertificateSummaryList"][0]["CertificateArn"]
    gateway = aws.client("apigateway", REGION)
    still(aws)
    gateway.create_domain_name(
        domainName="y.example.com", regionalCertificateArn=certificate, endpointConfiguration={"types": ["REGIONAL"]}
    )
    status = lambda: gateway.get_domain_name(domainName="y.example.com")["domainNameStatus"]  # noqa: E731
    assert status() == "PENDING"
    go(aws)
    aws.until(lambda: status() == "AVAILABLE")
    still(aws)
    operation = {"op": "replace", "path": "/securityPolicy", "value": "TLS_1_2"}
    gateway.update_domain_name(domainName="y.example.com", patchOperations=[operation])
    assert status() == "UPDATING"
    go(aws)
    aws.until(lambda: status() == "AVAILABLE")


CLUSTER = {
    "Type": "AWS::RDS::DBCluster",
    "DeletionPolicy": "Delete",
    "Properties": {
        "DBClusterIdentifier": "c",
        "Engine": "aurora-postgresql",
        "EngineVersion": "16.8",
        "MasterUsername": "m",
        "MasterUserPassword": "secret-password",
        "ServerlessV2ScalingConfiguration": {"MinCapacity": 1, "MaxCapacity": 4},
    },
}
INSTANCE = {
    "Type": "AWS::RDS::DBInstance",
    "Properties": {
        "DBInstanceIdentifier": "c-0",
        "DBClusterIdentifier": {"Ref": "Cluster"},
        "Engine": "aurora-postgresql",
        "DBInstanceClass": "db.serverless",
    },
}


def test_a_database_is_created_modified_and_deleted_in_minutes(aws: Aws) -> None:
    rds, cloudformation = aws.client("rds"), aws.client("cloudformation")
    cluster = lambda: rds.describe_db_clusters(DBClusterIdentifier="c")["DBClusters"][0]["Status"]  # noqa: E731
    instance = lambda: rds.describe_db_instances(DBInstanceIdentifier="c-0")["DBInstances"][0]["DBInstanceStatus"]  # noqa: E731
    still(aws)
    cloudformation.create_stack(StackName="d", TemplateBody=template(Cluster=CLUSTER, Instance=INSTANCE))
    assert cluster() == "creating"
    assert statuses(aws, "d") == {"Cluster": "CREATE_IN_PROGRESS"}
    go(aws)
    aws.until(lambda: statuses(aws, "d").get("Instance") == "CREATE_IN_PROGRESS")
    assert (cluster(), instance()) == ("available", "creating")
    assert aws.settled("d") == "CREATE_COMPLETE"
    assert instance() == "available"
    still(aws)
    rds.modify_db_cluster(DBClusterIdentifier="c", BackupRetentionPeriod=14, ApplyImmediately=True)
    assert cluster() == "modifying"
    go(aws)
    aws.until(lambda: cluster() == "available")
    still(aws)
    cloudformation.delete_stack(StackName="d")
    aws.until(lambda: instance() == "deleting")
    go(aws)
    aws.until(lambda: not cloudformation.describe_stacks()["Stacks"])
    with pytest.raises(ClientError, match="DBClusterNotFoundFault"):
        cluster()


def test_a_table_takes_no_items_until_it_is_active(aws: Aws) -> None:
    dynamodb = aws.client("dynamodb")
    keys = {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}
    keys["AttributeDefinitions"] = [{"AttributeName": "pk", "AttributeType": "S"}]
    table = {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "t", **keys}}
    still(aws)
    aws.client("cloudformation").create_stack(StackName="t", TemplateBody=template(Table=table))
    assert dynamodb.describe_table(TableName="t")["Table"]["TableStatus"] == "CREATING"
    for call, more in (
        (dynamodb.get_item, {"Key": {"pk": {"S": "1"}}}),
        (dynamodb.put_item, {"Item": {"pk": {"S": "1"}}}),
    ):
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            call(TableName="t", **more)
    go(aws)
    assert aws.settled("t") == "CREATE_COMPLETE"
    dynamodb.put_item(TableName="t", Item={"pk": {"S": "1"}})


def test_a_secondary_takes_longer_than_its_founder(aws: Aws) -> None:
    group = {
        "Type": "AWS::RDS::GlobalCluster",
        "Properties": {"GlobalClusterIdentifier": "g", "Engine": "aurora-postgresql", "EngineVersion": "16.8"},
    }
    assert aws.deploy("g", {"G": group}) == "CREATE_COMPLETE"
    took = {}
    for name, region, left_out in (("one", "us-east-1", ()), ("two", REGION, ("MasterUsername", "MasterUserPassword"))):
        properties = {k: v for k, v in CLUSTER["Properties"].items() if k not in left_out}
        properties |= {"DBClusterIdentifier": name, "GlobalClusterIdentifier": "g"}
        member = {**INSTANCE, "Properties": {**INSTANCE["Properties"], "DBInstanceIdentifier": f"{name}-0"}}
        assert (
            aws.deploy(name, {"Cluster": {**CLUSTER, "Properties": properties}, "Instance": member}, region)
            == "CREATE_COMPLETE"
        )
        found = aws.client("cloudformation", region).describe_stack_events(StackName=name)["StackEvents"]
        took[name] = (found[0]["Timestamp"] - found[-1]["Timestamp"]).total_seconds()
    assert 600 <= took["one"] < 900 <= took["two"] < 1500
