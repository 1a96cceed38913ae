"""CloudFront: aliases and their certificate, edge functions, and the order in which a distribution may go.

ministack itself refuses stale and missing ETags and the deletion of an enabled distribution; the stack handler does not.
"""

import json
from typing import Any

from ministack.services import acm, cloudfront, iam, lambda_svc

from local_aws.drift import edge
from local_aws.drift.shape import plain_name
from local_aws.legality.certificates import covers
from local_aws.legality.guard import Refused, on_call, on_stack
from local_aws.resources.wrap import Properties

PATCHED: tuple[str, ...] = (
    "ministack.services.acm._certificates",
    "ministack.services.cloudfront._create_distribution",
    "ministack.services.cloudfront._delete_distribution",
    "ministack.services.cloudfront._distributions",
    "ministack.services.cloudfront._error",
    "ministack.services.cloudfront._parse_body",
    "ministack.services.cloudfront._unwrap_distribution_create_xml",
    "ministack.services.cloudfront._update_distribution",
    "ministack.services.iam._roles",
    "ministack.services.lambda_svc._functions",
)

Record = dict[str, Any]
Config = dict[str, Any]


def check_config(config: Config, distribution_id: str | None) -> None:
    """`config` in CloudFormation's names; `distribution_id` is None for a new distribution."""
    aliases = config.get("Aliases") or []
    _aliases_are_free(aliases, distribution_id)
    _certificate_covers(aliases, config.get("ViewerCertificate") or {})
    for behavior in [config.get("DefaultCacheBehavior") or {}, *(config.get("CacheBehaviors") or [])]:
        for association in behavior.get("LambdaFunctionAssociations") or []:
            _edge_function(association)


def _aliases_are_free(aliases: list[str], distribution_id: str | None) -> None:
    """CreateDistribution, UpdateDistribution: CNAMEAlreadyExists (aws-facts §7)."""
    for other in cloudfront._distributions.values():
        taken = {plain_name(name) for name in _live(other).get("Aliases") or []}
        both = [name for name in aliases if plain_name(name) in taken]
        if other["Id"] != distribution_id and both:
            raise Refused(
                "CNAMEAlreadyExists",
                f"One or more of the CNAMEs you provided are already associated with a different resource: {both[0]}",
                409,
            )


def _live(record: Record) -> Config:
    found: Config = (edge.distribution(record["Id"], {}) or {})["DistributionConfig"]
    return found


def _certificate_covers(aliases: list[str], viewer: Config) -> None:
    """Alternate domain names need an ISSUED certificate in us-east-1 that covers each of them (aws-facts §4, I9)."""
    arn = viewer.get("AcmCertificateArn")
    if not arn:
        if aliases:
            raise Refused(
                "InvalidViewerCertificate",
                "To add an alternate domain name (CNAME) to a CloudFront distribution, you must attach a trusted certificate "
                "that validates your authorization to use the domain name.",
            )
        return
    certificate = acm._certificates.get_scoped(arn.split(":")[4], "us-east-1", arn) if arn.count(":") > 4 else None
    if certificate is None or certificate["Status"] != "ISSUED":
        state = certificate["Status"] if certificate else "missing in us-east-1"
        raise Refused(
            "InvalidViewerCertificate",
            "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid, or doesn't include a valid "
            f"certificate chain. ({arn} is {state})",
        )
    uncovered = [name for name in aliases if not covers(certificate, name)]
    if uncovered:
        raise Refused(
            "InvalidViewerCertificate",
            "The certificate that is attached to your distribution doesn't cover the alternate domain name (CNAME) that "
            f"you're trying to add: {uncovered[0]}",
        )


def _edge_function(association: Config) -> None:
    """Restrictions on Lambda@Edge (aws-facts §6.2): a numbered version in us-east-1, no variables, no network, x86_64."""
    arn = association.get("LambdaFunctionARN") or ""
    parts = arn.split(":")
    if len(parts) != 8 or not parts[7].isdigit():
        _refuse_edge(
            f"The function ARN must reference a specific function version. (The ARN must end with the version): {arn}"
        )
    if parts[3] != "us-east-1":
        _refuse_edge(f"The function must be in region 'us-east-1'. ARN: {arn}")
    function = lambda_svc._functions.get_scoped(parts[4], "us-east-1", parts[6])
    version = (function or {}).get("versions", {}).get(parts[7])
    if version is None:
        _refuse_edge(f"The function {arn} does not exist")
    config = version.get("config", version)
    if (config.get("Environment") or {}).get("Variables"):
        _refuse_edge(f"The function cannot have environment variables. Function: {arn}")
    if (config.get("VpcConfig") or {}).get("SubnetIds"):
        _refuse_edge(f"The function cannot be in a VPC. Function: {arn}")
    if config.get("Layers"):
        _refuse_edge(f"The function cannot have layers. Function: {arn}")
    if (config.get("Architectures") or ["x86_64"]) != ["x86_64"]:
        _refuse_edge(f"The function must use the x86_64 architecture. Function: {arn}")
    _edge_role(config.get("Role", ""))


def _edge_role(arn: str) -> None:
    """The execution role must be assumable by edgelambda.amazonaws.com."""
    role = iam._roles.get(arn.rsplit("/", 1)[-1]) or {}
    policy = role.get("AssumeRolePolicyDocument") or {}
    if "edgelambda.amazonaws.com" not in (policy if isinstance(policy, str) else json.dumps(policy)):
        _refuse_edge(f"The function execution role must be assumable with edgelambda.amazonaws.com: {arn}")


def _refuse_edge(message: str) -> None:
    raise Refused("InvalidLambdaFunctionAssociation", message)


# ---- in front of the calls and the stack ---------------------------------------------------------------------------------


def _parsed(element: Any) -> Config:
    config: Config = edge._to_cfn(edge._config_shape(), edge._parse(cloudfront.tostring(element, encoding="unicode")))
    return config


def _check_create(_headers: Record, body: bytes) -> None:
    root = cloudfront._parse_body(body)
    config, _ = cloudfront._unwrap_distribution_create_xml(root)
    if config is not None:
        check_config(_parsed(config), None)


def _check_update(distribution_id: str, headers: Record, body: bytes) -> None:
    record, config = cloudfront._distributions.get(distribution_id), cloudfront._parse_body(body)
    if record and config is not None and headers.get("if-match") == record["ETag"]:
        check_config(_parsed(config), distribution_id)


def _check_delete(distribution_id: str, headers: Record) -> None:
    """DeleteDistribution: a disabled distribution must be Deployed before it can go (aws-facts §7)."""
    record = cloudfront._distributions.get(distribution_id)
    stale = record and headers.get("if-match") != record["ETag"]
    if record and not stale and not record["enabled"] and record["Status"] == "InProgress":
        _refuse_enabled()


def _refuse_enabled() -> None:
    raise Refused("DistributionNotDisabled", "The distribution you are trying to delete has not been disabled.", 409)


def _check_stack(now: Properties, before: Properties | None) -> None:
    config = now.get("DistributionConfig") or {}
    check_config(config, _id_of(before) if before else None)


def _id_of(before: Properties) -> str | None:
    """An update handler gets no id: the distribution that holds the aliases of the last deployment is the one."""
    wanted = {plain_name(name) for name in (before.get("DistributionConfig") or {}).get("Aliases") or []}
    for record in cloudfront._distributions.values():
        if wanted & {plain_name(name) for name in _live(record).get("Aliases") or []}:
            return str(record["Id"])
    return None


def install() -> None:
    on_call(cloudfront, "_create_distribution", _check_create, cloudfront._error)
    on_call(cloudfront, "_update_distribution", _check_update, cloudfront._error)
    on_call(cloudfront, "_delete_distribution", _check_delete, cloudfront._error)
    on_stack("AWS::CloudFront::Distribution", put=_check_stack)
