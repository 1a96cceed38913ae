"""The distribution and certificates in template shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from reconciler.model.facts import Facts
from reconciler.model.observed import Unknown, known
from reconciler.observe.live_dns import find
from reconciler.observe.names import dns, tags

_RENAMED = {
    "ACMCertificateArn": "AcmCertificateArn",
    "IAMCertificateId": "IamCertificateId",
    "IsIPV6Enabled": "IPV6Enabled",
    "OriginSslProtocols": "OriginSSLProtocols",
    "SSLSupportMethod": "SslSupportMethod",
}


def distribution(found: Mapping[str, Any]) -> Mapping[str, Any]:
    config = _template_shape(found["DistributionConfig"])
    errors = config.get("CustomErrorResponses") or []
    return {
        "DistributionConfig": {
            **config,
            "CustomErrorResponses": sorted(errors, key=lambda e: int(e["ErrorCode"])),
            # CloudFront says "none" with an empty text, a template by leaving it out.
            "WebACLId": config.get("WebACLId") or None,
        }
    }


def _template_shape(node: Any) -> Any:
    """CloudFormation's form of what CloudFront answers: counted lists as lists, `CachedMethods` beside `AllowedMethods`,
    five names spelled otherwise."""
    if isinstance(node, Mapping):
        if "Quantity" in node:
            return [_template_shape(item) for item in node.get("Items") or ()]
        shaped = {_RENAMED.get(key, key): _template_shape(value) for key, value in node.items()}
        if isinstance(methods := node.get("AllowedMethods"), Mapping) and "CachedMethods" in methods:
            shaped["CachedMethods"] = _template_shape(methods["CachedMethods"])
        return shaped
    return node


def headers(found: Mapping[str, Any]) -> Mapping[str, Any]:
    config = found["ResponseHeadersPolicyConfig"]
    security = config.get("SecurityHeadersConfig") or {}
    return {"ResponseHeadersPolicyConfig": {"Name": config["Name"], "SecurityHeadersConfig": dict(security)}}


def delivery(found: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "DeliverySourceName": found.get("deliverySourceName"),
        "DeliveryDestinationArn": found.get("deliveryDestinationArn"),
        "Tags": tags(found.get("tags")),
    }


def certificate(facts: Facts) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """ACM does not tell the hosted zone that validates a name: it is ours while the record stands there that ACM asks for."""

    def shape(found: Mapping[str, Any]) -> Mapping[str, Any]:
        domain, validations = found["DomainName"], found.get("DomainValidationOptions", ())
        methods = {v.get("ValidationMethod") for v in validations}
        properties = {
            "DomainName": domain,
            "SubjectAlternativeNames": [n for n in found.get("SubjectAlternativeNames", ()) if n != domain],
            "ValidationMethod": "DNS" if methods <= {"DNS", None} else "EMAIL",
        }
        if (
            isinstance(facts.records, Unknown)
            or not known(facts.zone)
            or not all("ResourceRecord" in v for v in validations)
        ):
            return properties  # ACM tells the record some seconds after the request
        zone = (known(facts.zone) or {})["Id"].removeprefix("/hostedzone/")
        return {
            **properties,
            "DomainValidationOptions": [
                {
                    "DomainName": v["DomainName"],
                    "HostedZoneId": zone if _stands(v["ResourceRecord"], facts.records) else None,
                }
                for v in validations
            ],
        }

    return shape


def _stands(asked: Mapping[str, Any], records: Iterable[Mapping[str, Any]]) -> bool:
    """Route 53 has the record, with the value that ACM wants to see."""
    found = find(records, asked["Name"], asked["Type"], None)
    return found is not None and dns(asked["Value"]) in (dns(r["Value"]) for r in found.get("ResourceRecords", ()))
