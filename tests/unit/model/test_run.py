"""What a run remembers survives the process, and no other commit."""

import json
from collections import Counter

import pytest

from reconciler.model.run import Run
from reconciler.model.stacks import StackKind, StackRef

API, EDGE = StackRef(StackKind.API, "eu-west-1"), StackRef(StackKind.EDGE, "us-east-1")
RUN = Run(
    executed={API, EDGE},
    recovered={EDGE},
    troubles=Counter({"deploy/edge": 3}),
    deletions=Counter({API: 2}),
    attempt="2026-01-01T00:00:00+00:00",
    put_away={"meridian-1"},
)


def test_it_is_read_as_it_was_written() -> None:
    document = {"run": json.loads(json.dumps(RUN.document("d")))}
    assert Run.recorded(document, "d") == RUN
    assert Run.recorded(document, "another commit") == Run()


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        3,
        {"digest": "d", "executed": ["nowhere"]},
        {"digest": "d", "troubles": 3},
        {"digest": "d", "deletions": {"api": 1}},
    ],
)
def test_nonsense_begins_a_new_run(nonsense: object) -> None:
    assert Run.recorded({"run": nonsense}, "d").executed == set()
