"""What is remembered of stacks: a mark for each operation, and nothing that a stranger wrote."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.model import structure
from reconciler.model.observed import Unknown
from reconciler.model.structure import Remembered, mark_of
from tests.fakes.outcomes import observed

THEN, LATER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
STACK: dict[str, Any] = {
    "StackName": "meridian-orders-api",
    "StackId": "arn:aws:cloudformation:eu-west-1:111111111111:stack/meridian-orders-api/1",
    "StackStatus": "UPDATE_COMPLETE",
    "CreationTime": THEN,
    "LastUpdatedTime": THEN,
    "LastOperations": [{"OperationType": "UPDATE_STACK", "OperationId": "a"}],
}
ONE = Remembered(mark="m", template="t", key="api", ids={"Api": "abc"}, settled_at=THEN)


@pytest.mark.parametrize(
    "after",
    [
        {"LastUpdatedTime": LATER},
        {"StackStatus": "UPDATE_ROLLBACK_COMPLETE"},
        {"StackStatus": "IMPORT_COMPLETE"},
        {"StackId": "arn:aws:cloudformation:eu-west-1:111111111111:stack/meridian-orders-api/2"},
        {"ChangeSetId": "arn:aws:cloudformation:eu-west-1:111111111111:changeSet/import/3"},
        {"LastOperations": [{"OperationType": "CONTINUE_ROLLBACK", "OperationId": "b"}]},
    ],
    ids=lambda after: next(iter(after)),
)
def test_every_operation_leaves_another_mark(after: dict[str, Any]) -> None:
    """Whichever of these AWS lets move for it."""
    assert mark_of({**STACK, **after}) not in {"", mark_of(STACK)}


def test_a_change_set_that_was_only_made_is_no_operation() -> None:
    made = {"OperationType": "CREATE_CHANGESET", "OperationId": "c"}
    assert mark_of({**STACK, "LastOperations": [made, *STACK["LastOperations"]]}) == mark_of(STACK)


@pytest.mark.parametrize(
    "status",
    ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED", "REVIEW_IN_PROGRESS"],
)
def test_what_moves_or_stopped_halfway_has_none(status: str) -> None:
    assert mark_of({**STACK, "StackStatus": status}) == ""


def test_it_comes_back_from_the_status_as_it_was() -> None:
    found = {"api/eu-west-1": ONE, "edge": replace(ONE, ids={}, settled_at=None)}
    assert structure.recorded({"structure": structure.document(found)}) == found


@pytest.mark.parametrize(
    "written", [None, {}, {"structure": None}, {"structure": [1]}, {"structure": {"a": {"ids": 3}}}]
)
def test_of_what_makes_no_sense_nothing_is_known(written: Any) -> None:
    assert structure.recorded(written) == {}


def test_of_a_stack_that_cannot_be_read_now_it_is_what_was_known_before() -> None:
    found = observed()
    ref = next(ref for ref in found.stacks if str(ref) == "api/eu-west-1")
    dark = replace(
        found,
        stacks={ref: Unknown("Unreachable", "")},
        recorded={"structure": structure.document({str(ref): ONE, "gone": ONE})},
    )
    assert structure.remembered(dark, {}) == {str(ref): ONE}
