"""What a stack needs to be allowed for one resource: which actions, on which ARNs.

The registry schema of a type lists, per handler, every permission that the handler may ever use [V]. Decisions about that list:

- Each one is required, so that a policy made from the schemas is enough, and one that lacks anything is found out. Which call
  a handler makes in which order is not published: the stand-in is strict, and asks for the list as a whole before it begins.
- Except those that only serve a property that the template does not set (`data/optional_permissions.toml`): nobody who
  deploys without it needs them.
- An action is checked against the ARN that the Service Authorization Reference names for it, where the properties or the
  physical id give the name, with `*` for what AWS has yet to name (`vpc/*`). An action without resource types, or on
  something that we cannot name (another service's), is checked against `*`: a policy must then allow it on every resource.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from local_aws.iam import reference
from local_aws.iam.gateway_paths import gateway_arns
from local_aws.registry import schemas

PATCHED: tuple[str, ...] = ()

Properties = Mapping[str, Any]
# The type of the reference that a CloudFormation type is an instance of: its physical id names it.
_OWN = {
    "AWS::CertificateManager::Certificate": "certificate",
    "AWS::CloudFront::Distribution": "distribution",
    "AWS::CloudFront::ResponseHeadersPolicy": "response-headers-policy",
    "AWS::CloudWatch::Alarm": "alarm",
    "AWS::DynamoDB::Table": "table",
    "AWS::EC2::RouteTable": "route-table",
    "AWS::EC2::SecurityGroup": "security-group",
    "AWS::EC2::Subnet": "subnet",
    "AWS::EC2::VPC": "vpc",
    "AWS::EC2::VPCEndpoint": "vpc-endpoint",
    "AWS::Events::Rule": "rule-on-default-event-bus",
    "AWS::IAM::Role": "role",
    "AWS::KMS::Key": "key",
    "AWS::Lambda::Function": "function",
    "AWS::Lambda::Version": "function",
    "AWS::Logs::Delivery": "delivery",
    "AWS::Logs::DeliveryDestination": "delivery-destination",
    "AWS::Logs::DeliverySource": "delivery-source",
    "AWS::Logs::LogGroup": "log-group",
    "AWS::RDS::DBCluster": "cluster",
    "AWS::RDS::DBClusterParameterGroup": "cluster-pg",
    "AWS::RDS::DBInstance": "db",
    "AWS::RDS::DBSubnetGroup": "subgrp",
    "AWS::RDS::GlobalCluster": "global-cluster",
    "AWS::Route53::HealthCheck": "healthcheck",
    "AWS::S3::Bucket": "bucket",
    "AWS::Scheduler::Schedule": "schedule",
    "AWS::SecretsManager::Secret": "secret",
    "AWS::SNS::Topic": "topic",
    "AWS::SQS::Queue": "queue",
}


@cache
def _optional() -> list[tuple[re.Pattern[str], frozenset[str]]]:
    rules = tomllib.loads((schemas.DATA / "optional_permissions.toml").read_text())["rules"]
    return [(re.compile(f"AWS::(?:{r['type']}) (?:{r['action']})"), frozenset(r.get("with", ()))) for r in rules]


def needed(resource_type: str, verb: str, properties: Properties) -> Iterator[str]:
    """The actions that the handler's caller must be allowed: `create`, `update` or `delete`."""
    for action in schemas.facts(resource_type).permissions.get(verb, ()):
        only = [given for pattern, given in _optional() if pattern.fullmatch(f"{resource_type} {action}")]
        if all(_sets(properties, given) for given in only):
            yield action


def _sets(properties: Any, names: frozenset[str]) -> bool:
    """Whether one of the properties is set, at any depth."""
    if isinstance(properties, Mapping):
        return any(k in names or _sets(v, names) for k, v in properties.items())
    return isinstance(properties, list) and any(_sets(item, names) for item in properties)


def arns(
    resource_type: str, action: str, properties: Properties, physical_id: str, *, account: str, region: str
) -> list[str]:
    """What the action is checked against."""
    service = action.partition(":")[0]
    if service == "apigateway":
        return gateway_arns(resource_type, action, properties, physical_id, region=region)
    if service != schemas.service_of(resource_type):
        return _elsewhere(action, properties, account=account, region=region)
    names = reference.named(service, properties)
    own = _OWN.get(resource_type)
    if own:
        names[own] = [_own_name(resource_type, own, names, properties, physical_id)]
    return reference.resources(action, names, account=account, region=region)


def _own_name(kind: str, own: str, names: dict[str, list[str]], properties: Properties, physical_id: str) -> str:
    given = names.get(own, [""])[0] if kind != "AWS::EC2::Subnet" else ""
    if kind == "AWS::IAM::Role" and given:
        return f"{properties.get('Path', '/')}{given}".lstrip("/")
    if kind == "AWS::Scheduler::Schedule":
        return f"{properties.get('GroupName', 'default')}/{given or physical_id or reference.ANY}"
    if kind.startswith("AWS::Logs::Delivery"):
        given = str(properties.get("Name", ""))
    name = given or physical_id or reference.ANY
    if kind == "AWS::Logs::LogGroup":
        return f"{name}:log-stream:"
    if kind == "AWS::SecretsManager::Secret" and physical_id:
        return physical_id  # the ARN, with AWS's six letters
    return name.rsplit("/", 1)[-1] if kind == "AWS::SQS::Queue" else name


def _elsewhere(action: str, properties: Properties, *, account: str, region: str) -> list[str]:
    """What the properties name in another service: the role that is passed on, the bucket that code comes from."""
    if action == "iam:GetRole" and (named := [*roles(properties)]):
        return named
    code = properties.get("Code") or properties.get("BodyS3Location") or {}
    bucket = isinstance(code, Mapping) and (code.get("S3Bucket") or code.get("Bucket"))
    if bucket and action.startswith("s3:Get"):
        return [f"arn:aws:s3:::{bucket}/{code.get('S3Key') or code.get('Key')}"]
    zone = properties.get("HostedZoneId") or _validation_zone(properties)
    if action.startswith("route53:") and zone:
        return reference.resources(action, {"hostedzone": [zone]}, account=account, region=region)
    return [reference.ANY]


def roles(value: Any) -> Iterator[str]:
    """ARNs of roles among the properties named Role or …RoleArn."""
    if isinstance(value, list):
        for item in value:
            yield from roles(item)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if name.endswith(("Role", "RoleArn")) and isinstance(item, str) and ":role/" in item:
                yield item
            yield from roles(item)


def _validation_zone(properties: Properties) -> str:
    options = properties.get("DomainValidationOptions") or [{}]
    return str(options[0].get("HostedZoneId", ""))
