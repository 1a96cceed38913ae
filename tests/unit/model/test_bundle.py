"""Which bundle may follow which, and since when a head is ahead."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.bundle import Accepted, Bundle, Head, accepted, announced
from tests.fakes.bundles import AT, commit


def bundle(generation: int, version: str, *, rollback: bool = False) -> Bundle:
    return Bundle(
        topology="orders",
        commit=f"{generation:040x}",
        author="Ada",
        generation=generation,
        repository="",
        rollback=rollback,
        digest=f"sha256:{generation}",
        document="desired_state/orders.yaml",
        code={},
        version=version,
    )


FIVE = accepted(bundle(5, "v5"), mark=5)
BACK_AT_THREE = FIVE.followed(bundle(3, "v6", rollback=True))


@pytest.mark.parametrize(
    ("before", "generation", "version", "rollback", "taken"),
    [
        (FIVE, 6, "v6", False, True),
        (FIVE, 5, "v6", False, True),
        (FIVE, 4, "v6", False, False),
        (FIVE, 4, "v6", True, True),
        (BACK_AT_THREE, 3, "v6", False, True),
        (BACK_AT_THREE, 4, "v7", False, False),
        (BACK_AT_THREE, 5, "v7", False, False),
        (BACK_AT_THREE, 5, "v7", True, True),
        (BACK_AT_THREE, 6, "v7", False, True),
    ],
    ids=str,
)
def test_an_old_workflow_that_runs_again_undoes_nothing(before, generation, version, rollback, taken):
    refusal = before.takes(bundle(generation, version, rollback=rollback))
    assert (refusal is None) == taken
    if refusal:
        assert refusal.code == "OlderGeneration"
        assert "--rollback" in refusal.message


def test_a_rollback_does_not_lower_the_mark():
    assert (BACK_AT_THREE.generation, BACK_AT_THREE.mark, BACK_AT_THREE.rollback) == (3, 5, True)
    onward = BACK_AT_THREE.followed(bundle(6, "v7"))
    assert (onward.generation, onward.mark, onward.rollback) == (6, 6, False)


def test_an_object_without_a_version_is_none_that_was_accepted():
    assert replace(FIVE, version="").takes(bundle(4, "")) is not None


def test_it_comes_back_from_a_status_as_it_was_and_from_an_older_one_at_all():
    assert Accepted.recorded({"bundle": BACK_AT_THREE.document()}) == BACK_AT_THREE
    assert Accepted.recorded({"bundle": None}) is None
    assert Accepted.recorded(None) is None
    assert Accepted.recorded({"bundle": FIVE.document() | {"added later": 1}}) == FIVE


def test_heads_without_a_bundle_are_ahead_since_the_first_of_them():
    first = announced(commit(6), 5, Head(commit="", generation=5, since=AT - timedelta(days=1)), AT)
    assert (first.generation, first.since) == (6, AT)
    assert announced(commit(7), 5, first, AT + timedelta(minutes=10)).since == AT
    later = AT + timedelta(minutes=20)
    assert announced(commit(8), 7, first, later).since == later
    assert announced(commit(8), 7, None, later).since == later
