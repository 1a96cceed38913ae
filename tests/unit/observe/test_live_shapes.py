"""Answers of AWS in the shape of templates. The answers are as AWS writes them, where the embedded AWS may be simpler."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.diff.compare import deviations
from reconciler.diff.whole import compared
from reconciler.model.observed import Missing, Unknown
from reconciler.model.shapes import Undeclared
from reconciler.model.stacks import StackKind, StackRef
from reconciler.observe import live_api, live_data, live_dns, live_edge, live_network, live_roles, observe
from tests.unit.observe.worlds import TOPOLOGY, facts, region_with

POLICY = {
    "Statement": [{"Effect": "Allow", "Resource": "execute-api:/*", "NotResource": "execute-api:/live/GET/health"}]
}
ARN = "arn:aws:execute-api:eu-west-1:111111111111:a1b2c3/"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("", None),
        (json.dumps(POLICY), POLICY),
        (json.dumps(json.dumps(POLICY))[1:-1], POLICY),
        (json.dumps(json.dumps(POLICY).replace("execute-api:/", ARN))[1:-1].replace("/", "\\/"), POLICY),
        ("not json", "not json"),
    ],
)
def test_the_policy_of_an_api_is_unescaped_and_its_own_arns_are_shortened(text: str | None, expected: Any) -> None:
    assert live_api.policy(text) == expected


def test_arns_of_other_services_in_a_policy_are_left_alone() -> None:
    text = json.dumps({"Statement": [{"Condition": {"ArnEquals": "arn:aws:iam::111111111111:role/edge"}}]})
    assert live_api.policy(text) == json.loads(text)


@pytest.mark.parametrize(
    ("path", "resource", "method"),
    [("*/*", "/*", "*"), ("~1orders~1{id}/GET", "/orders/{id}", "GET"), ("~1/POST", "/", "POST")],
)
def test_settings_of_methods(path: str, resource: str, method: str) -> None:
    stage = {"stageName": "live", "methodSettings": {path: {"throttlingBurstLimit": 5, "metricsEnabled": True}}}
    (settings,) = live_api.stage(stage)["MethodSettings"]
    assert settings == {
        "ResourcePath": resource,
        "HttpMethod": method,
        "ThrottlingBurstLimit": 5,
        "MetricsEnabled": True,
    }


def test_an_access_log_destination_has_no_stream_wildcard() -> None:
    stage = {"stageName": "live", "accessLogSettings": {"destinationArn": "arn:x:log-group:/a:*", "format": "f"}}
    assert live_api.stage(stage)["AccessLogSetting"] == {"DestinationArn": "arn:x:log-group:/a", "Format": "f"}


def test_a_distribution_in_the_words_of_cloudformation() -> None:
    methods = {"Quantity": 2, "Items": ["GET", "HEAD"], "CachedMethods": {"Quantity": 1, "Items": ["GET"]}}
    errors = [{"ErrorCode": code, "ErrorCachingMinTTL": 0} for code in (503, 400)]
    config = {
        "Aliases": {"Quantity": 0},
        "IsIPV6Enabled": True,
        "WebACLId": "",
        "CustomErrorResponses": {"Quantity": 2, "Items": errors},
        "DefaultCacheBehavior": {"AllowedMethods": methods},
        "ViewerCertificate": {"ACMCertificateArn": "arn", "SSLSupportMethod": "sni-only"},
        "Origins": {
            "Quantity": 1,
            "Items": [{"Id": "o", "CustomOriginConfig": {"OriginSslProtocols": {"Quantity": 0}}}],
        },
    }
    shaped = live_edge.distribution({"DistributionConfig": config})["DistributionConfig"]
    assert shaped == {
        "Aliases": [],
        "IPV6Enabled": True,
        "WebACLId": None,
        "CustomErrorResponses": errors[::-1],
        "DefaultCacheBehavior": {"AllowedMethods": ["GET", "HEAD"], "CachedMethods": ["GET"]},
        "ViewerCertificate": {"AcmCertificateArn": "arn", "SslSupportMethod": "sni-only"},
        "Origins": [{"Id": "o", "CustomOriginConfig": {"OriginSSLProtocols": []}}],
    }


def validation(name: str) -> dict[str, Any]:
    record = {"Name": f"_1.{name}.", "Type": "CNAME", "Value": f"_2.{name}.acm-validations.aws."}
    return {"DomainName": name, "ValidationMethod": "DNS", "ResourceRecord": record}


CERTIFICATE = {"DomainName": "a", "SubjectAlternativeNames": ["a", "b"]}
STANDING = {"Name": "_1.A.", "Type": "CNAME", "TTL": 300, "ResourceRecords": [{"Value": "_2.a.acm-validations.aws"}]}


def test_a_certificates_own_name_is_not_among_its_alternatives() -> None:
    found = {**CERTIFICATE, "DomainValidationOptions": [{"DomainName": "a", "ValidationMethod": "DNS"}]}
    shaped = live_edge.certificate(facts(zone={"Id": "/hostedzone/Z"}))(found)
    assert shaped == {"DomainName": "a", "SubjectAlternativeNames": ["b"], "ValidationMethod": "DNS"}


def test_a_name_is_validated_by_our_zone_while_its_record_stands() -> None:
    seen = facts(zone={"Id": "/hostedzone/Z"}, records=[STANDING])
    shaped = live_edge.certificate(seen)({**CERTIFICATE, "DomainValidationOptions": [validation("a"), validation("b")]})
    assert shaped["DomainValidationOptions"] == [
        {"DomainName": "a", "HostedZoneId": "Z"},
        {"DomainName": "b", "HostedZoneId": None},
    ]


def test_methods_as_api_gateway_tells_them() -> None:
    integration = {
        "type": "AWS_PROXY",
        "httpMethod": "POST",
        "uri": "arn:f",
        "passthroughBehavior": "WHEN_NO_MATCH",
        "timeoutInMillis": 29000,
        "cacheNamespace": "x",
    }
    method = {"httpMethod": "GET", "authorizationType": "AWS_IAM", "apiKeyRequired": False}
    listed = [{"path": "/"}, {"path": "/a", "resourceMethods": {"GET": {**method, "methodIntegration": integration}}}]
    assert live_api.methods(listed) == {
        "GET /a": {
            "authorization": "AWS_IAM",
            "apiKeyRequired": False,
            "credentials": None,
            **{name: value for name, value in integration.items() if name != "cacheNamespace"},
        }
    }


def test_a_headers_policy_and_a_delivery() -> None:
    security = {"FrameOptions": {"FrameOption": "DENY", "Override": True}}
    config = {"Name": "n", "Comment": "", "SecurityHeadersConfig": security, "CustomHeadersConfig": {"Quantity": 0}}
    shaped = live_edge.headers({"Id": "1", "ResponseHeadersPolicyConfig": config})
    assert shaped == {"ResponseHeadersPolicyConfig": {"Name": "n", "SecurityHeadersConfig": security}}
    found = {"id": "1", "deliverySourceName": "s", "deliveryDestinationArn": "arn:d", "tags": {"a": "1"}}
    tagged = [{"Key": "a", "Value": "1"}]
    assert live_edge.delivery(found) == {"DeliverySourceName": "s", "DeliveryDestinationArn": "arn:d", "Tags": tagged}


def test_flags_that_aws_leaves_out_are_off() -> None:
    shaped = live_dns.health_check({"HealthCheckConfig": {"Type": "HTTPS", "EnableSNI": True}})["HealthCheckConfig"]
    assert shaped == {"Type": "HTTPS", "EnableSNI": True, "Inverted": False, "Disabled": False, "MeasureLatency": False}


CLUSTER = {"DBClusterIdentifier": "c", "DBClusterArn": "arn:c", "Engine": "e", "EngineVersion": "1"}


def group(*, writes: bool) -> dict[str, Any]:
    return {
        "GlobalClusterIdentifier": "orders",
        "GlobalClusterMembers": [{"DBClusterArn": "arn:c", "IsWriter": writes}],
    }


@pytest.mark.parametrize(
    ("global_cluster", "expected"),
    [
        (group(writes=False), {"GlobalClusterIdentifier": "orders", "EnableGlobalWriteForwarding": False}),
        (group(writes=True), {"GlobalClusterIdentifier": "orders"}),
        ({"GlobalClusterIdentifier": "orders", "GlobalClusterMembers": []}, {"GlobalClusterIdentifier": None}),
        (None, {"GlobalClusterIdentifier": None}),
        (Unknown("AccessDenied", ""), {}),
    ],
)
def test_membership_and_forwarding_go_by_the_global_cluster(global_cluster: Any, expected: dict[str, Any]) -> None:
    shaped = live_data.cluster(CLUSTER, global_cluster)
    names = ("GlobalClusterIdentifier", "EnableGlobalWriteForwarding")
    assert {name: shaped[name] for name in names if name in shaped} == expected


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([], Missing()),
        (Unknown("Throttling", "slow down"), Unknown("Throttling", "slow down")),
        ([{"Name": "route.api.example.com.", "Type": "CNAME", "SetIdentifier": "us-east-1"}], Missing()),
    ],
)
def test_a_declared_record_is_missing_or_unknown(records: Any, expected: Any) -> None:
    record = {"Type": "AWS::Route53::RecordSet", "Properties": {"SetIdentifier": "eu-west-1"}}
    routing = region_with("meridian-orders-routing", template={"Resources": {"RouteEuWest1": record}})
    observed = observe(facts({"us-east-1": routing}, records=records), TOPOLOGY)
    assert observed.live == {(StackRef(StackKind.ROUTING, "us-east-1"), "RouteEuWest1"): expected}


def test_what_a_template_does_not_declare_is_not_read() -> None:
    routing = region_with("meridian-orders-routing", template={"Resources": {}})
    assert observe(facts({"us-east-1": routing}), TOPOLOGY).live == {}


STATEMENT = {"Effect": "Allow", "Action": "a:b", "Resource": "*"}
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": ["a", "b"]}}]}


@pytest.mark.parametrize(
    ("found", "deviates"),
    [
        ({"Statement": [STATEMENT, {**STATEMENT, "Action": ["c:d", "e:f"]}]}, False),
        (
            {
                "Statement": [
                    {**STATEMENT, "Action": ["e:f", "c:d"]},
                    {**STATEMENT, "Action": ["a:b"], "Resource": ["*"]},
                ]
            },
            False,
        ),
        ({"Statement": [STATEMENT, {**STATEMENT, "Action": ["c:d"]}]}, True),
        ({"Statement": [{**STATEMENT, "Condition": {}}, {**STATEMENT, "Action": ["c:d", "e:f"]}]}, True),
        ({"Statement": STATEMENT}, True),
        (None, True),
    ],
)
def test_a_policy_says_the_same_in_many_spellings(found: Any, deviates: bool) -> None:
    declared = {"Statement": [STATEMENT, {**STATEMENT, "Action": ["c:d", "e:f"]}]}
    paths = [d.path for d in deviations(declared, live_roles.document(found), "Policy")]
    assert paths == (["Policy"] if deviates else [])


def test_a_role_has_no_more_than_its_template_gives_it() -> None:
    found = {
        "RoleName": "r",
        "AssumeRolePolicyDocument": TRUST,
        "RolePolicyList": [{"PolicyName": n, "PolicyDocument": {"Statement": [STATEMENT]}} for n in ("b", "a")],
        "AttachedManagedPolicies": [{"PolicyName": "p", "PolicyArn": "arn:p"}],
        "Tags": [
            {"Key": "meridian:stack", "Value": "api"},
            {"Key": "aws:x", "Value": "y"},
            {"Key": "theirs", "Value": "z"},
        ],
    }
    shaped = live_roles.role(found)
    assert shaped["ManagedPolicyArns"] == Undeclared(desired=None, observed=["arn:p"])
    assert shaped["PermissionsBoundary"] == Undeclared(desired=None, observed=None)
    policies = [{"PolicyName": n, "PolicyDocument": {"Statement": [STATEMENT]}} for n in ("a", "b")]
    declared = {"AssumeRolePolicyDocument": TRUST, "Policies": policies}
    assert list(deviations(declared, shaped)) == []
    ours = [{"Key": "meridian:stack", "Value": "api"}]
    assert list(compared("AWS::IAM::Role", "Tags", ours, shaped["Tags"])) == []
    assert len(list(compared("AWS::IAM::Role", "Tags", [*ours, {"Key": "k", "Value": "v"}], shaped["Tags"]))) == 1


def test_rules_of_the_same_ports_stand_together_and_are_told_apart() -> None:
    ranges = {"IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "d"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
    peers = {"UserIdGroupPairs": [{"GroupId": "sg-1", "UserId": "1"}], "PrefixListIds": [{"PrefixListId": "pl-1"}]}
    found = {
        "Description": "g",
        "VpcId": "vpc-1",
        "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, **ranges, **peers}],
        "IpPermissionsEgress": [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-2"}]}],
    }
    shaped = live_network.security_group(found)
    head = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2}
    assert shaped["SecurityGroupIngress"] == [
        {**head, "CidrIp": "10.0.0.0/8", "Description": "d"},
        {**head, "CidrIpv6": "::/0"},
        {**head, "SourcePrefixListId": "pl-1"},
        {**head, "SourceSecurityGroupId": "sg-1"},
    ]
    assert shaped["SecurityGroupEgress"] == [{"IpProtocol": "-1", "DestinationSecurityGroupId": "sg-2"}]


LOCAL = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"}
TABLE = {
    "RouteTableId": "rtb-1",
    "VpcId": "vpc-1",
    "Routes": [LOCAL],
    "Associations": [{"RouteTableAssociationId": "a-1", "SubnetId": "s-1"}],
}


@pytest.mark.parametrize(
    ("routes", "observed"),
    [
        ([LOCAL], None),
        ([LOCAL, {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"}], ["0.0.0.0/0 via nat-1"]),
        ([LOCAL, {"DestinationIpv6CidrBlock": "::/0", "State": "blackhole"}], ["::/0 via nowhere"]),
    ],
)
def test_a_route_table_has_the_route_to_its_own_network_alone(routes: Any, observed: Any) -> None:
    shaped = live_network.route_table({**TABLE, "Routes": routes})
    assert shaped["Routes"] == Undeclared(desired=None, observed=observed)


def test_a_network_and_its_associations_are_told_by_route_tables() -> None:
    second = {"DestinationCidrBlock": "10.1.0.0/16", "GatewayId": "local"}
    assert live_network.network([TABLE]) == {"CidrBlock": "10.0.0.0/16"}
    assert live_network.network([{**TABLE, "Routes": [LOCAL, second]}]) == {}  # nobody can tell which came first
    assert live_network.network([]) == Missing()
    assert live_network.association([TABLE], "a-1") == {"RouteTableId": "rtb-1", "SubnetId": "s-1"}
    assert live_network.association([TABLE], "a-2") == Missing()


def test_subnets_are_told_by_the_databases_group() -> None:
    subnets = [{"SubnetIdentifier": "s-1", "SubnetAvailabilityZone": {"Name": "a"}}]
    found = {"DBSubnetGroupName": "g", "DBSubnetGroupDescription": "d", "VpcId": "v", "Subnets": subnets}
    assert live_network.subnet(found, "s-1") == {"VpcId": "v", "AvailabilityZone": "a"}
    assert live_network.subnet_group(found) == {
        "DBSubnetGroupName": "g",
        "DBSubnetGroupDescription": "d",
        "SubnetIds": ["s-1"],
    }
    untold = (live_network.subnet(found, "s-2"), live_network.subnet(None, "s-1"), live_network.subnet_group(None))
    assert all(isinstance(seen, Unknown) for seen in untold)


def test_every_parameter_that_somebody_set_counts() -> None:
    found = [{"ParameterName": "b", "ParameterValue": "1"}, {"ParameterName": "c"}]
    shaped = live_data.parameters({"Parameters": found})
    assert [(d.path, d.left, d.right) for d in deviations({"Parameters": {"a": 1}}, shaped)] == [
        ("Parameters.a", 1, None),
        ("Parameters.b", None, "1"),
    ]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("arn:aws:kms:eu-west-1:111111111111:key/k", "arn:aws:kms:eu-west-1:111111111111:key/k"),
        ("k", "arn:aws:kms:eu-west-1:111111111111:key/k"),
        (None, None),
    ],
)
def test_a_secrets_key_may_come_by_its_id(key: str | None, expected: str | None) -> None:
    found = {"ARN": "arn:aws:secretsmanager:eu-west-1:111111111111:secret:s", "Name": "s"}
    shaped = live_data.secret({**found, **({"KmsKeyId": key} if key else {})})
    assert shaped["KmsKeyId"] == expected
    assert shaped["DeletedDate"] == Undeclared(desired=None, observed=None)


def test_a_password_that_waits_is_not_shown() -> None:
    waiting = {"PendingModifiedValues": {"MasterUserPassword": "****", "EngineVersion": "16.9", "Port": None}}
    shaped = live_data.cluster({**CLUSTER, **waiting}, None)
    assert shaped["PendingModifiedValues"] == Undeclared(desired=None, observed={"EngineVersion": "16.9"})
