"""No order is lost and none is made twice: many clients at once, each in an environment of its own, while the writer moves.

Writes go to the Region that writes; in the other one they are refused with 25006 here, as nothing forwards them.
"""

from __future__ import annotations

import itertools
import os
import random
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.handlers.gateway import Client
from tests.handlers.postgres import environment

CLIENTS = 8
KEYS = 12
SOAK = bool(os.environ.get("MERIDIAN_SOAK"))


@pytest.fixture
def clients(service, orders):
    orders.east.sql("TRUNCATE orders, idempotency_keys")
    found = [Client(service, environment("us-east-1")) for _ in range(CLIENTS)]
    yield found
    for client in found:
        client.database.drop()


def test_one_order_for_each_key_however_many_ask_at_once(clients, orders):
    """All clients send the same keys at the same moment, then again in another order."""
    start = threading.Barrier(CLIENTS)

    def run(client):
        found = []
        for key in [*range(KEYS), *random.Random(id(client)).sample(range(KEYS), KEYS)]:
            if len(found) < KEYS:
                start.wait()
            found.append((key, client.make(f"key-{key}")))
        return found

    with ThreadPoolExecutor(CLIENTS) as pool:
        replies = [reply for found in pool.map(run, clients) for reply in found]
    assert {reply.status for _, reply in replies} == {201}
    contents = defaultdict(list)
    for key, reply in replies:
        contents[key].append(reply.content)
    assert all(content == found[0] for found in contents.values() for content in found)
    fresh = [reply for _, reply in replies if "Idempotent-Replayed" not in reply.headers]
    assert len(fresh) == KEYS, "one of them made it"
    assert sorted(orders.east.sql("SELECT id FROM orders")) == sorted([found[0]["id"]] for found in contents.values())


def test_one_of_two_orders_for_the_same_key(clients, orders):
    """Both are told apart, whoever comes first."""
    start = threading.Barrier(CLIENTS)

    def run(number):
        start.wait()
        return clients[number].make("key", customer=f"c-{number}")

    with ThreadPoolExecutor(CLIENTS) as pool:
        replies = list(pool.map(run, range(CLIENTS)))
    assert sorted(reply.status for reply in replies) == [201] + [409] * (CLIENTS - 1)
    (made,) = [reply.content["customer"] for reply in replies if reply.status == 201]
    assert orders.east.sql("SELECT customer FROM orders") == [[made]]


def test_each_step_is_taken_once_however_many_take_it(clients, orders):
    where = clients[0].make("key").headers["Location"]
    start = threading.Barrier(CLIENTS)

    def run(client):
        start.wait()
        return client("PATCH", where, {"status": "paid" if client in clients[::2] else "cancelled"}, If_Match='"1"')

    with ThreadPoolExecutor(CLIENTS) as pool:
        replies = list(pool.map(run, clients))
    done = {reply.content["status"] for reply in replies if reply.status == 200}
    assert len(done) == 1
    assert {reply.status for reply in replies} == {200, 412}
    assert clients[0]("GET", where).content["version"] == 2


def test_a_statement_that_was_committed_but_not_answered(clients, orders, service, monkeypatch):
    """The connection breaks after the commit: sent again, the statement finds its own order and its own step."""
    client = clients[0]
    run = service.database.Session.run
    broken = []

    def breaking(session, statement, parameters, *, deadline):
        rows = run(session, statement, parameters, deadline=deadline)
        if statement in (service.sql.CREATE_ORDER, service.sql.CHANGE_STATUS) and statement not in broken:
            broken.append(statement)
            raise service.rds.InterfaceError("network error")
        return rows

    monkeypatch.setattr(service.database.Session, "run", breaking)
    made = client.make("key")
    assert made.status == 201
    assert "Idempotent-Replayed" not in made.headers
    paid = client("PATCH", made.headers["Location"], {"status": "paid"}, If_Match='"1"')
    assert (paid.status, paid.content["version"]) == (200, 2)
    assert len(broken) == 2
    assert orders.east.sql("SELECT id, status, version FROM orders") == [[made.content["id"], "paid", "2"]]


@pytest.mark.parametrize("seconds", [5, 10, 20, 40] if SOAK else [1.5])
def test_no_order_is_lost_or_made_twice_while_the_writer_moves(seconds, service, moving):
    """Clients go on with a key until it is answered, in whichever Region; the writer moves under them."""
    moved, answered, failures = threading.Event(), [], []

    def keys(number):
        for n in itertools.count():
            if moved.is_set():
                break
            yield f"{number}-{n}"
        yield from (f"{number}-after-{n}" for n in range(5))

    def run(number):
        there, here = (Client(service, environment(region)) for region in ("us-east-1", "eu-west-1"))
        for key in keys(number):
            while (reply := (here if moved.is_set() else there).make(key)).status != 201:
                failures.append(reply.status)
            answered.append((key, reply.content["id"]))
            again = (here if moved.is_set() else there).make(key)
            if again.status == 201:
                answered.append((key, again.content["id"]))
        for client in (there, here):
            client.database.drop()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    before = len(answered)
    moving.switch_over(between=lambda: time.sleep(0.5))
    moved.set()
    for thread in threads:
        thread.join()
    assert 0 < before < len(answered)
    assert set(failures) <= {503}, "nobody is told anything else"
    ids = defaultdict(set)
    for key, order in answered:
        ids[key].add(order)
    assert {len(found) for found in ids.values()} == {1}, "one key, one order"
    there = [row[0] for row in moving.west.sql("SELECT id FROM orders")]
    assert len(there) == len(set(there)) == len(ids)
    assert set(there) == {order for found in ids.values() for order in found}, (
        "what was answered is there, and nothing else"
    )
