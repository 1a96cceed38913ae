"""The loop under faults and clients: so many seeds; `make soak` runs more of them."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tests.simulation.__main__ import quietly, summed, told
from tests.simulation.run import CUT_BOUND, PLACES, Report

SEEDS = 200
pytestmark = pytest.mark.timeout(600)


@dataclass(frozen=True)
class Runs:
    total: Report
    failures: Sequence[str]


@pytest.fixture(scope="module")
def runs() -> Runs:
    found = [quietly(seed) for seed in range(SEEDS)]
    failures = [story for story in found if isinstance(story, str)]
    return Runs(summed(r for r in found if isinstance(r, Report)), failures)


def test_every_run_converges_breaks_nothing_and_loses_no_request(runs):
    """A failure is the trace of its seed, and the line that runs it again. The counts are shown by `-rP`."""
    sys.stdout.write(told(runs.total, SEEDS - len(runs.failures), 0.0))
    if runs.failures:
        pytest.fail(f"{len(runs.failures)} of {SEEDS} runs; the first of them:\n{runs.failures[0]}", pytrace=False)


def test_the_runs_were_harsh(runs):
    kinds = Counter(kind for commit in runs.total.commits for kind in commit.split("+"))
    assert {"join", "leave", "drain", "undrain", "writer", "upgrade", "ttl", "broken release"} <= set(kinds)
    assert len(runs.total.injected) >= 12, runs.total.injected
    assert min(runs.total.checked.values()) > 0
    moved = {
        f"{what}, just after Meridian moved it" for what in ("closes the gate", "opens the gate", "moves the writer")
    }
    assert moved | {"closes the gate", "moves the writer", "disables the distribution"} <= set(runs.total.hands)


def test_what_was_lost_is_of_few_kinds_and_bounded(runs):
    lost = runs.total.lost
    bounded = {
        "write while the writer moved or restarted",
        "to a Region that was cut, until others took over",
        "to a Region with a broken release, until others took over",
    }
    sick = ("that was cut", "with a broken release")
    alone = {f"to a Region {what}, no other could take over" for what in sick}
    by_hand = {f"to a Region {what}, an operator kept others out" for what in sick}
    by_hand |= {"write while an operator moved the writer", "while an operator kept the distribution disabled"}
    assert bounded <= set(lost) <= bounded | alone | by_hand
    unwritten = sum(count for what, count in lost.items() if what.startswith("write while "))
    assert unwritten <= PLACES * (runs.total.silence + runs.total.silences)
    assert 0 < runs.total.worst_cut <= CUT_BOUND
