"""CloudFront: a distribution's life: made, changed by compare-and-swap, disabled, removed; aliases that move."""

from __future__ import annotations

from typing import Any

from tests.contract.conformance import made
from tests.contract.conformance.claims import refusal, state, success
from tests.contract.conformance.conftest import Target, refused

API = "CloudFront API reference [V]"
FACTS = "aws-facts §7"


def viewer(arn: str) -> dict[str, Any]:
    return {"ACMCertificateArn": arn, "SSLSupportMethod": "sni-only", "MinimumProtocolVersion": "TLSv1.2_2021"}


def named(arn: str, *names: str) -> dict[str, Any]:
    """The members that give a distribution these names."""
    return {"Aliases": {"Quantity": len(names), "Items": list(names)}, "ViewerCertificate": viewer(arn)}


def aliases(aws: Target, name: str, etag: str = "") -> list[str]:
    """As soon as a read sees this version, or, without one, twice the same."""
    client = aws.client("cloudfront")
    client.get_distribution_config(Id=name)
    aws.until(lambda: etag in ("", client.get_distribution_config(Id=name)["ETag"]))
    return list(client.get_distribution_config(Id=name)["DistributionConfig"]["Aliases"].get("Items", []))


@success("cloudfront:CreateDistribution", source=API)
@success("cloudfront:GetDistribution", source=API)
@success("cloudfront:GetDistributionConfig", source=API)
@success("cloudfront:UpdateDistribution", source=f"{API}; {FACTS}")
@success("cloudfront:DeleteDistribution", source=f"{API}; {FACTS}")
@success("cloudfront:ListDistributions", source=API)
@state("cloudfront:CreateDistribution", "InProgress", source=FACTS)
@state("cloudfront:UpdateDistribution", "InProgress", source=FACTS)
@refusal("cloudfront:UpdateDistribution", "PreconditionFailed", source=f"{API}; {FACTS}")
@refusal("cloudfront:UpdateDistribution", "InvalidIfMatchVersion", source=f"{API}; {FACTS}")
@refusal("cloudfront:UpdateDistribution", "IllegalUpdate", source=f"{API}, CallerReference")
@refusal("cloudfront:UpdateDistribution", "NoSuchDistribution", source=API)
@refusal("cloudfront:DeleteDistribution", "DistributionNotDisabled", source=f"{API}; {FACTS}")
@refusal("cloudfront:DeleteDistribution", "PreconditionFailed", source=API)
@refusal("cloudfront:DeleteDistribution", "InvalidIfMatchVersion", source=API)
@refusal("cloudfront:GetDistribution", "NoSuchDistribution", source=API)
@refusal("cloudfront:GetDistributionConfig", "NoSuchDistribution", source=API)
@refusal("cloudfront:CreateDistribution", "DistributionAlreadyExists", source=f"{API}, CallerReference")
def test_a_distribution_lives_and_goes(aws: Target) -> None:
    client = aws.client("cloudfront")
    config = made.distribution_config(aws.name())
    aws.control("clock", {"speed": 10})
    new = client.create_distribution(DistributionConfig=config)
    name, first = new["Distribution"]["Id"], new["ETag"]
    assert new["Distribution"]["Status"] == "InProgress"
    refused(client.create_distribution, "DistributionAlreadyExists", DistributionConfig=config | {"Comment": "other"})
    aws.control("clock", {"speed": 600})
    made.deployed(aws, name, first)
    assert name in [one["Id"] for one in client.list_distributions()["DistributionList"]["Items"]]

    whole = client.get_distribution_config(Id=name)["DistributionConfig"]
    update = {"Id": name, "DistributionConfig": whole | {"Comment": "changed"}}
    refused(client.update_distribution, "InvalidIfMatchVersion", **update)
    refused(client.update_distribution, "NoSuchDistribution", **update | {"Id": "E0000000000000"}, IfMatch=first)
    other = {"Id": name, "DistributionConfig": whole | {"CallerReference": "other"}}
    refused(client.update_distribution, "IllegalUpdate", **other, IfMatch=first)
    refused(client.delete_distribution, "DistributionNotDisabled", Id=name, IfMatch=first)
    aws.control("clock", {"speed": 10})
    changed = client.update_distribution(**update, IfMatch=first)
    assert changed["Distribution"]["Status"] == "InProgress"
    refused(client.update_distribution, "PreconditionFailed", **update, IfMatch=first)

    disabled = {"Id": name, "DistributionConfig": whole | {"Enabled": False}}
    etag = client.update_distribution(**disabled, IfMatch=changed["ETag"])["ETag"]
    refused(client.delete_distribution, "DistributionNotDisabled", Id=name, IfMatch=etag)
    aws.control("clock", {"speed": 600})
    made.deployed(aws, name, etag)
    refused(client.delete_distribution, "InvalidIfMatchVersion", Id=name)
    refused(client.delete_distribution, "PreconditionFailed", Id=name, IfMatch=first)
    client.delete_distribution(Id=name, IfMatch=etag)
    refused(client.get_distribution, "NoSuchDistribution", Id=name)
    refused(client.get_distribution_config, "NoSuchDistribution", Id=name)


@state("cloudfront:GetDistribution", "before the update, for a moment", source="reads are eventually consistent [K]")
@state(
    "cloudfront:GetDistributionConfig", "before the update, for a moment", source="reads are eventually consistent [K]"
)
def test_a_read_may_lag_behind_an_update(aws: Target) -> None:
    client = aws.client("cloudfront")
    name, before = made.distribution(aws)
    for read in (client.get_distribution, client.get_distribution_config):
        aws.control("clock", {"speed": 10})
        after = made.updated(aws, name, before, Comment=f"after {before}")
        assert read(Id=name)["ETag"] == before
        assert read(Id=name)["ETag"] == after
        refused(client.delete_distribution, "PreconditionFailed", Id=name, IfMatch=before)
        aws.control("clock", {"speed": 600})
        made.deployed(aws, name, after)
        before = after


@success("cloudfront:TagResource", source=API)
@success("cloudfront:UntagResource", source=API)
@success("cloudfront:ListTagsForResource", source=API)
@success("cloudfront:CreateDistributionWithTags", source=API)
def test_tags_come_and_go(aws: Target) -> None:
    client = aws.client("cloudfront")
    tags = {"Items": [{"Key": "a", "Value": "1"}]}
    config = {"DistributionConfig": made.distribution_config(aws.name()), "Tags": tags}
    arn = client.create_distribution_with_tags(DistributionConfigWithTags=config)["Distribution"]["ARN"]
    client.tag_resource(Resource=arn, Tags={"Items": [{"Key": "b", "Value": "2"}]})
    client.untag_resource(Resource=arn, TagKeys={"Items": ["a"]})
    assert client.list_tags_for_resource(Resource=arn)["Tags"]["Items"] == [{"Key": "b", "Value": "2"}]


@refusal("cloudfront:CreateDistribution", "CNAMEAlreadyExists", source=f"{API}; {FACTS}")
@refusal("cloudfront:UpdateDistribution", "CNAMEAlreadyExists", source=f"{API}; {FACTS}")
@refusal("cloudfront:ListDomainConflicts", "InvalidArgument", source=f"{API}: the certificate must cover the domain")
@refusal(
    "cloudfront:UpdateDomainAssociation", "InvalidArgument", source=f"{API}: the certificate must cover the domain"
)
@refusal("cloudfront:UpdateDomainAssociation", "PreconditionFailed", source=API)
@success("cloudfront:ListDomainConflicts", source=f"{API}; {FACTS}")
@success("cloudfront:UpdateDomainAssociation", source=f"{API}; {FACTS}, §9 row 26")
@state("cloudfront:UpdateDomainAssociation", "InProgress", source=f"{API} [K: at both ends]")
def test_an_alias_moves_without_a_gap(aws: Target) -> None:
    client = aws.client("cloudfront")
    arn = made.certificate(aws, "*.example.com")
    holder, _ = made.distribution(aws, **named(arn, "a.example.com"))
    config = made.distribution_config("second", **named(arn, "b.example.com"))
    taken = config | named(arn, "a.example.com") | {"CallerReference": "third"}
    refused(client.create_distribution, "CNAMEAlreadyExists", DistributionConfig=taken)
    new = client.create_distribution(DistributionConfig=config)
    target, etag = new["Distribution"]["Id"], new["ETag"]
    made.deployed(aws, target, etag)
    claim = {"Id": target, "IfMatch": etag, "DistributionConfig": config | named(arn, "a.example.com", "b.example.com")}
    refused(client.update_distribution, "CNAMEAlreadyExists", **claim)

    proof = {"DomainControlValidationResource": {"DistributionId": target}}
    refused(client.list_domain_conflicts, "InvalidArgument", Domain="a.example.org", **proof)
    [conflict] = client.list_domain_conflicts(Domain="a.example.com", **proof)["DomainConflicts"]
    assert (conflict["ResourceType"], conflict["ResourceId"]) == ("distribution", holder)
    move = {"Domain": "a.example.com", "TargetResource": {"DistributionId": target}}
    refused(client.update_domain_association, "PreconditionFailed", **move, IfMatch="stale")
    refused(client.update_domain_association, "InvalidArgument", **move | {"Domain": "a.example.org"}, IfMatch=etag)
    aws.control("clock", {"speed": 20})
    moved = client.update_domain_association(**move, IfMatch=etag)
    assert moved["ResourceId"] == target
    assert sorted(aliases(aws, target, moved["ETag"])) == ["a.example.com", "b.example.com"]
    assert aliases(aws, holder) == []
    for end in (target, holder):
        assert client.get_distribution(Id=end)["Distribution"]["Status"] == "InProgress"


@success("cloudfront:AssociateAlias", source=f"{API}; {FACTS}")
@refusal("cloudfront:AssociateAlias", "NoSuchDistribution", source=API)
@refusal("cloudfront:AssociateAlias", "InvalidArgument", source=f"{API}: the certificate must cover the alias")
def test_an_alias_is_taken_over(aws: Target) -> None:
    client = aws.client("cloudfront")
    arn = made.certificate(aws, "*.example.com")
    holder, _ = made.distribution(aws, **named(arn, "a.example.com"))
    new = client.create_distribution(
        DistributionConfig=made.distribution_config("second", **named(arn, "b.example.com"))
    )
    target = new["Distribution"]["Id"]
    refused(client.associate_alias, "NoSuchDistribution", TargetDistributionId="E0000000000000", Alias="a.example.com")
    refused(client.associate_alias, "InvalidArgument", TargetDistributionId=target, Alias="a.example.org")
    client.associate_alias(TargetDistributionId=target, Alias="a.example.com")
    assert sorted(aliases(aws, target)) == ["a.example.com", "b.example.com"]
    assert aliases(aws, holder) == []


@success("cloudfront:CreateResponseHeadersPolicy", source=API)
@success("cloudfront:GetResponseHeadersPolicy", source=API)
@success("cloudfront:DeleteResponseHeadersPolicy", source=API)
@refusal("cloudfront:GetResponseHeadersPolicy", "NoSuchResponseHeadersPolicy", source=API)
@refusal("cloudfront:DeleteResponseHeadersPolicy", "ResponseHeadersPolicyInUse", source=API)
@refusal("cloudfront:DeleteResponseHeadersPolicy", "PreconditionFailed", source=API)
def test_a_policy_in_use_stays(aws: Target) -> None:
    client = aws.client("cloudfront")
    policy = {"Name": "p", "SecurityHeadersConfig": {"ContentTypeOptions": {"Override": True}}}
    new = client.create_response_headers_policy(ResponseHeadersPolicyConfig=policy)
    one, version = new["ResponseHeadersPolicy"]["Id"], new["ETag"]
    name, etag = made.distribution(aws, DefaultCacheBehavior=made.behavior(ResponseHeadersPolicyId=one))
    refused(client.delete_response_headers_policy, "PreconditionFailed", Id=one, IfMatch="stale")
    refused(client.delete_response_headers_policy, "ResponseHeadersPolicyInUse", Id=one, IfMatch=version)
    made.updated(aws, name, etag, DefaultCacheBehavior=made.behavior())
    found = client.get_response_headers_policy(Id=one)
    assert found["ETag"] == version
    assert found["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]["Name"] == "p"
    client.delete_response_headers_policy(Id=one, IfMatch=version)
    refused(client.get_response_headers_policy, "NoSuchResponseHeadersPolicy", Id=one)
