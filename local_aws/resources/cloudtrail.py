"""CloudTrail: the type of a trail, which ministack has as API calls only, and the bucket that a trail must be able to write to.

A new trail of the API does not log; one of a stack does as its property says. [V: CreateTrail, AWS::CloudTrail::Trail]
"""

import json
from collections.abc import Callable
from typing import Any

from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudtrail, s3
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS, _physical_name

from local_aws.legality.guard import on_call
from local_aws.refused import Refused
from local_aws.resources.wrap import Properties, boolean, tags

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation.provisioners._physical_name",
    "ministack.services.cloudtrail._add_tags",
    "ministack.services.cloudtrail._create_trail",
    "ministack.services.cloudtrail._delete_trail",
    "ministack.services.cloudtrail._err",
    "ministack.services.cloudtrail._put_event_selectors",
    "ministack.services.cloudtrail._remove_tags",
    "ministack.services.cloudtrail._start_logging",
    "ministack.services.cloudtrail._stop_logging",
    "ministack.services.cloudtrail._trail_arn",
    "ministack.services.cloudtrail._update_trail",
    "ministack.services.s3._bucket_policies",
    "ministack.services.s3._buckets",
)
_PLAIN = (
    "S3BucketName",
    "S3KeyPrefix",
    "SnsTopicName",
    "KMSKeyId",
    "CloudWatchLogsLogGroupArn",
    "CloudWatchLogsRoleArn",
)
_FLAGS = {
    "IncludeGlobalServiceEvents": "IncludeGlobalServiceEvents",
    "IsMultiRegionTrail": "IsMultiRegionTrail",
    "IsOrganizationTrail": "IsOrganizationTrail",
    "EnableLogFileValidation": "EnableLogFileValidation",
}


def check_bucket(request: dict[str, Any]) -> None:
    """CreateTrail: S3BucketDoesNotExistException, InsufficientS3BucketPolicyException [V: API reference]."""
    bucket = str(request.get("S3BucketName") or "")
    if bucket not in s3._buckets:
        raise Refused("S3BucketDoesNotExistException", f"S3 bucket {bucket} does not exist!")
    region, account = get_region(), get_account_id()
    arn = f"arn:aws:cloudtrail:{region}:{account}:trail/{request.get('Name', '')}"
    prefix = f"{request['S3KeyPrefix']}/" if request.get("S3KeyPrefix") else ""
    own = f"arn:aws:s3:::{bucket}"
    object_ = f"{own}/{prefix}AWSLogs/{account}/CloudTrail/{region}/x"
    if not (_writes(bucket, "s3:GetBucketAcl", own, arn) and _writes(bucket, "s3:PutObject", object_, arn)):
        raise Refused(
            "InsufficientS3BucketPolicyException", f"Incorrect S3 bucket policy is detected for bucket: {bucket}"
        )


def _writes(bucket: str, action: str, resource: str, trail: str) -> bool:
    service = "cloudtrail.amazonaws.com"
    context = EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account=get_account_id(),
        action=action,
        resource_arn=resource,
        region=get_region(),
        secure_transport=True,
        service_context={
            "aws:sourceaccount": get_account_id(),
            "aws:sourcearn": trail,
            "s3:x-amz-acl": "bucket-owner-full-control",
        },
    )
    text = s3._bucket_policies.get(bucket)
    document = json.loads(text) if isinstance(text, (str, bytes)) else text
    return bool(document) and evaluate_resource_policy(document, context, service=service).decision == "Allow"


def _call(function: Callable[[dict], tuple], request: dict[str, Any]) -> dict[str, Any]:
    status, _, body = function(request)
    answer = json.loads(body or b"{}")
    if status >= 400:
        kind = str(answer.get("__type", "")).rpartition("#")[2]
        raise ValueError(f"{answer.get('message', answer)} (Service: CloudTrail, Status Code: {status}, {kind})")
    return dict(answer)


def _settings(properties: Properties) -> dict[str, Any]:
    plain = {("KmsKeyId" if name == "KMSKeyId" else name): properties.get(name) or "" for name in _PLAIN}
    flags = {
        sent: boolean(properties.get(name), default=name == "IncludeGlobalServiceEvents")
        for name, sent in _FLAGS.items()
    }
    return plain | flags


def _put(name: str, properties: Properties) -> None:
    """Selectors and logging: what a trail has beside its settings."""
    selectors = [
        {
            "ReadWriteType": one.get("ReadWriteType", "All"),
            "IncludeManagementEvents": boolean(one.get("IncludeManagementEvents"), default=True),
            "DataResources": one.get("DataResources") or [],
            "ExcludeManagementEventSources": one.get("ExcludeManagementEventSources") or [],
        }
        for one in properties.get("EventSelectors") or [{}]
    ]
    _call(cloudtrail._put_event_selectors, {"TrailName": name, "EventSelectors": selectors})
    logs = boolean(properties.get("IsLogging"))
    _call(cloudtrail._start_logging if logs else cloudtrail._stop_logging, {"Name": name})


def _create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
    name = properties.get("TrailName") or _physical_name(stack_name, logical_id, max_len=128)
    _call(cloudtrail._create_trail, {"Name": name, **_settings(properties)})
    _put(name, properties)
    if tags(properties):
        _call(cloudtrail._add_tags, {"ResourceId": cloudtrail._trail_arn(name), "TagsList": tags(properties)})
    return name, {"Arn": cloudtrail._trail_arn(name)}


def _update(physical_id: str, old: Properties, new: Properties, stack_name: str) -> tuple[str, dict]:
    if new.get("TrailName") != old.get("TrailName"):
        return _create("", new, stack_name)  # a new physical id: the stack deletes the old one in its clean-up
    _call(cloudtrail._update_trail, {"Name": physical_id, **_settings(new)})
    _put(physical_id, new)
    arn = cloudtrail._trail_arn(physical_id)
    gone = [tag for tag in tags(old) if tag["Key"] not in {t["Key"] for t in tags(new)}]
    if gone:
        _call(cloudtrail._remove_tags, {"ResourceId": arn, "TagsList": gone})
    if tags(new):
        _call(cloudtrail._add_tags, {"ResourceId": arn, "TagsList": tags(new)})
    return physical_id, {"Arn": arn}


def _delete(physical_id: str, properties: Properties) -> None:
    status, _, body = cloudtrail._delete_trail({"Name": physical_id})
    if status >= 400 and b"TrailNotFound" not in body:
        raise ValueError(body.decode())


def install() -> None:
    on_call(cloudtrail, "_create_trail", check_bucket, cloudtrail._err)
    _RESOURCE_HANDLERS["AWS::CloudTrail::Trail"] = {"create": _create, "update": _update, "delete": _delete}
