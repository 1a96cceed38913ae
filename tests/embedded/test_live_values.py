"""What the product's own templates leave in the services, read back through those services, and what calls change there.

The templates are synthesised and deployed once, to two Regions; tests that change something start from that world again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reconciler.model.stacks import StackKind, StackRef
from tests.embedded.conftest import SPEED, Aws
from tests.embedded.real_stacks import Deployer

ZONE = "Z0123456789EXAMPLE"
WRITER, READER = "us-east-1", "eu-west-1"
REGIONS = (WRITER, READER)
TAGGED = "meridian:topology"


class World:
    """The deployed topology and short ways to look at it."""

    def __init__(self, deployer: Deployer, aws: Aws) -> None:
        self.deployer, self.aws, self.client = deployer, aws, aws.client
        self.kept = aws.control("snapshot", {})[1]["id"]

    def made(self, kind: StackKind, region: str) -> dict[str, str]:
        return self.deployer.resources(StackRef(kind, region))

    def data(self, region: str) -> dict[str, str]:
        return self.made(StackKind.DATA, region)

    def api(self, region: str) -> dict[str, str]:
        return self.made(StackKind.API, region)

    def edge(self) -> dict[str, str]:
        return self.made(StackKind.EDGE, "us-east-1")

    def records(self) -> dict[tuple[str, str, str | None], dict[str, Any]]:
        pages = self.client("route53").get_paginator("list_resource_record_sets").paginate(HostedZoneId=ZONE)
        found = [r for page in pages for r in page["ResourceRecordSets"]]
        return {(r["Name"].rstrip("."), r["Type"], r.get("SetIdentifier")): r for r in found}


@pytest.fixture(scope="module")
def deployed(server: Aws, tmp_path_factory: pytest.TempPathFactory) -> World:
    server.control("reset", {})
    server.control("clock", {"speed": SPEED})
    deployer = Deployer(server, tmp_path_factory.mktemp("cdk.out"))
    topology = deployer.topology
    deployer.topology = replace(topology, regions=tuple(r for r in topology.regions if r.name in REGIONS))
    deployer.synthesise()
    deployer.converge()
    return World(deployer, server)


@pytest.fixture
def world(deployed: World) -> World:
    """The deployed world as it was; nothing of an earlier test is left."""
    deployed.aws.control("clock", {"speed": SPEED})
    restored = lambda: deployed.aws.control("restore", {"id": deployed.kept})[0] == 200  # noqa: E731
    deployed.aws.until(restored)
    return deployed


def tag_keys(tags: Any) -> set[str]:
    return set(tags) if isinstance(tags, dict) else {t["Key"] for t in tags}


# ---- what the templates made, by Region ----------------------------------------------------------------------------


def bucket(w: World, region: str) -> dict[str, Any]:
    s3, name = w.client("s3", region), {"Bucket": f"meridian-assets-111111111111-{region}"}
    rule = s3.get_bucket_lifecycle_configuration(**name)["Rules"][0]
    encryption = s3.get_bucket_encryption(**name)["ServerSideEncryptionConfiguration"]["Rules"][0]
    return {
        "versioning": s3.get_bucket_versioning(**name)["Status"],
        "encryption": encryption["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"],
        "days": rule["NoncurrentVersionExpiration"]["NoncurrentDays"],
        "unfinished": rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"],
        "public": set(s3.get_public_access_block(**name)["PublicAccessBlockConfiguration"].values()),
        "policy": "SecureTransport" in s3.get_bucket_policy(**name)["Policy"],
        "owner": s3.get_bucket_ownership_controls(**name)["OwnershipControls"]["Rules"][0]["ObjectOwnership"],
    }


def network(w: World, region: str) -> dict[str, Any]:
    ec2, made = w.client("ec2", region), w.data(region)
    subnets = ec2.describe_subnets(SubnetIds=[made["Subnet0"], made["Subnet1"]])["Subnets"]
    hostnames = ec2.describe_vpc_attribute(VpcId=made["Vpc"], Attribute="enableDnsHostnames")["EnableDnsHostnames"]
    found = ec2.describe_security_groups(GroupIds=[made["DatabaseGroup"], made["FunctionGroup"]])["SecurityGroups"]
    groups = {g["GroupId"]: g for g in found}
    ingress = groups[made["DatabaseGroup"]]["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"]
    return {
        "cidr": [
            s["CidrBlock"].partition(".")[2].partition(".")[2] for s in sorted(subnets, key=lambda s: s["CidrBlock"])
        ],
        "zones": sorted(s["AvailabilityZone"].removeprefix(region) for s in subnets),
        "hostnames": hostnames["Value"],
        "ingress": ingress == made["FunctionGroup"],
        "egress": [p["FromPort"] for p in groups[made["FunctionGroup"]]["IpPermissionsEgress"]],
    }


def cluster(w: World, region: str) -> dict[str, Any]:
    found = w.client("rds", region).describe_db_clusters(DBClusterIdentifier=f"orders-{region}")["DBClusters"][0]
    own = {
        "key": w.data(region)["Key"] in found["KmsKeyId"],
        "tags": TAGGED in tag_keys(found["TagList"]),
        "writers": [m["IsClusterWriter"] for m in found["DBClusterMembers"]],
    }
    return {**found, **own, "DBSubnetGroup": found["DBSubnetGroup"].removesuffix(region)}


def instance(w: World, region: str) -> dict[str, Any]:
    rds = w.client("rds", region)
    found = rds.describe_db_instances(DBInstanceIdentifier=f"orders-{region}-0")["DBInstances"][0]
    zones = {s["SubnetAvailabilityZone"]["Name"].removeprefix(region) for s in found["DBSubnetGroup"]["Subnets"]}
    own = {"zones": zones, "key": w.data(region)["Key"] in found["KmsKeyId"]}
    return {**found, **own, "insights_key": w.data(region)["Key"] in found.get("PerformanceInsightsKMSKeyId", "")}


def parameters(w: World, region: str) -> dict[str, Any]:
    pages = w.client("rds", region).get_paginator("describe_db_cluster_parameters")
    found = pages.paginate(DBClusterParameterGroupName=f"orders-{region}-pg16")
    return {p["ParameterName"]: p.get("ParameterValue") for page in found for p in page["Parameters"]}


def function(w: World, region: str) -> dict[str, Any]:
    client, made = w.client("lambda", region), w.data(region)
    found = client.get_function_configuration(FunctionName="meridian-orders-api")
    network = found["VpcConfig"]
    own = {
        "subnets": set(network["SubnetIds"]) == {made["Subnet0"], made["Subnet1"]},
        "vpc": network["VpcId"] == made["Vpc"],
        "groups": network["SecurityGroupIds"] == [made["FunctionGroup"]],
        "tags": TAGGED in client.get_function(FunctionName="meridian-orders-api")["Tags"],
        "log_group": found["LoggingConfig"]["LogGroup"],
    }
    return {**found, **own}


def rest_api(w: World, region: str) -> dict[str, Any]:
    gateway, api = w.client("apigateway", region), w.api(region)["Api"]
    found = gateway.get_rest_api(restApiId=api)
    policy = json.loads(found["policy"].replace('\\"', '"'))
    methods = {
        (r["path"], verb): m["authorizationType"]
        for r in gateway.get_resources(restApiId=api, embed=["methods"])["items"]
        for verb, m in r.get("resourceMethods", {}).items()
    }
    return {
        **found,
        "types": found["endpointConfiguration"]["types"],
        "statements": [s["Effect"] for s in policy["Statement"]],
        "unsigned": {route for route, kind in methods.items() if kind == "NONE"},
        "signed": bool({route for route, kind in methods.items() if kind == "AWS_IAM"}),
        "tagged": TAGGED in found["tags"],
    }


def stage(w: World, region: str) -> dict[str, Any]:
    gateway, api = w.client("apigateway", region), w.api(region)["Api"]
    found = gateway.get_stage(restApiId=api, stageName="live")
    settings = found["methodSettings"]["*/*"]
    return {
        "throttle": (settings["throttlingRateLimit"], settings["throttlingBurstLimit"], settings["metricsEnabled"]),
        "logs": found["accessLogSettings"]["destinationArn"].rpartition("log-group:")[2],
        "format": set(json.loads(found["accessLogSettings"]["format"])) >= {"id", "status"},
        "deployed": found["deploymentId"] in [d["id"] for d in gateway.get_deployments(restApiId=api)["items"]],
        "tagged": TAGGED in found["tags"],
    }


def domains(w: World, region: str) -> dict[str, Any]:
    gateway, shown = w.client("apigateway", region), {}
    for name in (f"{region}.origin.api.example.com", "origin.api.example.com"):
        found = gateway.get_domain_name(domainName=name)
        mappings = gateway.get_base_path_mappings(domainName=name)["items"]
        shown[name.removeprefix(f"{region}.")] = (found["domainNameStatus"], found["securityPolicy"])
        assert [(m["basePath"], m["restApiId"], m["stage"]) for m in mappings] == [
            ("(none)", w.api(region)["Api"], "live")
        ]
        assert found["regionalCertificateArn"] == w.api(region)["Certificate"]
    return shown


def certificate(w: World, region: str) -> dict[str, Any]:
    client = w.client("acm", region)
    found = client.describe_certificate(CertificateArn=w.api(region)["Certificate"])["Certificate"]
    names = [o["ResourceRecord"]["Name"].rstrip(".") for o in found["DomainValidationOptions"]]
    return {
        "Status": found["Status"],
        "names": {n.removeprefix(f"{region}.") for n in found["SubjectAlternativeNames"]},
        "in_zone": [n for n in names if (n, "CNAME", None) in w.records()] == names,
        "InUseBy": len(found["InUseBy"]),
        "Type": found["Type"],
    }


def probe(w: World, region: str) -> dict[str, Any]:
    route53, check = w.client("route53"), w.api(region)["Probe"]
    found = route53.get_health_check(HealthCheckId=check)["HealthCheck"]["HealthCheckConfig"]
    (tags,) = route53.list_tags_for_resources(ResourceType="healthcheck", ResourceIds=[check])["ResourceTagSets"]
    host = found["FullyQualifiedDomainName"].removeprefix(region)
    return {**found, "FullyQualifiedDomainName": host, "tagged": TAGGED in tag_keys(tags["Tags"])}


def alarms(w: World, region: str) -> dict[str, Any]:
    found = w.client("cloudwatch", region).describe_alarms(AlarmNamePrefix="meridian-orders")["MetricAlarms"]
    statistic = lambda a: a.get("Statistic") or a.get("ExtendedStatistic")  # noqa: E731
    return {a["MetricName"]: (a["Threshold"], statistic(a), a["TreatMissingData"]) for a in found}


def log_groups(w: World, region: str) -> dict[str, Any]:
    found = w.client("logs", region).describe_log_groups(logGroupNamePrefix="/meridian/orders")["logGroups"]
    return {g["logGroupName"]: g.get("retentionInDays") for g in found}


def routing(w: World, region: str) -> dict[str, Any]:
    records, gate = w.records(), w.deployer.gates[region]
    route = records["route.api.example.com", "CNAME", region]
    origin = records["origin.api.example.com", "A", region]
    target = f"{region}.origin.api.example.com"
    regional = w.client("apigateway", region).get_domain_name(domainName=target)["regionalDomainName"]
    return {
        "route": (route["TTL"], route["Region"] == region, route["ResourceRecords"] == [{"Value": target}]),
        "gates": {route["HealthCheckId"], origin["HealthCheckId"]} == {gate},
        "origin": (origin["AliasTarget"]["DNSName"] == f"{target}.", origin["AliasTarget"]["EvaluateTargetHealth"]),
        "regional": records[target, "A", None]["AliasTarget"]["DNSName"].rstrip(".") == regional,
    }


REGIONAL: list[tuple[Callable[[World, str], dict[str, Any]], dict[str, Any]]] = [
    (
        bucket,
        {
            "versioning": "Enabled",
            "encryption": "AES256",
            "unfinished": 1,
            "public": {True},
            "policy": True,
            "owner": "BucketOwnerEnforced",
        },
    ),
    (
        network,
        {"cidr": ["0.0/20", "16.0/20"], "zones": ["a", "c"], "hostnames": True, "ingress": True, "egress": [5432]},
    ),
    (
        cluster,
        {
            "Status": "available",
            "EngineVersion": "16.8",
            "EngineMode": "provisioned",
            "StorageEncrypted": True,
            "key": True,
            "BackupRetentionPeriod": 7,
            "Port": 5432,
            "DBSubnetGroup": "orders-",
            "IAMDatabaseAuthenticationEnabled": True,
            "CopyTagsToSnapshot": True,
            "DeletionProtection": True,
            "ServerlessV2ScalingConfiguration": {"MinCapacity": 8.0, "MaxCapacity": 64.0},
            "EnabledCloudwatchLogsExports": ["postgresql"],
            "GlobalClusterIdentifier": "orders",
            "MasterUsername": "meridian_master",  # a secondary has its writer's
            "DatabaseName": "orders",
            "GlobalWriteForwardingRequested": True,
            "tags": True,
            "writers": [True, False],
        },
    ),
    (
        instance,
        {
            "DBInstanceStatus": "available",
            "DBInstanceClass": "db.serverless",
            "EngineVersion": "16.8",
            "StorageEncrypted": True,
            "key": True,
            "PromotionTier": 0,
            "AutoMinorVersionUpgrade": False,
            "PubliclyAccessible": False,
            "PerformanceInsightsEnabled": True,
            "PerformanceInsightsRetentionPeriod": 7,
            "insights_key": True,
            "zones": {"a", "c"},
        },
    ),
    (
        parameters,
        {"rds.force_ssl": "1", "log_min_duration_statement": "1000", "apg_write_forward.consistency_mode": "SESSION"},
    ),
    (
        function,
        {
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "MemorySize": 512,
            "Timeout": 10,
            "Runtime": "python3.13",
            "Architectures": ["arm64"],
            "log_group": "/meridian/orders/api",
            "subnets": True,
            "vpc": True,
            "groups": True,
            "tags": True,
        },
    ),
    (
        rest_api,
        {
            "name": "orders",
            "disableExecuteApiEndpoint": True,
            "types": ["REGIONAL"],
            "statements": ["Allow", "Deny"],
            "unsigned": {("/health", "GET")},
            "signed": True,
            "tagged": True,
        },
    ),
    (
        stage,
        {
            "throttle": (1000.0, 2000, True),
            "logs": "/meridian/orders/access",
            "format": True,
            "deployed": True,
            "tagged": True,
        },
    ),
    (domains, {"origin.api.example.com": ("AVAILABLE", "TLS_1_2")}),
    (
        certificate,
        {
            "Status": "ISSUED",
            "names": {"origin.api.example.com"},
            "in_zone": True,
            "InUseBy": 2,
            "Type": "AMAZON_ISSUED",
        },
    ),
    (
        probe,
        {
            "Type": "HTTPS",
            "FullyQualifiedDomainName": ".origin.api.example.com",
            "Port": 443,
            "ResourcePath": "/health",
            "RequestInterval": 10,
            "FailureThreshold": 3,
            "EnableSNI": True,
            "MeasureLatency": False,
            "Inverted": False,
            "Disabled": False,
            "Regions": ["us-east-1", "eu-west-1", "ap-southeast-1"],
            "tagged": True,
        },
    ),
    (alarms, {"5XXError": (0.05, "Average", "notBreaching"), "Latency": (5000.0, "p95", "notBreaching")}),
    (log_groups, {"/meridian/orders/access": 30, "/meridian/orders/api": 30}),
    (routing, {"route": (10, True, True), "gates": True, "origin": (True, True), "regional": True}),
]


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize(("read", "expected"), REGIONAL, ids=lambda v: getattr(v, "__name__", ""))
def test_a_region_is_as_its_templates_say(
    world: World, region: str, read: Callable[[World, str], dict[str, Any]], expected: dict[str, Any]
) -> None:
    found = read(world, region)
    assert {name: found.get(name) for name in expected} == expected


# ---- what exists once ----------------------------------------------------------------------------------------------


def test_the_global_cluster_knows_its_members(world: World) -> None:
    (group,) = world.client("rds").describe_global_clusters()["GlobalClusters"]
    members = {m["DBClusterArn"].split(":")[3]: m for m in group["GlobalClusterMembers"]}
    assert {r: m["IsWriter"] for r, m in members.items()} == {WRITER: True, READER: False}
    assert {m["SynchronizationStatus"] for m in members.values()} == {"connected"}
    assert group["Endpoint"].startswith("orders.global-")
    assert (group["StorageEncrypted"], group["DeletionProtection"]) == (True, True)
    assert TAGGED in tag_keys(group["TagList"])


def test_only_a_secondary_forwards_writes(world: World) -> None:
    def forwarding(region: str) -> str | None:
        found = world.client("rds", region).describe_db_clusters()["DBClusters"][0]
        return found.get("GlobalWriteForwardingStatus")

    assert {region: forwarding(region) for region in REGIONS} == {WRITER: None, READER: "enabled"}


def distribution(w: World) -> dict[str, Any]:
    full = w.client("cloudfront").get_distribution(Id=w.edge()["Distribution"])["Distribution"]
    config = full["DistributionConfig"]
    behavior, origin = config["DefaultCacheBehavior"], config["Origins"]["Items"][0]
    (edge,) = behavior["LambdaFunctionAssociations"]["Items"]
    custom = origin["CustomOriginConfig"]
    return {
        "Status": full["Status"],
        "Aliases": config["Aliases"]["Items"],
        "PriceClass": config["PriceClass"],
        "HttpVersion": config["HttpVersion"],
        "Enabled": config["Enabled"],
        "IPv6": config["IsIPV6Enabled"],
        "tls": config["ViewerCertificate"]["MinimumProtocolVersion"],
        "sni": config["ViewerCertificate"]["SSLSupportMethod"],
        "certificate": config["ViewerCertificate"]["ACMCertificateArn"] == w.edge()["Certificate"],
        "policies": (behavior["CachePolicyId"], behavior["OriginRequestPolicyId"]),
        "headers": behavior["ResponseHeadersPolicyId"] == w.edge()["Headers"],
        "protocol": behavior["ViewerProtocolPolicy"],
        "methods": behavior["AllowedMethods"]["Quantity"],
        "edge": (edge["EventType"], edge["IncludeBody"], edge["LambdaFunctionARN"].rpartition(":")[2].isdigit()),
        "errors": {(e["ErrorCode"], e["ErrorCachingMinTTL"]) for e in config["CustomErrorResponses"]["Items"]},
        "origin": (origin["DomainName"], origin["ConnectionAttempts"], origin["ConnectionTimeout"]),
        "ports": (
            custom["HTTPPort"],
            custom["HTTPSPort"],
            custom["OriginReadTimeout"],
            custom["OriginKeepaliveTimeout"],
        ),
        "ssl": custom["OriginSslProtocols"]["Items"],
    }


def test_the_distribution_is_as_its_template_says(world: World) -> None:
    assert distribution(world) == {
        "Status": "Deployed",
        "Aliases": ["api.example.com"],
        "PriceClass": "PriceClass_100",
        "HttpVersion": "http2and3",
        "Enabled": True,
        "IPv6": True,
        "tls": "TLSv1.2_2021",
        "sni": "sni-only",
        "certificate": True,
        "policies": ("4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "b689b0a8-53d0-40ab-baf2-68738e2966ac"),
        "headers": True,
        "protocol": "https-only",
        "methods": 7,
        "edge": ("origin-request", True, True),
        "errors": {(code, 0) for code in (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)},
        "origin": ("origin.api.example.com", 2, 3),
        "ports": (80, 443, 30, 5),
        "ssl": ["TLSv1.2"],
    }


def test_the_domain_points_to_the_distribution(world: World) -> None:
    records = world.records()
    name = world.client("cloudfront").get_distribution(Id=world.edge()["Distribution"])["Distribution"]["DomainName"]
    for kind in ("A", "AAAA"):
        target = records["api.example.com", kind, None]["AliasTarget"]
        assert (target["DNSName"].rstrip("."), target["HostedZoneId"]) == (name, "Z2FDTNDATAQYW2")


def test_the_edge_logs_are_delivered(world: World) -> None:
    logs = world.client("logs")
    (source,) = logs.describe_delivery_sources()["deliverySources"]
    (destination,) = logs.describe_delivery_destinations()["deliveryDestinations"]
    (delivery,) = logs.describe_deliveries()["deliveries"]
    assert source["resourceArns"][0].endswith(f"distribution/{world.edge()['Distribution']}")
    assert (source["logType"], destination["outputFormat"]) == ("ACCESS_LOGS", "json")
    assert delivery["deliverySourceName"] == source["name"]
    assert delivery["deliveryDestinationArn"] == destination["arn"]
    assert TAGGED in source["tags"]


def test_the_security_headers_are_there(world: World) -> None:
    found = world.client("cloudfront").get_response_headers_policy(Id=world.edge()["Headers"])["ResponseHeadersPolicy"]
    headers = found["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    assert headers["StrictTransportSecurity"]["AccessControlMaxAgeSec"] == 365 * 24 * 3600
    assert headers["FrameOptions"] == {"Override": True, "FrameOption": "DENY"}


def test_the_state_table_expires_recovers_and_is_encrypted(world: World) -> None:
    table = {"TableName": "meridian-state"}
    dynamodb = world.client("dynamodb")
    expiry = dynamodb.describe_time_to_live(**table)["TimeToLiveDescription"]
    backups = dynamodb.describe_continuous_backups(**table)["ContinuousBackupsDescription"]
    assert (expiry["TimeToLiveStatus"], expiry["AttributeName"]) == ("ENABLED", "expires")
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert dynamodb.describe_table(**table)["Table"]["SSEDescription"]["Status"] == "ENABLED"


# ---- what calls change ---------------------------------------------------------------------------------------------


def test_a_distribution_survives_boto3s_round_trip(world: World) -> None:
    cloudfront, one = world.client("cloudfront"), {"Id": world.edge()["Distribution"]}
    before = cloudfront.get_distribution_config(**one)
    changed = {**before["DistributionConfig"], "PriceClass": "PriceClass_All"}
    etag = cloudfront.update_distribution(**one, IfMatch=before["ETag"], DistributionConfig=changed)["ETag"]
    after = next(a for a in iter(lambda: cloudfront.get_distribution_config(**one), None) if a["ETag"] == etag)
    assert after["DistributionConfig"] == changed
    assert after["ETag"] != before["ETag"]
    assert cloudfront.get_distribution(**one)["Distribution"]["Status"] == "InProgress"


def test_a_record_keeps_its_new_ttl(world: World) -> None:
    key = ("route.api.example.com", "CNAME", READER)
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": {**world.records()[key], "TTL": 60}}]}
    world.client("route53").change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch=batch)
    assert world.records()[key]["TTL"] == 60


def test_a_function_and_a_log_group_keep_their_new_settings(world: World) -> None:
    client, logs = world.client("lambda", READER), world.client("logs", READER)
    client.update_function_configuration(FunctionName="meridian-orders-api", MemorySize=1024)
    logs.put_retention_policy(logGroupName="/meridian/orders/api", retentionInDays=7)
    found = function(world, READER)
    assert (found["MemorySize"], found["subnets"], found["vpc"]) == (1024, True, True)
    assert log_groups(world, READER)["/meridian/orders/api"] == 7


def test_a_cluster_keeps_its_new_settings(world: World) -> None:
    rds = world.client("rds", READER)
    world.aws.still()
    rds.modify_db_cluster(
        DBClusterIdentifier=f"orders-{READER}",
        EnableGlobalWriteForwarding=False,
        ServerlessV2ScalingConfiguration={"MinCapacity": 2, "MaxCapacity": 4},
        CloudwatchLogsExportConfiguration={"DisableLogTypes": ["postgresql"]},
        ApplyImmediately=True,
    )
    found = cluster(world, READER)
    assert found["Status"] == "modifying"
    assert found["GlobalWriteForwardingRequested"] is False
    assert found["GlobalWriteForwardingStatus"] in {"disabling", "disabled"}
    assert found["ServerlessV2ScalingConfiguration"] == {"MinCapacity": 2.0, "MaxCapacity": 4.0}
    assert not found.get("EnabledCloudwatchLogsExports")
    world.aws.go()


def test_a_stage_and_an_api_take_patches(world: World) -> None:
    gateway, api = world.client("apigateway", READER), world.api(READER)["Api"]
    limit = {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "5"}
    gateway.update_stage(restApiId=api, stageName="live", patchOperations=[limit])
    assert stage(world, READER)["throttle"] == (5.0, 2000, True)
    for value, expected in (("false", False), ("true", True)):
        patch = {"op": "replace", "path": "/disableExecuteApiEndpoint", "value": value}
        assert gateway.update_rest_api(restApiId=api, patchOperations=[patch])["disableExecuteApiEndpoint"] is expected


def test_a_health_check_is_changed_by_compare_and_swap(world: World) -> None:
    route53, gate = world.client("route53"), world.deployer.gates[READER]
    read = lambda: route53.get_health_check(HealthCheckId=gate)["HealthCheck"]  # noqa: E731
    assert read()["HealthCheckConfig"]["ChildHealthChecks"] == [world.api(READER)["Probe"]]
    version = read()["HealthCheckVersion"]
    route53.update_health_check(HealthCheckId=gate, HealthCheckVersion=version, HealthThreshold=2)
    assert (read()["HealthCheckConfig"]["HealthThreshold"], read()["HealthCheckVersion"]) == (2, version + 1)
    with pytest.raises(ClientError, match="HealthCheckVersionMismatch"):
        route53.update_health_check(HealthCheckId=gate, HealthCheckVersion=version, HealthThreshold=1)
    route53.update_health_check(HealthCheckId=gate, Inverted=True, Disabled=True)
    assert (read()["HealthCheckConfig"]["Inverted"], read()["HealthCheckConfig"]["Disabled"]) == (True, True)


def test_a_caller_reference_makes_one_health_check(world: World) -> None:
    route53 = world.client("route53")
    config = {"Type": "CALCULATED", "ChildHealthChecks": [world.api(READER)["Probe"]], "HealthThreshold": 1}
    create = lambda c: route53.create_health_check(CallerReference="same", HealthCheckConfig=c)["HealthCheck"]["Id"]  # noqa: E731
    assert create(config) == create(config)
    with pytest.raises(ClientError, match="HealthCheckAlreadyExists"):
        create({**config, "HealthThreshold": 2})


def test_a_stack_without_its_code_object_fails(world: World) -> None:
    code = {"S3Bucket": f"meridian-assets-111111111111-{READER}", "S3Key": "gone.zip"}
    role = f"arn:aws:iam::111111111111:role/{world.api(READER)['Role']}"
    properties = {"Role": role, "Runtime": "python3.13", "Handler": "a.b", "Code": code}
    resources = {"F": {"Type": "AWS::Lambda::Function", "Properties": properties}}
    assert world.aws.deploy("broken", resources, READER) == "ROLLBACK_COMPLETE"
    found = world.client("cloudformation", READER).describe_stack_events(StackName="broken")["StackEvents"]
    assert any("NoSuchKey" in e.get("ResourceStatusReason", "") for e in found)
    with pytest.raises(ClientError, match="NoSuchKey"):
        world.client("lambda", READER).create_function(FunctionName="f", **properties)


# ---- the data plane ------------------------------------------------------------------------------------------------


def _ask(world: World, host: str, path: str) -> tuple[int, str]:
    import urllib.error
    import urllib.request

    request = urllib.request.Request(world.aws.url + path, headers={"Host": host})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_health_path_of_a_custom_domain_is_the_apis(world: World) -> None:
    status, body = _ask(world, f"{READER}.origin.api.example.com", "/health")
    assert "services" not in body  # ministack's own answer
    assert status in (200, 503)  # the function's: there is no database behind it


def test_the_execute_api_name_is_closed(world: World) -> None:
    host = f"{world.api(READER)['Api']}.execute-api.{READER}.amazonaws.com"
    assert _ask(world, host, "/live/health") == (403, '{"message":"Forbidden"}')
