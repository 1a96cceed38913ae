"""ACM: what a certificate covers, what uses it, and that it cannot go while something does."""

import re
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region
from ministack.services import acm, route53

from local_aws.arns import region_of
from local_aws.drift.shape import plain_name
from local_aws.legality.guard import on_call, on_stack
from local_aws.refused import Refused
from local_aws.resources.acm import in_use_by
from local_aws.resources.wrap import Properties

PATCHED: tuple[str, ...] = (
    "ministack.services.acm._certificates",
    "ministack.services.acm._delete_certificate",
    "ministack.services.acm._request_certificate",
    "ministack.services.route53._zones",
)

Record = dict[str, Any]


def covers(certificate: Record, name: str) -> bool:
    """RFC 6125: an exact name, or a wildcard for exactly one label."""
    wanted = plain_name(name)
    names = {plain_name(n) for n in [certificate["DomainName"], *(certificate.get("SubjectAlternativeNames") or [])]}
    return wanted in names or "*." + wanted.partition(".")[2] in names


def check_delete(arn: str) -> None:
    """DeleteCertificate: ResourceInUseException while InUseBy is not empty (aws-facts §4, I11)."""
    if arn in acm._certificates and in_use_by(arn):
        raise Refused("ResourceInUseException", f"Certificate {arn} in account {get_account_id()} is in use.", 400)


def usable_here(arn: str, name: str) -> None:
    """CreateDomainName (API Gateway, REGIONAL): an ISSUED certificate of the same Region that covers the name (aws-facts §4)
    [V: regional custom domain names; words K]."""
    certificate = acm._certificates.get(arn) if region_of(arn) == get_region() else None
    if certificate is None:
        raise Refused("BadRequestException", f"Invalid certificate ARN: {arn} is not in {get_region()}")
    if certificate["Status"] != "ISSUED":
        raise Refused(
            "BadRequestException", f"Certificate {arn} is in status {certificate['Status']}, it must be ISSUED"
        )
    if not covers(certificate, name):
        raise Refused(
            "BadRequestException", f"The provided certificate does not match the custom domain name {name}: {arn}"
        )


_LABEL = r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_NAME = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})+")
_ALGORITHMS = ("RSA_2048", "EC_prime256v1", "EC_secp384r1")  # of public certificates [V: RequestCertificate]
LONGEST_FIRST, MOST_NAMES = 64, 10


def check_request(domain: str, others: list[str], algorithm: str | None) -> None:
    """RequestCertificate: domain names, the first of at most 64 characters (it becomes the common name), ten in all by
    default [V: RequestCertificate, ACM quotas; the code for a long name: K]."""
    for name in [domain, *others]:
        if not _NAME.fullmatch(name) or len(name) > 253:
            raise Refused("ValidationException", f"1 validation error detected: Value '{name}' is not a domain name")
    if len(domain) > LONGEST_FIRST:
        raise Refused("InvalidParameterException", f"The first domain name can have at most 64 characters: {domain}")
    if len({domain, *others}) > MOST_NAMES:
        raise Refused("LimitExceededException", "Cannot request more than 10 domain names for one certificate.")
    if algorithm and algorithm not in _ALGORITHMS:
        raise Refused("ValidationException", f"Invalid key algorithm for a public certificate: {algorithm}")


def _check_call(request: Record) -> None:
    check_request(
        request.get("DomainName", ""), request.get("SubjectAlternativeNames") or [], request.get("KeyAlgorithm")
    )


def _check_request(now: Properties, _before: Properties | None) -> None:
    """DomainValidationOptions.HostedZoneId: CloudFormation writes the CNAME there, so the zone must exist."""
    check_request(now.get("DomainName", ""), now.get("SubjectAlternativeNames") or [], now.get("KeyAlgorithm"))
    for option in now.get("DomainValidationOptions") or []:
        zone = option.get("HostedZoneId")
        if zone and zone not in route53._zones:
            raise Refused("NoSuchHostedZone", f"No hosted zone found with ID: {zone}", 404)


def install() -> None:
    on_call(acm, "_request_certificate", _check_call, error_response_json)
    on_call(
        acm, "_delete_certificate", lambda request: check_delete(request.get("CertificateArn", "")), error_response_json
    )
    on_stack("AWS::CertificateManager::Certificate", put=_check_request, delete=lambda arn, _: check_delete(arn))
