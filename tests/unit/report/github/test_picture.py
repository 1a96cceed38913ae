"""Who serves and who writes, before a plan and after it."""

from dataclasses import replace

import pytest

from reconciler.model.change import Action, Change, Diff, Disposition, Finding, Origin
from reconciler.model.observed import Unknown
from reconciler.model.plan import Goal
from reconciler.model.stacks import StackKind
from reconciler.report.github.mermaid import moves, picture, places_now, places_then
from reconciler.report.github.sections import folded
from tests.fakes import outcomes, published
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import World

US, EU, AP, SA = NAMES[:4]


def told(places) -> list[str]:
    return [f"{p.name} {p.traffic}{' writer' if p.writes else ''}" for p in places]


def from_nothing(*names, **more):
    return World(with_regions(*names, **more)).seen()[0]


@pytest.mark.parametrize(
    ("outcome", "now", "then"),
    [
        (published.no_change, [f"{US} serving writer", f"{EU} serving"], [f"{US} serving writer", f"{EU} serving"]),
        (
            published.two_regions,
            [f"{US} serving writer", f"{EU} serving"],
            [f"{US} serving writer", f"{EU} serving", f"{AP} serving", f"{SA} drained"],
        ),
        (published.refusal, [f"{US} serving writer", f"{EU} serving"], [f"{US} drained writer", f"{EU} drained"]),
        (
            published.hazard,
            [f"{EU} serving", f"{AP} serving", f"{US} serving writer"],
            [f"{EU} serving writer", f"{AP} serving"],
        ),
        (lambda: from_nothing(US, EU, writer=EU), [], [f"{US} serving", f"{EU} serving writer"]),
        (lambda: from_nothing(US, EU, drained=(EU,)), [], [f"{US} serving writer", f"{EU} drained"]),
        (outcomes.finishing, [f"{US} leaving writer", f"{EU} serving"], [f"{EU} serving"]),
    ],
)
def test_where_a_plan_leads(outcome, now, then):
    given = outcome()
    assert told(places_now(given)) == now
    assert told(places_then(given)) == then
    assert moves(given) == (sorted(now) != sorted(then))


def test_what_somebody_holds_by_hand_stays():
    closed = outcomes.outcome(
        observed=outcomes.observed(gates={US: outcomes.gate(US), EU: outcomes.gate(EU, threshold=2)})
    )
    held = Finding(path=f"regions/{EU}/traffic", region=EU, disposition=Disposition.HOLD, reason="by hand")
    closed = replace(closed, diff=Diff(findings=(held,)))
    assert told(places_then(closed)) == [f"{US} serving writer", f"{EU} drained"]
    assert not moves(closed)


def test_what_cannot_be_read_is_drawn_as_such():
    seen = outcomes.observed()
    dark = {**seen.stacks, outcomes.ref(StackKind.API, EU): Unknown("Unreachable", "timed out")}
    drawn = picture(outcomes.outcome(observed=replace(seen, stacks=dark)))
    assert 'n0 -.-> n2["eu-west-1<br/>quarantined"]:::unsure' in drawn


def test_what_is_destroyed_leads_to_nothing():
    going = replace(outcomes.outcome(), goal=Goal.DESTROY, regions=())
    assert places_then(going) == ()
    assert 't0["nothing"]' in picture(going)


def test_nothing_that_stays_nothing_is_not_drawn():
    assert picture(replace(outcomes.outcome(), observed=outcomes.nothing(), regions=())) == ""


def test_of_very_many_regions_those_are_drawn_that_differ():
    names = NAMES[:20]
    gates = {r: outcomes.gate(r, threshold=2 if r == AP else 1) for r in names}
    probes = {r: outcomes.probe(r) for r in names}
    seen = outcomes.observed(gates=gates, probes=probes, clusters=dict.fromkeys(names))
    change = Change(path=f"regions/{SA}/traffic", action=Action.UPDATE, origin=Origin.GIT, desired="drained")
    many = outcomes.outcome(observed=seen, regions=names, plan=outcomes.plan(changes=(change,)))
    drawn = picture(many)
    assert drawn.count(AP) == drawn.count(US) == 2
    assert f"{SA}<br/>drained" in drawn
    assert "18 more Regions<br/>18 serving" in drawn
    assert "17 more Regions<br/>17 serving" in drawn


def health_now(outcome) -> dict[str, str]:
    """By Region, from the comment's table of the Regions as they are."""
    rows = [line.split(" | ") for line in folded(outcome)[0].full.splitlines() if line.startswith("| `")]
    return {row[0].strip("| `"): row[2] for row in rows}


@pytest.mark.parametrize(
    ("status", "health"),
    [
        ("CREATE_COMPLETE", "Healthy"),
        ("UPDATE_IN_PROGRESS", "Progressing"),
        ("UPDATE_ROLLBACK_COMPLETE", "Degraded"),
    ],
)
def test_how_a_region_is_now_is_not_what_the_plan_will_do_to_it(status, health):
    planned = published.small_change()
    at = outcomes.ref(StackKind.API, EU)
    seen = replace(planned.observed, stacks={**planned.observed.stacks, at: outcomes.state(at, status)})
    assert any(step.stack == at for step in planned.plan.steps)
    assert health_now(replace(planned, observed=seen)) == {US: "Healthy", EU: health}
