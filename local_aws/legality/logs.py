"""CloudWatch Logs: names of groups, and the three parts of a vended log delivery, which need and hold one another."""

import re
from typing import Any

from ministack.core.responses import error_response_json, get_region
from ministack.services import cloudfront, kms
from ministack.services import cloudwatch_logs as logs

from local_aws.legality.guard import on_call, on_stack
from local_aws.refused import Refused
from local_aws.resources.wrap import Properties

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudfront._distributions",
    "ministack.services.cloudwatch_logs._create_log_group",
    "ministack.services.cloudwatch_logs._delete_delivery_destination",
    "ministack.services.cloudwatch_logs._delete_delivery_source",
    "ministack.services.cloudwatch_logs._deliveries",
    "ministack.services.cloudwatch_logs._delivery_destinations",
    "ministack.services.cloudwatch_logs._delivery_sources",
    "ministack.services.cloudwatch_logs._log_groups",
    "ministack.services.cloudwatch_logs._put_delivery_destination",
    "ministack.services.cloudwatch_logs._put_delivery_source",
    "ministack.services.kms._resolve_key",
)

Record = dict[str, Any]
_NAME = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
_OF_CLOUDFRONT = ("ACCESS_LOGS", "CONNECTION_LOGS")


def check_group(name: str, key: str | None) -> None:
    """CreateLogGroup: InvalidParameterException for other characters, for `aws/`, for a key that is not there [V: API
    reference]."""
    if not _NAME.fullmatch(name):
        raise Refused(
            "InvalidParameterException",
            f"1 validation error detected: Value '{name}' at 'logGroupName' failed to satisfy constraint: Member must satisfy "
            "regular expression pattern: [\\.\\-_/#A-Za-z0-9]+",
        )
    if name.lower().startswith("aws/"):
        raise Refused("InvalidParameterException", "Log groups starting with AWS/ are reserved for AWS.")
    found = kms._resolve_key(key) if key else None
    if key and (found is None or found.get("KeyState") != "Enabled"):
        raise Refused(
            "InvalidParameterException",
            f"The specified KMS key does not exist or is not allowed to be used with LogGroup '{name}'",
        )


def check_source(request: Record) -> None:
    """PutDeliverySource: a resource that is there, once per kind of log; CloudFront's in us-east-1 [V: PutDeliverySource,
    CloudFront standard logging; conflict: widely reported [S]]."""
    name, arn, kind = request.get("name"), str(request.get("resourceArn")), request.get("logType")
    if ":cloudfront:" in arn:
        if get_region() != "us-east-1":
            raise Refused("ValidationException", "CloudFront delivery sources must be created in us-east-1.")
        if kind not in _OF_CLOUDFRONT:
            raise Refused("ValidationException", f"The log type {kind} is not supported for the resource {arn}.")
        if arn.rpartition("/")[2] not in cloudfront._distributions:
            raise Refused("ResourceNotFoundException", f"The specified resource does not exist: {arn}")
    for other in logs._delivery_sources.values():
        if other["name"] != name and arn in other["resourceArns"] and other["logType"] == kind:
            raise Refused(
                "ConflictException", "This ResourceId has already been used in another Delivery Source in this account"
            )


def check_destination(request: Record) -> None:
    """PutDeliveryDestination: a log group that is there [V: ResourceNotFoundException]."""
    arn = str((request.get("deliveryDestinationConfiguration") or {}).get("destinationResourceArn"))
    group = arn.partition(":log-group:")[2].removesuffix(":*")
    if group and group not in logs._log_groups:
        raise Refused("ResourceNotFoundException", f"The specified log group does not exist: {group}")


def _check_unused(field: str, name: str | None) -> None:
    """DeleteDeliverySource, DeleteDeliveryDestination: ConflictException while a delivery uses it [V: API reference]."""
    if any(str(delivery.get(field)).rpartition(":")[2] == name for delivery in logs._deliveries.values()):
        raise Refused("ConflictException", f"{name} is used by a delivery. Delete the delivery first.")


def _check_stack_group(now: Properties, before: Properties | None) -> None:
    if now.get("LogGroupName") and (before is None or before.get("LogGroupName") != now["LogGroupName"]):
        check_group(now["LogGroupName"], now.get("KmsKeyId"))


def install() -> None:
    error = error_response_json
    on_call(logs, "_create_log_group", lambda r: check_group(r.get("logGroupName") or "-", r.get("kmsKeyId")), error)
    on_call(logs, "_put_delivery_source", check_source, error)
    on_call(logs, "_put_delivery_destination", check_destination, error)
    on_call(logs, "_delete_delivery_source", lambda r: _check_unused("deliverySourceName", r.get("name")), error)
    on_call(
        logs, "_delete_delivery_destination", lambda r: _check_unused("deliveryDestinationArn", r.get("name")), error
    )
    on_stack("AWS::Logs::LogGroup", put=_check_stack_group)
