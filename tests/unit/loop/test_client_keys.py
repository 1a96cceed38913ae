"""Whole passes over the account in memory while clients need tokens: when the issuer is asked, and what comes of it."""

from dataclasses import replace

import pytest

from reconciler.loop import Ports, Run, look, offline, run_pass
from reconciler.model.issuer import PublicKey, shipped
from reconciler.model.observed import Unknown
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Goal
from reconciler.model.stacks import StackKind
from reconciler.model.topology import ClientAuth, Topology
from tests.fakes.aws.account import Account
from tests.fakes.aws.cloud import FakeCloud
from tests.fakes.topologies import NAMES, with_regions
from tests.simulation.ports import Issuers, Revisions, ports

ISSUER = "https://login.example.com/"
OLD, NEW = (PublicKey(kid=kid, n=kid * 342, e="AQAB") for kid in ("a", "b"))
SILENT = Unknown("Unreachable", "no answer within 5 seconds")


def topology() -> Topology:
    plain = with_regions(*NAMES[:2])
    client = ClientAuth(mode="jwt", issuer=ISSUER, audience="orders")
    return replace(plain, api=replace(plain.api, client=client), safety=replace(plain.safety, soak_seconds=0))


class Operator:
    """Runs passes as `converge` does, in the account's own time."""

    def __init__(self, desired: Topology) -> None:
        self.desired, self.account = desired, Account(1)
        self.issuers = Issuers((OLD,))
        self.ports: Ports = ports(FakeCloud(self.account), self.account, Revisions(), issuers=self.issuers)

    def converge(self, goal: Goal = Goal.CONVERGE) -> Outcome:
        run = Run(patience=30, threads=1)
        for _ in range(500):
            outcome = run_pass(self.ports, self.desired, run, goal)
            if outcome.result not in {Result.PROGRESSING, Result.WAITING}:
                return outcome
            self.account.timeline.pass_time(30)
        raise AssertionError(outcome.plan.waves)

    def live(self) -> set[str | None]:
        stacks = self.account.stacks.stacks.items()
        return {s.applied.parameters.get("ClientKeys") for ref, s in stacks if ref.kind is StackKind.API}


@pytest.fixture(scope="module")
def operator() -> Operator:
    operator = Operator(topology())
    assert operator.converge().result is Result.CONVERGED
    return operator


def condition(outcome: Outcome) -> tuple[str, str]:
    return next((c.status, c.message) for c in outcome.conditions if c.type == "ClientKeys")


def test_keys_come_with_the_first_deployment_and_follow_the_issuer(operator):
    assert operator.live() == {shipped([OLD])}
    operator.issuers.published = (OLD, NEW)
    outcome = operator.converge()
    assert outcome.result is Result.CONVERGED
    assert operator.live() == {shipped([OLD, NEW])}
    status, message = condition(outcome)
    assert status == "True"
    assert message.startswith(f"{ISSUER} publishes a sha256:")
    assert set(operator.issuers.asked) == {ISSUER}


def test_a_silent_issuer_takes_nothing_from_ready_and_is_shown(operator):
    before = operator.live()
    operator.issuers.published = SILENT
    outcome = operator.converge()
    assert outcome.result is Result.CONVERGED
    assert {c.type: c.status for c in outcome.conditions}["Ready"] == "True"
    assert condition(outcome)[0] == "Unknown"
    assert operator.live() == before
    assert "cannot be read since " in look(operator.ports, operator.desired).plan.notes[0]
    operator.issuers.published = ()
    assert "NoKeys" in condition(operator.converge())[1]
    assert operator.live() == before


def test_without_tokens_nobody_is_asked_and_the_plan_says_public():
    public = Operator(with_regions(NAMES[0]))
    outcome = look(public.ports, public.desired)
    assert not public.issuers.asked
    assert any("public" in note for note in outcome.plan.notes)
    assert "ClientKeys" not in {c.type for c in outcome.conditions}


def test_neither_an_offline_plan_nor_a_destruction_asks_the_issuer():
    """Destroying has to work when the issuer is long gone."""
    alone = Operator(replace(topology(), regions=topology().regions[:1]))
    plan = offline(alone.ports, alone.desired).plan
    assert "client-keys" in {g.name for w in plan.waves for g in w.gates}
    assert not alone.issuers.asked
    assert alone.converge(Goal.DESTROY).result is Result.CONVERGED
    assert not alone.issuers.asked
