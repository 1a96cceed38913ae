"""DynamoDB: items, and the conditions that a lease rests on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.conformance.claims import real, refusal, success
from tests.contract.conformance.conftest import Target, refused

COST = "an on-demand table for a minute: less than a cent"
ONE = {"pk": {"S": "one"}, "sk": {"S": "a"}}
Table = Callable[..., Any]


@pytest.fixture
def dynamodb(aws: Target) -> Any:
    return aws.client("dynamodb")


@pytest.fixture
def name(aws: Target, dynamodb: Any) -> str:
    """A table that takes items, with a hash and a range key."""
    name = aws.name()
    keys = {"pk": "HASH", "sk": "RANGE"}
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": key, "Value": value} for key, value in aws.tags.items()],
    )
    aws.later(dynamodb.delete_table, TableName=name)
    aws.until(lambda: dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE")
    return name


@success("dynamodb:PutItem", source="API reference, PutItem [V]")
@success("dynamodb:GetItem", source="API reference, GetItem [V]")
@success("dynamodb:DeleteItem", source="API reference, DeleteItem: a deletion of what is not there succeeds [V]")
@real(COST)
def test_what_was_put_is_read_consistently_until_it_is_deleted(dynamodb: Any, name: str) -> None:
    read = {"TableName": name, "Key": ONE, "ConsistentRead": True}
    assert "Item" not in dynamodb.get_item(**read)
    for value in ("1", "2"):
        dynamodb.put_item(TableName=name, Item={**ONE, "value": {"N": value}})
        assert dynamodb.get_item(**read)["Item"]["value"] == {"N": value}
    for _ in range(2):
        dynamodb.delete_item(TableName=name, Key=ONE)
        assert "Item" not in dynamodb.get_item(**read)


@success("dynamodb:PutItem", source="Condition expressions; ReturnValuesOnConditionCheckFailure [V]")
@refusal("dynamodb:PutItem", "ConditionalCheckFailedException", source="API reference, PutItem [V]")
@refusal("dynamodb:DeleteItem", "ConditionalCheckFailedException", source="API reference, DeleteItem [V]")
@real(COST)
def test_a_condition_decides_and_its_failure_tells_what_is_there(dynamodb: Any, name: str) -> None:
    mine = {"TableName": name, "Item": {**ONE, "holder": {"S": "me"}, "until": {"N": "7"}}}
    dynamodb.put_item(**mine, ConditionExpression="attribute_not_exists(pk)")
    with pytest.raises(ClientError) as caught:
        dynamodb.put_item(
            TableName=name,
            Item={**ONE, "holder": {"S": "other"}},
            ConditionExpression="attribute_not_exists(pk) OR #until < :now OR holder = :other",
            ExpressionAttributeNames={"#until": "until"},
            ExpressionAttributeValues={":now": {"N": "7"}, ":other": {"S": "other"}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert caught.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert caught.value.response["Item"] == mine["Item"]
    others = {"ConditionExpression": "holder = :other", "ExpressionAttributeValues": {":other": {"S": "other"}}}
    refused(dynamodb.delete_item, "ConditionalCheckFailedException", TableName=name, Key=ONE, **others)
    held = dynamodb.get_item(TableName=name, Key=ONE, ConsistentRead=True)["Item"]
    assert held == mine["Item"]
    past = {"#until": "until"}, {":now": {"N": "7.5"}}
    dynamodb.delete_item(
        TableName=name,
        Key=ONE,
        ConditionExpression="#until < :now",
        ExpressionAttributeNames=past[0],
        ExpressionAttributeValues=past[1],
    )


@refusal("dynamodb:GetItem", "ResourceNotFoundException", source="API reference, GetItem [V]")
@refusal("dynamodb:PutItem", "ResourceNotFoundException", source="API reference, PutItem [V]")
@refusal("dynamodb:DeleteItem", "ResourceNotFoundException", source="API reference, DeleteItem [V]")
@refusal("dynamodb:Query", "ResourceNotFoundException", source="API reference, Query [V]")
@real("nothing")
def test_items_need_a_table(aws: Target, dynamodb: Any) -> None:
    name, code = aws.name("none"), "ResourceNotFoundException"
    refused(dynamodb.get_item, code, TableName=name, Key=ONE)
    refused(dynamodb.put_item, code, TableName=name, Item=ONE)
    refused(dynamodb.delete_item, code, TableName=name, Key=ONE)
    values = {":p": {"S": "one"}}
    refused(dynamodb.query, code, TableName=name, KeyConditionExpression="pk = :p", ExpressionAttributeValues=values)


@refusal("dynamodb:GetItem", "ValidationException", source="Core components: the key of a table [V]")
@refusal("dynamodb:DeleteItem", "ValidationException", source="Core components: the key of a table [V]")
@real(COST)
def test_a_key_is_the_tables_key_and_nothing_else(dynamodb: Any, name: str) -> None:
    keys = (
        {"pk": {"S": "one"}},
        {**ONE, "more": {"S": "x"}},
        {"pk": {"N": "1"}, "sk": {"S": "a"}},
        {"pk": {"S": ""}, "sk": {"S": "a"}},
    )
    for operation in (dynamodb.get_item, dynamodb.delete_item):
        for key in keys:
            refused(operation, "ValidationException", TableName=name, Key=key)


@refusal("dynamodb:PutItem", "ValidationException", source="Constraints: item size of 400 KB; expressions [V]")
@real(COST)
@pytest.mark.parametrize(
    "wrong",
    [
        {"Item": {"pk": {"S": "one"}}},
        {"Item": {**ONE, "body": {"S": "x" * 400 * 1024}}},
        {"Item": {**ONE, "value": {"N": "seven"}}},
        {"Item": ONE, "ConditionExpression": "holder = :me"},
        {
            "Item": ONE,
            "ConditionExpression": "attribute_not_exists(pk)",
            "ExpressionAttributeValues": {":unused": {"S": "x"}},
        },
        {"Item": ONE, "ConditionExpression": "name = :n", "ExpressionAttributeValues": {":n": {"S": "reserved word"}}},
        {"Item": ONE, "ConditionExpression": "pk ="},
    ],
    ids=["no range key", "too large", "no number", "undefined value", "unused value", "reserved word", "syntax"],
)
def test_an_item_or_an_expression_that_is_none_is_refused(dynamodb: Any, name: str, wrong: dict[str, Any]) -> None:
    refused(dynamodb.put_item, "ValidationException", TableName=name, **wrong)
    assert "Item" not in dynamodb.get_item(TableName=name, Key=ONE, ConsistentRead=True)


@success("dynamodb:Query", source="API reference, Query: ordered by the range key, in pages [V]")
@refusal("dynamodb:Query", "ValidationException", source="API reference, Query [V]")
@real(COST)
def test_a_query_goes_by_the_key_in_order_and_in_pages(dynamodb: Any, name: str) -> None:
    for value in ("c", "a", "b"):
        dynamodb.put_item(TableName=name, Item={"pk": {"S": "one"}, "sk": {"S": value}})
    asked = {
        "TableName": name,
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": {"S": "one"}},
        "ConsistentRead": True,
    }
    first = dynamodb.query(**asked, Limit=2)
    rest = dynamodb.query(**asked, ExclusiveStartKey=first["LastEvaluatedKey"])
    assert [item["sk"]["S"] for item in [*first["Items"], *rest["Items"]]] == ["a", "b", "c"]
    assert "LastEvaluatedKey" not in rest
    refused(dynamodb.query, "ValidationException", **{**asked, "KeyConditionExpression": "sk = :p"})
    refused(dynamodb.query, "ValidationException", TableName=name, KeyConditionExpression="pk = :undefined")


TAKE = {
    "UpdateExpression": "SET #holder = :me, #until = :until REMOVE #dirty ADD #token :one",
    "ConditionExpression": "attribute_not_exists(#pk) OR attribute_not_exists(#holder) OR #holder = :me",
    "ExpressionAttributeNames": {f"#{name}": name for name in ("pk", "holder", "until", "dirty", "token")},
    "ReturnValues": "ALL_OLD",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}


def taken(by: str) -> dict[str, Any]:
    return {**TAKE, "ExpressionAttributeValues": {":me": {"S": by}, ":until": {"N": "7.5"}, ":one": {"N": "1"}}}


@success("dynamodb:UpdateItem", source="API reference, UpdateItem; update expressions: ADD counts from 0 [V]")
@refusal("dynamodb:UpdateItem", "ConditionalCheckFailedException", source="API reference, UpdateItem [V]")
@real(COST)
def test_an_update_counts_and_tells_what_was_there_before(dynamodb: Any, name: str) -> None:
    update = {"TableName": name, "Key": ONE}
    assert "Attributes" not in dynamodb.update_item(**update, **taken("me"))
    dynamodb.update_item(
        **update, UpdateExpression="SET dirty = :yes", ExpressionAttributeValues={":yes": {"BOOL": True}}
    )
    old = dynamodb.update_item(**update, **taken("me"))["Attributes"]
    assert old == {**ONE, "holder": {"S": "me"}, "until": {"N": "7.5"}, "token": {"N": "1"}, "dirty": {"BOOL": True}}
    with pytest.raises(ClientError) as caught:
        dynamodb.update_item(**update, **taken("other"))
    assert caught.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    now = {**ONE, "holder": {"S": "me"}, "until": {"N": "7.5"}, "token": {"N": "2"}}
    assert caught.value.response["Item"] == now
    assert dynamodb.get_item(TableName=name, Key=ONE, ConsistentRead=True)["Item"] == now


@refusal("dynamodb:UpdateItem", "ResourceNotFoundException", source="API reference, UpdateItem [V]")
@refusal("dynamodb:UpdateItem", "ValidationException", source="update expressions [V]")
@real(COST)
def test_an_update_needs_a_table_and_an_expression_that_is_one(aws: Target, dynamodb: Any, name: str) -> None:
    refused(dynamodb.update_item, "ResourceNotFoundException", TableName=aws.name("none"), Key=ONE, **taken("me"))
    wrong = (
        {"UpdateExpression": "SET token = :t", "ExpressionAttributeValues": {":t": {"S": "reserved word"}}},
        {"UpdateExpression": "SET pk = :p", "ExpressionAttributeValues": {":p": {"S": "part of the key"}}},
        {**TAKE, "ExpressionAttributeValues": {":me": {"S": "me"}}},
    )
    for each in wrong:
        refused(dynamodb.update_item, "ValidationException", TableName=name, Key=ONE, **each)
    assert "Item" not in dynamodb.get_item(TableName=name, Key=ONE, ConsistentRead=True)


def status_under(name: str, token: str) -> dict[str, Any]:
    check = {
        "TableName": name,
        "Key": ONE,
        "ConditionExpression": "#token = :token",
        "ExpressionAttributeNames": {"#token": "token"},
        "ExpressionAttributeValues": {":token": {"N": token}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    status = {**ONE, "sk": {"S": "status"}, "under": {"N": token}}
    return {"TransactItems": [{"ConditionCheck": check}, {"Put": {"TableName": name, "Item": status}}]}


@success("dynamodb:TransactWriteItems", source="API reference, TransactWriteItems: all or nothing [V]")
@refusal("dynamodb:TransactWriteItems", "TransactionCanceledException", source="API reference, CancellationReason [V]")
@real(COST)
def test_a_transaction_writes_one_item_while_another_is_as_it_should(dynamodb: Any, name: str) -> None:
    place = {**ONE, "sk": {"S": "status"}}
    for token in ("1", "2"):
        dynamodb.update_item(TableName=name, Key=ONE, **taken("me"))
        dynamodb.transact_write_items(**status_under(name, token))
    with pytest.raises(ClientError) as caught:
        dynamodb.transact_write_items(**status_under(name, "1"))
    response = caught.value.response
    assert response["Error"]["Code"] == "TransactionCanceledException"
    assert [reason["Code"] for reason in response["CancellationReasons"]] == ["ConditionalCheckFailed", "None"]
    assert response["CancellationReasons"][0]["Item"]["token"] == {"N": "2"}
    assert dynamodb.get_item(TableName=name, Key=place, ConsistentRead=True)["Item"]["under"] == {"N": "2"}
    deletion = [status_under(name, "2")["TransactItems"][0], {"Delete": {"TableName": name, "Key": place}}]
    dynamodb.transact_write_items(TransactItems=deletion)
    assert "Item" not in dynamodb.get_item(TableName=name, Key=place, ConsistentRead=True)


@refusal("dynamodb:TransactWriteItems", "ResourceNotFoundException", source="API reference, TransactWriteItems [V]")
@refusal("dynamodb:TransactWriteItems", "ValidationException", source="an item stands once in a transaction [V]")
@real(COST)
def test_a_transaction_needs_its_tables_and_names_each_item_once(aws: Target, dynamodb: Any, name: str) -> None:
    call = dynamodb.transact_write_items
    refused(call, "ResourceNotFoundException", **status_under(aws.name("none"), "1"))
    twice = {"Put": {"TableName": name, "Item": ONE}}
    refused(call, "ValidationException", TransactItems=[twice, {"Delete": {"TableName": name, "Key": ONE}}])
    assert "Item" not in dynamodb.get_item(TableName=name, Key=ONE, ConsistentRead=True)
