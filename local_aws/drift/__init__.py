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
from ministack.services.cloudformation import handlers
from ministack.services.cloudformation.provisioners import _tag_map

from local_aws.clock import CLOCK
from local_aws.drift import api, base, data, dns, edge
from local_aws.drift.shape import like
from local_aws.schemas import facts

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation.drift._DRIFT_READERS",
    "ministack.services.cloudformation.drift.detect_resource_drift",
    "ministack.services.cloudformation.drift.supports_drift",
    "ministack.services.cloudformation.drift._differences",
    "ministack.services.cloudformation.drift._tags_in_shape",
    "ministack.services.cloudformation.provisioners._tag_map",
    "ministack.services.cloudformation.handlers._ACTION_HANDLERS",
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
    "AWS::EC2::VPC": base.vpc,
    "AWS::IAM::Role": base.role,
    "AWS::KMS::Key": data.key,
    "AWS::Lambda::Function": api.function,
    "AWS::Lambda::Permission": api.permission,
    "AWS::Lambda::Version": api.version,
    "AWS::Logs::LogGroup": api.log_group,
    "AWS::RDS::DBCluster": data.cluster,
    "AWS::RDS::DBClusterParameterGroup": data.parameter_group,
    "AWS::RDS::DBInstance": data.instance,
    "AWS::RDS::DBSubnetGroup": data.subnet_group,
    "AWS::RDS::GlobalCluster": data.global_cluster,
    "AWS::Route53::HealthCheck": dns.health_check,
    "AWS::Route53::RecordSet": dns.record_set,
    "AWS::S3::Bucket": base.bucket,
}

# A detection takes a while on AWS: this long, and this much more per resource (virtual seconds).
DETECTION_SECONDS, DETECTION_SECONDS_PER_RESOURCE = 5.0, 0.5


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
    readable = {key: value for key, value in deployed.items() if key in found and (key,) not in known.write_only}
    expected = copy.deepcopy(readable)
    live = like(readable, found, known.maps)
    if known.tags and known.tags in found:
        stack_tags = stack.get("Tags") if resource_type in stock._STACK_TAG_PROPERTY else None
        expected, live = _with_tags(known.tags, _tag_map(stack_tags), expected, live, found)
    status = "IN_SYNC" if live == expected else "MODIFIED"
    return Live(status=status, expected=expected, properties=live)


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


_stock_detect_stack = handlers._detect_stack_drift
_stock_detection_status = handlers._describe_stack_drift_detection_status


def _detect_stack_drift(params: dict[str, Any]) -> Any:
    """DetectStackDrift answers with an id at once and takes its time after that."""
    answer = _stock_detect_stack(params)
    stack = handlers._resolve_stack(handlers._p(params, "StackName"))
    if answer[0] == 200 and stack:
        detection = list(stack["_drift_detections"].values())[-1]
        took = DETECTION_SECONDS + DETECTION_SECONDS_PER_RESOURCE * len(stack.get("_resources", {}))
        detection["_ready_at"] = CLOCK.now() + took
    return answer


def _detection_status(params: dict[str, Any]) -> Any:
    answer = _stock_detection_status(params)
    wanted = handlers._p(params, "StackDriftDetectionId")
    for stack in _stacks().values():
        detection = (stack.get("_drift_detections") or {}).get(wanted)
        if detection and detection.get("_ready_at", 0) > CLOCK.now():
            text = answer[2].replace(b"DETECTION_COMPLETE", b"DETECTION_IN_PROGRESS")
            return answer[0], answer[1], text
    return answer


def _stacks() -> Any:
    from ministack.services.cloudformation import _stacks as stacks

    return stacks


def install() -> None:
    stock.supports_drift = supports
    stock.detect_resource_drift = _detect
    handlers._ACTION_HANDLERS["DetectStackDrift"] = _detect_stack_drift
    handlers._ACTION_HANDLERS["DescribeStackDriftDetectionStatus"] = _detection_status
