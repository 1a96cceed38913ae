"""How often a probe calls, and what a late or failing answer counts for."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from local_aws.clock import CLOCK
from local_aws.health_checks import calling
from local_aws.health_checks.calling import Caller, Outcome, Target

TARGET = Target(host="h", path="/", region="us-east-1")
WELL, ILL = Outcome(healthy=True, told="Success"), Outcome(healthy=False, told="Failure")
CHECK = {"id": "c"}


class Endpoint:
    """Answers from a list, the last one for ever; None never comes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Outcome | None) -> None:
        self.answers, self.calls = list(answers), 0
        monkeypatch.setattr(calling, "_call", self)
        for name, seconds in {"AGAIN": 0.2, "SOONEST": 0.02, "LIMIT": 0.05, "COLD_LIMIT": 0.1}.items():
            monkeypatch.setattr(calling, name, seconds)

    async def __call__(self, _target: Target, _check: str) -> Outcome:
        answer = self.answers[min(self.calls, len(self.answers) - 1)]
        self.calls += 1
        if answer is None:
            await asyncio.sleep(0.3)
        return answer or WELL


def run(steps: Any) -> None:
    async def main() -> None:
        CLOCK.attach(asyncio.get_running_loop())
        await steps(Caller())

    asyncio.run(main())


async def known(caller: Caller, check: dict[str, str] = CHECK, way: str = "w", seconds: float = 1.0) -> Outcome | None:
    """What is known after looking for a while."""
    found, deadline = caller.outcome(check, TARGET, way), time.monotonic() + seconds
    while found is None and time.monotonic() < deadline:
        await asyncio.sleep(0.005)
        found = caller.outcome(check, TARGET, way)
    return found


def test_looking_often_calls_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = Endpoint(monkeypatch, WELL)

    async def steps(caller: Caller) -> None:
        assert await known(caller) == WELL
        for _ in range(50):
            caller.outcome(CHECK, TARGET, "w")
        assert endpoint.calls == 1
        await asyncio.sleep(0.25)
        caller.outcome(CHECK, TARGET, "w")
        await asyncio.sleep(0.02)
        assert endpoint.calls == 2

    run(steps)


def test_what_changed_is_called_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = Endpoint(monkeypatch, WELL, ILL)

    async def steps(caller: Caller) -> None:
        assert await known(caller) == WELL
        await asyncio.sleep(0.03)
        assert caller.outcome(CHECK, TARGET, "changed") == WELL  # the last answer, until there is a new one
        await asyncio.sleep(0.08)
        assert caller.outcome(CHECK, TARGET, "changed") == ILL
        assert endpoint.calls == 3

    run(steps)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((ILL, WELL), WELL),
        ((ILL, ILL), ILL),
        ((None, WELL), WELL),
        ((None, None), calling.LATE),
        ((ILL, None), calling.LATE),
    ],
)
def test_a_failure_counts_when_it_comes_twice(
    monkeypatch: pytest.MonkeyPatch, answers: tuple[Outcome | None, ...], expected: Outcome
) -> None:
    Endpoint(monkeypatch, *answers)

    async def steps(caller: Caller) -> None:
        assert (await known(caller)) == expected or expected is calling.LATE
        found = await known(caller)
        assert found is not None
        assert found.told == (expected or calling.LATE).told

    run(steps)


def test_another_world_keeps_only_what_is_alike_and_well(monkeypatch: pytest.MonkeyPatch) -> None:
    Endpoint(monkeypatch, WELL)

    async def steps(caller: Caller) -> None:
        assert await known(caller) == WELL
        assert caller.outcome(dict(CHECK), TARGET, "w") == WELL
        assert caller.outcome(dict(CHECK), TARGET, "other") is None
        await caller.rest()

    run(steps)


@pytest.mark.parametrize(
    ("status", "body", "search", "healthy"),
    [
        (200, b"", "", True),
        (399, b"", "", True),
        (400, b"", "", False),
        (199, b"", "", False),
        (503, b"", "", False),
        (200, b"all is well", "well", True),
        (200, b"x" * 5120 + b"well", "well", False),
        (500, b"well", "well", False),
    ],
)
def test_what_an_answer_is_worth(status: int, body: bytes, search: str, healthy: bool) -> None:
    assert calling._judged(status, body, search).healthy is healthy
