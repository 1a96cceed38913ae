"""Whole passes over a simulated account: refused, approved, carried through; and replayed to the same plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.loop import Run, run_pass
from reconciler.model.approval import Approval
from reconciler.model.outcome import Outcome, Result
from reconciler.model.topology import Topology
from reconciler.recording import difference, recorded, replayed, unpacked
from tests.fakes.aws.timeline import instant
from tests.simulation.faults import Rates
from tests.simulation.run import Simulation
from tests.unit.recording.test_replay import Folder
from tests.unit.report.test_schemas import check

HOUR = timedelta(hours=1)


class Passes:
    """Each by a process of its own; `approve` is what `meridian approve` leaves."""

    def __init__(self) -> None:
        self.simulation = Simulation(0, rates=Rates(), chain=0, destroys=False, hands=False, from_nothing=False)
        self.account, self.records = self.simulation.account, Folder()
        while self.one(self.simulation.topology).result is not Result.CONVERGED:
            pass

    def one(self, topology: Topology) -> Outcome:
        if topology is not self.simulation.topology:
            self.simulation._commit(topology, "by the test")
        self.account.timeline.pass_time(60)
        outcome = recorded(
            lambda ports: run_pass(ports, topology, Run(threads=1)),
            self.simulation.ports,
            self.records,
            lost=pytest.fail,
        )
        check(self.status())
        return outcome

    def until_converged(self, topology: Topology) -> list[str]:
        asked: list[str] = []
        for _ in range(200):
            outcome = self.one(topology)
            assert not outcome.plan.refusals, outcome.plan.refusals
            asked += [r.id for r in outcome.requests]
            if outcome.result is Result.CONVERGED and not outcome.plan.waves:
                return asked
        raise AssertionError("not converged")

    def status(self) -> dict:
        return dict(self.simulation.journal.recorded(self.simulation.topology))

    def approve(self, fingerprint: str, span: timedelta = HOUR, revoked: str = "") -> None:
        now = instant(self.account.timeline.now)
        word = Approval(
            fingerprint=fingerprint, by="arn:ann", at=now.isoformat(), expires=now + span, reason="R", revoked=revoked
        )
        self.account.approval = word.document()


@pytest.fixture
def passes() -> Passes:
    return Passes()


@pytest.fixture
def moving(passes: Passes) -> Topology:
    """The writer moves, and a setting changes before."""
    before = passes.simulation.topology
    other = next(r.name for r in before.regions if r.name != before.database.writer)
    return replace(
        before,
        api=replace(before.api, memory_mb=1024 if before.api.memory_mb != 1024 else 2048),
        database=replace(before.database, writer=other),
        safety=replace(before.safety, approval="hazards"),
    )


def blocked(outcome: Outcome) -> bool:
    return outcome.result is Result.BLOCKED and [r.code for r in outcome.plan.refusals] == ["ApprovalRequired"]


def test_refused_it_asks_for_nothing_and_the_status_says_what_waits(passes, moving):
    outcome = passes.one(moving)
    assert blocked(outcome)
    assert outcome.requests == ()
    status = passes.status()
    waits = {"fingerprint": outcome.plan.fingerprint, "hazards": ["write-interruption"]}
    assert status["plan"]["approval"] == waits
    assert [(c["type"], c["reason"]) for c in status["conditions"] if c["type"] == "Blocked"] == [
        ("Blocked", "ApprovalRequired")
    ]
    assert passes.one(moving).plan.fingerprint == waits["fingerprint"], "it waits for the same one in each pass"


def test_approved_it_goes_to_its_end_though_the_approval_is_over_by_then_and_each_pass_is_replayed_to_its_plan(
    passes, moving
):
    passes.approve(passes.one(moving).plan.fingerprint, timedelta(minutes=2))
    asked = passes.until_converged(moving)
    assert f"switchover/{moving.database.writer}" in asked
    status = passes.status()
    assert (status["plan"]["approval"], status["approval"]["state"]) == (None, "expired")
    assert status["motion"]["approved"] == {}, "and is not remembered any longer than its plan"
    records = [unpacked(data) for data in passes.records.kept.values()]
    assert {bool(r.plan["approval"]) for r in records} == {True, False}
    for record in records:
        assert difference(record, replayed(record)) == []


def test_expired_revoked_or_of_another_commit_it_is_refused_again(passes, moving):
    fingerprint = passes.one(moving).plan.fingerprint
    passes.approve(fingerprint, timedelta(seconds=30))
    assert blocked(passes.one(moving)), "expired"
    passes.approve(fingerprint)
    assert not passes.one(moving).plan.refusals
    passes.approve(fingerprint, revoked="arn:bob")
    assert blocked(passes.one(moving)), "revoked"
    passes.approve(fingerprint)
    changed = replace(moving, api=replace(moving.api, timeout_seconds=9))
    assert blocked(passes.one(changed)), "another commit"
