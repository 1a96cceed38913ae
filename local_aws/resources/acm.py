"""ACM: a certificate is issued when its validation record is in the zone, and names who uses it."""

import hashlib
from typing import Any

from ministack.services import acm, cloudfront, route53
from ministack.services import apigateway_v1 as gateway

from local_aws import durations, states
from local_aws.resources.wrap import Properties, after, around

Certificate = dict[str, Any]


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
    certificate["Status"] = "PENDING_VALIDATION"
    certificate.pop("IssuedAt", None)
    _look()


def _look() -> None:
    """Start the issue of every certificate whose records are there; called after whatever may have changed a zone."""
    for certificate in acm._certificates.all_values():
        waiting = certificate["Status"] == "PENDING_VALIDATION" and not states.held(certificate, "Status")
        if waiting and certificate.get("ValidationMethod") == "DNS" and _validated(certificate):
            states.hold(
                certificate,
                "Status",
                "PENDING_VALIDATION",
                "ISSUED",
                durations.CERTIFICATE,
                lambda c=certificate: _issue(c),
            )


def _validated(certificate: Certificate) -> bool:
    names = {
        (record["Name"].lower(), value.rstrip(".").lower())
        for records in list(route53._records._data.values())
        for record in records
        if record["Type"] == "CNAME"
        for value in record.get("ResourceRecords") or []
    }
    wanted = [option["ResourceRecord"] for option in certificate["DomainValidationOptions"]]
    return all((record["Name"].lower(), record["Value"].rstrip(".").lower()) in names for record in wanted)


def _issue(certificate: Certificate) -> None:
    now = acm.now_iso()
    certificate.update(IssuedAt=now, NotBefore=now, NotAfter=acm._future_iso(198 * 24 * 3600))
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
    known = set(acm._certificates)
    answer = stock(data)
    for arn in set(acm._certificates) - known:
        _begin(acm._certificates[arn])
    return answer


def in_use_by(arn: str) -> list[str]:
    region = arn.split(":")[3]
    domains = [
        f"arn:aws:apigateway:{region}::/domainnames/{domain['domainName']}"
        for domain in gateway._domain_names.all_values()
        if arn in (domain.get("regionalCertificateArn"), domain.get("certificateArn"))
    ]
    return domains + [d["ARN"] for d in cloudfront._distributions.values() if arn in d["config_xml"]]


def _shape(stock, certificate: Certificate) -> dict[str, Any]:
    shape = stock(certificate)
    shape["InUseBy"] = sorted({*shape["InUseBy"], *in_use_by(certificate["CertificateArn"])})
    shape["KeyAlgorithm"] = certificate.get("KeyAlgorithm", "RSA_2048").replace("_", "-")
    if certificate["Status"] != "ISSUED":
        for known_later in ("IssuedAt", "NotBefore", "NotAfter"):
            shape.pop(known_later, None)
    return shape


def _issued(arn: str, _: dict) -> bool:
    certificate = acm._certificates.get(arn)
    if certificate is None:
        raise ValueError(f"certificate {arn} was deleted while the stack waited for it")
    return certificate["Status"] == "ISSUED"


def install() -> None:
    acm._validation_options = _validation_options
    around(acm, "_request_certificate", _request)
    around(acm, "_cert_shape", _shape)
    after("AWS::CertificateManager::Certificate", _certificate)
    states.settles("AWS::CertificateManager::Certificate", _issued)
    states.on_change(_look)
