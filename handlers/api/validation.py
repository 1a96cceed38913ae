"""What requests may say. Pure: each function tells all problems at once, in the words that the client reads."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from web import Problem

STATUSES = ("new", "paid", "shipped", "cancelled")
CUSTOMER = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}"
SKU = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
KEY = r"[!-~]{1,128}"
CURSOR = r"[0-9]{1,16}_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""Of the last order of a page: microseconds since 1970, and id."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TAG = r'(W/)?"[!#-~]*"'
MAX_ITEMS = 100
MAX_QUANTITY = 10_000
MAX_PRICE = 100_000_000
LIMIT = (1, 20, 100)
"""Least, default and most orders of a page."""

Cursor = tuple[str, str]
FIRST: Cursor = ("infinity", "ffffffff-ffff-ffff-ffff-ffffffffffff")
"""Before the newest order: time and id."""


def order_problems(body: Any) -> Iterator[Problem]:
    if not isinstance(body, dict):
        yield Problem(field="body", message="must be an object")
        return
    yield from _unknown(body, ("customer", "items"), "")
    yield from _text(
        body, "customer", CUSTOMER, "1 to 100 letters, digits, or . _ @ -, beginning with a letter or digit"
    )
    items = body.get("items")
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_ITEMS:
        yield Problem(field="items", message=f"must be a list of 1 to {MAX_ITEMS} items")
        return
    for i, item in enumerate(items):
        yield from _item_problems(item, f"items[{i}]")


def status_problems(body: Any) -> Iterator[Problem]:
    if not isinstance(body, dict):
        yield Problem(field="body", message="must be an object")
        return
    yield from _unknown(body, ("status",), "")
    if body.get("status") not in STATUSES:
        yield Problem(field="status", message=f"must be one of {', '.join(STATUSES)}")


def key_problems(headers: Mapping[str, str]) -> Iterator[Problem]:
    if not re.fullmatch(KEY, headers.get("idempotency-key", "")):
        message = "must be there, with 1 to 128 visible ASCII characters; send the same one when you try again"
        yield Problem(field="Idempotency-Key", message=message)


def list_problems(query: Mapping[str, tuple[str, ...]]) -> Iterator[Problem]:
    yield from _unknown(query, ("customer", "limit", "after"), "")
    for name in sorted(n for n, values in query.items() if len(values) > 1):
        yield Problem(field=name, message="must be there once at most")
    given = {name: values[-1] for name, values in query.items()}
    yield from _text({"customer": "any", **given}, "customer", CUSTOMER, "a customer, as orders have it")
    if (limit := given.get("limit")) is not None and not (
        re.fullmatch("[0-9]{1,3}", limit) and LIMIT[0] <= int(limit) <= LIMIT[2]
    ):
        yield Problem(field="limit", message=f"must be a number from {LIMIT[0]} to {LIMIT[2]}")
    if "after" in given and cursor(given["after"]) is None:
        yield Problem(field="after", message="must be what a page gave as `next`")


def condition_problems(headers: Mapping[str, str]) -> Iterator[Problem]:
    condition = headers.get("if-match")
    if condition is not None and not re.fullmatch(rf"[*]|{TAG}( ?, ?{TAG})*", condition.strip()):
        yield Problem(field="If-Match", message='must be *, or tags in quotes as ETag gives them, such as "1"')


def versions(condition: str | None) -> list[int] | None:
    """The versions that If-Match allows; None if it allows any. A weak tag never matches (RFC 9110, 13.1.1)."""
    if condition is None or condition.strip() == "*":
        return None
    return [int(tag) for tag in re.findall(r'(?<!/)"([0-9]{1,9})"', condition)]


def cursor(text: str) -> Cursor | None:
    """Time and id of the order after which a page begins; None if `text` is not what `cursor_text` makes."""
    if not re.fullmatch(CURSOR, text):
        return None
    microseconds, order = text.split("_")
    return moment(EPOCH + timedelta(microseconds=int(microseconds))), order


def cursor_text(order: Mapping[str, Any]) -> str:
    since = datetime.fromisoformat(order["createdAt"]) - EPOCH
    return f"{since // timedelta(microseconds=1)}_{order['id']}"


def moment(at: datetime) -> str:
    """In UTC, always with microseconds, so that texts sort as times do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _item_problems(item: Any, at: str) -> Iterator[Problem]:
    if not isinstance(item, dict):
        yield Problem(field=at, message="must be an object")
        return
    yield from _unknown(item, ("sku", "quantity", "unitPrice"), f"{at}.")
    yield from _text(item, "sku", SKU, "1 to 64 letters, digits, or . _ -, beginning with a letter or digit", f"{at}.")
    yield from _integer(item, "quantity", 1, MAX_QUANTITY, f"{at}.")
    yield from _integer(item, "unitPrice", 0, MAX_PRICE, f"{at}.")


def _unknown(given: Mapping[str, Any], known: Collection[str], at: str) -> Iterator[Problem]:
    for name in sorted(set(given) - set(known)):
        yield Problem(field=f"{at}{name}", message=f"is not known; there is {', '.join(known)}")


def _text(given: Mapping[str, Any], name: str, pattern: str, allowed: str, at: str = "") -> Iterator[Problem]:
    value = given.get(name)
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        yield Problem(field=f"{at}{name}", message=f"must be {allowed}")


def _integer(given: Mapping[str, Any], name: str, least: int, most: int, at: str) -> Iterator[Problem]:
    value = given.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        yield Problem(field=f"{at}{name}", message=f"must be a whole number from {least} to {most}")
