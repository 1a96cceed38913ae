"""`report`: a page from what a table in memory holds."""

from __future__ import annotations

import json

import pytest

from reconciler.report.status import status_document
from tests.fakes import outcomes
from tests.unit.cli.test_suspending import table  # noqa: F401

HOME = ("--home-region", "us-east-1")


@pytest.fixture
def keep(table):  # noqa: F811
    def kept(name, document):
        item = {"pk": {"S": f"topology#{name}"}, "sk": {"S": "status"}, "body": {"S": json.dumps(document)}}
        table.put_item(TableName="meridian-state", Item=item)

    return kept


def test_the_page_of_a_topology_goes_to_a_file(meridian, keep, tmp_path):
    keep("orders", status_document(outcomes.drifted(), None))
    out = tmp_path / "page.html"
    ran = meridian("report", "orders", *HOME, "--out", out)
    assert (ran.code, ran.out, ran.err) == (0, f"{out}: orders, as the last pass left it\n", "")
    text = out.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "edge/priceClass" in text


def test_what_is_not_recorded_is_named_and_the_rest_is_told(meridian, keep, tmp_path):
    out = tmp_path / "page.html"
    ran = meridian("report", "orders", *HOME, "--out", out)
    assert (ran.code, out.exists()) == (1, False)
    assert "NotRecorded: nothing is recorded of orders in us-east-1" in ran.err
    keep("orders", status_document(outcomes.outcome(), None))
    missing = tmp_path / "no" / "page.html"
    ran = meridian("report", "orders", *HOME, "--out", missing)
    assert (ran.code, ran.err) == (1, f"FileError: {missing}: no such file or directory\n")
