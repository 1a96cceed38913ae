"""How CloudFront tells a distribution's configuration, whatever it was sent: methods in its own order, errors by their code, and
what was left out with its default. [V: the example of get-distribution-config in the AWS CLI reference; error codes:
go-to-k/cdk-real-drift#1458, live.]"""

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, SubElement  # building, not parsing

METHODS = ("HEAD", "DELETE", "POST", "GET", "OPTIONS", "PUT", "PATCH")
_NONE = {"Quantity": "0"}
_BEHAVIOR = {
    "TrustedSigners": {"Enabled": "false", **_NONE},
    "TrustedKeyGroups": {"Enabled": "false", **_NONE},
    "SmoothStreaming": "false",
    "FieldLevelEncryptionId": "",
    "LambdaFunctionAssociations": _NONE,
    "FunctionAssociations": _NONE,
}
_ORIGIN = {"OriginPath": "", "CustomHeaders": _NONE, "OriginShield": {"Enabled": "false"}, "OriginAccessControlId": ""}
_CONFIG = {
    "Aliases": _NONE,
    "DefaultRootObject": "",
    "CacheBehaviors": _NONE,
    "CustomErrorResponses": _NONE,
    "Logging": {"Enabled": "false", "IncludeCookies": "false", "Bucket": "", "Prefix": ""},
    "Restrictions": {"GeoRestriction": {"RestrictionType": "none", **_NONE}},
    "WebACLId": "",
    "Staging": "false",
}
_ERROR = {"ResponsePagePath": "", "ResponseCode": ""}


def spell(config: Element) -> None:
    """In place; `config` has no namespace."""
    _fill(config, _CONFIG)
    for behavior in _found(config, "DefaultCacheBehavior", "CacheBehaviors/Items/CacheBehavior"):
        _fill(behavior, _BEHAVIOR)
    for origin in _found(config, "Origins/Items/Origin"):
        _fill(origin, _ORIGIN)
    for error in _found(config, "CustomErrorResponses/Items/CustomErrorResponse"):
        _fill(error, _ERROR)
    for methods in config.iter():
        if methods.tag in {"AllowedMethods", "CachedMethods"}:
            _sort(methods, lambda method: METHODS.index(method.text))
    for errors in _found(config, "CustomErrorResponses"):
        _sort(errors, lambda error: int(error.findtext("ErrorCode")))


def _found(config: Element, *paths: str) -> Iterator[Element]:
    for path in paths:
        yield from config.findall(path)


def _fill(element: Element, defaults: dict[str, Any]) -> None:
    for name, value in defaults.items():
        if element.find(name) is None:
            child = SubElement(element, name)
            if isinstance(value, dict):
                _fill(child, value)
            else:
                child.text = value


def _sort(counted: Element, key: Any) -> None:
    for items in counted.findall("Items"):
        items[:] = sorted(items, key=key)
