"""CloudFront: configurations that no distribution can have, and functions that cannot run at the edge."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conformance import made
from tests.contract.conformance.claims import refusal, success
from tests.contract.conformance.conftest import Target, refused

API = "CloudFront API reference and quotas [V]"
EDGE = "Restrictions and quotas of Lambda@Edge [V]"


def listed(*items: Any) -> dict[str, Any]:
    return {"Quantity": len(items), "Items": list(items)}


def origin(**more: Any) -> dict[str, Any]:
    custom = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"} | more.pop("custom", {})
    return {
        "Origins": listed({"Id": "origin", "DomainName": "origin.example.com", "CustomOriginConfig": custom} | more)
    }


def default(**more: Any) -> dict[str, Any]:
    return {"DefaultCacheBehavior": made.behavior(**more)}


def error(code: int, **more: Any) -> dict[str, Any]:
    return {"CustomErrorResponses": listed({"ErrorCode": code, **more})}


FORWARDED = {"QueryString": False, "Cookies": {"Forward": "none"}}
NOBODY = "00000000-0000-0000-0000-000000000000"
UNUSABLE: list[tuple[str, dict[str, Any], str]] = [
    ("an address as origin", origin(DomainName="192.0.2.1"), "InvalidArgument"),
    ("a path without a slash", origin(OriginPath="live"), "InvalidArgument"),
    ("a path with a slash at its end", origin(OriginPath="/live/"), "InvalidArgument"),
    ("too patient a read", origin(custom={"OriginReadTimeout": 121}), "InvalidOriginReadTimeout"),
    ("too long a keep-alive", origin(custom={"OriginKeepaliveTimeout": 121}), "InvalidOriginKeepaliveTimeout"),
    ("four attempts", origin(ConnectionAttempts=4), "InvalidArgument"),
    ("too patient a connection", origin(ConnectionTimeout=11), "InvalidArgument"),
    ("another port", origin(custom={"HTTPSPort": 25}), "InvalidArgument"),
    ("an unknown protocol policy", origin(custom={"OriginProtocolPolicy": "any"}), "InvalidArgument"),
    ("two kinds of origin", origin(S3OriginConfig={"OriginAccessIdentity": ""}), "InvalidOrigin"),
    ("an origin that is not there", default(TargetOriginId="other"), "NoSuchOrigin"),
    ("a cache policy and older settings", default(ForwardedValues=FORWARDED), "InvalidArgument"),
    ("a cache policy and a time", default(MinTTL=5), "InvalidArgument"),
    ("no caching at all", default(CachePolicyId=""), "InvalidArgument"),
    ("no such cache policy", default(CachePolicyId=NOBODY), "NoSuchCachePolicy"),
    ("no such request policy", default(OriginRequestPolicyId=NOBODY), "NoSuchOriginRequestPolicy"),
    ("no such headers policy", default(ResponseHeadersPolicyId=NOBODY), "NoSuchResponseHeadersPolicy"),
    ("odd methods", default(AllowedMethods=listed("GET", "HEAD", "POST")), "InvalidArgument"),
    ("an unknown viewer policy", default(ViewerProtocolPolicy="none"), "InvalidArgument"),
    ("an error that is none", error(418), "InvalidErrorCode"),
    ("a page without its code", error(404, ResponsePagePath="/x"), "InvalidResponseCode"),
    ("a page without a slash", error(404, ResponsePagePath="x", ResponseCode="200"), "InvalidRelativePath"),
    ("an unknown price class", {"PriceClass": "PriceClass_1"}, "InvalidArgument"),
    ("an unknown HTTP version", {"HttpVersion": "http9"}, "InvalidArgument"),
    ("HTTP/3 and staging", {"HttpVersion": "http3", "ContinuousDeploymentPolicyId": NOBODY}, "InvalidArgument"),
    ("a root object with a slash", {"DefaultRootObject": "/index.html"}, "InvalidDefaultRootObject"),
    ("a long comment", {"Comment": "x" * 129}, "InvalidArgument"),
    ("101 names", {"Aliases": listed(*(f"a{i}.example.com" for i in range(101)))}, "TooManyDistributionCNAMEs"),
    ("a name that is none", {"Aliases": listed("a b.example.com")}, "InvalidArgument"),
    ("a name without certificate", {"Aliases": listed("a.example.com")}, "InvalidViewerCertificate"),
    ("an unknown minimum", {"ViewerCertificate": {"MinimumProtocolVersion": "TLSv9"}}, "InvalidMinimumProtocolVersion"),
    (
        "a regional firewall",
        {"WebACLId": "arn:aws:wafv2:eu-west-1:111111111111:regional/webacl/a/b"},
        "InvalidWebACLId",
    ),
]
CODES = sorted({code for _, _, code in UNUSABLE})


def _claimed(test: Any) -> Any:
    for call in ("CreateDistribution", "UpdateDistribution"):
        for code in CODES:
            test = refusal(f"cloudfront:{call}", code, source=API)(test)
    return test


@_claimed
@pytest.mark.parametrize(("more", "code"), [one[1:] for one in UNUSABLE], ids=[one[0] for one in UNUSABLE])
def test_a_configuration_is_refused(aws: Target, more: dict[str, Any], code: str) -> None:
    client = aws.client("cloudfront")
    refused(client.create_distribution, code, DistributionConfig=made.distribution_config(aws.name("bad"), **more))
    assert not client.list_distributions()["DistributionList"].get("Items")
    new = client.create_distribution(DistributionConfig=made.distribution_config(aws.name()))
    changed = made.distribution_config(aws.name(), **more)
    refused(
        client.update_distribution, code, Id=new["Distribution"]["Id"], IfMatch=new["ETag"], DistributionConfig=changed
    )
    assert client.get_distribution(Id=new["Distribution"]["Id"])["ETag"] == new["ETag"]


@pytest.mark.parametrize(
    ("names", "algorithm", "told"),
    [(["b.example.com"], "RSA_2048", "doesn't cover"), (["a.example.com"], "EC_secp384r1", "SSL certificate")],
)
@refusal(
    "cloudfront:CreateDistribution",
    "InvalidViewerCertificate",
    source="certificates with CloudFront [V]; aws-facts §4, I9",
)
def test_a_certificate_that_cloudfront_cannot_use(aws: Target, names: list[str], algorithm: str, told: str) -> None:
    client = aws.client("cloudfront")
    arn = made.certificate(aws, *names, KeyAlgorithm=algorithm)
    viewer = {"ACMCertificateArn": arn, "SSLSupportMethod": "sni-only", "MinimumProtocolVersion": "TLSv1.2_2021"}
    config = made.distribution_config(aws.name(), Aliases=listed("a.example.com"), ViewerCertificate=viewer)
    assert told in refused(client.create_distribution, "InvalidViewerCertificate", DistributionConfig=config)


FUNCTIONS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("variables", {"Environment": {"Variables": {"A": "b"}}}, {}, "environment variables"),
    ("another architecture", {"Architectures": ["arm64"]}, {}, "x86_64"),
    ("much storage", {"EphemeralStorage": {"Size": 1024}}, {}, "ephemeral storage"),
    ("tracing", {"TracingConfig": {"Mode": "Active"}}, {}, "X-Ray"),
    ("another language", {"Runtime": "ruby3.3"}, {}, "runtime"),
    ("31 s before the origin", {"Timeout": 31}, {}, "31 Max allowed: 30"),
    ("6 s before the viewer", {"Timeout": 6}, {"EventType": "viewer-request"}, "6 Max allowed: 5"),
    ("256 MB before the viewer", {"MemorySize": 256}, {"EventType": "viewer-request"}, "256 Max allowed: 128"),
    ("an unknown event", {}, {"EventType": "origin-error"}, "EventType"),
    ("the body of a response", {}, {"EventType": "origin-response", "IncludeBody": True}, "IncludeBody"),
]


@pytest.mark.parametrize(
    ("settings", "more", "told"), [one[1:] for one in FUNCTIONS], ids=[one[0] for one in FUNCTIONS]
)
@refusal("cloudfront:CreateDistribution", "InvalidLambdaFunctionAssociation", source=f"{EDGE}; aws-facts §6.2")
def test_a_function_that_cannot_run_at_the_edge(
    aws: Target, settings: dict[str, Any], more: dict[str, Any], told: str
) -> None:
    association = {"LambdaFunctionARN": made.edge_version(aws, **settings), "EventType": "origin-request"} | more
    config = made.distribution_config(aws.name(), **default(LambdaFunctionAssociations=listed(association)))
    message = refused(
        aws.client("cloudfront").create_distribution, "InvalidLambdaFunctionAssociation", DistributionConfig=config
    )
    assert told in message


@refusal(
    "cloudfront:CreateDistribution",
    "InvalidLambdaFunctionAssociation",
    source=f"{EDGE}; cloudfront-authorization-at-edge#245 [S]",
)
@refusal("cloudfront:CreateDistribution", "InvalidFunctionAssociation", source="Restrictions on all edge functions [V]")
def test_which_functions_may_stand_together(aws: Target) -> None:
    client, arn = aws.client("cloudfront"), made.edge_version(aws)

    def tell(code: str, *arns: str, **more: Any) -> str:
        event = more.pop("event", "origin-request")
        items = [{"LambdaFunctionARN": one, "EventType": event} for one in arns]
        config = made.distribution_config(aws.name(), **default(LambdaFunctionAssociations=listed(*items), **more))
        return refused(client.create_distribution, code, DistributionConfig=config)

    latest = arn.rpartition(":")[0]
    assert "specific function version" in tell("InvalidLambdaFunctionAssociation", latest)
    assert "specific function version" in tell("InvalidLambdaFunctionAssociation", latest + ":$LATEST")
    assert "only one Lambda function" in tell("InvalidLambdaFunctionAssociation", arn, arn)
    other = {"FunctionARN": f"arn:aws:cloudfront::{aws.account()}:function/f", "EventType": "viewer-request"}
    tell("InvalidFunctionAssociation", arn, event="viewer-request", FunctionAssociations=listed(other))
    role = made.role(aws, "lambda.amazonaws.com", name="regional")
    name = made.function(aws, role, name="regional")
    version = aws.client("lambda").publish_version(FunctionName=name)["FunctionArn"]
    assert "edgelambda.amazonaws.com" in tell("InvalidLambdaFunctionAssociation", version)
    aws.control("clock", {"speed": 1})
    plain = {"Runtime": "python3.13", "Handler": "main.handler", "Code": {"ZipFile": made.archive()}, "Publish": True}
    edge_role = f"arn:aws:iam::{aws.account()}:role/{aws.name('role')}"
    pending = aws.client("lambda").create_function(FunctionName=aws.name("new"), Role=edge_role, Timeout=5, **plain)
    assert "must be in an Active state" in tell("InvalidLambdaFunctionAssociation", f"{pending['FunctionArn']}:1")


METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE")


@success(
    "cloudfront:GetDistributionConfig", source="AWS CLI reference, get-distribution-config [V]; cdk-real-drift#1458 [S]"
)
def test_a_configuration_is_told_in_cloudfronts_words(aws: Target) -> None:
    """Methods in its own order, errors by their code, what was left out with its default; and it can be sent back."""
    methods = {"AllowedMethods": listed(*METHODS) | {"CachedMethods": listed("GET", "HEAD")}}
    errors = {"CustomErrorResponses": listed(*({"ErrorCode": code, "ErrorCachingMinTTL": 0} for code in (504, 400)))}
    name, etag = made.distribution(aws, **default(**methods), **errors)
    client = aws.client("cloudfront")
    found = client.get_distribution_config(Id=name)["DistributionConfig"]
    allowed = found["DefaultCacheBehavior"]["AllowedMethods"]
    assert allowed["Items"] == ["HEAD", "DELETE", "POST", "GET", "OPTIONS", "PUT", "PATCH"]
    assert allowed["CachedMethods"]["Items"] == ["HEAD", "GET"]
    assert [e["ErrorCode"] for e in found["CustomErrorResponses"]["Items"]] == [400, 504]
    assert found["Origins"]["Items"][0]["CustomHeaders"] == {"Quantity": 0}
    assert found["DefaultCacheBehavior"]["TrustedSigners"] == {"Enabled": False, "Quantity": 0}
    assert found["Restrictions"]["GeoRestriction"] == {"RestrictionType": "none", "Quantity": 0}
    assert (found["WebACLId"], found["DefaultRootObject"]) == ("", "")
    client.update_distribution(Id=name, IfMatch=etag, DistributionConfig={**found, "Comment": "sent back"})
