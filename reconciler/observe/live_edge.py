"""The distribution and certificates in template shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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


def certificate(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The hosted zone that validates a name is not in ACM's answer."""
    domain = found["DomainName"]
    methods = {v.get("ValidationMethod") for v in found.get("DomainValidationOptions", ())}
    return {
        "DomainName": domain,
        "SubjectAlternativeNames": [n for n in found.get("SubjectAlternativeNames", ()) if n != domain],
        "ValidationMethod": "DNS" if methods <= {"DNS", None} else "EMAIL",
    }
