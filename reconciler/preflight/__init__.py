"""What is known before a plan runs: checks of the account and of the world outside, what a month costs, what a loss costs.

Pure: `questions` says what to ask, an adapter asks it, `judged` makes of the answers what people read. Only what the plan makes is
asked about, so that nothing is asked for a topology in which nothing is new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reconciler.model.observed import Observed
from reconciler.model.plan import Plan
from reconciler.model.preflight import Check, Preflight, Verdict
from reconciler.model.survey import Answers, Question
from reconciler.model.topology import Topology
from reconciler.preflight import domain, places, quotas
from reconciler.preflight.cost import cost
from reconciler.preflight.objectives import objectives
from reconciler.preflight.scene import Scene

__all__ = ["judged", "questions", "unchecked"]

CHECKS: tuple[tuple[Callable[[Scene], Iterator[Question]], Callable[[Scene], Iterator[Check]]], ...] = (
    (places.ask_enabled, places.judge_enabled),
    (places.ask_engine, places.judge_engine),
    (quotas.ask_counted, quotas.judge_counted),
    (quotas.ask_databases, quotas.judge_databases),
    (quotas.ask_dns, quotas.judge_dns),
    (quotas.ask_concurrency, quotas.judge_concurrency),
    (domain.ask_delegation, domain.judge_delegation),
    (domain.ask_caa, domain.judge_caa),
    (domain.ask_certificate, domain.judge_certificate),
    (domain.ask_nothing, domain.judge_record),
    (domain.ask_alias, domain.judge_alias),
    (places.ask_names, places.judge_names),
)
"""Each check as what it asks and what it makes of the answers."""
_WORST = (Verdict.FAILED, Verdict.WARNED, Verdict.UNKNOWN, Verdict.PASSED)


def questions(topology: Topology, observed: Observed, plan: Plan) -> tuple[Question, ...]:
    """Everything to ask, each thing once."""
    scene = Scene(topology=topology, observed=observed, plan=plan)
    return tuple(dict.fromkeys(question for ask, _ in CHECKS for question in ask(scene)))


def judged(topology: Topology, observed: Observed, plan: Plan, answers: Answers) -> Preflight:
    """The worst first."""
    scene = Scene(topology=topology, observed=observed, plan=plan, answers=answers)
    checks = sorted((c for _, judge in CHECKS for c in judge(scene)), key=lambda c: _WORST.index(c.verdict))
    return Preflight(checks=tuple(checks), cost=cost(topology, observed), objectives=objectives(topology, observed))


def unchecked(topology: Topology, observed: Observed) -> Preflight:
    """Without a word about the account: nobody may be asked, or it is another account's."""
    return Preflight(cost=cost(topology, observed), objectives=objectives(topology, observed))
