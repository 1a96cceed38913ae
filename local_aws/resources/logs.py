"""CloudWatch Logs: the vended log delivery types, which ministack has as API calls only."""

import json

from ministack.services import cloudwatch_logs as logs
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from local_aws.resources.wrap import Properties, tags


def _call(function, data: dict) -> dict:
    status, _, body = function(data)
    if status >= 400:
        error = json.loads(body)
        raise ValueError(f"{error.get('message', error)} (Service: CloudWatchLogs, Status Code: {status})")
    return json.loads(body or b"{}")


def _tag_map(properties: Properties) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags(properties)}


def _source(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
    made = _call(
        logs._put_delivery_source,
        {
            "name": properties["Name"],
            "resourceArn": properties["ResourceArn"],
            "logType": properties["LogType"],
            "tags": _tag_map(properties),
        },
    )["deliverySource"]
    return properties["Name"], {"Arn": made["arn"], "Service": made["service"], "ResourceArns": made["resourceArns"]}


def _destination(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
    made = _call(
        logs._put_delivery_destination,
        {
            "name": properties["Name"],
            "deliveryDestinationConfiguration": {"destinationResourceArn": properties["DestinationResourceArn"]},
            "outputFormat": properties.get("OutputFormat", "json"),
            "tags": _tag_map(properties),
        },
    )["deliveryDestination"]
    return properties["Name"], {"Arn": made["arn"], "DeliveryDestinationType": made["deliveryDestinationType"]}


def _delivery(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
    made = _call(
        logs._create_delivery,
        {
            "deliverySourceName": properties["DeliverySourceName"],
            "deliveryDestinationArn": properties["DeliveryDestinationArn"],
            "tags": _tag_map(properties),
        },
    )["delivery"]
    attributes = {
        "Arn": made["arn"],
        "DeliveryId": made["id"],
        "DeliveryDestinationType": made["deliveryDestinationType"],
    }
    return made["id"], attributes


def _put_again(create):
    def update(physical_id: str, old: Properties, new: Properties, stack_name: str) -> tuple[str, dict]:
        return create("", new, stack_name)

    return update


def _update_delivery(physical_id: str, old: Properties, new: Properties, stack_name: str) -> tuple[str, dict]:
    identity = ("DeliverySourceName", "DeliveryDestinationArn")
    if any(old.get(name) != new.get(name) for name in identity):
        return _delivery("", new, stack_name)  # a new physical id: the stack deletes the old one in its clean-up
    delivery = logs._deliveries[physical_id]
    delivery["tags"] = _tag_map(new)
    return physical_id, {"Arn": delivery["arn"], "DeliveryId": physical_id}


def _gone(function: str, field: str, store):
    def delete(physical_id: str, properties: Properties) -> None:
        if physical_id in store:
            _call(getattr(logs, function), {field: physical_id})

    return delete


def install() -> None:
    _RESOURCE_HANDLERS.update({
        "AWS::Logs::DeliverySource": {
            "create": _source,
            "update": _put_again(_source),
            "delete": _gone("_delete_delivery_source", "name", logs._delivery_sources),
        },
        "AWS::Logs::DeliveryDestination": {
            "create": _destination,
            "update": _put_again(_destination),
            "delete": _gone("_delete_delivery_destination", "name", logs._delivery_destinations),
        },
        "AWS::Logs::Delivery": {
            "create": _delivery,
            "update": _update_delivery,
            "delete": _gone("_delete_delivery", "id", logs._deliveries),
        },
    })  # fmt: skip
