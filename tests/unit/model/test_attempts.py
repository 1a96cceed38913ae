"""Attempts that fail alike, how long is waited between them, and what lets them be tried again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.attempts import LATEST, PATIENT, REBUILD, SOONEST, TRY_OUT, Attempts, Cause, K

AT = datetime(2026, 1, 1, tzinfo=UTC)
DENIED = Cause(code="AccessDenied", step="deploy/api/eu-west-1", message="not allowed", passes=False)
SLOW = Cause(code="Unanswered", step="deploy/api/eu-west-1", message="no answer", passes=True)
BROKEN = Cause(code="DeploymentFailed", step="deploy/api/eu-west-1", message="stack x failed", passes=False)


def failed(attempts: Attempts, *causes: Cause, times: int = 1, digest: str = "d", plan: str = "p", seen: str = "s"):
    for _ in range(times):
        attempts = attempts.failed(digest, plan, causes, seen, AT)
    return attempts


def test_the_same_failure_k_times_stalls_and_one_less_does_not() -> None:
    assert not failed(Attempts(), DENIED, times=K - 1).stalled
    assert failed(Attempts(), DENIED, times=K).stalled


@pytest.mark.parametrize("other", [{"digest": "e"}, {"plan": "q"}])
def test_another_commit_or_plan_is_another_attempt(other: dict[str, str]) -> None:
    assert failed(failed(Attempts(), DENIED, times=K - 1), DENIED, **other).times == 1


def test_failures_in_turn_are_counted_each_for_itself() -> None:
    """A failing deployment is recovered, and fails again: what lies between does not make it another failure."""
    attempts = Attempts()
    for _ in range(K):
        attempts = failed(failed(attempts, BROKEN), DENIED).went_well()
    assert failed(attempts, BROKEN).times == K + 1


def test_words_that_differ_each_time_do_not_make_another_failure() -> None:
    messages = (
        "request 4f1c2d3e-0000-4a4a-8b8b-1234567890ab failed at 2026-01-01T00:00:00Z (attempt 3)",
        "request 99999999-1111-4a4a-8b8b-abcdefabcdef failed at 2026-02-03T04:05:06Z (attempt 12)",
    )
    one, two = (Cause(code="Refused", step="s", message=m, passes=False) for m in messages)
    assert failed(failed(Attempts(), one), two).times == 2
    other = Cause(code="Refused", step="s", message="something else failed", passes=False)
    assert failed(failed(Attempts(), one), other).times == 1


def test_what_passes_by_itself_is_tried_longer_and_forgotten_once_a_pass_goes_well() -> None:
    attempts = failed(Attempts(), SLOW, times=PATIENT - 1)
    assert not attempts.stalled
    assert failed(attempts, SLOW).stalled
    assert failed(attempts.went_well(), SLOW).times == 1


def test_a_throttle_is_waited_out_however_long_it_takes() -> None:
    throttled = Cause(code="Throttled", step="deploy/api/eu-west-1", message="rate exceeded", passes=True)
    assert not failed(Attempts(), throttled, times=200).stalled


def test_of_several_causes_one_that_does_not_pass_decides() -> None:
    assert failed(Attempts(), SLOW, DENIED, times=K).stalled


@pytest.mark.parametrize(("cause", "rearmed"), [(DENIED, TRY_OUT), (BROKEN, REBUILD)])
def test_stalled_holds_until_something_is_seen_to_change_or_it_is_tried_out(cause: Cause, rearmed: timedelta) -> None:
    attempts = failed(Attempts(), cause, times=K)
    assert attempts.holds("s", AT + rearmed / 2)
    assert not attempts.holds("the stack moved", AT + rearmed / 2)
    assert not attempts.holds("s", AT + rearmed)
    assert not failed(Attempts(), cause, times=K - 1).holds("s", AT)


@given(times=st.integers(1, 60), chance=st.floats(0, 1, exclude_max=True))
def test_a_delay_is_never_nothing_and_never_too_long(times: int, chance: float) -> None:
    attempts = failed(Attempts(), SLOW, times=times)
    assert SOONEST <= attempts.delay(chance) <= LATEST
    assert attempts.delay(0) == SOONEST


def test_delays_grow_to_the_longest() -> None:
    longest = [failed(Attempts(), SLOW, times=n).delay(0.999999) for n in range(1, 12)]
    assert longest == sorted(longest)
    assert longest[-1] > timedelta(minutes=14)


def test_what_is_written_down_is_what_is_read() -> None:
    attempts = failed(failed(Attempts(), DENIED, times=3), SLOW, times=2)
    assert Attempts.recorded({"attempts": json.loads(json.dumps(attempts.document()))}) == attempts


@pytest.mark.parametrize(
    "nonsense",
    [
        *(None, 7, "x", {"counts": 3}, {"times": "many"}, {"cause": {"code": "X"}}, {"cause": DENIED.code}),
        {"at": "yesterday", "times": 9, "cause": {"code": "X", "step": "s", "message": "m", "passes": False}},
    ],
)
def test_nonsense_in_the_table_is_no_memory(nonsense: object) -> None:
    assert Attempts.recorded({"attempts": nonsense}) == Attempts()
