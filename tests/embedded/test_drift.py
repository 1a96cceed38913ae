"""Drift is seen property by property, and REVERT_DRIFT writes the template's values back."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.embedded.real_stacks import Deployer
from tests.embedded.test_changesets import Stack, log_group

ZONE = "Z0123456789EXAMPLE"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ROLE = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "r", "AssumeRolePolicyDocument": TRUST}}


def record(**more: Any) -> dict[str, Any]:
    properties = {"HostedZoneId": ZONE, "Name": "x.example.com", "Type": "CNAME", "TTL": "30", **more}
    return {"Type": "AWS::Route53::RecordSet", "Properties": {"ResourceRecords": ["y.example.com"], **properties}}


def function(**more: Any) -> dict[str, Any]:
    properties = {
        "FunctionName": "f",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Code": {"ZipFile": "def handler(event, context): return 1"},
        "MemorySize": 512,
        "Timeout": 10,
        "Environment": {"Variables": {"MODE": "a"}},
        "Tags": [{"Key": "meridian:topology", "Value": "orders"}],
    }
    return {"Type": "AWS::Lambda::Function", "Properties": {**properties, **more}}


def distribution(**more: Any) -> dict[str, Any]:
    config = {
        "Enabled": True,
        "PriceClass": "PriceClass_100",
        "HttpVersion": "http2and3",
        "IPV6Enabled": True,
        "Comment": "orders",
        "Origins": [
            {
                "Id": "api",
                "DomainName": "origin.example.com",
                "CustomOriginConfig": {"OriginProtocolPolicy": "https-only", "OriginSSLProtocols": ["TLSv1.2"]},
                "OriginCustomHeaders": [{"HeaderName": "x-role", "HeaderValue": "edge"}],
            }
        ],
        "DefaultCacheBehavior": {
            "TargetOriginId": "api",
            "ViewerProtocolPolicy": "https-only",
            "AllowedMethods": ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"],
            "CachedMethods": ["GET", "HEAD"],
            "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
            "Compress": False,
        },
        "CustomErrorResponses": [{"ErrorCode": code, "ErrorCachingMinTTL": 0} for code in (403, 404, 502)],
        "ViewerCertificate": {"CloudFrontDefaultCertificate": True},
    }
    return {"Type": "AWS::CloudFront::Distribution", "Properties": {"DistributionConfig": {**config, **more}}}


@pytest.fixture
def stack(aws: Any) -> Stack:
    aws.control("clock", {"speed": 5000})  # a distribution takes minutes
    return Stack(aws)


def drifts(stack: Stack) -> dict[str, dict[str, Any]]:
    """DetectStackDrift, and what it found per resource."""
    wanted = stack.client.detect_stack_drift(StackName=stack.name)["StackDriftDetectionId"]

    def finished() -> Any:
        found = stack.client.describe_stack_drift_detection_status(StackDriftDetectionId=wanted)
        return found["DetectionStatus"] != "DETECTION_IN_PROGRESS" and found

    stack.aws.until(finished)
    found = stack.client.describe_stack_resource_drifts(StackName=stack.name)["StackResourceDrifts"]
    return {drift["LogicalResourceId"]: drift for drift in found}


def differences(drift: dict[str, Any]) -> dict[str, tuple[str, str]]:
    found = drift.get("PropertyDifferences", [])
    return {d["PropertyPath"]: (d["ExpectedValue"], d["ActualValue"]) for d in found}


def edit_distribution(aws: Any, change: Any) -> None:
    client = aws.client("cloudfront")
    [summary] = client.list_distributions()["DistributionList"]["Items"]
    found = client.get_distribution_config(Id=summary["Id"])
    change(found["DistributionConfig"])
    client.update_distribution(Id=summary["Id"], IfMatch=found["ETag"], DistributionConfig=found["DistributionConfig"])


def set_ttl(aws: Any, ttl: int) -> None:
    row = {"Name": "x.example.com", "Type": "CNAME", "TTL": ttl, "ResourceRecords": [{"Value": "y.example.com"}]}
    change = {"Action": "UPSERT", "ResourceRecordSet": row}
    aws.client("route53").change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch={"Changes": [change]})


def test_what_was_just_deployed_has_not_drifted(stack: Stack) -> None:
    resources = {
        "Role": ROLE,
        "Function": function(),
        "Log": log_group("/l"),
        "Record": record(),
        "Edge": distribution(),
    }
    assert stack.run({"Resources": resources}, "CREATE") == "CREATE_COMPLETE"
    found = drifts(stack)
    assert {name: d["StackResourceDriftStatus"] for name, d in found.items()} == dict.fromkeys(resources, "IN_SYNC")


def test_detection_takes_a_while(stack: Stack) -> None:
    stack.run({"Resources": {"Log": log_group("/l")}}, "CREATE")
    stack.aws.control("clock", {"speed": 5})
    wanted = stack.client.detect_stack_drift(StackName="s")["StackDriftDetectionId"]
    found = stack.client.describe_stack_drift_detection_status(StackDriftDetectionId=wanted)
    assert found["DetectionStatus"] == "DETECTION_IN_PROGRESS"


def _price(config: dict) -> None:
    config["PriceClass"] = "PriceClass_All"


def _error_caching(config: dict) -> None:
    config["CustomErrorResponses"]["Items"][1]["ErrorCachingMinTTL"] = 10


def _methods(config: dict) -> None:
    config["DefaultCacheBehavior"]["AllowedMethods"]["Items"] = ["GET", "HEAD"]
    config["DefaultCacheBehavior"]["AllowedMethods"]["Quantity"] = 2


def _timeout(config: dict) -> None:
    config["Origins"]["Items"][0]["CustomOriginConfig"]["OriginProtocolPolicy"] = "match-viewer"


def _header(config: dict) -> None:
    config["Origins"]["Items"][0]["CustomHeaders"]["Items"][0]["HeaderValue"] = "other"


def _disabled(config: dict) -> None:
    config["Enabled"] = False


EDITS = [
    (_price, "/DistributionConfig/PriceClass"),
    (_error_caching, "/DistributionConfig/CustomErrorResponses/1/ErrorCachingMinTTL"),
    (_timeout, "/DistributionConfig/Origins/0/CustomOriginConfig/OriginProtocolPolicy"),
    (_header, "/DistributionConfig/Origins/0/OriginCustomHeaders/0/HeaderValue"),
    (_disabled, "/DistributionConfig/Enabled"),
]


@pytest.mark.parametrize(("edit", "path"), EDITS, ids=[edit.__name__ for edit, _ in EDITS])
def test_any_setting_of_a_distribution_is_seen_and_repaired(stack: Stack, edit: Any, path: str) -> None:
    body = {"Resources": {"Edge": distribution()}}
    stack.run(body, "CREATE")
    edit_distribution(stack.aws, edit)
    assert list(differences(drifts(stack)["Edge"])) == [path]
    assert stack.run(body, DeploymentMode="REVERT_DRIFT") == "UPDATE_COMPLETE"
    assert drifts(stack)["Edge"]["StackResourceDriftStatus"] == "IN_SYNC"


def test_removed_methods_of_a_distribution_are_seen(stack: Stack) -> None:
    stack.run({"Resources": {"Edge": distribution()}}, "CREATE")
    edit_distribution(stack.aws, _methods)
    assert len(differences(drifts(stack)["Edge"])) == 5


def test_a_function_setting_is_seen_and_its_code_is_not(stack: Stack) -> None:
    stack.run({"Resources": {"Role": ROLE, "Function": function()}}, "CREATE")
    client = stack.aws.client("lambda")
    client.update_function_configuration(
        FunctionName="f", MemorySize=128, Environment={"Variables": {"MODE": "a", "NEW": "1"}}
    )
    found = drifts(stack)["Function"]
    assert differences(found) == {"/MemorySize": ("512", "128"), "/Environment/Variables/NEW": ("null", "1")}
    assert "Code" not in json.loads(found["ExpectedProperties"])


def test_a_property_that_the_template_does_not_set_is_no_drift(stack: Stack) -> None:
    stack.run({"Resources": {"Role": ROLE, "Function": function()}}, "CREATE")
    stack.aws.client("lambda").update_function_configuration(FunctionName="f", Description="by hand")
    assert drifts(stack)["Function"]["StackResourceDriftStatus"] == "IN_SYNC"


def test_revert_drift_shows_live_desired_and_the_last_deployment(stack: Stack) -> None:
    stack.run({"Resources": {"Record": record(TTL="30")}}, "CREATE")
    set_ttl(stack.aws, 300)
    described = stack.describe(stack.create({"Resources": {"Record": record(TTL="60")}}, DeploymentMode="REVERT_DRIFT"))
    assert (described["DeploymentMode"], described["StackDriftStatus"]) == ("REVERT_DRIFT", "DRIFTED")
    [change] = [c["ResourceChange"] for c in described["Changes"]]
    ttls = {
        key: str(json.loads(change[key])["Properties"]["TTL"])
        for key in ("BeforeContext", "AfterContext", "PreviousDeploymentContext")
    }
    assert ttls == {"BeforeContext": "300", "AfterContext": "60", "PreviousDeploymentContext": "30"}
    [detail] = change["Details"]
    target = detail["Target"]
    assert (target["BeforeValueFrom"], target["AfterValueFrom"]) == ("ACTUAL_STATE", "TEMPLATE")
    assert (target["Drift"]["PreviousValue"], target["Drift"]["ActualValue"]) == ("30", "300")
    assert (change["ResourceDriftStatus"], detail["ChangeSource"]) == ("MODIFIED", "DirectModification")


def test_revert_drift_writes_the_template_back(stack: Stack) -> None:
    body = {"Resources": {"Role": ROLE, "Function": function(), "Record": record(), "Log": log_group("/l", 7)}}
    stack.run(body, "CREATE")
    set_ttl(stack.aws, 300)
    stack.aws.client("lambda").update_function_configuration(FunctionName="f", MemorySize=128)
    stack.aws.client("logs").put_retention_policy(logGroupName="/l", retentionInDays=1)
    changes = {c["LogicalResourceId"]: c for c in stack.plan(body, DeploymentMode="REVERT_DRIFT", name="repair")}
    assert {c["Details"][0]["ChangeSource"] for c in changes.values()} == {"NoModification"}
    assert set(changes) == {"Function", "Record", "Log"}
    assert stack.execute("repair") == "UPDATE_COMPLETE"
    assert {d["StackResourceDriftStatus"] for d in drifts(stack).values()} == {"IN_SYNC"}
    assert stack.aws.client("lambda").get_function_configuration(FunctionName="f")["MemorySize"] == 512


def test_a_plain_change_set_does_not_see_drift(stack: Stack) -> None:
    body = {"Resources": {"Record": record()}}
    stack.run(body, "CREATE")
    set_ttl(stack.aws, 300)
    assert stack.describe(stack.create(body))["Status"] == "FAILED"


def test_revert_drift_without_drift_has_nothing_to_do(stack: Stack) -> None:
    body = {"Resources": {"Record": record(), "Log": log_group("/l")}}
    stack.run(body, "CREATE")
    found = stack.describe(stack.create(body, DeploymentMode="REVERT_DRIFT"))
    assert (found["Status"], found["StackDriftStatus"]) == ("FAILED", "IN_SYNC")


def test_a_resource_deleted_outside_is_made_again(stack: Stack) -> None:
    body = {"Resources": {"Log": log_group("/l"), "Record": record()}}
    stack.run(body, "CREATE")
    stack.aws.client("logs").delete_log_group(logGroupName="/l")
    [change] = stack.plan(body, DeploymentMode="REVERT_DRIFT", name="repair")
    assert (change["LogicalResourceId"], change["Action"], change["ResourceDriftStatus"]) == ("Log", "Add", "DELETED")
    assert stack.execute("repair") == "UPDATE_COMPLETE"
    groups = stack.aws.client("logs").describe_log_groups()["logGroups"]
    assert [(g["logGroupName"], g["retentionInDays"]) for g in groups if g["logGroupName"] == "/l"] == [("/l", 7)]


def test_a_repair_that_fails_leaves_what_was_there_and_it_is_still_drift(stack: Stack) -> None:
    """A drift-aware change set rolls back to the live state before it, not to the template's."""
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/p", "Type": "String", "Value": "a"}}
    body = {"Resources": {"Record": record(), "Lost": log_group("/lost"), "Last": parameter | {"DependsOn": "Record"}}}
    stack.run(body, "CREATE")
    set_ttl(stack.aws, 300)
    stack.aws.client("logs").delete_log_group(logGroupName="/lost")
    stack.aws.control("faults", {"faults": [{"resource": "AWS::SSM::Parameter"}]})
    changed = json.loads(json.dumps(body).replace('"Value": "a"', '"Value": "b"'))
    assert stack.run(changed, DeploymentMode="REVERT_DRIFT") == "UPDATE_ROLLBACK_COMPLETE"
    found = {name: drift["StackResourceDriftStatus"] for name, drift in drifts(stack).items()}
    assert found == {"Record": "MODIFIED", "Lost": "DELETED", "Last": "IN_SYNC"}
    assert differences(drifts(stack)["Record"]) == {"/TTL": ("30", "300")}
    stack.aws.control("faults", {"faults": []})
    assert stack.run(changed, DeploymentMode="REVERT_DRIFT") == "UPDATE_COMPLETE"
    assert {d["StackResourceDriftStatus"] for d in drifts(stack).values()} == {"IN_SYNC"}


def test_an_ordinary_update_of_a_distribution_sends_its_whole_configuration(stack: Stack) -> None:
    """What was changed by hand is overwritten by an update that is about something else (aws-facts §7)."""
    stack.run({"Resources": {"D": distribution()}}, "CREATE")
    edit_distribution(stack.aws, lambda config: config.update(PriceClass="PriceClass_All", Enabled=False))
    assert stack.run({"Resources": {"D": distribution(Comment="another")}}) == "UPDATE_COMPLETE"
    client = stack.aws.client("cloudfront")
    [summary] = client.list_distributions()["DistributionList"]["Items"]
    assert (summary["PriceClass"], summary["Enabled"], summary["Status"]) == ("PriceClass_100", True, "Deployed")


def test_a_change_already_made_by_hand_is_only_recorded(stack: Stack) -> None:
    stack.run({"Resources": {"Record": record(TTL="30")}}, "CREATE")
    set_ttl(stack.aws, 60)
    [change] = stack.plan({"Resources": {"Record": record(TTL="60")}}, DeploymentMode="REVERT_DRIFT", name="sync")
    assert (change["Action"], change["Details"][0]["Target"]["AttributeChangeType"]) == (
        "SyncWithActual",
        "SyncWithActual",
    )
    assert stack.execute("sync") == "UPDATE_COMPLETE"
    assert drifts(stack)["Record"]["StackResourceDriftStatus"] == "IN_SYNC"


def test_write_only_properties_are_named_and_compared_with_the_last_deployment(stack: Stack) -> None:
    body = {"Resources": {"Role": ROLE, "Function": function()}}
    stack.run(body, "CREATE")
    client = stack.aws.client("lambda")
    client.update_function_configuration(FunctionName="f", Timeout=3)
    [change] = stack.plan(body, DeploymentMode="REVERT_DRIFT")
    assert {"Path": "/Properties/Code/ZipFile", "Reason": "WRITE_ONLY_PROPERTY"} in change[
        "ResourceDriftIgnoredAttributes"
    ]
    assert [d["Target"]["Path"] for d in change["Details"]] == ["/Properties/Timeout"]


def test_foreign_tags_stay(stack: Stack) -> None:
    body = {"Resources": {"Role": ROLE, "Function": function()}}
    stack.run(body, "CREATE")
    client = stack.aws.client("lambda")
    arn = client.get_function_configuration(FunctionName="f")["FunctionArn"]
    client.tag_resource(Resource=arn, Tags={"cost-center": "7", "meridian:topology": "other"})
    [change] = stack.plan(body, DeploymentMode="REVERT_DRIFT", name="repair")
    assert [d["Target"]["Path"] for d in change["Details"]] == ["/Properties/Tags/0/Value"]
    stack.execute("repair")
    assert client.list_tags(Resource=arn)["Tags"].items() >= {"cost-center": "7", "meridian:topology": "orders"}.items()


def test_a_type_without_a_reader_falls_back_to_the_templates(stack: Stack) -> None:
    def body(effect: str) -> dict[str, Any]:
        queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}}
        statement = {"Effect": effect, "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        properties = {"Queues": [{"Ref": "Queue"}], "PolicyDocument": document}
        return {"Resources": {"Queue": queue, "Policy": {"Type": "AWS::SQS::QueuePolicy", "Properties": properties}}}

    stack.run(body("Allow"), "CREATE")
    [change] = stack.plan(body("Deny"), DeploymentMode="REVERT_DRIFT")
    assert (change["LogicalResourceId"], change["ResourceDriftStatus"]) == ("Policy", "UNSUPPORTED")
    assert change["Details"][0]["Target"]["Path"] == "/Properties/PolicyDocument/Statement/0/Effect"


@pytest.mark.parametrize("kind", ["ingress", "role"])
def test_a_permission_added_by_hand_is_seen_and_removed(stack: Stack, kind: str) -> None:
    rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "CidrIp": "10.0.0.0/16"}
    group = {"GroupDescription": "g", "VpcId": {"Ref": "Vpc"}, "SecurityGroupIngress": [rule]}
    statement = {"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}
    policy = {"PolicyName": "logs", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    body = {
        "Resources": {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
            "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": group},
            "Role": ROLE | {"Properties": ROLE["Properties"] | {"Policies": [policy]}},
        }
    }
    stack.run(body, "CREATE")
    assert {d["StackResourceDriftStatus"] for d in drifts(stack).values()} == {"IN_SYNC"}
    if kind == "role":
        wider = {"Version": "2012-10-17", "Statement": [statement | {"Action": "*"}]}
        iam = stack.aws.client("iam")
        iam.put_role_policy(RoleName="r", PolicyName="logs", PolicyDocument=json.dumps(wider))
    else:
        found = stack.client.describe_stack_resource(StackName="s", LogicalResourceId="Group")["StackResourceDetail"]
        ranges = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        ec2 = stack.aws.client("ec2")
        ec2.authorize_security_group_ingress(GroupId=found["PhysicalResourceId"], IpPermissions=ranges)
    drifted = [name for name, d in drifts(stack).items() if d["StackResourceDriftStatus"] == "MODIFIED"]
    assert drifted == [{"role": "Role", "ingress": "Group"}[kind]]
    assert stack.run(body, DeploymentMode="REVERT_DRIFT") == "UPDATE_COMPLETE"
    assert {d["StackResourceDriftStatus"] for d in drifts(stack).values()} == {"IN_SYNC"}


def test_a_health_check_turned_around_by_hand_is_seen(stack: Stack) -> None:
    config = {"Type": "HTTPS", "FullyQualifiedDomainName": "a.example.com", "FailureThreshold": 3, "Inverted": False}
    body = {"Resources": {"Probe": {"Type": "AWS::Route53::HealthCheck", "Properties": {"HealthCheckConfig": config}}}}
    stack.run(body, "CREATE")
    client = stack.aws.client("route53")
    [check] = client.list_health_checks()["HealthChecks"]
    client.update_health_check(HealthCheckId=check["Id"], Inverted=True)
    assert differences(drifts(stack)["Probe"]) == {"/HealthCheckConfig/Inverted": ("false", "true")}
    assert stack.run(body, DeploymentMode="REVERT_DRIFT") == "UPDATE_COMPLETE"
    assert client.get_health_check(HealthCheckId=check["Id"])["HealthCheck"]["HealthCheckConfig"]["Inverted"] is False


def test_throttles_of_a_stage_are_seen_and_repaired(stack: Stack) -> None:
    mock = {"x-amazon-apigateway-integration": {"type": "mock"}, "responses": {}}
    body = {"openapi": "3.0.1", "info": {"title": "orders", "version": "1"}, "paths": {"/": {"get": mock}}}
    api = {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "orders", "Body": body}}
    deployment = {"Type": "AWS::ApiGateway::Deployment", "Properties": {"RestApiId": {"Ref": "Api"}}}
    setting = {"ResourcePath": "/*", "HttpMethod": "*", "ThrottlingRateLimit": 1000, "ThrottlingBurstLimit": 2000}
    stage = {"RestApiId": {"Ref": "Api"}, "DeploymentId": {"Ref": "Deployment"}, "StageName": "live"}
    resources = {"Api": api, "Deployment": deployment}
    resources["Stage"] = {"Type": "AWS::ApiGateway::Stage", "Properties": {**stage, "MethodSettings": [setting]}}
    stack.run({"Resources": resources}, "CREATE")
    assert drifts(stack)["Stage"]["StackResourceDriftStatus"] == "IN_SYNC"
    client = stack.aws.client("apigateway")
    [found] = client.get_rest_apis()["items"]
    patch = {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "5"}
    client.update_stage(restApiId=found["id"], stageName="live", patchOperations=[patch])
    assert differences(drifts(stack)["Stage"]) == {"/MethodSettings/0/ThrottlingRateLimit": ("1000", "5")}
    assert stack.run({"Resources": resources}, DeploymentMode="REVERT_DRIFT") == "UPDATE_COMPLETE"
    assert drifts(stack)["Stage"]["StackResourceDriftStatus"] == "IN_SYNC"


@pytest.mark.slow
def test_the_products_own_stacks_have_not_drifted_right_after_they_were_made(stack: Stack, tmp_path: Path) -> None:
    """No reader of ours sees a difference that is none, and no secret is shown."""
    deployer = Deployer(stack.aws, tmp_path)
    deployer.synthesise()
    deployer.converge()
    for region in ("us-east-1", "eu-west-1"):
        client = stack.aws.client("cloudformation", region)
        for found in client.describe_stacks()["Stacks"]:
            one = Stack(stack.aws, found["StackName"], region)
            changed = {
                name: differences(d) for name, d in drifts(one).items() if d["StackResourceDriftStatus"] != "IN_SYNC"
            }
            assert not changed, (region, found["StackName"])
            body = client.get_template(StackName=found["StackName"])["TemplateBody"]
            kept = [{"ParameterKey": p["ParameterKey"], "UsePreviousValue": True} for p in found.get("Parameters", [])]
            name = one.create(body, DeploymentMode="REVERT_DRIFT", Parameters=kept)
            assert one.describe(name)["Changes"] == [], (region, found["StackName"])
