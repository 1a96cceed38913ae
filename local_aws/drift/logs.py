"""What the logs really are: groups, and the delivery of the edge's access log."""

from typing import Any

from ministack.services import cloudwatch_logs

from local_aws.drift.shape import renamed

Properties = dict[str, Any]


def log_group(physical_id: str, _props: Properties) -> Properties | None:
    found = cloudwatch_logs._log_groups.get(physical_id)
    if found is None:
        return None
    names = {"RetentionInDays": "retentionInDays", "LogGroupClass": "logGroupClass", "KmsKeyId": "kmsKeyId"}
    return {"LogGroupName": physical_id, "Tags": found.get("tags", {})} | renamed(found, names)


def delivery_source(physical_id: str, props: Properties) -> Properties | None:
    found = cloudwatch_logs._delivery_sources.get(physical_id)
    if found is None:
        return None
    resources = found.get("resourceArns") or [None]
    return {"Name": physical_id, "LogType": found.get("logType"), "ResourceArn": resources[0], "Tags": _tags(found)}


def delivery_destination(physical_id: str, _props: Properties) -> Properties | None:
    found = cloudwatch_logs._delivery_destinations.get(physical_id)
    if found is None:
        return None
    target = (found.get("deliveryDestinationConfiguration") or {}).get("destinationResourceArn")
    names = {"Name": "name", "OutputFormat": "outputFormat"}
    return renamed(found, names) | {"DestinationResourceArn": target, "Tags": _tags(found)}


def delivery(physical_id: str, _props: Properties) -> Properties | None:
    found = cloudwatch_logs._deliveries.get(physical_id)
    if found is None:
        return None
    names = {"DeliverySourceName": "deliverySourceName", "DeliveryDestinationArn": "deliveryDestinationArn"}
    return renamed(found, names) | {"Tags": _tags(found)}


def _tags(found: Properties) -> Properties:
    return found.get("tags") or {}
