"""The sample service against a real PostgreSQL: what it answers, what it logs, and what it refuses."""

from __future__ import annotations

import base64
import itertools
import json
import time

import pytest

from cdk_app.openapi import routes
from tests.handlers.conftest import HANDLERS
from tests.handlers.gateway import ITEMS, ORDER, Client, event, reply
from tests.handlers.postgres import environment

UNKNOWN = "00000000-0000-4000-8000-000000000000"
KEYS = (f"key-{n}" for n in itertools.count())


@pytest.fixture
def ask(service, orders) -> Client:
    """At the writer, with an empty table."""
    orders.east.sql("TRUNCATE orders, idempotency_keys")
    client = Client(service, environment("us-east-1"))
    yield client
    client.database.drop()


@pytest.fixture
def alone(service) -> Client:
    """Without any database."""
    return Client(service, environment("eu-west-1"))


@pytest.mark.parametrize(
    ("method", "path", "status", "content"),
    [
        ("GET", "/", 200, {"service": "orders", "region": "eu-west-1", "version": "abc"}),
        ("GET", "/health", 200, {"status": "ok", "region": "eu-west-1"}),
        ("GET", "/nowhere", 404, {"message": "there is nothing at /nowhere"}),
        ("GET", "/orders/a/b", 404, {"message": "there is nothing at /orders/a/b"}),
        ("DELETE", "/health", 405, {"message": "/health does not take DELETE; it takes GET"}),
        ("PUT", f"/orders/{UNKNOWN}", 405, {"message": f"/orders/{UNKNOWN} does not take PUT; it takes GET, PATCH"}),
        ("GET", "/orders/first", 404, {"message": "there is no order first"}),
        ("GET", f"/orders/{{{UNKNOWN}}}", 404, {"message": f"there is no order {{{UNKNOWN}}}"}),
    ],
)
def test_answers_without_a_database(method, path, status, content, alone):
    found = alone(method, path)
    assert (found.status, found.content) == (status, content)
    assert found.headers["X-Region"] == "eu-west-1"
    assert found.headers["X-Request-Id"] == "r-1"
    assert found.headers["Cache-Control"] == "no-store"
    assert found.headers["Content-Type"] == "application/json"


def test_refused_method_says_what_is_allowed(alone):
    assert alone("PUT", "/orders").headers["Allow"] == "GET, POST"


def test_an_order_is_made_and_read(ask):
    made = ask.make(next(KEYS))
    assert made.status == 201
    order = made.content
    assert {name: order[name] for name in ("customer", "status", "items", "total", "region", "version")} == {
        **ORDER,
        "status": "new",
        "total": 1900,
        "region": "eu-west-1",  # where the code runs; the environment of the database is the test's
        "version": 1,
    }
    assert made.headers["Location"] == f"/orders/{order['id']}"
    read = ask("GET", made.headers["Location"])
    assert (read.status, read.content, read.headers["ETag"]) == (200, order, '"1"')
    assert ask("GET", made.headers["Location"].replace(order["id"], order["id"].upper())).content == order


def test_same_key_same_answer(ask, orders):
    key = next(KEYS)
    made = ask.make(key)
    ask("PATCH", made.headers["Location"], {"status": "paid"})
    again = ask("POST", "/orders", {"items": ITEMS, "customer": "c-1"}, idempotency_key=key)
    assert (again.status, again.content) == (201, made.content), "the first answer, although the order has moved on"
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in made.headers
    assert orders.east.sql("SELECT count(*) FROM orders") == [["1"]]


def test_a_key_belongs_to_the_client_that_sent_it(service, ask, orders, monkeypatch):
    replies, key = {}, next(KEYS)
    for subject in ("ann", "ben", None, "ann"):
        monkeypatch.setattr(service.identity, "check", lambda _, who=subject: service.identity.Claims(who, {}))
        reply = ask.make(key)
        assert reply.status == 201
        replies.setdefault(subject, []).append(reply.content["id"])
    assert replies["ann"][0] == replies["ann"][1]
    assert len({ids[0] for ids in replies.values()}) == 3


def test_a_key_is_for_one_order(ask, orders):
    key = next(KEYS)
    assert ask.make(key).status == 201
    refused = ask.make(key, customer="c-2")
    assert (refused.status, refused.content["message"][:32]) == (409, "this Idempotency-Key was used fo")
    assert orders.east.sql("SELECT customer FROM orders") == [["c-1"]]


@pytest.mark.parametrize(
    ("steps", "last"),
    [
        (["paid", "shipped"], 200),
        (["cancelled"], 200),
        (["paid", "cancelled"], 200),
        (["paid", "paid"], 200),
        (["shipped"], 409),
        (["new"], 200),
        (["paid", "new"], 409),
        (["cancelled", "paid"], 409),
        (["paid", "shipped", "cancelled"], 409),
    ],
)
def test_steps(steps, last, ask):
    where = ask.make(next(KEYS)).headers["Location"]
    found = [ask("PATCH", where, {"status": status}) for status in steps]
    assert [f.status for f in found] == [200] * (len(steps) - 1) + [last]
    if last == 200:
        assert ask("GET", where).content == found[-1].content
        assert found[-1].content["version"] == 1 + len(set(steps) - {"new"})
    else:
        assert found[-1].content["message"].endswith(f"not {steps[-1]}")


@pytest.mark.parametrize(
    ("condition", "status"),
    [('"1"', 200), ("*", 200), ('"7", "1"', 200), ('"2"', 412), ('W/"1"', 412), ('"x"', 412), ("1", 400), ("", 400)],
)
def test_conditions(condition, status, ask):
    where = ask.make(next(KEYS)).headers["Location"]
    found = ask("PATCH", where, {"status": "paid"}, If_Match=condition)
    assert found.status == status
    assert ask("GET", where).content["status"] == ("paid" if status == 200 else "new")
    if status == 412:
        assert found.headers["ETag"] == '"1"'


def test_of_two_who_saw_the_same_version_one_wins(ask):
    where = ask.make(next(KEYS)).headers["Location"]
    assert ask("PATCH", where, {"status": "paid"}, If_Match='"1"').status == 200
    assert ask("PATCH", where, {"status": "cancelled"}, If_Match='"1"').status == 412
    assert ask("PATCH", where, {"status": "paid"}, If_Match='"1"').status == 200, (
        "what was done is done: a repeated request"
    )
    assert ask("GET", where).content["version"] == 2


def test_unknown_order(ask):
    assert ask("GET", f"/orders/{UNKNOWN}").status == 404
    assert ask("PATCH", f"/orders/{UNKNOWN}", {"status": "paid"}).status == 404


def test_pages_hold_every_order_once_the_newest_first(ask, orders):
    made = [ask.make(next(KEYS), customer=f"c-{n % 2}").content["id"] for n in range(7)]
    orders.east.sql("UPDATE orders SET created_at = (SELECT min(created_at) FROM orders) WHERE total > 0")  # a tie
    for query, wanted in (("", made), ("&customer=c-0", made[::2]), ("&customer=c-9", [])):
        seen, after = [], ""
        while True:
            page = ask("GET", f"/orders?limit=2{query}{after}").content
            assert len(page["orders"]) <= 2
            seen += [order["id"] for order in page["orders"]]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert sorted(seen) == sorted(wanted)


def test_newest_first_and_a_page_is_not_moved_by_new_orders(ask):
    made = [ask.make(next(KEYS)).content["id"] for _ in range(4)]
    first = ask("GET", "/orders?limit=2").content
    assert [order["id"] for order in first["orders"]] == [made[3], made[2]]
    ask.make(next(KEYS))
    rest = ask("GET", f"/orders?after={first['next']}").content
    assert ([order["id"] for order in rest["orders"]], rest["next"]) == ([made[1], made[0]], None)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("limit=0", ["limit"]),
        ("limit=101&customer=a%20b", ["customer", "limit"]),
        ("after=x&limit=ten&colour=red", ["colour", "limit", "after"]),
        ("limit=1&limit=2", ["limit"]),
        ("customer=%00", ["customer"]),
        ("limit=%EF%BC%91", ["limit"]),
    ],
)
def test_wrong_queries(query, fields, alone):
    found = alone("GET", f"/orders?{query}")
    assert found.status == 400
    assert [problem["field"] for problem in found.content["problems"]] == fields
    assert all(problem["message"] in found.content["message"] for problem in found.content["problems"])


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "application/json"}, "{}", 400),
        ({"content-type": "application/json", "idempotency-key": "a b"}, "{}", 400),
        ({"content-type": "application/json", "idempotency-key": "k" * 129}, "{}", 400),
        ({"CONTENT-TYPE": "application/json; charset=utf-8", "IDEMPOTENCY-KEY": "k"}, "{}", 422),
        ({"content-type": "text/plain", "idempotency-key": "k"}, "{}", 415),
        ({"idempotency-key": "k"}, "{}", 415),
        ({"content-type": "application/json", "idempotency-key": "k"}, None, 400),
        ({"content-type": "application/json", "idempotency-key": "k"}, "[1", 400),
        ({"content-type": "application/json", "idempotency-key": "k"}, '{"a": NaN}', 400),
        ({"content-type": "application/json", "idempotency-key": "k"}, "[" * 30_000, 400),
        ({"content-type": "application/json", "idempotency-key": "k"}, '{"customer": "\ud800", "items": []}', 422),
        ({"content-type": "application/json", "idempotency-key": "k"}, '"' + "x" * 65_536 + '"', 413),
        ({"content-type": "application/json", "idempotency-key": "k"}, "3", 422),
    ],
)
def test_wrong_bodies(headers, body, status, service, alone):
    asked = event("POST", "/orders", headers=headers, body=body)
    assert reply(service.app.serve(asked, None, alone.database)).status == status


def test_all_problems_at_once(alone):
    wrong = {"customer": "", "items": [{"sku": "a", "quantity": 0}, 7, {**ITEMS[0], "unitPrice": True}], "note": 1}
    found = alone("POST", "/orders", wrong, Idempotency_Key="k")
    assert found.status == 422
    assert [problem["field"] for problem in found.content["problems"]] == [
        *["note", "customer", "items[0].quantity", "items[0].unitPrice", "items[1]", "items[2].unitPrice"]
    ]


def test_body_in_base64(ask, service):
    asked = event("POST", "/orders", headers={"Content-Type": "application/json", "Idempotency-Key": next(KEYS)})
    encoded = base64.b64encode(json.dumps(ORDER).encode()).decode()
    for body, status in ((encoded, 201), (encoded + "?", 400)):
        answer = service.app.serve({**asked, "body": body, "isBase64Encoded": True}, None, ask.database)
        assert reply(answer).status == status


def test_one_line_of_json_for_each_request_without_what_was_sent(ask, capsys):
    ask(
        "POST",
        "/orders",
        {**ORDER, "customer": "c-secret"},
        Idempotency_Key="key-secret",
        X_Client_Authorization="secret",
    )
    ask("GET", "/orders?customer=c-secret")
    ask("GET", "/nowhere")
    out = capsys.readouterr().out
    lines = [json.loads(line) for line in out.splitlines()]
    assert [(line["status"], line["path"], line["request"]) for line in lines] == [
        *[(201, "/orders", "r-1"), (200, "/orders", "r-1"), (404, "/nowhere", "r-1")]
    ]
    assert [line["database"] for line in lines] == ["writer"] * 3
    assert all(line["ms"] >= line["databaseMs"] >= 0 for line in lines)
    assert lines[0]["databaseMs"] > 0
    assert lines[2]["databaseMs"] == 0
    assert "secret" not in out


def test_what_goes_wrong_inside_is_a_500_and_a_place_in_the_log(ask, orders, capsys):
    orders.east.sql("ALTER TABLE orders RENAME TO hidden")
    try:
        found = ask("GET", "/orders?customer=c-secret")
    finally:
        orders.east.sql("ALTER TABLE hidden RENAME TO orders")
    assert (found.status, found.content) == (500, {"message": "this failed, and it is not your fault"})
    line = json.loads(capsys.readouterr().out)
    assert line["level"] == "error"
    assert line["reason"].startswith("DatabaseError 42P01 at ")
    assert "secret" not in json.dumps(line)


def test_without_a_database_the_answer_is_503_within_the_time_of_the_function(alone, capsys):
    class Context:
        aws_request_id = "lambda-1"

        def get_remaining_time_in_millis(self) -> int:
            return 900

    alone.database._environment["DB_WRITER"] = alone.database._environment["DB_READER"] = (
        "gone.eu-west-1.rds.amazonaws.com"
    )
    began = time.perf_counter()
    found = alone("GET", "/orders", context=Context())
    assert time.perf_counter() - began < 3, "not the four seconds that there would be otherwise"
    assert (found.status, found.headers["Retry-After"]) == (503, "2")
    assert json.loads(capsys.readouterr().out)["reason"].startswith("[Errno")
    assert alone("GET", "/health").status == 200


def test_without_a_context_there_are_four_seconds(service):
    assert service.app._seconds(None) == 4.0


def test_handler_is_what_lambda_calls(service):
    answer = service.app.handler(event("GET", "/health"), None)
    assert reply(answer).content == {"status": "ok", "region": "eu-west-1"}


def test_document_names_the_routes_that_exist(service):
    documented = {path: {m.upper() for m in methods} for path, methods in routes(HANDLERS / "api/openapi.yaml").items()}
    assert documented == {path: set(operations) for path, operations in service.app.ROUTES.items()}


def test_who_is_not_admitted_is_told_so_and_the_health_path_is_not_asked_about(service, alone, monkeypatch):
    refusal = service.identity.Refusal({"WWW-Authenticate": "Bearer"}, "no token")
    monkeypatch.setattr(service.identity, "check", lambda _: refusal)
    assert alone("GET", "/").status == 401
    assert alone("GET", "/health").status == 200


def test_migrations_are_numbered_without_a_gap():
    numbers = [int(path.name.split("_")[0]) for path in sorted((HANDLERS / "api/migrations").glob("*.sql"))]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers
