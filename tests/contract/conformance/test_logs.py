"""CloudWatch Logs: groups, and the three parts of a vended log delivery."""

from __future__ import annotations

from tests.contract.conformance import made
from tests.contract.conformance.claims import real, refusal, success
from tests.contract.conformance.conftest import Target, refused

API = "CloudWatch Logs API reference [V]"


@success("logs:CreateLogGroup", source=API)
@success("logs:DescribeLogGroups", source=API)
@success("logs:PutRetentionPolicy", source=API)
@success("logs:DeleteRetentionPolicy", source=API)
@success("logs:ListTagsForResource", source=API)
@success("logs:DeleteLogGroup", source=API)
@refusal("logs:CreateLogGroup", "ResourceAlreadyExistsException", source=API)
@refusal("logs:CreateLogGroup", "InvalidParameterException", source=API)
@refusal("logs:PutRetentionPolicy", "InvalidParameterException", source=f"{API}: one of 22 numbers of days")
@refusal("logs:PutRetentionPolicy", "ResourceNotFoundException", source=API)
@refusal("logs:DeleteLogGroup", "ResourceNotFoundException", source=API)
@real("nothing")
def test_a_log_group_is_made_kept_for_days_and_removed(aws: Target) -> None:
    client, name = aws.client("logs"), f"/{aws.name()}"
    client.create_log_group(logGroupName=name, tags=aws.tags)
    aws.later(client.delete_log_group, logGroupName=name)
    refused(client.create_log_group, "ResourceAlreadyExistsException", logGroupName=name)
    refused(client.create_log_group, "InvalidParameterException", logGroupName="not a name")
    refused(client.put_retention_policy, "InvalidParameterException", logGroupName=name, retentionInDays=8)
    refused(client.put_retention_policy, "ResourceNotFoundException", logGroupName=name + "-none", retentionInDays=7)
    client.put_retention_policy(logGroupName=name, retentionInDays=7)
    [found] = client.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert (found["logGroupName"], found["retentionInDays"]) == (name, 7)
    assert client.list_tags_for_resource(resourceArn=found["arn"].removesuffix(":*"))["tags"] == aws.tags
    client.delete_retention_policy(logGroupName=name)
    [found] = client.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert "retentionInDays" not in found
    client.delete_log_group(logGroupName=name)
    refused(client.delete_log_group, "ResourceNotFoundException", logGroupName=name)
    assert client.describe_log_groups(logGroupNamePrefix=name)["logGroups"] == []


@refusal(
    "logs:CreateLogGroup", "InvalidParameterException", source="Log groups starting with AWS/ are reserved [S]; key [V]"
)
def test_names_and_keys_that_no_group_can_have(aws: Target) -> None:
    client = aws.client("logs")
    refused(client.create_log_group, "InvalidParameterException", logGroupName="aws/mine")
    key = f"arn:aws:kms:us-east-1:{aws.account()}:key/none"
    refused(client.create_log_group, "InvalidParameterException", logGroupName="/mine", kmsKeyId=key)


@success("logs:PutDeliveryDestination", source=API)
@success("logs:DeleteDeliveryDestination", source=API)
@refusal("logs:PutDeliveryDestination", "ResourceNotFoundException", source=API)
def test_a_destination_needs_its_log_group(aws: Target) -> None:
    client = aws.client("logs")
    group = {"destinationResourceArn": f"arn:aws:logs:us-east-1:{aws.account()}:log-group:/there"}
    put = {"name": "there", "deliveryDestinationConfiguration": group}
    refused(client.put_delivery_destination, "ResourceNotFoundException", **put)
    client.create_log_group(logGroupName="/there")
    client.put_delivery_destination(**put)
    client.delete_delivery_destination(name="there")


@success("logs:PutDeliverySource", source=API)
@success("logs:CreateDelivery", source=API)
@success("logs:DescribeDeliveries", source=API)
@success("logs:DeleteDelivery", source=API)
@success("logs:DeleteDeliverySource", source=API)
@refusal("logs:PutDeliverySource", "ResourceNotFoundException", source=API)
@refusal("logs:PutDeliverySource", "ValidationException", source="CloudFront standard logging v2 [V]")
@refusal(
    "logs:PutDeliverySource", "ConflictException", source="This ResourceId has already been used, widely reported [S]"
)
@refusal("logs:CreateDelivery", "ConflictException", source=API)
@refusal("logs:CreateDelivery", "ResourceNotFoundException", source=API)
@refusal("logs:DeleteDeliverySource", "ConflictException", source=API)
@refusal("logs:DeleteDeliveryDestination", "ConflictException", source=API)
def test_a_delivery_holds_its_two_ends(aws: Target) -> None:
    client = aws.client("logs")
    name, _ = made.distribution(aws)
    source = {
        "name": "s",
        "resourceArn": f"arn:aws:cloudfront::{aws.account()}:distribution/{name}",
        "logType": "ACCESS_LOGS",
    }
    put = client.put_delivery_source
    refused(put, "ResourceNotFoundException", **source | {"resourceArn": source["resourceArn"] + "X"})
    refused(put, "ValidationException", **source | {"logType": "EVERYTHING"})
    refused(aws.client("logs", "eu-west-1").put_delivery_source, "ValidationException", **source)
    put(**source)
    refused(put, "ConflictException", **source | {"name": "another"})
    client.create_log_group(logGroupName="/there")
    group = {"destinationResourceArn": f"arn:aws:logs:us-east-1:{aws.account()}:log-group:/there"}
    made_end = client.put_delivery_destination(name="d", deliveryDestinationConfiguration=group)
    ends = {"deliverySourceName": "s", "deliveryDestinationArn": made_end["deliveryDestination"]["arn"]}
    refused(client.create_delivery, "ResourceNotFoundException", **ends | {"deliverySourceName": "none"})
    delivery = client.create_delivery(**ends)["delivery"]
    [listed] = client.describe_deliveries()["deliveries"]
    assert {name: listed[name] for name in ends} == ends
    refused(client.create_delivery, "ConflictException", **ends)
    refused(client.delete_delivery_source, "ConflictException", name="s")
    refused(client.delete_delivery_destination, "ConflictException", name="d")
    client.delete_delivery(id=delivery["id"])
    client.delete_delivery_source(name="s")
    client.delete_delivery_destination(name="d")
