"""Drift detection at the level of properties: what each resource really is, compared with what the stack deployed.

A reader per type looks a resource up by its physical id and gives its properties in the template's names; None for a
property says that it is not set, None for the whole says that the resource is gone. `shape.like` then leaves only real
differences. For types that are not listed here, ministack's own readers are used, where it has one.
"""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ministack.services.cloudformation import drift as stock
from ministack.services.cloudformation.provisioners import _tag_map

from local_aws.drift import api, base, data, detection, dns, edge, functions, logs, storage
from local_aws.drift.shape import like
from local_aws.registry.schemas import TypeFacts, facts

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation.drift._DRIFT_READERS",
    "ministack.services.cloudformation.drift.detect_resource_drift",
    "ministack.services.cloudformation.drift.supports_drift",
    "ministack.services.cloudformation.drift._differences",
    "ministack.services.cloudformation.drift._tags_in_shape",
    "ministack.services.cloudformation.provisioners._tag_map",
    "ministack.services.cloudformation.drift._json_or",
    "ministack.services.cloudformation.drift._read_dynamodb_table",
    "ministack.services.cloudformation.drift._read_iam_role",
    "ministack.services.dynamodb._pitr_settings",
    "ministack.services.dynamodb._tables",
    "ministack.services.dynamodb._ttl_settings",
    "ministack.services.ec2._route_tables",
    "ministack.services.ec2._security_groups",
    "ministack.services.ec2._subnets",
    "ministack.services.ec2._tags",
    "ministack.services.ec2._vpcs",
    "ministack.services.iam._roles",
    "ministack.services.apigateway_v1._account_settings",
    "ministack.services.cloudfront._response_headers_policies",
    "ministack.services.cloudwatch_logs._deliveries",
    "ministack.services.cloudwatch_logs._delivery_destinations",
    "ministack.services.cloudwatch_logs._delivery_sources",
    "ministack.services.s3._bucket_encryption",
    "ministack.services.s3._bucket_lifecycle",
    "ministack.services.s3._bucket_policies",
    "ministack.services.secretsmanager._secrets",
    "ministack.services.s3._bucket_tags",
    "ministack.services.s3._bucket_versioning",
    "ministack.services.s3._buckets",
    "ministack.services.cloudfront._CFN_DISTRIBUTION_CONFIG_RENAMES",
    "ministack.services.cloudfront._strip_namespace",
    "ministack.services.cloudfront._distributions",
    "ministack.services.route53._records",
    "ministack.services.route53._health_checks",
)

Properties = dict[str, Any]
Reader = Callable[[str, Properties], Properties | None]

READERS: dict[str, Reader] = {
    "AWS::ApiGateway::Account": api.account,
    "AWS::ApiGateway::BasePathMapping": api.base_path_mapping,
    "AWS::ApiGateway::Deployment": api.deployment,
    "AWS::ApiGateway::DomainName": api.domain_name,
    "AWS::ApiGateway::RestApi": api.rest_api,
    "AWS::ApiGateway::Stage": api.stage,
    "AWS::CertificateManager::Certificate": api.certificate,
    "AWS::CloudFront::Distribution": edge.distribution,
    "AWS::CloudFront::ResponseHeadersPolicy": edge.headers_policy,
    "AWS::CloudWatch::Alarm": api.alarm,
    "AWS::DynamoDB::Table": base.table,
    "AWS::EC2::RouteTable": base.route_table,
    "AWS::EC2::SecurityGroup": base.security_group,
    "AWS::EC2::Subnet": base.subnet,
    "AWS::EC2::SubnetRouteTableAssociation": base.route_association,
    "AWS::EC2::VPC": base.vpc,
    "AWS::IAM::Role": base.role,
    "AWS::KMS::Key": data.key,
    "AWS::Lambda::Function": functions.function,
    "AWS::Lambda::Permission": functions.permission,
    "AWS::Lambda::Version": functions.version,
    "AWS::Logs::Delivery": logs.delivery,
    "AWS::Logs::DeliveryDestination": logs.delivery_destination,
    "AWS::Logs::DeliverySource": logs.delivery_source,
    "AWS::Logs::LogGroup": logs.log_group,
    "AWS::RDS::DBCluster": data.cluster,
    "AWS::RDS::DBClusterParameterGroup": data.parameter_group,
    "AWS::RDS::DBInstance": data.instance,
    "AWS::RDS::DBSubnetGroup": data.subnet_group,
    "AWS::RDS::GlobalCluster": data.global_cluster,
    "AWS::Route53::HealthCheck": dns.health_check,
    "AWS::Route53::RecordSet": dns.record_set,
    "AWS::S3::Bucket": storage.bucket,
    "AWS::S3::BucketPolicy": storage.bucket_policy,
    "AWS::SecretsManager::Secret": storage.secret,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """One resource as it is now. `properties`: those that are deployed and can be read, in the template's shape."""

    status: str
    expected: Properties = field(default_factory=dict)
    properties: Properties = field(default_factory=dict)
    reason: str = ""


def supports(resource_type: str) -> bool:
    return resource_type in READERS or resource_type in stock._DRIFT_READERS


def _read(resource_type: str, physical_id: str, deployed: Properties) -> Properties | None:
    if resource_type in READERS:
        return READERS[resource_type](physical_id, deployed)
    reader, covered = stock._DRIFT_READERS[resource_type]
    found = reader(physical_id, deployed)
    return None if found is None else {name: found.get(name) for name in covered}


def look(stack: dict[str, Any], record: dict[str, Any]) -> Live:
    """Read the resource and compare it with the properties that its stack last deployed."""
    resource_type, deployed = record.get("ResourceType", ""), record.get("Properties") or {}
    try:
        found = _read(resource_type, record.get("PhysicalResourceId", ""), deployed)
    except Exception as error:
        return Live(status="UNKNOWN", reason=f"drift detection failed: {error}")
    if found is None:
        return Live(status="DELETED")
    known = facts(resource_type)
    readable = {key: value for key, value in deployed.items() if key in found and _compared(known, key)}
    expected = copy.deepcopy(readable)
    live = like(readable, found, known.maps)
    if known.tags and known.tags in found:
        stack_tags = stack.get("Tags") if resource_type in stock._STACK_TAG_PROPERTY else None
        expected, live = _with_tags(known.tags, _tag_map(stack_tags), expected, live, found)
    status = "IN_SYNC" if live == expected else "MODIFIED"
    return Live(status=status, expected=expected, properties=live)


def _compared(known: TypeFacts, name: str) -> bool:
    """Not what cannot be read, and no KMS key: "CloudFormation does not perform drift detection on the KMSKeyId property of any
    resources" [V, User Guide, drift considerations]."""
    return (name,) not in known.write_only and name.lower() != "kmskeyid"


def _with_tags(
    name: str, stack_tags: dict[str, str], expected: Properties, live: Properties, found: Properties
) -> tuple[Properties, Properties]:
    """Tags are compared together with the stack's own; `aws:` tags are the service's."""
    own = expected.get(name)
    wanted = {**stack_tags, **_tag_map(own)}
    if not wanted:
        return expected, live
    now = {key: value for key, value in _tag_map(found[name]).items() if not key.startswith("aws:")}
    shaped = {key: {name: stock._tags_in_shape(tags, own)} for key, tags in (("expected", wanted), ("live", now))}
    return expected | shaped["expected"], live | shaped["live"]


def _detect(stack: dict[str, Any], logical_id: str, record: dict[str, Any], timestamp: str) -> dict[str, Any]:
    """The `StackResourceDrift` of one resource."""
    live = look(stack, record)
    answer = {
        "StackId": stack.get("StackId", ""),
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": record.get("PhysicalResourceId", ""),
        "ResourceType": record["ResourceType"],
        "Timestamp": timestamp,
        "StackResourceDriftStatus": live.status,
    }
    if live.reason:
        answer["DriftStatusReason"] = live.reason
    if live.status in ("IN_SYNC", "MODIFIED"):
        answer["ExpectedProperties"] = json.dumps(live.expected, sort_keys=True, default=str)
        answer["ActualProperties"] = json.dumps(live.properties, sort_keys=True, default=str)
    if live.status == "MODIFIED":
        answer["PropertyDifferences"] = stock._differences(live.expected, live.properties, "")
    return answer


def install() -> None:
    stock.supports_drift = supports
    stock.detect_resource_drift = _detect
    detection.install()
