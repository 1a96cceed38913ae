"""CloudFront: aliases and their certificate, and the order in which a distribution may go.

ministack itself refuses stale and missing ETags and the deletion of an enabled distribution; the stack handler does not. The rest
of the configuration: `distributions`; functions at the edge: `edge_functions`.
"""

from typing import Any

from ministack.services import acm, cloudfront

from local_aws.arns import account_of
from local_aws.clock import CLOCK
from local_aws.drift import edge
from local_aws.drift.shape import plain_name
from local_aws.legality import distributions, edge_functions
from local_aws.legality.certificates import covers
from local_aws.legality.guard import on_call, on_stack
from local_aws.refused import Refused
from local_aws.resources import cloudfront as edge_alias
from local_aws.resources.wrap import Properties

PATCHED: tuple[str, ...] = (
    "ministack.services.acm._certificates",
    "ministack.services.cloudfront._create_distribution",
    "ministack.services.cloudfront._delete_distribution",
    "ministack.services.cloudfront._distributions",
    "ministack.services.cloudfront._error",
    "ministack.services.cloudfront._parse_body",
    "ministack.services.cloudfront._unwrap_distribution_create_xml",
    "ministack.services.acm._epoch",
    "ministack.services.cloudfront._list_domain_conflicts",
    "ministack.services.cloudfront._text",
    "ministack.services.cloudfront._find",
    "ministack.services.cloudfront._update_distribution",
    "ministack.services.cloudfront._update_domain_association",
)

Record = dict[str, Any]
Config = dict[str, Any]


def check_config(config: Config, distribution_id: str | None) -> None:
    """`config` in CloudFormation's names; `distribution_id` is None for a new distribution."""
    aliases = config.get("Aliases") or []
    distributions.check(config)
    _aliases_are_free(aliases, distribution_id)
    _certificate_covers(aliases, config.get("ViewerCertificate") or {})
    for behavior in distributions.behaviors(config):
        edge_functions.check_associations(behavior)


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
    certificate = acm._certificates.get_scoped(account_of(arn), "us-east-1", arn)
    state = _usable(certificate) if certificate else "missing in us-east-1"
    if certificate is None or state:
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


def _usable(certificate: Record) -> str:
    """What is wrong with a certificate for CloudFront: not issued, expired, or of a key it does not take [V: requirements
    for using SSL/TLS certificates with CloudFront]."""
    if certificate["Status"] != "ISSUED":
        return str(certificate["Status"])
    if acm._epoch(certificate.get("NotAfter")) <= CLOCK.now():
        return "EXPIRED"
    key = str(certificate.get("KeyAlgorithm", "RSA_2048")).replace("-", "_")
    return "" if key.startswith("RSA_") or key == "EC_prime256v1" else key


# ---- in front of the calls and the stack ---------------------------------------------------------------------------------


def _parsed(element: Any) -> Config:
    return edge.configuration(cloudfront.tostring(element, encoding="unicode"))


def _check_create(_headers: Record, body: bytes) -> None:
    root = cloudfront._parse_body(body)
    config, _ = cloudfront._unwrap_distribution_create_xml(root)
    if config is not None:
        _reference_is_new(cloudfront._text(config, "CallerReference"))
        check_config(_parsed(config), None)


def _reference_is_new(reference: str) -> None:
    """CreateDistribution: a reference that was sent before, whatever with: DistributionAlreadyExists [V: CallerReference]."""
    for other in cloudfront._distributions.values():
        if reference and other.get("CallerReference") == reference:
            raise Refused(
                "DistributionAlreadyExists",
                "The caller reference that you are using to create a distribution is associated with another distribution. "
                f"Already exists: {other['Id']}",
                409,
            )


def _check_update(distribution_id: str, headers: Record, body: bytes) -> None:
    """UpdateDistribution: the whole configuration, with the reference that it was made with: IllegalUpdate [V botocore]."""
    record, config = cloudfront._distributions.get(distribution_id), cloudfront._parse_body(body)
    if record and config is not None and headers.get("if-match") == record["ETag"]:
        if cloudfront._text(config, "CallerReference") != record.get("CallerReference"):
            raise Refused("IllegalUpdate", "The update contains modifications that are not allowed: CallerReference.")
        check_config(_parsed(config), distribution_id)


def _check_delete(distribution_id: str, headers: Record) -> None:
    """DeleteDistribution: a disabled distribution must be Deployed before it can go (aws-facts §7)."""
    record = cloudfront._distributions.get(distribution_id)
    stale = record and headers.get("if-match") != record["ETag"]
    if record and not stale and not record["enabled"] and record["Status"] == "InProgress":
        _refuse_enabled()


def _refuse_enabled() -> None:
    """DeleteDistribution: DistributionNotDisabled [V botocore]."""
    raise Refused("DistributionNotDisabled", "The distribution you are trying to delete has not been disabled.", 409)


def proves(distribution_id: str, name: str) -> None:
    """AssociateAlias, UpdateDomainAssociation, ListDomainConflicts: the target's certificate must cover the name [V]."""
    record = cloudfront._distributions.get(distribution_id)
    viewer = (_live(record).get("ViewerCertificate") or {}) if record else {}
    arn = viewer.get("AcmCertificateArn") or ""
    certificate = acm._certificates.get_scoped(account_of(arn), "us-east-1", arn)
    if record and (certificate is None or _usable(certificate) or not covers(certificate, name)):
        raise Refused(
            "InvalidArgument",
            f"The distribution {distribution_id} has no valid certificate that covers the domain: {name}",
        )


def _check_domain(where: str, body: bytes) -> None:
    root = cloudfront._parse_body(body)
    target = cloudfront._find(root, where) if root is not None else None
    if target is not None and cloudfront._text(target, "DistributionId"):
        proves(cloudfront._text(target, "DistributionId"), cloudfront._text(root, "Domain"))


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
    on_call(
        cloudfront,
        "_list_domain_conflicts",
        lambda body: _check_domain("DomainControlValidationResource", body),
        cloudfront._error,
    )
    on_call(
        cloudfront,
        "_update_domain_association",
        lambda _headers, body: _check_domain("TargetResource", body),
        cloudfront._error,
    )
    on_call(edge_alias, "associate_alias", proves, cloudfront._error)
    on_stack("AWS::CloudFront::Distribution", put=_check_stack)
