"""What can be done with orders. Each operation checks, runs a statement or two, and says how that went.

Prices and totals are whole numbers of the smallest unit of money, so that nothing is ever rounded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import sql
import validation
from database import Database, Unavailable
from web import Answer, Problem, Refused, Request, json_body

BEFORE: Mapping[str, tuple[str, ...]] = {
    "new": (),
    "paid": ("new",),
    "shipped": ("paid",),
    "cancelled": ("new", "paid"),
}
"""The statuses from which one may be reached."""
_TRIES = 3

Order = dict[str, Any]


def create(request: Request, database: Database, region: str) -> Answer:
    """Makes one order for each key, however often and wherever the request is sent; the answer is the first one's."""
    _refuse(400, validation.key_problems(request.headers))
    body = json_body(request)
    _refuse(422, validation.order_problems(body))
    order, digest = _drafted(body, region), _digest(body)
    ((seen, stored),) = database.run(
        sql.CREATE_ORDER,
        deadline=request.deadline,
        key=_key(request),
        request_sha256=digest,
        response=json.dumps(order),
        id=order["id"],
        customer=order["customer"],
        status=order["status"],
        items=json.dumps(order["items"]),
        total=order["total"],
        region=region,
        created_at=order["createdAt"],
    )
    if seen != digest:
        raise Refused(409, "this Idempotency-Key was used for another request; a new order needs a new key")
    replayed = {} if stored["id"] == order["id"] else {"Idempotent-Replayed": "true"}
    return _answer(201, stored, {"Location": f"/orders/{stored['id']}", **replayed})


def _key(request: Request) -> str:
    """A client's keys are its own, as far as it says who it is: nobody gets another one's answer for a key that he guessed. Keys
    have no line breaks, so one of a subject is nobody else's."""
    key = request.headers["idempotency-key"]
    return f"{request.subject}\n{key}" if request.subject else key


def read(request: Request, database: Database) -> Answer:
    rows = database.run(sql.READ_ORDER, deadline=request.deadline, id=_id(request))
    if not rows:
        raise _absent(request)
    return _answer(200, _order(rows[0]))


def change(request: Request, database: Database) -> Answer:
    """Moves an order on. Without If-Match the last one wins whose step is legal then."""
    order_id = _id(request)
    _refuse(400, validation.condition_problems(request.headers))
    body = json_body(request)
    _refuse(422, validation.status_problems(body))
    wanted, versions = body["status"], validation.versions(request.headers.get("if-match"))
    for _ in range(_TRIES):
        rows = database.run(
            sql.CHANGE_STATUS,
            deadline=request.deadline,
            id=order_id,
            status=wanted,
            allowed=[*BEFORE[wanted], wanted],
            versions=versions,
            now=validation.moment(datetime.now(UTC)),
        )
        if rows:
            return _answer(200, _order(rows[0]))
        found = database.run(sql.READ_ORDER_AT_WRITER, deadline=request.deadline, id=order_id)
        if not found:
            raise _absent(request)
        _refuse_step(_order(found[0]), wanted, versions)
    raise Unavailable(
        "the order changes faster than it can be looked at"
    )  # each time it was legal again a moment later


def index(request: Request, database: Database) -> Answer:
    """A page of orders, the newest first. One more is read than is shown, to know whether there is a next page."""
    _refuse(400, validation.list_problems(request.query))
    given = {name: values[0] for name, values in request.query.items()}
    limit = int(given.get("limit", validation.LIMIT[1]))
    at, order_id = validation.cursor(given["after"]) or validation.FIRST if "after" in given else validation.FIRST
    one = {"customer": given["customer"]} if "customer" in given else {}
    statement = sql.LIST_ORDERS_OF_CUSTOMER if one else sql.LIST_ORDERS
    rows = database.run(statement, deadline=request.deadline, at=at, id=order_id, limit=limit + 1, **one)
    orders = [_order(row) for row in rows[:limit]]
    last = orders[-1] if len(rows) > limit else None
    after = validation.cursor_text(last) if last else None
    return Answer(status=200, content={"orders": orders, "next": after})


def _drafted(body: Mapping[str, Any], region: str) -> Order:
    now = validation.moment(datetime.now(UTC))
    return {
        "id": str(uuid4()),
        "customer": body["customer"],
        "status": "new",
        "items": body["items"],
        "total": sum(item["quantity"] * item["unitPrice"] for item in body["items"]),
        "region": region,
        "version": 1,
        "createdAt": now,
        "updatedAt": now,
    }


def _digest(body: Any) -> str:
    """Of what was asked for, not of how it was written: blanks and the order of fields do not make another request."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _order(row: Sequence[Any]) -> Order:
    order_id, customer, status, items, total, region, version, created, updated = row
    return {
        "id": str(order_id),
        "customer": customer,
        "status": status,
        "items": items,
        "total": total,
        "region": region,
        "version": version,
        "createdAt": validation.moment(created),
        "updatedAt": validation.moment(updated),
    }


def _answer(status: int, order: Order, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status=status, content=order, headers={"ETag": f'"{order["version"]}"', **(headers or {})})


def _id(request: Request) -> str:
    try:
        order_id = str(UUID(request.parameters["id"]))
    except ValueError:
        raise _absent(request) from None
    if order_id != request.parameters["id"].lower():  # other spellings of a UUID are other paths
        raise _absent(request)
    return order_id


def _absent(request: Request) -> Refused:
    return Refused(404, f"there is no order {request.parameters['id']}")


def _refuse(status: int, problems: Iterator[Problem]) -> None:
    if found := tuple(problems):
        raise Refused(status, "; ".join(f"{p.field} {p.message}" for p in found), problems=found)


def _refuse_step(order: Order, wanted: str, versions: Sequence[int] | None) -> None:
    """Says why the order as it stands cannot take the step. Says nothing if it can: then it has changed since."""
    if versions is not None and order["version"] not in versions:
        raise Refused(
            412, f"the order has version {order['version']} by now", headers={"ETag": f'"{order["version"]}"'}
        )
    if order["status"] not in (*BEFORE[wanted], wanted):
        allowed = ", ".join(status for status, before in BEFORE.items() if order["status"] in before) or "nothing"
        raise Refused(409, f"the order is {order['status']}: that can become {allowed}, not {wanted}")
