"""Writes `data/` from the registry schemas that cfn-lint bundles: `python -m local_aws.registry.schema_data`.

Not used at run time.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from local_aws.registry.schemas import FACTS, SETTABLE, Path_

# The services of this architecture; a type outside them has no facts and is treated as AWS treats an unknown one.
SERVICES = [
    "ACMPCA",
    "ApiGateway",
    "CertificateManager",
    "CloudFront",
    "CloudTrail",
    "CloudWatch",
    "DynamoDB",
    "EC2",
    "Events",
    "IAM",
    "KMS",
    "Lambda",
    "Logs",
    "RDS",
    "Route53",
    "S3",
    "SNS",
    "SQS",
    "SSM",
    "Scheduler",
    "SecretsManager",
    "WAFv2",
]
# The types whose properties are checked: those of our templates, and what stands close to them.
CHECKED = {
    "ApiGateway": "Account Authorizer BasePathMapping Deployment DomainName Method Model Resource RestApi Stage UsagePlan",
    "CertificateManager": "Certificate",
    "CloudFormation": "WaitCondition WaitConditionHandle",
    "CloudFront": "CachePolicy Distribution Function KeyValueStore OriginAccessControl OriginRequestPolicy ResponseHeadersPolicy",
    "CloudTrail": "Trail",
    "CloudWatch": "Alarm CompositeAlarm Dashboard",
    "DynamoDB": "GlobalTable Table",
    "EC2": "EIP InternetGateway NatGateway Route RouteTable SecurityGroup SecurityGroupEgress SecurityGroupIngress Subnet "
    "SubnetRouteTableAssociation VPC VPCEndpoint VPCGatewayAttachment",
    "Events": "EventBus EventBusPolicy Rule",
    "IAM": "InstanceProfile ManagedPolicy OIDCProvider Policy Role RolePolicy",
    "KMS": "Alias Key ReplicaKey",
    "Lambda": "Alias EventInvokeConfig EventSourceMapping Function LayerVersion Permission Url Version",
    "Logs": "Delivery DeliveryDestination DeliverySource LogGroup LogStream MetricFilter ResourcePolicy SubscriptionFilter",
    "RDS": "DBCluster DBClusterParameterGroup DBInstance DBParameterGroup DBProxy DBSubnetGroup GlobalCluster",
    "Route53": "HealthCheck HostedZone RecordSet RecordSetGroup",
    "S3": "Bucket BucketPolicy",
    "SNS": "Subscription Topic TopicPolicy",
    "SQS": "Queue QueuePolicy",
    "SSM": "Parameter",
    "Scheduler": "Schedule ScheduleGroup",
    "SecretsManager": "ResourcePolicy RotationSchedule Secret SecretTargetAttachment",
    "WAFv2": "WebACL WebACLAssociation",
}
# What the registry's own validator knows; cfn-lint's keywords beyond it (requiredXor and others) are the services' rules.
_KEYWORDS = {
    *("$ref", "type", "enum", "const", "allOf", "anyOf", "oneOf"),
    *("properties", "required", "additionalProperties", "patternProperties", "dependencies"),
    *("items", "minItems", "maxItems", "uniqueItems"),
    *("pattern", "minLength", "maxLength", "minimum", "maximum"),
}
_MAX_DEPTH = 8  # deeper than any property we meet; stops schemas that refer to themselves


def facts_of(schema: dict[str, Any]) -> dict[str, Any]:
    # A property of the primary identifier that AWS does not assign cannot change without a new identity.
    assigned = set(schema.get("readOnlyProperties", []))
    identity = [p for p in schema.get("primaryIdentifier", []) if p not in assigned]
    tagging = schema.get("tagging", {})
    has_tags = isinstance(tagging, dict) and tagging.get("taggable")
    tags = tagging.get("tagProperty", "/properties/Tags").rsplit("/", 1)[1] if has_tags else None
    found = {
        "createOnly": _short([*schema.get("createOnlyProperties", []), *identity]),
        "conditional": _short(schema.get("conditionalCreateOnlyProperties", [])),
        "writeOnly": _short(schema.get("writeOnlyProperties", [])),
        "maps": sorted({"/".join(path) for path in _maps(schema, schema, ())}),
        "tags": tags,
        "readable": "read" in schema.get("handlers", {}),
        "permissions": {
            verb: sorted(set(handler.get("permissions", ())))
            for verb, handler in schema.get("handlers", {}).items()
            if verb != "list"
        },
    }
    return {key: value for key, value in found.items() if value}


def _short(pointers: Iterable[str]) -> list[str]:
    return sorted({p.removeprefix("/properties/").replace("/items/", "/") for p in pointers})


def _maps(schema: dict[str, Any], node: Any, path: Path_) -> Iterator[Path_]:
    """The paths whose value is an object with keys of the user's choice (variables, parameters, policies)."""
    if not isinstance(node, dict) or len(path) > _MAX_DEPTH:
        return
    if "$ref" in node:
        node = schema.get("definitions", {}).get(node["$ref"].rsplit("/", 1)[1], {})
    properties = node.get("properties")
    if isinstance(properties, dict) and properties:
        for name, child in properties.items():
            yield from _maps(schema, child, (*path, name))
    elif node.get("type") in ("object", ["object", "string"], ["string", "object"]) and path:
        yield path
    elif "items" in node:
        yield from _maps(schema, node["items"], (*path, "*"))


def settable_of(schema: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = _plain(schema)
    kept["definitions"] = {name: _plain(node) for name, node in schema.get("definitions", {}).items()}
    kept["readOnly"] = _short(schema.get("readOnlyProperties", []))
    return {key: value for key, value in kept.items() if value not in ({}, [])}


def _plain(node: Any) -> Any:
    """A schema without words for people, and without keywords that are not the registry's."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {}
    for key in sorted(_KEYWORDS & node.keys()):
        named = key in ("properties", "patternProperties") and isinstance(node[key], dict)
        verbatim = key in ("const", "enum", "required", "dependencies")
        if named:
            found[key] = {name: _plain(child) for name, child in node[key].items()}
        else:
            found[key] = node[key] if verbatim else _plain(node[key])
    return found


def main() -> None:
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER as MANAGER

    def schema(name: str) -> dict[str, Any]:
        found: dict[str, Any] = MANAGER.get_resource_schema("us-east-1", name).schema
        return found

    types = sorted(n for n in MANAGER.get_resource_types("us-east-1") if n.startswith("AWS::"))
    SETTABLE.mkdir(parents=True, exist_ok=True)
    found = {name: facts_of(schema(name)) for name in types if name.split("::")[1] in SERVICES}
    FACTS.write_text(json.dumps(found, indent=0, sort_keys=True) + "\n")
    checked = [f"AWS::{service}::{name}" for service, names in CHECKED.items() for name in names.split()]
    for name in checked:
        text = json.dumps(settable_of(schema(name)), sort_keys=True, separators=(",", ":"))
        (SETTABLE / f"{name.replace('::', '-')}.json").write_text(text + "\n")
    size = sum(file.stat().st_size for file in SETTABLE.iterdir())
    sys.stdout.write(f"{FACTS.name}: {len(found)} types; {SETTABLE.name}: {len(checked)} types, {size} bytes\n")


if __name__ == "__main__":
    main()
