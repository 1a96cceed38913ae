"""DRIFT.md says what the code decides by, and what is tested."""

from __future__ import annotations

import pytest

from reconciler.diff.disposition import ROWS
from reconciler.model.change import Tool
from tests.catalogue.documented import TABLE, TEMPLATES, TOOLS, document, seen_by
from tests.catalogue.rows import ALL, UNTESTED


def test_the_document_is_up_to_date() -> None:
    assert TABLE.read_text(encoding="utf-8") == document(), "run `make catalogue`"


def test_every_tool_and_stack_has_its_words() -> None:
    assert set(TOOLS) == set(Tool)
    assert {row.kind for row in ROWS if row.kind} <= set(TEMPLATES)


@pytest.mark.parametrize(
    ("what", "seen"),
    [
        ("function code changed", "read"),
        ("methods of the REST API edited", "read"),
        ("the master password changed", "–"),
        ("the writer moved to another Region", "read"),
        ("the distribution disabled", "read and change set"),
        ("the asset bucket or the table of states changed", "change set"),
    ],
)
def test_what_a_template_cannot_read_back_is_not_seen_by_change_sets(what: str, seen: str) -> None:
    [row] = [row for row in ROWS if row.what == what]
    assert seen_by(row) == seen


def test_the_tests_and_the_product_number_alike() -> None:
    assert {row.number for row in ROWS} <= {row.number for row in ALL} | set(UNTESTED)
