"""Lease and status document on a DynamoDB table."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from reconciler.aws.clients import Clients
from reconciler.aws.state import DynamoJournal
from reconciler.model.errors import LeaseHeld, LeaseLost
from tests.fakes.topologies import orders

TOPOLOGY = orders()
LENGTH = 1.5
KEY = {"pk": {"S": "topology#orders"}, "sk": {"S": "lease"}}
TABLE = "meridian-state"


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield boto3.client("dynamodb", region_name="us-east-1")


@pytest.fixture
def table(dynamodb: Any) -> Any:
    names = {"pk": "HASH", "sk": "RANGE"}
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in names.items()],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
    )
    return dynamodb


@pytest.fixture
def clients(dynamodb: Any) -> Clients:
    return Clients()


def held(table: Any) -> bool:
    return "Item" in table.get_item(TableName=TABLE, Key=KEY)


def test_a_lease_is_there_while_held_and_gone_afterwards(table: Any, clients: Clients) -> None:
    with DynamoJournal(clients, LENGTH).lease(TOPOLOGY) as lease:
        lease.check()
        assert held(table)
    assert not held(table)


def test_it_is_renewed_while_held(table: Any, clients: Clients) -> None:
    with DynamoJournal(clients, LENGTH).lease(TOPOLOGY) as lease:
        time.sleep(LENGTH * 1.5)
        lease.check()


def test_a_living_holder_is_left_alone(table: Any, clients: Clients) -> None:
    with DynamoJournal(clients, LENGTH).lease(TOPOLOGY) as lease:
        with (
            pytest.raises(LeaseHeld, match="works on orders and is alive"),
            DynamoJournal(clients, LENGTH).lease(TOPOLOGY),
        ):
            pass
        lease.check()


def test_a_dead_holders_lease_is_waited_for_and_taken_over(table: Any, clients: Clients) -> None:
    dead = {"holder": {"S": "dead"}, "until": {"N": repr(time.time() + LENGTH)}}
    table.put_item(TableName=TABLE, Item={**KEY, **dead})
    began = time.monotonic()
    with DynamoJournal(clients, LENGTH).lease(TOPOLOGY) as lease:
        lease.check()
        assert LENGTH * 0.8 < time.monotonic() - began < LENGTH * 4


def test_who_releases_while_we_wait_makes_room(table: Any, clients: Clients) -> None:
    other = {"holder": {"S": "other"}, "until": {"N": repr(time.time() + 60)}}
    table.put_item(TableName=TABLE, Item={**KEY, **other})
    threading.Timer(0.2, lambda: table.delete_item(TableName=TABLE, Key=KEY)).start()
    with DynamoJournal(clients, LENGTH).lease(TOPOLOGY) as lease:
        lease.check()


def test_a_lease_that_was_taken_away_is_lost_and_not_released(table: Any, clients: Clients) -> None:
    with DynamoJournal(clients, LENGTH).lease(TOPOLOGY) as lease:
        thief = {"holder": {"S": "thief"}, "until": {"N": repr(time.time() + 60)}}
        table.put_item(TableName=TABLE, Item={**KEY, **thief})
        time.sleep(LENGTH)
        with pytest.raises(LeaseLost):
            lease.check()
    assert held(table)


def test_without_a_table_nothing_is_held_or_kept(dynamodb: Any, clients: Clients) -> None:
    with DynamoJournal(clients, LENGTH).lease(TOPOLOGY) as lease:
        lease.check()
    DynamoJournal(clients, LENGTH).record(TOPOLOGY, {"kind": "Status"})
    DynamoJournal(clients, LENGTH).forget(TOPOLOGY)
    assert dynamodb.list_tables()["TableNames"] == []


def test_a_topology_that_is_destroyed_is_forgotten(table: Any, clients: Clients) -> None:
    journal, key = DynamoJournal(clients, LENGTH), {**KEY, "sk": {"S": "status"}}
    journal.record(TOPOLOGY, {"kind": "Status"})
    assert "Item" in table.get_item(TableName=TABLE, Key=key)
    journal.forget(TOPOLOGY)
    assert "Item" not in table.get_item(TableName=TABLE, Key=key)


def test_a_status_document_loses_its_oldest_history_rather_than_not_fit(table: Any, clients: Clients) -> None:
    history = [{"revision": str(i), "padding": "x" * 100_000} for i in range(6)]
    DynamoJournal(clients, LENGTH).record(TOPOLOGY, {"kind": "Status", "history": history})
    item = table.get_item(TableName=TABLE, Key={**KEY, "sk": {"S": "status"}})["Item"]
    assert len(item["body"]["S"]) < 350_000
    assert '"revision":"0"' in item["body"]["S"]
    assert '"revision":"5"' not in item["body"]["S"]


def test_an_attempt_that_seemed_to_fail_and_did_not_is_taken_up(table: Any, clients: Clients) -> None:
    journal = DynamoJournal(clients, LENGTH)
    mine = {"holder": {"S": journal._me}, "until": {"N": repr(time.time() + 60)}}
    table.put_item(TableName=TABLE, Item={**KEY, **mine})
    began = time.monotonic()
    with journal.lease(TOPOLOGY) as lease:
        lease.check()
    assert time.monotonic() - began < 30, "it waited for the other holder, which is itself"
