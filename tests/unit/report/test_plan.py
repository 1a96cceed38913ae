"""The plan as people read it."""

from dataclasses import replace

import pytest

from reconciler.model.change import Action, Change, Origin
from reconciler.model.outcome import Result
from reconciler.model.plan import Gate, Goal, Refusal, StepAction, Wave
from reconciler.model.stacks import StackKind
from reconciler.report.github.comment import whole
from reconciler.report.plan import plan_json
from reconciler.report.plan_text import plan_text
from tests.fakes import outcomes

BUILDING = """\
orders: +2 ~1 -0, replaced 0, ETA 33m
3 steps in 2 waves; waiting on gates comes on top
revision a1b2c3d
fingerprint sha256:0123456789ab

Changes
  +  us-east-1  data
  +  eu-west-1  data
  ~  edge       priceClass  PriceClass_All → PriceClass_100

Wave 1 of 2, about 25m
  deploy/data in us-east-1, eu-west-1: make the Region's database
  then wait for replica-lag in eu-west-1
Wave 2 of 2, about 8m
  deploy/edge  [hazard: EdgeConfiguration]

Hazards
  EdgeConfiguration  deploy/edge

Notes
  auth.client.mode is none: the API is public"""


def test_a_first_deployment_reads_from_headline_to_notes():
    assert plan_text(outcomes.building()) == BUILDING


LEAVING = """\
orders: +0 ~1 -1, replaced 0, ETA 10m
3 steps in 3 waves, 3 more aside; waiting on gates comes on top
verified: 7 prefixes, 33 faulted states checked, 0 violations
revision a1b2c3d
fingerprint sha256:0123456789ab

Changes
  -  us-east-1  leaves (now serving)
  ~  database   writer  us-east-1 → eu-west-1

Wave 1 of 3, about 2m
  switchover in eu-west-1: the writer moves  [hazard: write-interruption]
Wave 2 of 3, about 2m
  close-gate in us-east-1: it leaves
  then wait for drained, quiet in us-east-1
Wave 3 of 3, about 6m
  delete/api in us-east-1: nothing leads there any more
Aside, us-east-1
  wait for interfaces in us-east-1: 2 are left
Aside, us-east-1, about 2m
  detach in us-east-1  [hazard: data-deletion]
Aside, us-east-1, about 20m
  delete/data in us-east-1  [hazard: data-deletion]
Aside, us-east-1, about 2m
  delete-gate in us-east-1

Hazards
  data-deletion       delete/data/us-east-1  data goes, after a final snapshot
  data-deletion       detach/us-east-1       data goes, after a final snapshot
  write-interruption  switchover/eu-west-1   writes fail for up to some minutes"""


def test_a_region_that_leaves_reads_as_what_ready_waits_for_and_what_finishes_aside():
    assert plan_text(outcomes.leaving()) == LEAVING
    assert (
        "No changes. orders is converged. Finishing aside: us-east-1 (detach, delete/data, delete-gate)."
        in plan_text(outcomes.finishing())
    )
    document = plan_json(outcomes.leaving())
    assert document["verification"] == {"prefixes": 7, "faultedStates": 33, "violations": 0}
    assert [w["aside"] for w in document["waves"]] == [False] * 3 + [True] * 4
    assert "7 prefixes, 33 faulted states checked, 0 violations" in whole(outcomes.leaving(), None)


def test_what_is_destroyed_is_told_as_deletions_whatever_the_document_wants():
    steps = (
        outcomes.step(StackKind.EDGE, "us-east-1", action=StepAction.DELETE),
        outcomes.step(StackKind.API, "eu-west-1", action=StepAction.DELETE),
        outcomes.motion(StepAction.DELETE_GATE, "eu-west-1"),
        outcomes.motion(StepAction.DELETE_GLOBAL, "us-east-1", target="global"),
    )
    wanted = (Change(path="edge", action=Action.CREATE, origin=Origin.GIT),)
    plan = outcomes.plan(changes=wanted, waves=(Wave(steps=steps),))
    gone = outcomes.outcome(Result.PROGRESSING, plan=plan, goal=Goal.DESTROY, regions=())
    assert plan_text(gone).splitlines()[0] == "orders: destroy: +0 ~0 -4, replaced 0, ETA 25m"
    assert [c["path"] for c in plan_json(gone)["changes"]] == [
        "edge",
        "regions/eu-west-1/api",
        "regions/eu-west-1/gate",
        "global/cluster",
    ]
    nothing = outcomes.outcome(plan=outcomes.plan(changes=wanted), goal=Goal.DESTROY, regions=())
    assert plan_text(nothing) == "Nothing is left of orders."


def test_nothing_to_do_is_one_line():
    assert plan_text(outcomes.outcome()) == "No changes. orders is converged."


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (outcomes.refused(), ["refused", "RegionRemoval", "spec.regions", "list it again"]),
        (outcomes.failed(), ["DeploymentFailed", "deploy/api/eu-west-1", "no such runtime"]),
        (
            outcomes.drifted(),
            ["PriceClass_All → PriceClass_100 (drift)", "2 drift findings left as found", "meridian drift"],
        ),
        (replace(outcomes.building(), result=Result.SUSPENDED), ["suspended: none of this is done"]),
        (replace(outcomes.outcome(), result=Result.SUSPENDED), ["No changes. orders is suspended"]),
    ],
)
def test_what_stands_in_the_way_is_told_in_every_form(outcome, words):
    text = plan_text(outcome)
    assert [word for word in words if word not in text] == []
    for refusal in outcome.plan.refusals:
        assert f"**Refused: `{refusal.code}`**" in whole(outcome, None)


def test_colour_changes_nothing_but_colour():
    painted = plan_text(outcomes.building(), lambda style, text: f"<{style}>{text}</>")
    assert "<good>" in painted
    assert "<warn>" in painted
    for style in ("good", "warn", "bad", "bold", "dim"):
        painted = painted.replace(f"<{style}>", "")
    assert painted.replace("</>", "") == BUILDING


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (Change(path="edge/a", action=Action.CREATE, origin=Origin.GIT, desired=1), "+  edge  a 1"),
        (Change(path="edge/a", action=Action.DELETE, origin=Origin.GIT, applied="x"), "-  edge  a  x"),
        (
            Change(path="edge/a", action=Action.REPLACE, origin=Origin.UPGRADE, applied=1, desired=2),
            "±  edge  a  1 → 2 (upgrade)",
        ),
        (
            Change(path="edge/a", action=Action.UPDATE, origin=Origin.DRIFT, applied=1, observed=3, desired=1),
            "~  edge  a  3 → 1 (drift)",
        ),
        (Change(path="regions/eu-west-1", action=Action.CREATE, origin=Origin.GIT), "+  eu-west-1"),
        (Change(path="edge/apiToken", action=Action.CREATE, origin=Origin.GIT, desired="x"), "(redacted, sha256"),
    ],
)
def test_each_change_on_its_line(change, line):
    outcome = outcomes.outcome(Result.PROGRESSING, plan=outcomes.plan(changes=(change,)))
    assert line in plan_text(outcome)
    assert all(f"`{part}" in whole(outcome, None) for part in change.path.removeprefix("regions/").split("/"))


def test_what_is_new_in_a_place_and_what_is_done_in_several_regions_is_one_line():
    made = [
        Change(path=f"regions/eu-west-1/{part}", action=Action.CREATE, origin=Origin.GIT, desired=value)
        for part, value in (("data", None), ("traffic", "serving"))
    ]
    soaks = tuple(Gate(name=name, region="eu-west-1", detail="late", met=True) for name in ("soak", "lag"))
    steps = (
        outcomes.step(StackKind.API, "us-east-1"),
        outcomes.step(StackKind.API, "eu-west-1"),
        outcomes.step(StackKind.API, "eu-west-3", eta=outcomes.minutes(5)),
    )
    dns = Gate(name="dns", region=None, detail="9 s left")
    plan = outcomes.plan(changes=tuple(made), waves=(Wave(steps=steps, gates=(*soaks, dns)), Wave(gates=(dns, *soaks))))
    lines = plan_text(outcomes.outcome(Result.PROGRESSING, plan=plan)).splitlines()
    assert lines[5:] == [
        "Changes",
        "  +  eu-west-1  data, traffic serving",
        "",
        "Wave 1 of 2, about 25m",
        "  deploy/api in us-east-1, eu-west-1",
        "  deploy/api in eu-west-3 (5m)",
        "  then wait for soak, lag in eu-west-1",
        "  then wait for dns",
        "Wave 2 of 2",
        "  wait for dns: 9 s left",
    ]


def test_the_document_carries_everything_the_text_says():
    document = plan_json(outcomes.building())
    assert [w["steps"][0]["id"] for w in document["waves"]] == ["deploy/data/us-east-1", "deploy/edge"]
    assert document["waves"][0]["gates"][0]["name"] == "replica-lag"
    assert (document["converged"], document["eta"], len(document["changes"])) == (False, "PT33M", 3)


def test_repaired_drift_is_a_change_once_and_drift_left_alone_is_none():
    drifted = outcomes.drifted()
    (change,) = plan_json(drifted)["changes"]
    assert (change["path"], change["origin"], change["observed"]) == ("edge/priceClass", "drift", "PriceClass_All")
    known = Change(path="edge/priceClass", action=Action.UPDATE, origin=Origin.GIT, stack=outcomes.EDGE)
    twice = replace(drifted, plan=replace(drifted.plan, changes=(known,)))
    assert [c["origin"] for c in plan_json(twice)["changes"]] == ["git"]
    assert plan_json(replace(drifted, plan=outcomes.plan()))["changes"] == []


def test_who_is_to_give_his_word_sees_what_for():
    leaving = outcomes.leaving()
    word = Refusal(code="ApprovalRequired", path="", message="approve it:\nmeridian approve orders --fingerprint x")
    plan = replace(leaving.plan, waves=(), withheld=leaving.plan.waves, refusals=(word,))
    waits = replace(leaving, result=Result.BLOCKED, plan=plan)
    text, markdown = plan_text(waits), whole(waits, None)
    assert "once that is let pass: 3 steps in 3 waves, 3 more aside" in text
    assert LEAVING[LEAVING.index("Wave 1 of 3") :] in text
    assert "Once that is let pass: 3 steps in 3 waves, 3 more aside" in markdown
    assert "> approve it:\n> - `meridian approve orders --fingerprint x`" in markdown
    assert "**`data-deletion`**: data goes" in markdown
