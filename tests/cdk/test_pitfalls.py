"""What must hold in every template, whatever else changes: each of these has hurt somebody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cdk_app.projection import KEYS
from reconciler.model.control import RESYNC, home_parameters, remote_parameters
from reconciler.model.topology import Traffic
from tests.cdk.topologies import ORDERS, public_origin

DATA = ("data-founder", "data-heir", "data")
LOGICAL_IDS = {
    "foundation": "Assets AssetsPolicy GatewayAccount GatewayLogRole",
    "foundation-home": "Assets AssetsPolicy GatewayAccount GatewayLogRole State",
    "global": "EdgeRole GlobalCluster ProbeRole",
    "data": "Cluster DatabaseGroup DatabaseLogs FunctionGroup Instance0 Instance1 Key Parameters Routes Subnet0 Subnet1 "
    "SubnetGroup SubnetRoute0 SubnetRoute1 Vpc",
    "api": "AccessLogs Api Certificate Deployment# ErrorsAlarm Function FunctionLogs Invoke Migrate MigrateLogs "
    "MigrateRole Probe Record RegionalDomain RegionalMapping Role SharedDomain SharedMapping SlowAlarm Stage",
    "routing": "OriginApNortheast1 OriginEuWest1 OriginUsEast1 RouteApNortheast1 RouteEuWest1 RouteUsEast1",
    "edge": "A Aaaa Certificate Distribution EdgeLogs Headers LogDelivery LogDestination LogSource Router RouterVersion#",
    "control": "Alarms AlarmsInvoke AlarmsPolicy AlarmsRule AlarmMail BreakGlassRole CallsInvoke CallsRule Dashboard "
    "DatabasesInvoke DatabasesRule DeadLetters DeadLettersAlarm EventMail Events EventsPolicy GithubApproveRole "
    "GithubMainRole GithubOidc GithubPlanRole Key KeyAlias LeaseStealsAlarm Messages ObserverRole Observing "
    "OldestMessageAlarm PassErrorsAlarm Queue QueuePolicy Reconcile ReconcileErrorsAlarm ReconcileLogs ReconcileRole "
    "RefusedAlarm ResyncInvoke ResyncRule RevisionInvoke RevisionRule Revisions RevisionsPolicy ServiceDeleteRole "
    "ServiceRole SilentAlarm SlowToConvergeAlarm StacksInvoke StacksRule StalledAlarm Synth "
    "SynthErrorsAlarm SynthLogs SynthRole Trail TrailBucket TrailBucketPolicy Wake WakeErrorsAlarm WakeLogs "
    "WakeRole",
    "control-remote": "AlarmsRule CallsRule DatabasesRule ForwardRole StacksRule Trail TrailBucket TrailBucketPolicy",
}
LOGICAL_IDS["data-founder"] = LOGICAL_IDS["data-heir"] = LOGICAL_IDS["data"] + " Master"
PARAMETERS = {
    "data": {"Cidr", "Zones"},
    "data-founder": {"Cidr", "Zones"},
    "data-heir": {"Cidr", "Zones"},
    "api": {"SubnetIds", "FunctionGroupId", "WriterEndpoint", "ReaderEndpoint", "ClusterResourceId"},
    "routing": {"GateUsEast1", "GateEuWest1", "GateApNortheast1"},
    "control": set(home_parameters()),
    "control-remote": set(remote_parameters("")),
}
OUTPUTS = {
    "data": {"SubnetIds", "FunctionGroupId", "WriterEndpoint", "ReaderEndpoint", "ClusterResourceId"},
    "data-founder": {
        *["SubnetIds", "FunctionGroupId", "WriterEndpoint", "ReaderEndpoint", "ClusterResourceId", "MasterSecret"]
    },
    "data-heir": {"MasterSecret"},
    "api": {"ApiId", "ProbeId", "RegionalTarget"},
    "edge": {"DistributionId", "DistributionDomain"},
    "control": {"RevisionBucket", "QueueUrl", "EventsTopic"},
}
UNTAGGED = {
    "AWS::CloudWatch::Dashboard",
    "AWS::IAM::ManagedPolicy",
    "AWS::KMS::Alias",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::ApiGateway::Account",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::ApiGateway::BasePathMapping",
    "AWS::ApiGateway::Deployment",
    "AWS::CloudFront::ResponseHeadersPolicy",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
    "AWS::Route53::RecordSet",
}
"""Types that take no tags."""


def resources(template: dict, kind: str | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    for logical, resource in template["Resources"].items():
        if kind in (None, resource["Type"]):
            yield logical, resource.get("Properties", {})


@pytest.mark.parametrize("key", KEYS)
def test_logical_ids_parameters_and_outputs_are_the_agreed_ones(key, templates):
    template = templates[key]
    ids = {re.sub("(Deployment|RouterVersion)[0-9a-f]{10}$", r"\1#", logical) for logical in template["Resources"]}
    assert ids == set(LOGICAL_IDS[key].split())
    assert set(template.get("Parameters", {})) == PARAMETERS.get(key, set())
    assert set(template.get("Outputs", {})) >= OUTPUTS.get(key, set())


@pytest.mark.parametrize("key", KEYS)
def test_template_stands_alone(key, templates):
    template = templates[key]
    text = json.dumps(template)
    # The control plane's holds whole policies: it is sent by way of the asset bucket, which is there by then.
    assert len(text) < (450_000 if key == "control" else 51_200), "must fit into the body of a request"
    for banned in ("Fn::ImportValue", "Custom::", "AWS::CloudFormation::", "dummy1", "${Token", "BootstrapVersion"):
        assert banned not in text
    assert not any("Export" in output for output in template.get("Outputs", {}).values())
    assert not re.search(r"\b\d{12}\b", text), "an account"


@pytest.mark.parametrize("key", sorted(set(KEYS) - {"routing"}))
def test_template_names_no_region_of_the_topology(key, templates):
    template = json.loads(json.dumps(templates[key]))
    template["Resources"].pop("Probe", None)  # health checkers stand in fixed places
    assert not [name for name in ORDERS.region_names if name in json.dumps(template)]


@pytest.mark.parametrize("key", KEYS)
def test_everything_that_takes_tags_says_whose_it_is(key, templates):
    owner = "@all" if key.startswith(("foundation", "control")) else "orders"
    expected = {"meridian:topology": owner, "meridian:stack": key.split("-")[0]}
    for logical, properties in resources(templates[key]):
        if templates[key]["Resources"][logical]["Type"] in UNTAGGED:
            continue
        tags = properties.get("Tags") or properties["HealthCheckTags"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == expected, logical


@pytest.mark.parametrize("key", DATA)
def test_member_never_leaves_the_global_cluster(key, templates):
    (cluster,) = [properties for _, properties in resources(templates[key], "AWS::RDS::DBCluster")]
    assert cluster["GlobalClusterIdentifier"] == "orders"
    assert "ReplicationSourceIdentifier" not in cluster
    assert "SourceRegion" not in cluster


def test_only_founder_and_heir_have_credentials_and_nothing_else_differs(templates):
    """What names the database or its master is for the first member alone: on another one it would replace the cluster."""
    founder, heir, member = (json.loads(json.dumps(templates[key])) for key in DATA)
    for master in (founder, heir):
        del master["Resources"]["Master"], master["Outputs"]["MasterSecret"]
        assert master["Resources"]["Cluster"]["Properties"].pop("MasterUserPassword") == {
            "Fn::Sub": "{{resolve:secretsmanager:${Master}:SecretString:password}}"
        }
    del founder["Resources"]["Cluster"]["Properties"]["DatabaseName"]
    del founder["Resources"]["Cluster"]["Properties"]["MasterUsername"]
    assert founder == heir == member


@pytest.mark.parametrize("key", KEYS)
def test_no_secret_is_written_down(key, templates):
    for _, properties in resources(templates[key]):
        for name, value in properties.items():
            if re.search(r"password$|^secretstring$", name, re.IGNORECASE):
                assert "{{resolve:secretsmanager:" in json.dumps(value)


@pytest.mark.parametrize(
    ("key", "logical", "policies"),
    [
        ("data", "Key", ("Retain", "Retain")),
        ("data", "Cluster", ("Snapshot", "Snapshot")),
        ("data-founder", "Master", ("Retain", "Retain")),
        ("data-heir", "Master", ("Retain", "Retain")),
        ("global", "GlobalCluster", ("Retain", "Retain")),
        ("foundation", "Assets", ("Retain", "Retain")),
        ("foundation-home", "State", ("Retain", "Retain")),
        ("edge", "Router", ("Retain", "Retain")),
        ("control", "Key", ("Retain", "Retain")),
        ("control", "Revisions", ("Retain", "Retain")),
        ("control", "ServiceRole", ("Retain", "Retain")),
        ("control", "ServiceDeleteRole", ("Retain", "Retain")),
        ("control", "TrailBucket", ("Retain", "Retain")),
    ],
)
def test_what_outlives_its_stack(key, logical, policies, templates):
    resource = templates[key]["Resources"][logical]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == policies


@pytest.mark.parametrize(("key", "prefix"), [("edge", "RouterVersion"), ("api", "Deployment")])
def test_versions_and_deployments_are_kept(key, prefix, templates):
    (kept,) = [r for logical, r in templates[key]["Resources"].items() if logical.startswith(prefix)]
    assert (kept["DeletionPolicy"], kept["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_edge_function_obeys_the_limits_of_the_edge(templates):
    (function,) = [properties for _, properties in resources(templates["edge"], "AWS::Lambda::Function")]
    assert not {"Environment", "VpcConfig", "Layers", "DeadLetterConfig", "FunctionName", "KmsKeyArn"} & set(function)
    assert function["Architectures"] == ["x86_64"]
    (association,) = distribution(templates)["DefaultCacheBehavior"]["LambdaFunctionAssociations"]
    assert association["EventType"] == "origin-request"
    assert association["IncludeBody"] is True
    assert association["LambdaFunctionARN"]["Ref"].startswith("RouterVersion")


def distribution(templates) -> dict[str, Any]:
    return templates["edge"]["Resources"]["Distribution"]["Properties"]["DistributionConfig"]


def test_distribution_caches_nothing_and_has_one_origin(templates):
    config = distribution(templates)
    (origin,) = config["Origins"]
    assert origin["DomainName"] == "origin.api.example.com"
    assert (origin["CustomOriginConfig"]["HTTPPort"], origin["CustomOriginConfig"]["HTTPSPort"]) == (80, 443)
    assert origin["CustomOriginConfig"]["OriginReadTimeout"] >= 29, "API Gateway's own limit"
    assert {e["ErrorCachingMinTTL"] for e in config["CustomErrorResponses"]} == {0}
    assert len(config["DefaultCacheBehavior"]["AllowedMethods"]) == 7
    assert config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "https-only"


def test_certificate_and_web_acl_of_the_user_are_used(synthesise):
    ours = "arn:aws:acm:us-east-1:111111111111:certificate/0000"
    acl = "arn:aws:wafv2:us-east-1:111111111111:global/webacl/a/1"
    edge = replace(ORDERS.edge, certificate_arn=ours, web_acl_arn=acl)
    template = json.loads(synthesise(replace(ORDERS, edge=edge), "edge")["edge"])
    config = template["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
    assert "Certificate" not in template["Resources"]
    assert (config["ViewerCertificate"]["AcmCertificateArn"], config["WebACLId"]) == (ours, acl)


def test_only_edge_and_probe_get_past_the_health_path(templates):
    api = templates["api"]["Resources"]["Api"]["Properties"]
    assert api["DisableExecuteApiEndpoint"] is True
    auth = {
        (path, method): operation["x-amazon-apigateway-auth"]["type"]
        for path, operations in api["Body"]["paths"].items()
        for method, operation in operations.items()
    }
    assert auth.pop(("/health", "get")) == "NONE"
    assert set(auth.values()) == {"AWS_IAM"}
    assert {path for path, _ in auth} == {"/", "/orders", "/orders/{id}"}
    allow, deny = api["Policy"]["Statement"]
    assert (allow["Effect"], deny["Effect"]) == ("Allow", "Deny")
    assert deny["NotResource"] == "execute-api:/live/GET/health"
    (who,) = deny["Condition"]["StringNotEquals"].values()
    assert [w["Fn::Sub"].rpartition("/")[2] for w in who] == ["meridian-orders-edge", "meridian-orders-probe"]


def test_public_origin_says_so(synthesise):
    api = json.loads(synthesise(public_origin(), "api")["api"])["Resources"]["Api"]["Properties"]
    assert [(s["Sid"], s["Effect"]) for s in api["Policy"]["Statement"]] == [("OriginIsPublic", "Allow")]
    assert "AWS_IAM" not in json.dumps(api["Body"])


def test_a_changed_function_touches_only_the_function(templates):
    others = {k: v for k, v in templates["api"]["Resources"].items() if k not in ("Function", "Invoke")}
    assert '"Function"' not in json.dumps(others), "a reference drags the API into every code change"
    assert templates["api"]["Resources"]["Invoke"]["DependsOn"] == ["Function"]


def test_deployment_follows_the_definition_and_nothing_else(synthesise):
    def deployment(topology):
        return next(
            k for k in json.loads(synthesise(topology, "api")["api"])["Resources"] if k.startswith("Deployment")
        )

    same = replace(ORDERS, api=replace(ORDERS.api, memory_mb=1024, throttle_rate=1))
    other = replace(ORDERS, api=replace(ORDERS.api, health=replace(ORDERS.api.health, path="/well")))
    assert deployment(ORDERS) == deployment(same)
    assert len({deployment(t) for t in (ORDERS, other, public_origin())}) == 3


@pytest.mark.parametrize("key", KEYS)
def test_every_log_group_forgets(key, templates):
    assert all("RetentionInDays" in properties for _, properties in resources(templates[key], "AWS::Logs::LogGroup"))


def test_member_logs_into_a_group_that_is_there_before_it(templates):
    data = templates["data"]["Resources"]
    assert data["DatabaseLogs"]["Properties"]["LogGroupName"] == {
        "Fn::Sub": "/aws/rds/cluster/orders-${AWS::Region}/postgresql"
    }
    assert "DatabaseLogs" in data["Cluster"]["DependsOn"]


@pytest.mark.parametrize(("mode", "enabled"), [("session", True), ("eventual", True), ("global", True), ("off", False)])
def test_write_forwarding(mode, enabled, synthesise):
    topology = replace(ORDERS, database=replace(ORDERS.database, write_forwarding=mode))
    data = json.loads(synthesise(topology, "data")["data"])["Resources"]
    assert data["Cluster"]["Properties"]["EnableGlobalWriteForwarding"] is enabled
    parameters = data["Parameters"]["Properties"]["Parameters"]
    assert parameters["apg_write_forward.consistency_mode"] == mode.upper()


def test_routes_are_gated_latency_records(templates):
    for logical, record in resources(templates["routing"]):
        assert record["Region"] == record["SetIdentifier"]
        suffix = re.sub("^(Route|Origin)", "", logical)
        assert record["HealthCheckId"] == {"Ref": f"Gate{suffix}"}
        is_alias = logical.startswith("Origin")
        assert record.get("TTL") == (None if is_alias else "10")
        assert record.get("AliasTarget", {}).get("EvaluateTargetHealth", True) is True


def test_traffic_and_writer_are_not_in_templates(synthesise):
    drained = tuple(replace(r, traffic=Traffic.DRAINED, cidr="10.99.0.0/16") for r in ORDERS.regions)
    moved = replace(ORDERS, regions=drained, database=replace(ORDERS.database, writer="eu-west-1"))
    assert synthesise(moved) == synthesise(ORDERS)


WIDE = {
    ("api", "MigrateRole", "network"): "EC2 takes no narrower resource for network interfaces",
    ("api", "Role", "network"): "EC2 takes no narrower resource for network interfaces",
    ("control", "BreakGlassRole", "failover"): "asks which clusters there are",
    ("control", "Key", None): "a key policy speaks of its own key",
    ("control", "Observing", None): "lists, which take no narrower resource",
    ("control", "ReconcileRole", "motion"): "Route 53 takes no resource where a health check is made",
    ("control", "ServiceDeleteRole", "stacks"): "reads that take no narrower resource",
    ("control", "ServiceRole", "stacks"): "reads, and creations that take no narrower resource",
    ("data", "Key", None): "a key policy speaks of its own key",
    ("data-founder", "Key", None): "a key policy speaks of its own key",
    ("data-heir", "Key", None): "a key policy speaks of its own key",
}
"""Statements that allow any resource or any action, with the reason."""


def test_policies_allow_no_more_than_needed(templates):
    wide = {
        (key, logical, name)
        for key, template in templates.items()
        for logical, properties in resources(template)
        for name, document in policy_documents(properties)
        for statement in document["Statement"]
        if statement["Effect"] == "Allow" and is_wide(statement)
    }
    assert wide == set(WIDE)


def policy_documents(properties: dict[str, Any]) -> Iterator[tuple[str | None, dict[str, Any]]]:
    for policy in properties.get("Policies", []):
        yield policy["PolicyName"], policy["PolicyDocument"]
    for name in ("KeyPolicy", "PolicyDocument"):
        if name in properties:
            yield None, properties[name]


def is_wide(statement: dict[str, Any]) -> bool:
    listed = [*as_list(statement["Action"]), *as_list(statement["Resource"])]
    return any(item == "*" or (isinstance(item, str) and item.endswith(":*")) for item in listed)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_each_function_logs_in_as_its_own_user(templates):
    api = templates["api"]["Resources"]
    users = {"Function": ("Role", "app"), "Migrate": ("MigrateRole", "meridian_migrator")}
    for function, (role, user) in users.items():
        properties = api[function]["Properties"]
        assert properties["Role"] == {"Fn::GetAtt": [role, "Arn"]}
        assert properties["Environment"]["Variables"]["DB_USER"] == user
        (connect,) = [
            s
            for p in api[role]["Properties"]["Policies"]
            for s in p["PolicyDocument"]["Statement"]
            if s["Action"] == "rds-db:connect"
        ]
        assert connect["Resource"]["Fn::Sub"].endswith(f":dbuser:${{ClusterResourceId}}/{user}")


def test_an_alarm_for_what_lasts_spans_two_looks(templates):
    """With a shorter period it comes and goes with each look, and sends a mail for both."""
    resources = templates["control"]["Resources"].values()
    periods = {
        r["Properties"]["MetricName"]: r["Properties"]["Period"] for r in resources if r["Type"].endswith("Alarm")
    }
    assert min(periods["StalledTopologies"], periods["Refusals"]) >= 2 * RESYNC.total_seconds()


def test_nobody_but_the_account_may_invoke_the_runner(templates):
    permissions = [p["FunctionName"] for _, p in resources(templates["api"], "AWS::Lambda::Permission")]
    assert permissions == ["meridian-orders-api"]
    assert (
        templates["api"]["Resources"]["Migrate"]["Properties"]["VpcConfig"]
        == (templates["api"]["Resources"]["Function"]["Properties"]["VpcConfig"])
    )
