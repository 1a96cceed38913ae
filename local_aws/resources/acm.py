"""ACM: a certificate is issued when its validation record is in the zone, unless the zone forbids it or too much time passes;
it is renewed for as long as the record stays and somebody uses it, and names who does.
"""

import hashlib
from typing import Any

from ministack.services import acm, cloudfront, route53
from ministack.services import apigateway_v1 as gateway

from local_aws import durations, states
from local_aws.clock import CLOCK
from local_aws.lingering import Seen, counting
from local_aws.resources import caa
from local_aws.resources.wrap import Properties, after, around

PATCHED: tuple[str, ...] = (
    "ministack.services.acm._epoch",
    "ministack.services.acm._is_local_certificate_arn",
    "ministack.services.acm._list_certificates",
)

Certificate = dict[str, Any]
DAY = 24 * 3600
LIFETIME, RENEWED_BEFORE = 198 * DAY, 60 * DAY  # [V: managed renewal starts 60 days before the end]
uses: Seen = {}  # (certificate, user) -> when InUseBy stops to show it


def _validation_options(domain: str, method: str) -> dict[str, Any]:
    """One CNAME per name and account, the same for every certificate of that name, in every Region."""
    base = domain.removeprefix("*.")
    digest = hashlib.md5(base.encode()).hexdigest()
    return {
        "DomainName": domain,
        "ValidationMethod": method,
        "ValidationStatus": "PENDING_VALIDATION",
        "ValidationDomain": domain,
        "ResourceRecord": {
            "Name": f"_{digest}.{base}.",
            "Type": "CNAME",
            "Value": f"_{digest[::-1]}.acm-validations.aws.",
        },
    }


def _begin(certificate: Certificate) -> None:
    if certificate.get("Type") != "AMAZON_ISSUED":
        return
    certificate.update(Status="PENDING_VALIDATION", requested=CLOCK.now())
    certificate.pop("IssuedAt", None)
    _look()


def _look() -> None:
    """Start the issue of every certificate whose records are there; called after whatever may have changed a zone."""
    _users()
    for certificate in acm._certificates.all_values():
        _grow_old(certificate)
        waiting = certificate["Status"] == "PENDING_VALIDATION" and not states.held(certificate, "Status")
        if not waiting or certificate.get("ValidationMethod") != "DNS" or not _validated(certificate):
            continue
        names = [option["DomainName"] for option in certificate["DomainValidationOptions"]]
        outcome = "FAILED" if caa.forbids(names) else "ISSUED"
        states.hold(
            certificate,
            "Status",
            "PENDING_VALIDATION",
            outcome,
            durations.CERTIFICATE,
            lambda c=certificate, issued=outcome == "ISSUED": (
                _issue(c) if issued else c.update(FailureReason="CAA_ERROR")
            ),
        )


def _grow_old(certificate: Certificate) -> None:
    """What time alone does: validation times out after 72 hours, renewal is due 60 days before the end, then it expires."""
    now, status = CLOCK.now(), certificate["Status"]
    pending = status == "PENDING_VALIDATION" and not states.held(certificate, "Status")
    if pending and now >= certificate.get("requested", now) + durations.VALIDATION_TIMED_OUT:
        certificate["Status"] = "VALIDATION_TIMED_OUT"
    if status != "ISSUED" or certificate.get("Type") != "AMAZON_ISSUED":
        return
    if acm._epoch(certificate["NotAfter"]) - now < RENEWED_BEFORE and in_use_by(certificate["CertificateArn"]):
        renewed = _validated(certificate)
        certificate["RenewalSummary"] = {
            "RenewalStatus": "SUCCESS" if renewed else "PENDING_VALIDATION",
            "DomainValidationOptions": certificate["DomainValidationOptions"],
            "UpdatedAt": now,
        }
        if renewed:
            _issue(certificate)
    if acm._epoch(certificate["NotAfter"]) <= now:
        certificate["Status"] = "EXPIRED"


def _validated(certificate: Certificate) -> bool:
    names = set(caa.in_zones("CNAME"))
    wanted = [option["ResourceRecord"] for option in certificate["DomainValidationOptions"]]
    return all((record["Name"].lower(), record["Value"].rstrip(".").lower()) in names for record in wanted)


def _issue(certificate: Certificate) -> None:
    now = acm.now_iso()
    certificate.update(IssuedAt=now, NotBefore=now, NotAfter=acm._future_iso(LIFETIME))
    for option in certificate["DomainValidationOptions"]:
        option["ValidationStatus"] = "SUCCESS"


def _certificate(arn: str, now: Properties, before: Properties | None) -> None:
    if before is not None:
        return
    for option in now.get("DomainValidationOptions") or []:
        zone = option.get("HostedZoneId")
        if zone:
            _put_validation_record(zone, option["DomainName"])
    _begin(acm._certificates[arn])


def _put_validation_record(zone: str, domain: str) -> None:
    """CloudFormation writes the record and never removes it. In a wrong zone it proves nothing, and the stack waits."""
    if zone not in route53._zones:
        raise ValueError(f"No hosted zone found with ID: {zone} (Service: Route53, Status Code: 404)")
    record = _validation_options(domain, "DNS")["ResourceRecord"]
    inside = record["Name"].endswith("." + route53._zones[zone]["name"])
    if inside and not any(r["Name"] == record["Name"] and r["Type"] == "CNAME" for r in route53._records[zone]):
        entry = {"Name": record["Name"], "Type": "CNAME", "TTL": "300", "ResourceRecords": [record["Value"]]}
        route53._records[zone] = [*route53._records[zone], entry]


def _request(stock, data: dict) -> tuple:
    """RequestCertificate: a token sent again within an hour gives the certificate that it made [V: IdempotencyToken]."""
    again = _made_with(data)
    if again:
        return acm.json_response({"CertificateArn": again})
    known = set(acm._certificates)
    answer = stock(data)
    for arn in set(acm._certificates) - known:
        acm._certificates[arn].update(
            KeyAlgorithm=data.get("KeyAlgorithm") or "RSA_2048",
            Options=data.get("Options") or {"CertificateTransparencyLoggingPreference": "ENABLED"},
            token=data.get("IdempotencyToken"),
            asked={key: data.get(key) for key in ("DomainName", "SubjectAlternativeNames", "ValidationMethod")},
        )
        _begin(acm._certificates[arn])
    return answer


def _made_with(data: dict) -> str | None:
    asked = {key: data.get(key) for key in ("DomainName", "SubjectAlternativeNames", "ValidationMethod")}
    for arn, certificate in acm._certificates.items():
        same = data.get("IdempotencyToken") and certificate.get("token") == data["IdempotencyToken"]
        if same and certificate.get("asked") == asked and CLOCK.now() < certificate["requested"] + 3600:
            return str(arn)
    return None


def _users() -> set[tuple[str, str]]:
    """(certificate, user): CloudFront and API Gateway are seen to let go of a certificate only minutes later (aws-facts §4)."""
    now = {
        (arn, f"arn:aws:apigateway:{where}::/domainnames/{domain['domainName']}")
        for (_, where, _), domain in gateway._domain_names.all_items()
        for arn in (domain.get("regionalCertificateArn"), domain.get("certificateArn"))
        if arn
    }
    for distribution in list(cloudfront._distributions._data.values()):
        text = distribution["config_xml"]
        now |= {(arn.partition("<")[0], distribution["ARN"]) for arn in text.split("ACMCertificateArn>")[1::2]}
    return counting(uses, now, durations.CERTIFICATE_RELEASED)


def in_use_by(arn: str) -> list[str]:
    return sorted(user for used, user in _users() if used == arn)


def _shape(stock, certificate: Certificate) -> dict[str, Any]:
    _grow_old(certificate)
    shape = stock(certificate)
    shape["InUseBy"] = sorted({*shape["InUseBy"], *in_use_by(certificate["CertificateArn"])})
    shape["KeyAlgorithm"] = certificate.get("KeyAlgorithm", "RSA_2048").replace("_", "-", 1)
    managed = certificate.get("Type") == "AMAZON_ISSUED"
    shape["RenewalEligibility"] = "ELIGIBLE" if managed and shape["InUseBy"] else "INELIGIBLE"
    shape |= {key: certificate[key] for key in ("FailureReason", "RenewalSummary") if key in certificate}
    if certificate["Status"] not in ("ISSUED", "EXPIRED"):
        for known_later in ("IssuedAt", "NotBefore", "NotAfter"):
            shape.pop(known_later, None)
    if CLOCK.now() < certificate.get("requested", 0) + durations.CERTIFICATE_RECORD:
        options = shape["DomainValidationOptions"]
        shape["DomainValidationOptions"] = [
            {key: value for key, value in option.items() if key != "ResourceRecord"} for option in options
        ]
    return shape


def _list(_stock, data: dict) -> tuple:
    """ListCertificates: without a filter of key types only RSA with 1,024 and 2,048 bits is listed [V: Filters]."""
    kinds = (data.get("Includes") or {}).get("keyTypes") or ["RSA_1024", "RSA_2048"]
    statuses, found = data.get("CertificateStatuses") or [], []
    for arn, certificate in acm._certificates.items():
        _grow_old(certificate)
        key = certificate.get("KeyAlgorithm") or "RSA_2048"
        if not acm._is_local_certificate_arn(arn) or key not in kinds:
            continue
        if not statuses or certificate["Status"] in statuses:
            found.append({
                "CertificateArn": arn,
                "DomainName": certificate["DomainName"],
                "InUse": bool(in_use_by(arn)),
                "KeyAlgorithm": key.replace("_", "-", 1),
                "Status": certificate["Status"],
                "Type": certificate.get("Type", "AMAZON_ISSUED"),
            })  # fmt: skip
    return acm.json_response({"CertificateSummaryList": found})


def _issued(certificate: Certificate) -> bool:
    if certificate["Status"] in ("FAILED", "VALIDATION_TIMED_OUT"):
        reason = f": {certificate['FailureReason']}" if "FailureReason" in certificate else ""
        raise ValueError(f"Certificate {certificate['CertificateArn']} is in status {certificate['Status']}{reason}")
    return bool(certificate["Status"] == "ISSUED")


def install() -> None:
    acm._validation_options = _validation_options
    around(acm, "_request_certificate", _request)
    around(acm, "_cert_shape", _shape)
    around(acm, "_list_certificates", _list)
    after("AWS::CertificateManager::Certificate", _certificate)
    states.settles("AWS::CertificateManager::Certificate", acm._certificates.get, _issued)
    states.on_change(_look)
