"""A person who approves what waits for it, now and then something else before; and the judge of what was done without."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta

from reconciler.model.approval import Approval
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Goal, Step
from reconciler.model.topology import Safety, Topology
from tests.fakes.aws.account import Account

BY_NAME = frozenset({"blast-radius", "requests-past-dns"})
"""Hazards that no approval lets pass."""
_NO_MATTER = Safety(min_serving=1, soak_seconds=0, max_concurrent_regions=1)
Hazardous = tuple[str, str]


@dataclass
class Approvals:
    """`covered`: what is declared to the (step, hazard) of the plans that were approved of it. It ends where a pass carries out
    something else; what is left of a Region that went goes on going under any declaration."""

    account: Account
    covered: dict[str, set[Hazardous]] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)

    def committed(self, topology: Topology) -> Topology:
        return replace(topology, safety=replace(topology.safety, approval="hazards"))

    def looked(self, outcome: Outcome, topology: Topology) -> None:
        if topology.safety.approval == "none" or outcome.goal is Goal.DESTROY:
            return
        what = repr(replace(topology, safety=_NO_MATTER))
        if outcome.result not in {Result.BLOCKED, Result.SUSPENDED}:
            self._goes_by(what, topology)
        asked = {r.id for r in outcome.requests}
        for step in outcome.plan.steps:
            hazards = _hazards(step)
            if step.id in asked and hazards and not step.begun:
                assert hazards <= self.covered.get(what, set()), f"{step.id} was begun without an approval"
                self.seen["carried out"] += 1
        if outcome.plan.unapproved:
            self._approve(outcome, what)

    def _goes_by(self, what: str, topology: Topology) -> None:
        others = set[Hazardous]().union(*self.covered.values())
        left = {(step, h) for step, h in others if step.rpartition("/")[2] not in topology.region_names}
        self.covered = {what: self.covered.get(what, set()) | left}

    def _approve(self, outcome: Outcome, what: str) -> None:
        plan = outcome.plan
        self.seen["approved"] += 1
        self.account.approval = Approval(
            fingerprint=plan.fingerprint,
            by="arn:ann",
            at=outcome.observed.at.isoformat(),
            expires=outcome.observed.at + timedelta(hours=1),
            reason="seen",
        ).document()
        waves = plan.withheld or plan.waves
        self.covered.setdefault(what, set()).update(h for wave in waves for step in wave.steps for h in _hazards(step))


def _hazards(step: Step) -> set[Hazardous]:
    return {(step.id, str(hazard)) for hazard in step.hazards if hazard not in BY_NAME}
