"""What the demo prints of the control plane's work: a status in one line, the passes in order, and no end before its time."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from demo import follow
from demo.follow import Pass

SINCE = datetime(2030, 1, 1, tzinfo=UTC)


def status(result: str = "Converged", **more: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"stepsLeft": 0, "waitingFor": [], "conditions": [], "problems": []}
    return {"result": result, "observedGeneration": 7, "updatedAt": "2030-01-01T00:01:00Z", **empty, **more}


def one(*requests: str, result: str = "Converged", minutes: int = 1) -> Pass:
    return Pass(at=SINCE + timedelta(minutes=minutes), why="Object Created", result=result, requests=requests)


class Seen:
    """A watcher whose every look at the status shows the next one, the last for ever."""

    def __init__(self, statuses: list[dict[str, Any]], passes: list[Pass]) -> None:
        self.statuses, self.found = statuses, passes

    def status(self) -> dict[str, Any]:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]

    def passes(self) -> list[Pass]:
        return self.found

    def events(self) -> Counter[str]:
        return Counter({"Object Created": 2})


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PAUSE": 0.001, "PATIENCE": 0.1, "LOGGED_WITHIN": 0.1}.items():
        monkeypatch.setattr(follow, name, value)


def followed(statuses: list[dict[str, Any]], passes: list[Pass], *, repaired: bool = False) -> int:
    return follow.follow(Seen(statuses, passes), SINCE, 7, repaired=repaired)  # type: ignore[arg-type]


def test_each_change_is_told_once_and_then_the_passes(capsys: pytest.CaptureFixture[str]) -> None:
    gates = [{"name": "soak"}, {"name": "soak"}, {"name": "dns"}]
    under_way = status("Progressing", stepsLeft=1, waitingFor=gates)
    passes = [one("deploy/edge x:Y", result="Progressing"), one(minutes=2)]
    assert followed([under_way, under_way, status()], passes) == 0
    told = capsys.readouterr().out
    assert told.count("00:01:00  Progressing  generation 7, 1 step left, waits for soak, dns\n") == 1
    assert "00:01:00  Progressing  Object Created\n" + " " * 23 + "deploy/edge x:Y\n00:02:00  Converged " in told
    assert "generation 7: 2 passes; 2 events woke the reconciler:\n     2  Object Created\n" in told


def test_what_was_before_does_not_count() -> None:
    old = {**status(), "updatedAt": "2029-12-31T23:59:00Z"}
    assert followed([old], [one()]) == 1
    assert followed([{**status(), "observedGeneration": 6}], [one()]) == 1


def test_a_repair_is_one_only_if_something_was_asked_for() -> None:
    assert followed([status()], [one()], repaired=True) == 1
    assert followed([status()], [one("deploy/routing x:Y", result="Progressing"), one()], repaired=True) == 0


@pytest.mark.parametrize("result", ["Blocked", "Stalled", "Failed", "Suspended"])
def test_a_pass_that_got_nowhere_is_the_end(result: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert followed([status(result, problems=[{"message": "no such hosted zone"}])], []) == 1
    assert "no such hosted zone" in capsys.readouterr().out
