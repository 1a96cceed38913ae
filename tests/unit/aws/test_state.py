"""Lease and status document on a DynamoDB table."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from reconciler.aws.clients import Clients
from reconciler.aws.lease import MARGIN
from reconciler.aws.state import DynamoJournal, Suspensions
from reconciler.model.errors import CloudUnavailable, LeaseHeld, LeaseLost, NotDeployed, StaleTimer
from reconciler.model.suspension import Suspension
from reconciler.model.turn import Turn
from tests.fakes.topologies import orders

TOPOLOGY = orders()
LENGTH = 9.0
"""Seconds, of a lease that nobody shall lose: a busy machine may stop for as long as a shorter one lasts."""
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


def item(table: Any) -> dict[str, Any]:
    found = table.get_item(TableName=TABLE, Key=KEY, ConsistentRead=True).get("Item", {})
    return {name: next(iter(value.values())) for name, value in found.items()}


def until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.1)
    pytest.fail("it did not come true within a minute")


def held(table: Any) -> bool:
    return "holder" in item(table)


def test_a_lease_has_a_holder_while_held_and_keeps_its_token_afterwards(table: Any, clients: Clients) -> None:
    journal = DynamoJournal(clients, LENGTH)
    for token in (1, 2, 3):
        with journal.lease(TOPOLOGY) as lease:
            lease.check()
            assert held(table)
            assert (lease.token, lease.stolen, item(table)["token"]) == (token, False, str(token))
        assert (held(table), item(table)["token"], lease.released) == (False, str(token), True)


def test_whoever_asks_is_told_what_the_holder_does(table: Any, clients: Clients) -> None:
    with DynamoJournal(clients, LENGTH).lease(TOPOLOGY) as lease:
        lease.working_on("deploy/data/eu-west-1")
        until(lambda: item(table)["step"] == "deploy/data/eu-west-1")
        assert {"run", "since", "heartbeat"} < item(table).keys()
        with pytest.raises(LeaseHeld, match=r"works on orders and is alive \(deploy/data/eu-west-1\)"):
            DynamoJournal(clients, LENGTH).lease(TOPOLOGY, Turn(due=None, retry="r")).__enter__()


def test_it_is_renewed_while_held(table: Any, clients: Clients) -> None:
    with DynamoJournal(clients, LENGTH).lease(TOPOLOGY) as lease:
        first = float(item(table)["until"])
        until(lambda: float(item(table)["until"]) > first)
        until(lambda: lease._until > first)
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
    ends = time.time() + 1.5
    dead = {"holder": {"S": "dead"}, "until": {"N": repr(ends)}}
    table.put_item(TableName=TABLE, Item={**KEY, **dead})
    with DynamoJournal(clients, LENGTH).lease(TOPOLOGY) as lease:
        lease.check()
        assert time.time() > ends
        assert (lease.token, lease.stolen) == (1, True), "of an older version of this program, without a token"


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
        lease._renewal.join(timeout=60)
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


def test_it_loses_what_is_only_drawn_rather_than_not_fit(table: Any, clients: Clients) -> None:
    large = {"timeline": {"revision": "x" * 360_000}, "resources": {"d": {}}, "motion": {}, "history": []}
    DynamoJournal(clients, LENGTH).record(TOPOLOGY, {"kind": "Status", **large})
    item = table.get_item(TableName=TABLE, Key={**KEY, "sk": {"S": "status"}})["Item"]
    assert item["body"]["S"] == '{"kind":"Status","resources":{"d":{}},"motion":{},"history":[]}'


def test_an_attempt_that_seemed_to_fail_and_did_not_is_taken_up(table: Any, clients: Clients) -> None:
    journal = DynamoJournal(clients, LENGTH)
    mine = {"holder": {"S": journal._me}, "until": {"N": repr(time.time() + 60)}}
    table.put_item(TableName=TABLE, Item={**KEY, **mine})
    began = time.monotonic()
    with journal.lease(TOPOLOGY) as lease:
        lease.check()
    assert time.monotonic() - began < 30, "it waited for the other holder, which is itself"


def steal(table: Any, token: int) -> None:
    thief = {"holder": {"S": "thief"}, "token": {"N": str(token)}, "until": {"N": repr(time.time() + 60)}}
    table.put_item(TableName=TABLE, Item={**KEY, **thief})


def test_a_stale_holder_writes_no_state_and_learns_that_it_is_one(table: Any, clients: Clients) -> None:
    journal, place = DynamoJournal(clients, 60), {**KEY, "sk": {"S": "status"}}
    with journal.lease(TOPOLOGY) as lease:
        journal.record(TOPOLOGY, {"kind": "Status", "by": "old"})
        steal(table, lease.token + 1)
        lease.check()  # it cannot know yet
        for write in (lambda: journal.record(TOPOLOGY, {"by": "stale"}), lambda: journal.forget(TOPOLOGY)):
            with pytest.raises(LeaseLost):
                write()
        with pytest.raises(LeaseLost):
            lease.check()
    assert '"by":"old"' in table.get_item(TableName=TABLE, Key=place)["Item"]["body"]["S"]
    assert item(table)["holder"] == "thief"


def test_the_holders_name_alone_is_not_enough(table: Any, clients: Clients) -> None:
    """A pass of the same process that began later has another token."""
    journal = DynamoJournal(clients, 60)
    with journal.lease(TOPOLOGY) as old:
        with journal.lease(TOPOLOGY) as new:
            journal.record(TOPOLOGY, {"kind": "Status"})
        assert (old.token, new.token) == (1, 2)
        journal._held[TOPOLOGY.name] = old
        with pytest.raises(LeaseLost):
            journal.record(TOPOLOGY, {"kind": "Status"})


def test_nothing_is_written_by_whoever_holds_nothing_while_somebody_does(table: Any, clients: Clients) -> None:
    with DynamoJournal(clients, LENGTH).lease(TOPOLOGY), pytest.raises(LeaseLost):
        DynamoJournal(clients, LENGTH).record(TOPOLOGY, {"kind": "Status"})
    DynamoJournal(clients, LENGTH).record(TOPOLOGY, {"kind": "Status"})


def test_no_request_that_writes_starts_near_the_end_of_a_lease(table: Any, clients: Clients) -> None:
    logs = clients.writer("logs", "us-east-1")

    def groups() -> list[str]:
        return [g["logGroupName"] for g in clients.reader("logs", "us-east-1").describe_log_groups()["logGroups"]]

    with DynamoJournal(clients, 60).lease(TOPOLOGY) as lease:
        logs.create_log_group(logGroupName="in-time")
        lease._deadline = time.monotonic() + MARGIN - 0.1
        with pytest.raises(LeaseLost):
            lease.check()
        with pytest.raises(LeaseLost):
            logs.create_log_group(logGroupName="too-late")
        assert groups() == ["in-time"], "reads go on"
    logs.create_log_group(logGroupName="unheld")
    assert groups() == ["in-time", "unheld"]


def test_a_write_takes_less_than_the_margin(clients: Clients) -> None:
    config = clients.writer("rds", "eu-west-1").meta.config
    assert config.retries["total_max_attempts"] == 1
    assert config.connect_timeout + config.read_timeout < MARGIN


def test_a_hosted_pass_that_finds_it_held_leaves_word_once_and_goes(table: Any, clients: Clients) -> None:
    other = DynamoJournal(clients, LENGTH)
    with DynamoJournal(clients, LENGTH).lease(TOPOLOGY) as lease:
        for n, marked in enumerate((True, False)):
            with pytest.raises(LeaseHeld) as held_by, other.lease(TOPOLOGY, Turn(due=None, retry=f"r{n}")):
                pass
            assert held_by.value.marked is marked
        assert item(table)["due"] == "r0"
        lease.due = "next"
    assert lease.dirty
    assert (item(table)["due"], "dirty" in item(table)) == ("next", False)


def test_of_all_copies_of_a_timer_one_counts(table: Any, clients: Clients) -> None:
    journal, other = DynamoJournal(clients, LENGTH), DynamoJournal(clients, LENGTH)
    with journal.lease(TOPOLOGY, Turn(due=None, retry="r")) as lease:
        lease.due = "one"
    with journal.lease(TOPOLOGY, Turn(due="one", retry="r")) as lease:
        with pytest.raises(LeaseHeld) as caught, other.lease(TOPOLOGY, Turn(due="one", retry="again")):
            pass
        assert caught.value.marked
        with pytest.raises(StaleTimer), other.lease(TOPOLOGY, Turn(due="one", retry="r")):
            pass
        lease.due = "two"
    assert not lease.dirty, "a timer asks for a look, which the holder had"
    for stale in ("one", "again"):
        with pytest.raises(StaleTimer), other.lease(TOPOLOGY, Turn(due=stale, retry="r")):
            pass
    assert item(table)["due"] == "two"


def test_after_a_holder_died_the_word_that_was_left_counts(table: Any, clients: Clients) -> None:
    steal(table, 7)
    journal = DynamoJournal(clients, LENGTH)
    with pytest.raises(LeaseHeld), journal.lease(TOPOLOGY, Turn(due=None, retry="r")):
        pass
    table.update_item(
        TableName=TABLE,
        Key=KEY,
        UpdateExpression="SET #u = :past",
        ExpressionAttributeNames={"#u": "until"},
        ExpressionAttributeValues={":past": {"N": repr(time.time() - 2 * LENGTH)}},
    )
    with journal.lease(TOPOLOGY, Turn(due="r", retry="s")) as lease:
        assert (lease.token, lease.stolen) == (8, True)


def test_a_commands_release_leaves_the_timer_that_counts(table: Any, clients: Clients) -> None:
    journal = DynamoJournal(clients, LENGTH)
    with journal.lease(TOPOLOGY, Turn(due=None, retry="r")) as lease:
        lease.due = "one"
    with journal.lease(TOPOLOGY):
        pass
    assert item(table)["due"] == "one"


def test_a_conflict_with_another_write_is_tried_again(table: Any, clients: Clients) -> None:
    journal, met = DynamoJournal(clients, 60), []

    def conflict(**_: Any) -> Any:
        met.append(1)
        reasons = [{"Code": "TransactionConflict"}, {"Code": "None"}]
        error = {"Code": "TransactionCanceledException", "Message": "cancelled"}
        return (Answer(400), {"Error": error, "CancellationReasons": reasons}) if len(met) == 1 else None

    with journal.lease(TOPOLOGY):
        clients.writer("dynamodb", "us-east-1").meta.events.register(
            "before-call.dynamodb.TransactWriteItems", conflict
        )
        journal.record(TOPOLOGY, {"kind": "Status"})
    assert len(met) == 2


class Answer:
    def __init__(self, status_code: int) -> None:
        self.status_code = status_code


def test_a_table_that_cannot_be_reached_holds_everything_up(table: Any, clients: Clients) -> None:
    def unreachable(**_: Any) -> Any:
        return Answer(503), {"Error": {"Code": "ServiceUnavailable"}, "ResponseMetadata": {"HTTPStatusCode": 503}}

    clients.writer("dynamodb", "us-east-1").meta.events.register("before-call.dynamodb", unreachable)
    with pytest.raises(CloudUnavailable), DynamoJournal(clients, LENGTH).lease(TOPOLOGY):
        pytest.fail("held without a table")


INCIDENT = Suspension(reason="incident 7", by="arn:ann", at="2026-01-01T00:00:00Z", regions=("eu-west-1",))


def test_a_suspension_is_kept_beside_the_status_and_needs_no_lease(table: Any, clients: Clients) -> None:
    suspensions = Suspensions(clients, "us-east-1")
    with DynamoJournal(clients, LENGTH).lease(TOPOLOGY):
        assert suspensions.change("orders", lambda _: INCIDENT) == (None, INCIDENT)
        assert suspensions.change("orders", lambda found: found) == (INCIDENT, INCIDENT)
    assert suspensions.change("orders", lambda _: None) == (INCIDENT, None)
    assert suspensions.change("orders", lambda _: None) == (None, None)


def test_two_who_suspend_at_once_lose_nothing(table: Any, clients: Clients) -> None:
    suspensions = Suspensions(clients, "us-east-1")
    meanwhile = iter((lambda: suspensions.change("orders", lambda _: INCIDENT), lambda: None))

    def add(found: Suspension | None) -> Suspension:
        next(meanwhile)()
        return replace(found or INCIDENT, regions=found.also("us-east-1") if found else ("us-east-1",))

    assert suspensions.change("orders", add)[1].regions == ("eu-west-1", "us-east-1")


def test_what_makes_no_sense_suspends_everything_and_can_be_resumed(table: Any, clients: Clients) -> None:
    table.put_item(TableName=TABLE, Item={**KEY, "sk": {"S": "suspend"}, "body": {"S": "{}"}})
    before, after = Suspensions(clients, "us-east-1").change("orders", lambda _: None)
    assert before is not None
    assert (before.whole, after) == (True, None)


def test_without_a_table_there_is_nothing_to_suspend(dynamodb: Any, clients: Clients) -> None:
    with pytest.raises(NotDeployed, match="no table meridian-state in us-east-1"):
        Suspensions(clients, "us-east-1").change("orders", lambda _: INCIDENT)
