"""What AWS refuses, the embedded AWS refuses: one test per rule, by call and, where a template can do it, by stack."""

import json
from typing import Any

import pytest

from tests.embedded.test_changesets import log_group, refused
from tests.embedded.test_drift import ROLE, ZONE, distribution, function
from tests.embedded.test_global_cluster import FOUNDER, GLOBAL, data, instance, network

EDGE_ROLE = json.loads(
    json.dumps(ROLE).replace('"lambda.amazonaws.com"', '["lambda.amazonaws.com", "edgelambda.amazonaws.com"]')
)

JOINS = {"Effect": "Allow", "Action": "ec2:*NetworkInterface*", "Resource": "*"}
NETWORK_ROLE = ROLE | {
    "Properties": ROLE["Properties"]
    | {"Policies": [{"PolicyName": "network", "PolicyDocument": {"Version": "2012-10-17", "Statement": [JOINS]}}]}
}
MOCK = {"x-amazon-apigateway-integration": {"type": "mock"}, "responses": {}}
BODY = {"openapi": "3.0.1", "info": {"title": "a", "version": "1"}, "paths": {"/": {"get": MOCK}}}


@pytest.fixture
def world(aws: Any) -> Any:
    aws.control("clock", {"speed": 5000})
    return aws


def why(aws: Any, name: str, region: str = "us-east-1") -> str:
    """The reason of the first resource that failed, or what pre-deployment validation found."""
    client = aws.client("cloudformation", region)
    events = client.describe_events(StackName=name, Filters={"FailedEvents": True})["OperationEvents"]
    if validated := [e["ValidationStatusReason"] for e in events if e["EventType"] == "VALIDATION_ERROR"]:
        return str(validated[0])
    found = client.describe_stack_events(StackName=name)["StackEvents"]
    reasons = [e["ResourceStatusReason"] for e in found[::-1] if e["ResourceStatus"].endswith("_FAILED")]
    return str(reasons[0])


def fails(aws: Any, resources: dict[str, Any], told: str, region: str = "us-east-1") -> None:
    assert aws.deploy("bad", resources, region) == "ROLLBACK_COMPLETE"
    assert told in why(aws, "bad", region)


# ---- Route 53: records ---------------------------------------------------------------------------------------------------


def row(name: str = "x.example.com", kind: str = "CNAME", **more: Any) -> dict[str, Any]:
    values = {} if "AliasTarget" in more else {"TTL": 30, "ResourceRecords": [{"Value": "y.example.com"}]}
    return {"Name": name, "Type": kind, **values, **more}


def latency(region: str, **more: Any) -> dict[str, Any]:
    return row(Region=region, SetIdentifier=more.pop("SetIdentifier", region), **more)


def alias(target: str, zone: str = ZONE, kind: str = "A", **more: Any) -> dict[str, Any]:
    return row(
        "a.example.com",
        kind,
        AliasTarget={"HostedZoneId": zone, "DNSName": target, "EvaluateTargetHealth": False, **more},
    )


def change(aws: Any, *rows: dict[str, Any], action: str = "CREATE") -> Any:
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": one} for one in rows]}
    return aws.client("route53").change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch=batch)


RECORDS = [
    ("a name outside the zone", [], row("x.other.com"), "InvalidChangeBatch", "is not permitted in zone example.com."),
    ("a CNAME at the apex", [], row("example.com"), "InvalidChangeBatch", "not permitted at apex"),
    ("a CNAME beside another type", [row(kind="PTR")], row(), "InvalidChangeBatch", "conflicts with other records"),
    ("another type beside a CNAME", [row()], row(kind="PTR"), "InvalidChangeBatch", "conflicts with other records"),
    (
        "a second latency record for a Region",
        [latency("eu-west-1")],
        latency("eu-west-1", SetIdentifier="other"),
        "InvalidChangeBatch",
        "a latency RRSet with the same name, type and region already exists",
    ),
    (
        "weighted beside latency",
        [latency("eu-west-1")],
        row(Weight=1, SetIdentifier="w"),
        "InvalidChangeBatch",
        "cannot be created as",
    ),
    (
        "latency beside simple",
        [row()],
        latency("eu-west-1"),
        "InvalidChangeBatch",
        "cannot be created as a non-latency set",
    ),
    ("a Region that Route 53 does not know", [], latency("mars-1"), "InvalidInput", "mars-1"),
    ("a policy without a set identifier", [], row(Region="eu-west-1"), "InvalidInput", "SetIdentifier"),
    ("an unknown health check", [], latency("eu-west-1", HealthCheckId="none"), "NoSuchHealthCheck", "none"),
    ("an alias to nothing", [], alias("b.example.com"), "InvalidChangeBatch", "that target was not found"),
    ("an alias out of its zone", [], alias("b.other.com"), "InvalidChangeBatch", "does not lie within the target zone"),
    (
        "an evaluated alias to CloudFront",
        [],
        alias("d1.cloudfront.net", "Z2FDTNDATAQYW2", EvaluateTargetHealth=True),
        "InvalidChangeBatch",
        "EvaluateTargetHealth cannot be true",
    ),
    (
        "a CNAME with two values",
        [],
        row(ResourceRecords=[{"Value": "a"}, {"Value": "b"}]),
        "InvalidChangeBatch",
        "only one value",
    ),
    ("a record without a TTL", [], {k: v for k, v in row().items() if k != "TTL"}, "InvalidInput", "Expected TTL"),
]


@pytest.mark.parametrize(("there", "added", "code", "told"), [r[1:] for r in RECORDS], ids=[r[0] for r in RECORDS])
def test_a_record_is_refused(world: Any, there: list, added: dict, code: str, told: str) -> None:
    if there:
        change(world, *there)
    assert told in refused(code, change, world, added)


def test_a_batch_is_applied_as_a_whole_or_not_at_all(world: Any) -> None:
    refused("InvalidChangeBatch", change, world, row("ok.example.com"), row("x.other.com"))
    rows = world.client("route53").list_resource_record_sets(HostedZoneId=ZONE)["ResourceRecordSets"]
    assert {r["Name"] for r in rows} == {"example.com."}


def test_one_batch_may_change_the_policy_of_a_name(world: Any) -> None:
    old = latency("eu-west-1")
    change(world, old)
    actions = [("DELETE", old), ("CREATE", row(Weight=1, SetIdentifier="w"))]
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": one} for action, one in actions]}
    world.client("route53").change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch=batch)


def test_a_delete_must_match_every_value(world: Any) -> None:
    change(world, row())
    refused("InvalidChangeBatch", change, world, row(TTL=31), action="DELETE")
    change(world, row(), action="DELETE")


def test_the_zones_own_records_stay(world: Any) -> None:
    rows = world.client("route53").list_resource_record_sets(HostedZoneId=ZONE)["ResourceRecordSets"]
    refused("InvalidChangeBatch", change, world, rows[0], action="DELETE")


def test_a_stack_meets_the_same_rules_for_records(world: Any) -> None:
    change(world, latency("eu-west-1"))
    properties = {"HostedZoneId": ZONE, "Name": "x.example.com", "Type": "CNAME", "TTL": "30", "ResourceRecords": ["y"]}
    resource = {
        "Type": "AWS::Route53::RecordSet",
        "Properties": {**properties, "Region": "eu-west-1", "SetIdentifier": "o"},
    }
    fails(world, {"Record": resource}, "a latency RRSet with the same name, type and region already exists")


def test_a_record_needs_its_zone(world: Any) -> None:
    properties = {
        "HostedZoneId": "ZNONE",
        "Name": "x.example.com",
        "Type": "TXT",
        "TTL": "30",
        "ResourceRecords": ["y"],
    }
    fails(
        world,
        {"Record": {"Type": "AWS::Route53::RecordSet", "Properties": properties}},
        "No hosted zone found with ID: ZNONE",
    )


# ---- Route 53: health checks -----------------------------------------------------------------------------------------------

PROBE = {"Type": "HTTPS", "FullyQualifiedDomainName": "a.example.com"}


def make_check(aws: Any, reference: str = "r", **config: Any) -> str:
    arguments = {"CallerReference": reference, "HealthCheckConfig": config}
    return str(aws.client("route53").create_health_check(**arguments)["HealthCheck"]["Id"])


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (PROBE | {"RequestInterval": 20}, "Invalid RequestInterval: 20"),
        ({"Type": "HTTPS"}, "a fully qualified domain name is needed"),
        (
            {"Type": "CALCULATED", "HealthThreshold": 1, "ChildHealthChecks": ["none"]},
            "Child health check ids are invalid",
        ),
    ],
)
def test_a_health_check_setting_is_refused(world: Any, config: dict, told: str) -> None:
    assert told in refused("InvalidInput", make_check, world, **config)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"Type": "CALCULATED", "HealthThreshold": 257}, "257 is not less or equal to 256"),
        (
            {"Type": "CALCULATED", "ChildHealthChecks": [f"c{i}" for i in range(257)]},
            "maximum item count: 256, found: 257",
        ),
        (PROBE | {"FailureThreshold": 11}, "11 is not less or equal to 10"),
    ],
)
def test_a_health_check_setting_out_of_bounds_is_refused(world: Any, config: dict, told: str) -> None:
    """boto3 does not send these; a template can."""
    resource = {"Type": "AWS::Route53::HealthCheck", "Properties": {"HealthCheckConfig": config}}
    fails(world, {"Probe": resource}, told)


@pytest.mark.parametrize("element", ["<RequestInterval>10</RequestInterval>", "<Type>TCP</Type>"])
def test_what_is_fixed_for_the_life_of_a_check_cannot_be_updated(world: Any, element: str) -> None:
    """boto3 has no such member; somebody else's client may."""
    check, client = make_check(world, **PROBE), world.client("route53")
    end = b"</UpdateHealthCheckRequest>"

    def add(params: dict[str, Any], **_: Any) -> None:
        params["body"] = params["body"].replace(end, element.encode() + end)

    client.meta.events.register("before-call.route-53.UpdateHealthCheck", add)
    try:
        message = refused("InvalidInput", client.update_health_check, HealthCheckId=check, FailureThreshold=5)
    finally:
        client.meta.events.unregister("before-call.route-53.UpdateHealthCheck", add)
    assert "cannot be changed after a health check is created" in message
    assert client.get_health_check(HealthCheckId=check)["HealthCheck"]["HealthCheckVersion"] == 1


def test_a_caller_reference_is_used_once(world: Any) -> None:
    check = make_check(world, **PROBE)
    assert make_check(world, **PROBE) == check
    refused("HealthCheckAlreadyExists", make_check, world, **(PROBE | {"FailureThreshold": 5}))
    world.client("route53").delete_health_check(HealthCheckId=check)
    refused("HealthCheckAlreadyExists", make_check, world, **PROBE)


# ---- CloudFront ------------------------------------------------------------------------------------------------------------


def certificate(aws: Any, *names: str, region: str = "us-east-1", issued: bool = True) -> str:
    client = aws.client("acm", region)
    more = {"SubjectAlternativeNames": list(names)} if len(names) > 1 else {}
    arn = client.request_certificate(DomainName=names[0], ValidationMethod="DNS", **more)["CertificateArn"]
    if issued:
        describe = lambda: client.describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"]  # noqa: E731
        aws.until(lambda: all("ResourceRecord" in option for option in describe()))
        for record in (option["ResourceRecord"] for option in describe()):
            change(aws, row(record["Name"], ResourceRecords=[{"Value": record["Value"]}]), action="UPSERT")
        aws.until(lambda: client.describe_certificate(CertificateArn=arn)["Certificate"]["Status"] == "ISSUED")
    return str(arn)


def viewer(arn: str) -> dict[str, str]:
    return {"AcmCertificateArn": arn, "SslSupportMethod": "sni-only", "MinimumProtocolVersion": "TLSv1.2_2021"}


def with_alias(name: str, arn: str) -> dict[str, Any]:
    return distribution(Aliases=[name], ViewerCertificate=viewer(arn))


def test_an_alias_needs_a_certificate(world: Any) -> None:
    fails(world, {"Edge": distribution(Aliases=["api.example.com"])}, "you must attach a trusted certificate")


def test_the_certificate_of_an_alias_must_be_issued(world: Any) -> None:
    arn = certificate(world, "api.example.com", issued=False)
    fails(world, {"Edge": with_alias("api.example.com", arn)}, "is PENDING_VALIDATION")


def test_the_certificate_of_an_alias_must_be_in_us_east_1(world: Any) -> None:
    arn = certificate(world, "api.example.com", region="eu-west-1")
    fails(world, {"Edge": with_alias("api.example.com", arn)}, "isn't in us-east-1")


@pytest.mark.parametrize(
    ("names", "covered"),
    [(["api.example.com"], True), (["*.example.com"], True), (["*.api.example.com"], False), (["example.com"], False)],
)
def test_the_certificate_must_cover_the_alias(world: Any, names: list[str], covered: bool) -> None:
    edge = {"Edge": with_alias("api.example.com", certificate(world, *names))}
    if covered:
        assert world.deploy("edge", edge) == "CREATE_COMPLETE"
    else:
        fails(world, edge, "doesn't cover the alternate domain name")


def test_an_alias_belongs_to_one_distribution(world: Any) -> None:
    edge = with_alias("api.example.com", certificate(world, "api.example.com"))
    assert world.deploy("edge", {"Edge": edge}) == "CREATE_COMPLETE"
    fails(world, {"Edge": edge}, "already associated with a different resource")


def first_distribution(aws: Any) -> tuple[Any, str, dict[str, Any], str]:
    client = aws.client("cloudfront")
    [summary] = client.list_distributions()["DistributionList"]["Items"]
    found = client.get_distribution_config(Id=summary["Id"])
    return client, summary["Id"], found["DistributionConfig"], found["ETag"]


def test_an_update_needs_the_current_etag(world: Any) -> None:
    world.deploy("edge", {"Edge": distribution()})
    client, name, config, etag = first_distribution(world)
    client.update_distribution(Id=name, IfMatch=etag, DistributionConfig=config)
    refused("PreconditionFailed", client.update_distribution, Id=name, IfMatch=etag, DistributionConfig=config)
    refused("InvalidIfMatchVersion", client.update_distribution, Id=name, DistributionConfig=config)


def test_a_distribution_goes_only_disabled_and_deployed(world: Any) -> None:
    world.deploy("edge", {"Edge": distribution()})
    client, name, config, etag = first_distribution(world)
    refused("DistributionNotDisabled", client.delete_distribution, Id=name, IfMatch=etag)
    world.control("clock", {"speed": 10})
    etag = client.update_distribution(Id=name, IfMatch=etag, DistributionConfig=config | {"Enabled": False})["ETag"]
    refused("DistributionNotDisabled", client.delete_distribution, Id=name, IfMatch=etag)
    world.control("clock", {"speed": 5000})
    read = lambda: client.get_distribution(Id=name)  # noqa: E731
    world.until(lambda: (found := read())["ETag"] == etag and found["Distribution"]["Status"] == "Deployed")
    refused("PreconditionFailed", client.delete_distribution, Id=name, IfMatch="stale")
    client.delete_distribution(Id=name, IfMatch=etag)


VERSION = {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}}


def edge(arn: Any, role: dict[str, Any] = EDGE_ROLE, **settings: Any) -> dict[str, Any]:
    settings = {"Environment": {"Variables": {}}, **settings}
    behavior = distribution()["Properties"]["DistributionConfig"]["DefaultCacheBehavior"]
    behavior = behavior | {"LambdaFunctionAssociations": [{"EventType": "origin-request", "LambdaFunctionARN": arn}]}
    return {
        "Role": role,
        "Function": function(**settings),
        "Version": VERSION,
        "Edge": distribution(DefaultCacheBehavior=behavior),
    }


NUMBERED = {"Ref": "Version"}
EDGE_FUNCTIONS = [
    ("an unnumbered function", edge({"Fn::GetAtt": ["Function", "Arn"]}), "must reference a specific function version"),
    (
        "environment variables",
        edge(NUMBERED, Environment={"Variables": {"MODE": "b"}}),
        "cannot have environment variables",
    ),
    ("another architecture", edge(NUMBERED, Architectures=["arm64"]), "must use the x86_64 architecture"),
    ("a role that the edge cannot assume", edge(NUMBERED, ROLE), "must be assumable with edgelambda.amazonaws.com"),
    ("another Region", edge("arn:aws:lambda:eu-west-1:111111111111:function:f:1"), "must be in region 'us-east-1'"),
    ("a missing version", edge("arn:aws:lambda:us-east-1:111111111111:function:g:1"), "does not exist"),
]


@pytest.mark.parametrize(("resources", "told"), [f[1:] for f in EDGE_FUNCTIONS], ids=[f[0] for f in EDGE_FUNCTIONS])
def test_an_edge_function_is_refused(world: Any, resources: dict, told: str) -> None:
    fails(world, resources, told)


def test_a_replicated_version_cannot_be_deleted(world: Any) -> None:
    assert world.deploy("edge", edge(NUMBERED)) == "CREATE_COMPLETE"
    client = world.client("lambda")
    message = refused("InvalidParameterValueException", client.delete_function, FunctionName="f", Qualifier="1")
    assert "replicated function" in message
    refused("InvalidParameterValueException", client.delete_function, FunctionName="f")


# ---- API Gateway and ACM -----------------------------------------------------------------------------------------------------


def domain(name: str, arn: str) -> dict[str, Any]:
    properties = {"DomainName": name, "RegionalCertificateArn": arn, "EndpointConfiguration": {"Types": ["REGIONAL"]}}
    return {"Type": "AWS::ApiGateway::DomainName", "Properties": properties}


def test_a_custom_domain_needs_an_issued_certificate_that_covers_it(world: Any) -> None:
    pending = certificate(world, "pending.example.com", issued=False)
    fails(world, {"Domain": domain("pending.example.com", pending)}, "it must be ISSUED")


def test_a_custom_domain_must_be_covered_by_its_certificate(world: Any) -> None:
    fails(
        world,
        {"Domain": domain("b.example.com", certificate(world, "a.example.com"))},
        "does not match the custom domain name",
    )


def test_the_certificate_of_a_custom_domain_is_of_the_same_region(world: Any) -> None:
    arn = certificate(world, "a.example.com", region="eu-west-1")
    fails(world, {"Domain": domain("a.example.com", arn)}, "Invalid certificate ARN")
    create = world.client("apigateway").create_domain_name
    endpoint = {"types": ["REGIONAL"]}
    refused(
        "BadRequestException",
        create,
        domainName="a.example.com",
        regionalCertificateArn=arn,
        endpointConfiguration=endpoint,
    )


def test_a_custom_domain_exists_once_per_region(world: Any) -> None:
    arn = certificate(world, "a.example.com")
    assert world.deploy("one", {"Domain": domain("a.example.com", arn)}) == "CREATE_COMPLETE"
    fails(world, {"Domain": domain("a.example.com", arn)}, "already exists")


def test_a_mapping_needs_its_stage(world: Any) -> None:
    resources = {
        "Domain": domain("a.example.com", certificate(world, "a.example.com")),
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "a"}},
        "Mapping": {
            "Type": "AWS::ApiGateway::BasePathMapping",
            "Properties": {"DomainName": {"Ref": "Domain"}, "RestApiId": {"Ref": "Api"}, "Stage": "live"},
        },
    }
    fails(world, resources, "Invalid stage identifier specified")


def test_a_stage_needs_its_deployment_and_cannot_go_while_mapped(world: Any) -> None:
    resources = {
        "Domain": domain("a.example.com", certificate(world, "a.example.com")),
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "a", "Body": BODY}},
        "Deployment": {"Type": "AWS::ApiGateway::Deployment", "Properties": {"RestApiId": {"Ref": "Api"}}},
        "Stage": {
            "Type": "AWS::ApiGateway::Stage",
            "Properties": {"RestApiId": {"Ref": "Api"}, "DeploymentId": {"Ref": "Deployment"}, "StageName": "live"},
        },
        "Mapping": {
            "Type": "AWS::ApiGateway::BasePathMapping",
            "Properties": {"DomainName": {"Ref": "Domain"}, "RestApiId": {"Ref": "Api"}, "Stage": {"Ref": "Stage"}},
        },
    }
    assert world.deploy("api", resources) == "CREATE_COMPLETE"
    client = world.client("apigateway")
    [found] = client.get_rest_apis()["items"]
    refused("BadRequestException", client.delete_stage, restApiId=found["id"], stageName="live")
    refused("NotFoundException", client.create_stage, restApiId=found["id"], stageName="b", deploymentId="none")


def test_a_certificate_in_use_cannot_be_deleted(world: Any) -> None:
    arn = certificate(world, "a.example.com")
    world.deploy("one", {"Domain": domain("a.example.com", arn)})
    refused("ResourceInUseException", world.client("acm").delete_certificate, CertificateArn=arn)
    world.client("cloudformation").delete_stack(StackName="one")
    world.until(lambda: not world.client("cloudformation").describe_stacks()["Stacks"])
    refused("ResourceInUseException", world.client("acm").delete_certificate, CertificateArn=arn)
    world.until(lambda: not world.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]["InUseBy"])
    world.client("acm").delete_certificate(CertificateArn=arn)


# ---- network, function, bucket -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["dummy1a", "eu-west-1a", "us-east-1x"])
def test_a_zone_must_exist_in_the_region(world: Any, zone: str) -> None:
    resources = network("us-east-1")
    resources["Subnet0"]["Properties"]["AvailabilityZone"] = zone
    fails(world, resources, f"Value ({zone}) for parameter availabilityZone is invalid")


@pytest.mark.parametrize(
    ("cidr", "told"),
    [("10.1.0.0/24", "The CIDR '10.1.0.0/24' is invalid"), ("10.0.1.0/25", "conflicts with another subnet")],
)
def test_a_subnet_lies_in_its_network_beside_the_others(world: Any, cidr: str, told: str) -> None:
    resources = network("us-east-1")
    resources["Subnet0"]["Properties"]["CidrBlock"] = cidr
    resources["Subnet0"]["DependsOn"] = "Subnet1"
    fails(world, resources, told)


def test_a_network_in_use_cannot_go(world: Any) -> None:
    resources = network("us-east-1")
    group = {"VpcId": {"Ref": "Vpc"}, "GroupDescription": "f"}
    resources["Group"] = {"Type": "AWS::EC2::SecurityGroup", "Properties": group}
    vpc = {"SubnetIds": [{"Ref": "Subnet0"}], "SecurityGroupIds": [{"Ref": "Group"}]}
    resources |= {"Role": NETWORK_ROLE, "Function": function(VpcConfig=vpc)}
    assert world.deploy("net", resources) == "CREATE_COMPLETE"
    ec2, found = world.client("ec2"), world.client("cloudformation").list_stack_resources(StackName="net")
    ids = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in found["StackResourceSummaries"]}
    refused("DependencyViolation", ec2.delete_security_group, GroupId=ids["Group"])
    refused("DependencyViolation", ec2.delete_subnet, SubnetId=ids["Subnet0"])
    refused("DependencyViolation", ec2.delete_vpc, VpcId=ids["Vpc"])


def test_a_function_needs_its_role(world: Any) -> None:
    fails(world, {"Function": function(Role="arn:aws:iam::111111111111:role/none")}, "cannot be assumed by Lambda")


def test_a_function_takes_one_change_at_a_time(world: Any) -> None:
    assert world.deploy("f", {"Role": ROLE, "Function": function()}) == "CREATE_COMPLETE"
    client = world.client("lambda")
    world.control("clock", {"speed": 0.01})
    client.update_function_configuration(FunctionName="f", MemorySize=256)
    for change, more in (
        (client.update_function_configuration, {"MemorySize": 512}),
        (client.update_function_code, {"ZipFile": b"x"}),
        (client.publish_version, {}),
    ):
        assert "An update is in progress" in refused("ResourceConflictException", change, FunctionName="f", **more)


def test_a_function_needs_its_network(world: Any) -> None:
    resources = {"Role": ROLE, "Function": function(VpcConfig={"SubnetIds": ["subnet-none"], "SecurityGroupIds": []})}
    fails(world, resources, "The subnet ID 'subnet-none' does not exist")


TAKEN = {
    "Role": ROLE,
    "Log": log_group("/taken"),
    "Parameter": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/taken", "Type": "String", "Value": "x"}},
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_name_that_exists_is_refused(world: Any, name: str) -> None:
    assert world.deploy("first", {name: TAKEN[name]}) == "CREATE_COMPLETE"
    fails(world, {name: TAKEN[name]}, "already exists")


def test_a_retained_resource_blocks_its_stack_from_being_made_again(world: Any) -> None:
    kept = {"Log": log_group("/kept", DeletionPolicy="Retain")}
    world.deploy("first", kept)
    world.client("cloudformation").delete_stack(StackName="first")
    world.until(lambda: not world.client("cloudformation").describe_stacks()["Stacks"])
    fails(world, kept, "already exists")


def test_a_made_up_name_is_not_the_one_of_another_region(world: Any) -> None:
    policy = ROLE["Properties"]["AssumeRolePolicyDocument"]
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": policy}}
    for at in ("us-east-1", "eu-west-1"):
        assert world.deploy("s", {"Role": role}, at) == "CREATE_COMPLETE"
    names = {r["RoleName"] for r in world.client("iam").list_roles()["Roles"] if r["RoleName"].startswith("s-Role-")}
    assert len(names) == 2


def test_a_bucket_with_objects_cannot_go(world: Any) -> None:
    world.deploy("store", {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "assets-1"}}})
    world.client("s3").put_object(Bucket="assets-1", Key="a", Body=b"x")
    world.client("cloudformation").delete_stack(StackName="store")
    assert world.settled("store") == "DELETE_FAILED"
    assert "The bucket you tried to delete is not empty" in why(world, "store")


# ---- databases -------------------------------------------------------------------------------------------------------------


def founded(world: Any, **more: Any) -> None:
    encrypted = {"StorageEncrypted": True} if more.get("StorageEncrypted") else {}
    properties = GLOBAL["Global"]["Properties"] | encrypted
    assert world.deploy("global", {"Global": GLOBAL["Global"] | {"Properties": properties}}) == "CREATE_COMPLETE"
    assert world.deploy("data", data("us-east-1", founder=True, **more)) == "CREATE_COMPLETE"


SECONDARIES = [
    ("a password", {"MasterUserPassword": "x"}, "Cannot specify password for cross region replication cluster"),
    ("a user", {"MasterUsername": "postgres"}, "Cannot specify user name for cross region replication cluster"),
    (
        "a database name",
        {"DatabaseName": "orders"},
        "Cannot specify database name for cross region replication cluster",
    ),
    (
        "another version",
        {"EngineVersion": "16.9"},
        "Value for engineVersion should match setting for global cluster orders",
    ),
    ("a missing global cluster", {"GlobalClusterIdentifier": "none"}, "Global cluster none not found"),
    ("a managed password", {"ManageMasterUserPassword": True}, "ManageMasterUserPassword is not supported"),
    ("encryption of its own", {"StorageEncrypted": True}, "Value for storageEncrypted should match"),
    ("a taken identifier", {"DBClusterIdentifier": "orders-us-east-1"}, "must be unique across the Regions"),
    ("an unknown version", {"GlobalClusterIdentifier": None, "EngineVersion": "99.1"}, "Cannot find version 99.1"),
    ("a missing subnet group", {"DBSubnetGroupName": "none"}, "DB subnet group 'none' does not exist"),
    ("a missing parameter group", {"DBClusterParameterGroupName": "none"}, "DBClusterParameterGroup not found: none"),
]


@pytest.mark.parametrize(("more", "told"), [s[1:] for s in SECONDARIES], ids=[s[0] for s in SECONDARIES])
def test_a_secondary_cluster_is_refused(world: Any, more: dict, told: str) -> None:
    founded(world)
    fails(world, data("eu-west-1", instances=0, **more), told, "eu-west-1")


def test_an_encrypted_secondary_needs_a_key_of_its_region(world: Any) -> None:
    founded(world, StorageEncrypted=True)
    fails(world, data("eu-west-1", StorageEncrypted=True), "kmsKeyId should be explicitly specified", "eu-west-1")


def test_a_key_of_another_region_is_refused(world: Any) -> None:
    founded(world, StorageEncrypted=True)
    key = "arn:aws:kms:us-east-1:111111111111:key/1"
    fails(world, data("eu-west-1", StorageEncrypted=True, KmsKeyId=key), "does not exist in eu-west-1", "eu-west-1")


@pytest.mark.parametrize(
    ("left_out", "told"),
    [
        ("MasterUserPassword", "Invalid master password"),
        ("MasterUsername", "The parameter MasterUsername must be provided"),
    ],
)
def test_a_founder_needs_its_master_user(world: Any, left_out: str, told: str) -> None:
    world.deploy("global", GLOBAL)
    fails(world, data("us-east-1", **{k: v for k, v in FOUNDER.items() if k != left_out}), told)


def test_one_cluster_per_region_in_a_global_cluster(world: Any) -> None:
    founded(world)
    create = world.client("rds").create_db_cluster
    arguments = {"DBClusterIdentifier": "second", "Engine": "aurora-postgresql", "GlobalClusterIdentifier": "orders"}
    assert "already has a member in us-east-1" in refused("InvalidParameterValue", create, **arguments)


def test_an_existing_cluster_cannot_be_joined_by_a_template(world: Any) -> None:
    founded(world)
    alone = data("eu-west-1", GlobalClusterIdentifier=None, **FOUNDER)
    assert world.deploy("data", alone, "eu-west-1") == "CREATE_COMPLETE"
    alone["Cluster"]["Properties"]["GlobalClusterIdentifier"] = "orders"
    assert world.deploy("data", alone, "eu-west-1") == "UPDATE_ROLLBACK_COMPLETE"
    assert "Resource is immutable" in why(world, "data", "eu-west-1")


def test_a_protected_cluster_cannot_go(world: Any) -> None:
    world.deploy("global", GLOBAL)
    world.deploy("data", data("us-east-1", founder=True, instances=0, DeletionProtection=True))
    refused(
        "InvalidParameterCombination", world.client("rds").delete_db_cluster, DBClusterIdentifier="orders-us-east-1"
    )
    world.client("cloudformation").delete_stack(StackName="data")
    assert world.settled("data") == "DELETE_FAILED"
    assert "Cannot delete protected Cluster" in why(world, "data")


def test_a_subnet_group_covers_two_zones(world: Any) -> None:
    resources = data("us-east-1", GlobalClusterIdentifier=None, instances=0, **FOUNDER)
    resources["Subnet1"]["Properties"]["AvailabilityZone"] = "us-east-1a"
    fails(world, resources, "Add subnets to cover at least 2 AZs")


def test_a_cluster_at_work_takes_no_change(world: Any) -> None:
    founded(world)
    world.control("clock", {"speed": 10})
    modify = world.client("rds").modify_db_cluster
    modify(DBClusterIdentifier="orders-us-east-1", BackupRetentionPeriod=3)
    refused("InvalidDBClusterStateFault", modify, DBClusterIdentifier="orders-us-east-1", BackupRetentionPeriod=4)


def test_a_secondary_follows_a_primary_at_rest_with_an_instance(world: Any) -> None:
    told = "is in a state which is not valid for physical replication"
    world.deploy("global", GLOBAL)
    world.deploy("data", data("us-east-1", founder=True, instances=0))
    fails(world, data("eu-west-1"), told, "eu-west-1")
    assert world.deploy("data", data("us-east-1", founder=True)) == "UPDATE_COMPLETE"
    world.control("clock", {"speed": 50})
    world.client("rds").modify_db_cluster(DBClusterIdentifier="orders-us-east-1", BackupRetentionPeriod=3)
    create, group = world.client("rds", "eu-west-1").create_db_cluster, {"GlobalClusterIdentifier": "orders"}
    assert told in refused(
        "InvalidDBClusterStateFault", create, DBClusterIdentifier="two", Engine="aurora-postgresql", **group
    )


def test_a_stack_update_sends_settings_of_a_cluster_again_that_it_does_not_change(world: Any) -> None:
    """aws-facts §3.2#3: hand changes to them are silently overwritten."""
    founded(world, BackupRetentionPeriod=7, CopyTagsToSnapshot=True, DeletionProtection=False)
    rds, name = world.client("rds"), "orders-us-east-1"
    by_hand = {"BackupRetentionPeriod": 3, "DeletionProtection": True, "CopyTagsToSnapshot": False}
    rds.modify_db_cluster(DBClusterIdentifier=name, EnableGlobalWriteForwarding=False, **by_hand)
    world.until(lambda: rds.describe_db_clusters()["DBClusters"][0]["Status"] == "available")
    settings = {"BackupRetentionPeriod": 7, "CopyTagsToSnapshot": True, "DeletionProtection": False}
    changed = data("us-east-1", founder=True, **settings, Port=5433)
    assert world.deploy("data", changed) == "UPDATE_COMPLETE"
    [found] = rds.describe_db_clusters()["DBClusters"]
    wanted = {"BackupRetentionPeriod": 7, "DeletionProtection": False, "CopyTagsToSnapshot": True}
    assert {name: found[name] for name in wanted} == wanted
    assert (found["GlobalWriteForwardingRequested"], found["Port"]) == (True, 5433)


def test_a_stack_update_during_a_switchover_fails(world: Any) -> None:
    founded(world)
    world.deploy("data", data("eu-west-1"), "eu-west-1")
    world.control("clock", {"speed": 50})
    arn = "arn:aws:rds:eu-west-1:111111111111:cluster:orders-eu-west-1"
    arguments = {"GlobalClusterIdentifier": "orders", "TargetDbClusterIdentifier": arn}
    world.client("rds").switchover_global_cluster(**arguments)
    body = json.dumps({"Resources": data("us-east-1", founder=True, BackupRetentionPeriod=5)})
    world.client("cloudformation").update_stack(StackName="data", TemplateBody=body)
    assert world.settled("data") == "UPDATE_ROLLBACK_COMPLETE"
    assert "its global cluster is switching over" in why(world, "data")


def test_an_instance_needs_its_cluster(world: Any) -> None:
    resource = instance("us-east-1")
    resource["Properties"]["DBClusterIdentifier"] = "none"
    fails(world, {"Instance": resource}, "DBCluster none not found")
