"""What requests may say, with generated ones: nothing raises, problems name what is wrong, and what passes fits the database."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.handlers.conftest import HANDLERS, sandbox
from tests.handlers.postgres import environment

MODULES = sandbox(HANDLERS / "api", environment("eu-west-1"))
VALIDATION, ORDERS = MODULES.validation, MODULES.orders
DOCUMENT = yaml.safe_load((HANDLERS / "api/openapi.yaml").read_text())
SCHEMAS = DOCUMENT["components"]["schemas"]
(DOCUMENT_CURSOR,) = (
    p["schema"]["pattern"] for p in DOCUMENT["paths"]["/orders"]["get"]["parameters"] if p["name"] == "after"
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ITEM = st.fixed_dictionaries(
    {
        "sku": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True),
        "quantity": st.integers(1, 10_000),
        "unitPrice": st.integers(0, 100_000_000),
    }
)
ORDER = st.fixed_dictionaries(
    {
        "customer": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}", fullmatch=True),
        "items": st.lists(ITEM, min_size=1, max_size=5),
    }
)


def spoiled(order, path, value):
    """The order with one place taken by something else."""
    changed = json.loads(json.dumps(order))
    *way, last = path
    place = changed
    for step in way:
        place = place[step]
    place[last] = value
    return changed


PLACES = st.sampled_from(
    [
        ("customer",),
        ("items",),
        ("items", 0),
        ("items", 0, "sku"),
        ("items", 0, "quantity"),
        ("items", 0, "unitPrice"),
        ("more",),
    ]
)


def schema(name):
    """A schema of the document as a JSON Schema: its references lead to the document's own components."""
    text = json.dumps({**SCHEMAS[name], "components": {"schemas": SCHEMAS}})
    return Draft202012Validator(json.loads(text), format_checker=None)


@given(ORDER)
def test_right_orders_have_no_problems(order):
    assert not list(VALIDATION.order_problems(order))
    assert ORDERS._drafted(order, "eu-west-1")["total"] < 2**63


@settings(max_examples=300)
@given(ORDER, PLACES, JSON)
@example({"customer": "a", "items": [{"sku": "a", "quantity": 1, "unitPrice": 1}]}, ("customer",), "a\n")
@example({"customer": "a", "items": [{"sku": "a", "quantity": 1, "unitPrice": 1}]}, ("items", 0, "quantity"), True)
@example({"customer": "a", "items": [{"sku": "a", "quantity": 1, "unitPrice": 1}]}, ("items", 0, "sku"), "\ud800")
def test_code_and_document_agree_on_what_is_right(order, path, value):
    """Also on orders with one thing wrong. `1.0` is a whole number for JSON Schema, and none for us."""
    body = spoiled(order, path, value)
    problems = list(VALIDATION.order_problems(body))
    if not isinstance(value, float):
        # a `$` in a schema's pattern is one of ECMAScript, which the last line break does not pass
        right = schema("NewOrder").is_valid(body) and not (isinstance(value, str) and value.endswith("\n"))
        assert (problems == []) == right, problems
    if problems:
        named = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)[1:]
        assert any(problem.field.startswith(named) for problem in problems)


@settings(max_examples=300)
@given(JSON)
def test_anything_else_is_a_problem_and_no_error(body):
    assert list(VALIDATION.order_problems(body))
    assert list(VALIDATION.status_problems(body)) or body["status"] in VALIDATION.STATUSES


@given(st.dictionaries(st.sampled_from(["idempotency-key", "if-match"]), st.text(max_size=20)))
@example({"idempotency-key": "k\n"})
@example({"if-match": '"1"\n"2"'})
def test_headers(headers):
    key = headers.get("idempotency-key", "")
    assert (not list(VALIDATION.key_problems(headers))) == (0 < len(key) <= 128 and all("!" <= c <= "~" for c in key))
    list(VALIDATION.condition_problems(headers))


@given(
    st.dictionaries(
        st.sampled_from(["limit", "customer", "after", "x"]), st.lists(st.text(max_size=40), min_size=1, max_size=2)
    )
)
@example(
    {"after": ["MDAwMS0wMS0wMVQwMDowMDowMCswMTowMC8wMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDA"]}
)  # the year 0 in UTC
@example({"limit": ["٣"]})  # a digit, but none of ours
def test_queries(query):
    problems = list(VALIDATION.list_problems({name: tuple(values) for name, values in query.items()}))
    if not problems and "limit" in query:
        assert 1 <= int(query["limit"][0]) <= 100


@given(st.datetimes(datetime(1970, 1, 1), datetime(2280, 1, 1), timezones=st.just(UTC)), st.uuids())
def test_cursors_come_back_as_they_went(at, order):
    text = VALIDATION.cursor_text({"createdAt": VALIDATION.moment(at), "id": str(order)})
    assert re.fullmatch(DOCUMENT_CURSOR, text)
    assert VALIDATION.cursor(text) == (VALIDATION.moment(at), str(order))


@given(st.text(max_size=80) | st.from_regex(DOCUMENT_CURSOR))
@example("9999999999999999_00000000-0000-0000-0000-000000000000")
@example("1_00000000-0000-0000-0000-000000000000\n")
def test_whatever_else_is_no_cursor(text):
    found = VALIDATION.cursor(text)
    assert (found is not None) == bool(re.fullmatch(DOCUMENT_CURSOR.removesuffix("$"), text, re.ASCII))
    if found:
        datetime.fromisoformat(found[0])


@given(st.lists(st.datetimes(timezones=st.just(UTC)), min_size=2))
def test_times_sort_as_texts_do(times):
    assert sorted(map(VALIDATION.moment, times)) == [VALIDATION.moment(at) for at in sorted(times)]
    assert datetime.fromisoformat(VALIDATION.moment(times[0])) == times[0]


@pytest.mark.parametrize(
    ("condition", "versions"),
    [
        (None, None),
        ("*", None),
        (" * ", None),
        ('"3"', [3]),
        ('"3", "5"', [3, 5]),
        ('W/"3"', []),
        ('W/"3","4"', [4]),
        ('"x"', []),
    ],
)
def test_versions_of_a_condition(condition, versions):
    assert VALIDATION.versions(condition) == versions


def test_each_step_is_one_that_is_known():
    assert set(ORDERS.BEFORE) == set(VALIDATION.STATUSES)
    assert {status for before in ORDERS.BEFORE.values() for status in before} <= set(VALIDATION.STATUSES)


@given(JSON)
def test_digest_is_of_what_is_asked_for(body):
    shuffled = json.loads(json.dumps(body, indent=3))
    if isinstance(shuffled, dict):
        shuffled = dict(reversed(shuffled.items()))
    assert ORDERS._digest(shuffled) == ORDERS._digest(body)
