"""What the edge really is: the distribution's whole configuration and its response headers policy."""

from typing import Any

from botocore.model import ListShape, Shape, StructureShape
from ministack.services import cloudfront

from local_aws import models

# CloudFormation's names of members that the API spells otherwise, by the structure they sit in.
_RENAMED = {(shape, api): cfn for (shape, cfn), api in cloudfront._CFN_DISTRIBUTION_CONFIG_RENAMES.items()}
# {Quantity, Items} blocks that CloudFormation keeps as blocks; all others are plain lists there.
_KEPT_BLOCKS = {"OriginGroups", "OriginGroupMembers", "StatusCodes", "GeoRestriction"}


def distribution(physical_id: str, _props: dict[str, Any]) -> dict[str, Any] | None:
    record = cloudfront._distributions.get(physical_id)
    if record is None:
        return None
    config = configuration(record["config_xml"])
    config.pop("CallerReference", None)
    return {"DistributionConfig": config, "Tags": cloudfront._tags.get(record["ARN"], [])}


def configuration(config_xml: str) -> dict[str, Any]:
    """A DistributionConfig in CloudFormation's names."""
    shape = models.shape("DistributionConfig", "cloudfront")
    config: dict[str, Any] = _to_cfn(shape, stored(shape, config_xml))
    return config


def stored(shape: Shape, text: str) -> dict[str, Any]:
    """The stored XML through botocore's own parser, with the types of the API."""
    root = cloudfront._strip_namespace(cloudfront.fromstring(text))
    parsed: dict[str, Any] = models.parser("rest-xml")._parse_shape(shape, root)
    return parsed


def _to_cfn(shape: Shape, value: Any) -> Any:
    if isinstance(shape, ListShape):
        return [_to_cfn(shape.member, item) for item in value]
    if not isinstance(shape, StructureShape):
        return value
    found = {}
    for name, item in value.items():
        member = shape.members[name]
        found[_RENAMED.get((shape.name, name), name)] = _block(member, item)
    methods = value.get("AllowedMethods")
    if methods:
        found["AllowedMethods"] = methods.get("Items", [])
        found["CachedMethods"] = methods.get("CachedMethods", {}).get("Items", [])
    return found


def _block(shape: Shape, value: Any) -> Any:
    """A member's value; a counted block becomes the list it counts."""
    counted = isinstance(shape, StructureShape) and {"Items", "Quantity"} <= set(shape.members)
    if not counted or shape.name in _KEPT_BLOCKS:
        return _to_cfn(shape, value)
    return _to_cfn(shape.members["Items"], value.get("Items", []))


def headers_policy(physical_id: str, _props: dict[str, Any]) -> dict[str, Any] | None:
    record = cloudfront._response_headers_policies.get(physical_id)
    if record is None:
        return None
    config = record["Config"]
    live = {"Name": config["Name"], "Comment": config.get("Comment"), "SecurityHeadersConfig": config.get("Security")}
    live |= {f"{name}HeadersConfig": {"Items": config.get(f"{name}Headers") or []} for name in ("Custom", "Remove")}
    return {"ResponseHeadersPolicyConfig": live | {"CorsConfig": _cors(config.get("Cors"))}}


def _cors(cors: dict[str, Any] | None) -> dict[str, Any] | None:
    if cors is None:
        return None
    lists = ("AllowOrigins", "AllowHeaders", "AllowMethods", "ExposeHeaders")
    found = {f"AccessControl{name}": {"Items": cors.get(name) or []} for name in lists}
    plain = {"AccessControlAllowCredentials": "AllowCredentials", "AccessControlMaxAgeSec": "MaxAgeSec"}
    return found | {cfn: cors.get(name) for cfn, name in plain.items()} | {"OriginOverride": cors["OriginOverride"]}
