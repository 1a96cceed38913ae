"""When which sweep is taken: commits first, then what is under way, then the schedule, and else a glance."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.model.facts import Sweep
from reconciler.model.outcome import Revision
from reconciler.model.sweeps import Looks, due, interval, may_give_way, sweep_for

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
REVISION = Revision(commit="abc", generation=3, digest="d")
LOOKS = Looks(looked_at=NOW, full_at=NOW, coverage={"fields": 10, "checked": 9}, glance="g")
CONDITIONS = [{"type": "Ready", "status": "True"}, {"type": "DriftDetected", "status": "False"}]
STATUS: dict[str, Any] = {
    "desiredRevision": "abc",
    "generation": 3,
    "desiredDigest": "d",
    "result": "Converged",
    "conditions": CONDITIONS,
    "looks": LOOKS.document(),
}
DRIFTED = {"conditions": [CONDITIONS[0], {"type": "DriftDetected", "status": "True"}]}
STALE = {"looks": replace(LOOKS, full_at=NOW - timedelta(hours=1)).document()}


def taken(status: dict[str, Any] | None, *, routine: bool = True, revision: Revision = REVISION) -> Sweep:
    return sweep_for(status, revision, name="orders", schedule="rate(30 minutes)", at=NOW, routine=routine)


@pytest.mark.parametrize(
    ("status", "sweep"),
    [
        (None, Sweep.PLAN),
        (STATUS, Sweep.FAST),
        (STATUS | STALE, Sweep.FULL),
        (STATUS | DRIFTED, Sweep.FULL),
        (STATUS | STALE | {"result": "Progressing"}, Sweep.PLAN),
        (STATUS | STALE | {"result": "Waiting"}, Sweep.FULL),
        (STATUS | {"result": "Waiting", "waitingFor": [{}]}, Sweep.PLAN),
        (STATUS | STALE | {"result": "Stalled"}, Sweep.FULL),
        (STATUS | STALE | {"result": "Failed"}, Sweep.FULL),
        (STATUS | {"result": "Stalled"}, Sweep.PLAN),
        (STATUS | {"tombstones": [{}]}, Sweep.PLAN),
        (STATUS | {"requeueAfter": "PT1M"}, Sweep.PLAN),
        (STATUS | {"suspension": {"reason": "x"}}, Sweep.PLAN),
        (STATUS | {"looks": replace(LOOKS, glance="").document()}, Sweep.PLAN),
        (STATUS | {"looks": "?"}, Sweep.FULL),
    ],
)
def test_what_the_clock_asks_for(status: dict[str, Any] | None, sweep: Sweep) -> None:
    assert taken(status) is sweep


def test_an_event_and_a_commit_go_before_the_schedule() -> None:
    newer = replace(REVISION, commit="def", generation=4)
    assert taken(STATUS | STALE, routine=False) is Sweep.PLAN
    assert taken(STATUS | STALE | DRIFTED, revision=newer) is Sweep.PLAN
    assert taken(STATUS | STALE | {"result": "Waiting"}, routine=False) is Sweep.PLAN, "a timer looks at gates alone"
    assert taken(STATUS | DRIFTED, routine=False) is Sweep.FULL, "what was found is seen through"


@pytest.mark.parametrize(
    ("last", "gives_way"),
    [
        (NOW - timedelta(minutes=89), True),
        (NOW - timedelta(minutes=90), False),
        (None, False),
    ],
)
def test_a_full_sweep_gives_way_until_it_is_long_overdue(last: datetime | None, gives_way: bool) -> None:
    status = {"looks": replace(LOOKS, full_at=last).document()}
    assert may_give_way(status, "rate(30 minutes)", NOW) is gives_way


@pytest.mark.parametrize(
    ("schedule", "every"),
    [
        ("rate(30 minutes)", timedelta(minutes=30)),
        ("rate(1 hour)", timedelta(hours=1)),
        ("rate(2 days)", timedelta(days=2)),
        ("cron(0 * * * ? *)", None),
    ],
)
def test_a_schedule_is_a_rate(schedule: str, every: timedelta | None) -> None:
    assert interval(schedule) == every


def test_topologies_take_turns_and_none_is_forgotten() -> None:
    """All were swept at the same moment; then a look at each every quarter of an hour."""
    names, half = [f"t{n}" for n in range(100)], "rate(30 minutes)"
    first = [n for n in names if due(half, n, NOW, NOW + timedelta(minutes=15))]
    assert 25 < len(first) < 75
    rest = [n for n in names if n not in first]
    assert all(due(half, n, NOW, NOW + timedelta(minutes=30)) for n in rest)
    last, sweeps = NOW, 0
    for tick in range(1, 97):
        at = NOW + timedelta(minutes=15 * tick)
        if due(half, "orders", last, at):
            last, sweeps = at, sweeps + 1
    assert sweeps == 48


def test_what_is_remembered_comes_back() -> None:
    after = LOOKS.after(Sweep.PLAN, NOW + timedelta(hours=1), "h", {"fields": 3, "checked": 3})
    assert Looks.recorded({"looks": after.document()}) == after
    assert (after.full_at, after.coverage, after.glance) == (NOW, LOOKS.coverage, "h")
    full = after.after(Sweep.FULL, NOW + timedelta(hours=2), "i", {"fields": 3, "checked": 3}, detected=True)
    assert (full.full_at, full.coverage) == (NOW + timedelta(hours=2), {"fields": 3, "checked": 3})
    assert not full.detection_due(NOW + timedelta(hours=7))
    assert full.detection_due(NOW + timedelta(hours=8))
