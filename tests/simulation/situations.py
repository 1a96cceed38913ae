"""Status documents of eight situations, as the real loop leaves them over the account in memory; kept in `tests/golden/status`.

The templates hold as many resources as the real ones do, by their names and types.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from reconciler.loop import Run, run_pass
from reconciler.model.facts import LATER, Facts, RegionFacts, Sweep
from reconciler.model.outcome import Outcome, Result, Revision
from reconciler.model.stacks import StackKind, StackRef, Template
from reconciler.model.topology import Topology, Window
from reconciler.report.status import status_document
from tests.fakes.aws.account import Account
from tests.fakes.aws.cloud import FakeCloud
from tests.fakes.aws.regions import BROKEN
from tests.fakes.topologies import NAMES, with_regions
from tests.simulation.ports import Synthesizer, ports

PASSES, BETWEEN = 300, 60.0
US, EU, AP, SA = NAMES[:4]
GOLDEN = Path(__file__).parents[1] / "golden"
COMMITS = ("4f1c0d9be7a35c2f8e6b1a7d90c3e2f415a6b7c8", "9b2e7705d1f3c86a40e5b7a2c9d8e1f6032b4a5c")
_LEFT_OUT = {"Aaaa", "RouterVersion"}
"""The account in memory makes a record of each that it is told of, and has one version of the router."""
_UNREAD = ("rest_api", "certificate", "key", "stage", "log_groups", "security_groups")
_ALARMS = ("meridian-orders-api-5xxerror", "meridian-orders-api-latency")
Document = dict[str, Any]


class Whole(Synthesizer):
    """The fake's templates, and beside what they hold all that the real ones do."""

    def templates(self, topology: Topology, keys: Sequence[str]) -> Mapping[str, Template]:
        return {key: _whole(template) for key, template in super().templates(topology, keys).items()}


class Beyond(FakeCloud):
    """What stands in the templates alone is left unread, rather than found missing."""

    def facts(self, topology: Topology, sweep: Sweep = Sweep.PLAN, asked: Callable[[], bool] | None = None) -> Facts:
        facts = super().facts(topology, sweep, asked)
        regions = {name: _unread(region, topology.origin_name) for name, region in facts.regions.items()}
        return replace(facts, regions=regions, edge_certificate=LATER)


class Revisions:
    """Two commits: the one that is there, and the one that comes."""

    generation = 1

    def revision(self, _topology: Topology, _recorded: Mapping[str, Any] | None) -> Revision:
        commit = COMMITS[self.generation - 1]
        return Revision(commit=commit, generation=self.generation, digest=f"sha256:{commit[:12]}")


class Scene:
    """A topology, and the loop that looks after it."""

    def __init__(self, desired: Topology) -> None:
        self.desired, self.account, self.revisions = desired, Account(9), Revisions()
        world = ports(Beyond(self.account), self.account, self.revisions)  # type: ignore[arg-type]
        self._ports = replace(world, synthesizer=Whole())
        self._run = Run(patience=30, threads=1)

    def look(self) -> Outcome:
        return run_pass(self._ports, self.desired, self._run)

    def until(self, holds: Callable[[Outcome], bool], between: float = BETWEEN) -> Document:
        """Passes, so many seconds apart, until one comes to this, and its document."""
        for _ in range(PASSES):
            outcome = self.look()
            if holds(outcome):
                return status_document(outcome, outcome.observed.recorded)
            self.account.timeline.pass_time(between)
        raise AssertionError(f"{outcome.result} after {PASSES} passes: {outcome.plan.waves[:1]} {outcome.problems}")

    def commit(self, desired: Topology) -> None:
        self.account.timeline.pass_time(3600)
        self.desired, self.revisions.generation = desired, 2


def _whole(template: Template) -> Template:
    body = template.body["Resources"]
    real = json.loads((GOLDEN / "templates" / f"{template.key}.json").read_text())["Resources"]
    known = (*body, *_LEFT_OUT)
    more = {
        name: {"Type": found["Type"], "Properties": {}} for name, found in real.items() if not name.startswith(known)
    }
    return replace(template, body={**template.body, "Resources": {**body, **more}})


def _unread(region: RegionFacts, shared: str) -> RegionFacts:
    domains = {**region.domain_names, shared: LATER}
    alarms = [{"AlarmName": name, "StateValue": "OK"} for name in _ALARMS]
    unread = dict.fromkeys(_UNREAD, LATER)
    return replace(region, **unread, alarms=alarms, domain_names=domains, mappings=dict.fromkeys(domains, LATER))


def _at_rest(outcome: Outcome) -> bool:
    return outcome.result is Result.CONVERGED and not outcome.plan.waves


def _deploys(stack: StackRef, outcome: Outcome) -> bool:
    state = outcome.observed.stack(stack.kind, stack.region)
    return state is not None and state.in_progress


@cache
def _made() -> tuple[Scene, Document]:
    scene = Scene(with_regions(US, EU, AP))
    return scene, scene.until(_at_rest)


def _converged() -> tuple[Scene, Document]:
    return copy.deepcopy(_made())


def converged() -> Document:
    return _converged()[1]


def adding_a_region() -> Document:
    scene, _ = _converged()
    scene.commit(with_regions(US, EU, AP, SA))
    joining = StackRef(StackKind.DATA, SA)
    scene.until(partial(_deploys, joining))
    scene.account.timeline.pass_time(240)
    return scene.until(partial(_deploys, joining))


def held_failover() -> Document:
    """Somebody moved the writer by hand, and Meridian leaves it there."""
    scene, _ = _converged()
    scene.account.timeline.pass_time(3600)
    scene.account.aurora.switchovers_fail = False
    scene.account.aurora.switch_over(EU, US)
    return scene.until(lambda o: _at_rest(o) and bool(o.diff.findings))


def stalled() -> Document:
    """A release that does not answer: the first Region has it back as it was, and the others never got it."""
    scene, _ = _converged()
    scene.commit(replace(scene.desired, api=replace(scene.desired.api, memory_mb=BROKEN)))
    return scene.until(lambda o: o.result is Result.STALLED and not o.plan.waves)


def _release_and_another_writer() -> tuple[Scene, Topology]:
    """What carries no hazard, and then a step that does."""
    scene, _ = _converged()
    api, database = replace(scene.desired.api, memory_mb=1024), replace(scene.desired.database, writer=EU)
    return scene, replace(scene.desired, api=api, database=database)


def waiting_for_a_window() -> Document:
    """Half way: the release is everywhere, and the writer moves in the night."""
    scene, wanted = _release_and_another_writer()
    nights = Window(cron="0 22 * * *", duration=timedelta(hours=4), time_zone="UTC")
    scene.commit(replace(wanted, safety=replace(wanted.safety, windows=(nights,))))
    return scene.until(lambda o: o.result is Result.BLOCKED)


def waiting_for_approval() -> Document:
    scene, wanted = _release_and_another_writer()
    scene.commit(replace(wanted, safety=replace(wanted.safety, approval="hazards")))
    return scene.until(lambda o: o.result is Result.BLOCKED)


def twelve_regions() -> Document:
    return Scene(with_regions(*NAMES[:12])).until(_at_rest, between=300)


def nothing_yet() -> Document:
    return Scene(with_regions(US, EU, AP)).until(lambda _: True)


SITUATIONS: Mapping[str, Callable[[], Document]] = {
    "converged": converged,
    "adding-a-region": adding_a_region,
    "held-failover": held_failover,
    "stalled": stalled,
    "waiting-for-a-window": waiting_for_a_window,
    "waiting-for-approval": waiting_for_approval,
    "twelve-regions": twelve_regions,
    "nothing-yet": nothing_yet,
}
