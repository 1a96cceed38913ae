"""CloudFront: what a distribution's configuration may be: origins, behaviours, policies, protocols, error responses, limits.

In CloudFormation's names, from whichever side the configuration came. Sources: CloudFront API reference and quotas [V], error
codes from botocore's model [V botocore]; texts in AWS's words where they are known.
"""

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from ministack.services import cloudfront

from local_aws.refused import Refused

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudfront._MANAGED_CACHE_POLICIES",
    "ministack.services.cloudfront._ORP_SPEC",
    "ministack.services.cloudfront._RHP_SPEC",
    "ministack.services.cloudfront._cache_policies",
    "ministack.services.cloudfront._origin_request_policies",
    "ministack.services.cloudfront._policy_lookup",
    "ministack.services.cloudfront._response_headers_policies",
)

Config = dict[str, Any]
_LABEL = r"[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})+")
_ALIAS = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})+")
_METHODS = (
    {"GET", "HEAD"},
    {"GET", "HEAD", "OPTIONS"},
    {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"},
)
_ERRORS = {400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}
_PRICES = {"PriceClass_100", "PriceClass_200", "PriceClass_All"}
_VERSIONS = {"http1.1", "http2", "http3", "http2and3"}
_MINIMUM = {"SSLv3", "TLSv1", "TLSv1_2016", "TLSv1.1_2016", "TLSv1.2_2018", "TLSv1.2_2019", "TLSv1.2_2021",
            "TLSv1.2_2025", "TLSv1.3_2025"}  # fmt: skip
_TTLS = ("MinTTL", "MaxTTL", "DefaultTTL")
MOST_ALIASES, MOST_ORIGINS, MOST_BEHAVIORS = 100, 100, 75


def check(config: Config) -> None:
    """CreateDistribution, UpdateDistribution, AWS::CloudFront::Distribution."""
    _counts(config)
    for origin in config.get("Origins") or []:
        _origin(origin)
    for behavior in behaviors(config):
        _target(config, behavior)
        _caching(behavior)
        _policies(behavior)
        _methods(behavior)
    for response in config.get("CustomErrorResponses") or []:
        _error_response(response)
    _choices(config)
    _viewer(config.get("ViewerCertificate") or {})
    _firewall(config.get("WebACLId"))


def behaviors(config: Config) -> Iterator[Config]:
    yield config.get("DefaultCacheBehavior") or {}
    yield from config.get("CacheBehaviors") or []


def _refuse(code: str, message: str) -> None:
    raise Refused(code, message)


def _counts(config: Config) -> None:
    """Quotas: 100 alternate names, 100 origins, 75 behaviours; at least one origin, ids that differ [V: quotas]."""
    aliases, origins = config.get("Aliases") or [], config.get("Origins") or []
    for name in aliases:
        if not _ALIAS.fullmatch(name):
            _refuse("InvalidArgument", f"The parameter CNAME contains a CNAME that isn't valid: {name}")
    if len(aliases) > MOST_ALIASES:
        _refuse("TooManyDistributionCNAMEs", "Your request contains more CNAMEs than are allowed per distribution.")
    if not origins:
        _refuse("InvalidArgument", "The parameter Origins is required.")
    if len(origins) > MOST_ORIGINS:
        _refuse("TooManyOrigins", "You cannot create more origins for the distribution.")
    if len({origin.get("Id") for origin in origins}) < len(origins):
        _refuse("InvalidArgument", "The parameter Origin Id must be unique within a distribution.")
    if len(config.get("CacheBehaviors") or []) > MOST_BEHAVIORS:
        _refuse("TooManyCacheBehaviors", "You cannot create more cache behaviors for the distribution.")


def _origin(origin: Config) -> None:
    """Origin: a domain name, one kind, a path with a slash before and none after [V: Origin]."""
    host, path = str(origin.get("DomainName") or ""), origin.get("OriginPath") or ""
    if not _HOST.fullmatch(host) or _is_address(host):
        _refuse("InvalidArgument", f"The parameter origin name must be a domain name: {host}")
    if path and (not path.startswith("/") or path.endswith("/")):
        _refuse("InvalidArgument", f"The parameter OriginPath must begin with '/' and must not end with '/': {path}")
    kinds = [
        kind for kind in ("S3OriginConfig", "CustomOriginConfig", "VpcOriginConfig") if origin.get(kind) is not None
    ]
    if len(kinds) != 1:
        _refuse(
            "InvalidOrigin", "The origin must have exactly one of S3OriginConfig, CustomOriginConfig, VpcOriginConfig."
        )
    _within("InvalidArgument", "ConnectionAttempts", origin, 1, 3)
    _within("InvalidArgument", "ConnectionTimeout", origin, 1, 10)
    if custom := origin.get("CustomOriginConfig"):
        _custom_origin(custom)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _custom_origin(custom: Config) -> None:
    """CustomOriginConfig: timeouts of 1 to 120 s, ports 80, 443 or 1024 and above [V: CustomOriginConfig]."""
    _within("InvalidOriginReadTimeout", "OriginReadTimeout", custom, 1, 120)
    _within("InvalidOriginKeepaliveTimeout", "OriginKeepaliveTimeout", custom, 1, 120)
    for name in ("HTTPPort", "HTTPSPort"):
        port = int(custom.get(name) or 443)
        if port not in (80, 443) and not 1024 <= port <= 65535:
            _refuse("InvalidArgument", f"The parameter {name} is not valid: {port}")
    if custom.get("OriginProtocolPolicy") not in ("http-only", "https-only", "match-viewer"):
        _refuse(
            "InvalidArgument", f"The parameter OriginProtocolPolicy is not valid: {custom.get('OriginProtocolPolicy')}"
        )
    wrong = set(custom.get("OriginSSLProtocols") or []) - {"SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2"}
    if wrong:
        _refuse("InvalidArgument", f"The parameter OriginSslProtocols is not valid: {min(wrong)}")


def _within(code: str, name: str, where: Config, least: int, most: int) -> None:
    value = where.get(name)
    if value is not None and not least <= int(value) <= most:
        _refuse(code, f"The parameter {name} is not valid: {value}. It must be between {least} and {most}.")


def _target(config: Config, behavior: Config) -> None:
    """NoSuchOrigin: a behaviour names an origin, or a group of them, of the same distribution."""
    groups = (config.get("OriginGroups") or {}).get("Items") or []
    if behavior.get("TargetOriginId") not in {item.get("Id") for item in [*(config.get("Origins") or []), *groups]}:
        raise Refused("NoSuchOrigin", "One or more of your origins or origin groups do not exist.", 404)


def _caching(behavior: Config) -> None:
    """A cache policy, or the older settings: never both (pulumi-aws#1364, aws-sdk-net#1698 [S]), never neither."""
    older = behavior.get("ForwardedValues")
    if not behavior.get("CachePolicyId"):
        if not older:
            _refuse("InvalidArgument", "The parameter ForwardedValues is required.")
        return
    for name in ("ForwardedValues", *_TTLS):
        if behavior.get(name) is not None and (name == "ForwardedValues" or int(behavior[name]) != 0):
            _refuse(
                "InvalidArgument",
                f"The parameter {name} cannot be used when a cache policy is associated to the cache behavior.",
            )


def _policies(behavior: Config) -> None:
    """NoSuchCachePolicy, NoSuchOriginRequestPolicy, NoSuchResponseHeadersPolicy; AWS's own are always there."""
    policy = behavior.get("CachePolicyId")
    if policy and policy not in cloudfront._cache_policies and policy not in cloudfront._MANAGED_CACHE_POLICIES:
        raise Refused("NoSuchCachePolicy", "The cache policy does not exist.", 404)
    for name, store, spec, words in (
        ("OriginRequestPolicy", cloudfront._origin_request_policies, cloudfront._ORP_SPEC, "origin request policy"),
        (
            "ResponseHeadersPolicy",
            cloudfront._response_headers_policies,
            cloudfront._RHP_SPEC,
            "response headers policy",
        ),
    ):
        policy = behavior.get(f"{name}Id")
        if policy and cloudfront._policy_lookup(store, spec, policy) is None:
            raise Refused(f"NoSuch{name}", f"The {words} does not exist.", 404)


def _methods(behavior: Config) -> None:
    """AllowedMethods: one of three sets; CachedMethods: one of the first two [V: AllowedMethods]."""
    allowed, cached = behavior.get("AllowedMethods"), behavior.get("CachedMethods")
    if allowed and set(allowed) not in _METHODS:
        _refuse(
            "InvalidArgument", f"The parameter AllowedMethods contains methods that aren't valid: {sorted(allowed)}"
        )
    if cached and (set(cached) not in _METHODS[:2] or not set(cached) <= set(allowed or _METHODS[0])):
        _refuse("InvalidArgument", f"The parameter CachedMethods contains methods that aren't valid: {sorted(cached)}")
    policy = behavior.get("ViewerProtocolPolicy")
    if policy not in ("allow-all", "https-only", "redirect-to-https"):
        _refuse("InvalidArgument", f"The parameter ViewerProtocolPolicy is not valid: {policy}")


def _error_response(response: Config) -> None:
    """CustomErrorResponse: codes that CloudFront can customise; a page and its code come together [V]."""
    code, page, shown = (
        int(response.get("ErrorCode") or 0),
        response.get("ResponsePagePath"),
        response.get("ResponseCode"),
    )
    if code not in _ERRORS:
        _refuse("InvalidErrorCode", f"An invalid error code was specified: {code}")
    if bool(page) != bool(shown):
        _refuse("InvalidResponseCode", "A response code and a response page path must be specified together.")
    if page and not page.startswith("/"):
        _refuse(
            "InvalidRelativePath",
            "The relative path is too big, is not URL-encoded, or does not begin with a slash (/).",
        )


def _choices(config: Config) -> None:
    """Price class, HTTP version, root object, comment [V: DistributionConfig]."""
    price, version = config.get("PriceClass") or "PriceClass_All", str(config.get("HttpVersion") or "http2").lower()
    if price not in _PRICES:
        _refuse("InvalidArgument", f"The parameter PriceClass is not valid: {price}")
    if version not in _VERSIONS:
        _refuse("InvalidArgument", f"The parameter HttpVersion is not valid: {version}")
    if version in ("http3", "http2and3") and config.get("ContinuousDeploymentPolicyId"):
        _refuse("InvalidArgument", "Continuous deployment is not supported for distributions with HTTP/3 enabled.")
    if str(config.get("DefaultRootObject") or "").startswith("/"):
        _refuse(
            "InvalidDefaultRootObject", "The default root object file name is too big or contains an invalid character."
        )
    if len(str(config.get("Comment") or "")) > 128:
        _refuse("InvalidArgument", "The parameter Comment is too long. It must be at most 128 characters.")


def _viewer(viewer: Config) -> None:
    """ViewerCertificate: a certificate of one's own needs a support method; CloudFront's has TLSv1 only [V]."""
    minimum, own = (
        viewer.get("MinimumProtocolVersion"),
        viewer.get("AcmCertificateArn") or viewer.get("IamCertificateId"),
    )
    if minimum and minimum not in _MINIMUM:
        _refuse("InvalidMinimumProtocolVersion", f"The minimum protocol version isn't valid: {minimum}")
    if own and viewer.get("SslSupportMethod") not in ("sni-only", "vip", "static-ip"):
        _refuse(
            "InvalidViewerCertificate", "A viewer certificate needs an SSLSupportMethod of sni-only, vip or static-ip."
        )
    if own and viewer.get("SslSupportMethod") == "sni-only" and minimum == "SSLv3":
        _refuse("InvalidMinimumProtocolVersion", "SSLv3 is not supported with SNI.")


def _firewall(web_acl: str | None) -> None:
    """WebACLId: an ARN of AWS WAF is of scope CLOUDFRONT, in us-east-1 [V: DistributionConfig]."""
    if web_acl and web_acl.startswith("arn:") and ":wafv2:us-east-1:" not in web_acl:
        _refuse("InvalidWebACLId", f"The web ACL is not of scope CLOUDFRONT in us-east-1: {web_acl}")
    if web_acl and web_acl.startswith("arn:") and ":global/webacl/" not in web_acl:
        _refuse("InvalidWebACLId", f"The web ACL is not of scope CLOUDFRONT: {web_acl}")
