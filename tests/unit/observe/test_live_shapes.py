"""Answers of AWS in the shape of templates. The answers are as AWS writes them, where the embedded AWS may be simpler."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.model.observed import Missing, Unknown
from reconciler.model.stacks import StackKind, StackRef
from reconciler.observe import live_api, live_data, live_dns, live_edge, observe
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
