"""The timeline of a rollout, from one status document to the next, as each pass finds it in the table."""

import json
from dataclasses import replace

import pytest

from reconciler.model import bundle
from reconciler.model.observed import Unknown
from reconciler.model.outcome import Problem, Result, Revision, Sent
from reconciler.model.plan import Gate, Refusal, StepAction, Wave
from reconciler.model.stacks import StackKind
from reconciler.report.refused import refused_status
from reconciler.report.status import after_error, glanced, status_document
from reconciler.report.timeline import LONGEST, MOST
from tests.fakes import outcomes
from tests.fakes.outcomes import NOW, OLD, REGIONS, minutes, motion, ref, state, step
from tests.unit.report.test_schemas import check

DATA = tuple(step(StackKind.DATA, r) for r in REGIONS)
LAG = Gate(name="replica-lag", region="eu-west-1", detail="at most 1000 ms")
LAST = Wave(steps=(step(StackKind.EDGE, "us-east-1", eta=minutes(8)),))
BOTH = outcomes.plan(waves=(Wave(steps=DATA, gates=(LAG,)), LAST))
GATED = outcomes.plan(waves=(Wave(gates=(LAG,)), LAST))
EDGE = outcomes.plan(waves=(LAST,))
DONE = outcomes.plan()
WELL = dict.fromkeys(REGIONS, "CREATE_COMPLETE")


def at(minute, plan, statuses=None, sent=(), result=None, changed=None, **more):
    """A pass in this minute. `changed`: the minute in which AWS last began something on the stacks of `statuses`."""
    now = NOW + minutes(minute)
    moved = NOW + minutes(minute if changed is None else changed)
    stacks = {
        ref(StackKind.DATA, r): s
        if isinstance(s, Unknown)
        else replace(state(ref(StackKind.DATA, r), s), changed_at=moved)
        for r, s in (statuses or {}).items()
    }
    requests = tuple(Sent(id=s.id, call="cloudformation:ExecuteChangeSet", region=s.region) for s in sent)
    found = result or (Result.CONVERGED if plan.converged else Result.PROGRESSING)
    return outcomes.outcome(
        found, plan=plan, observed=outcomes.observed(at=now, stacks=stacks), requests=requests, **more
    )


def timeline(*passes, before=None):
    for outcome in passes:
        before = json.loads(json.dumps(status_document(outcome, before)))
    return before["timeline"]


def told(found):
    """Steps and gates, each with the minutes of its beginning and its end."""

    def minute(text):
        return "-" if text is None else str((int(text[11:13]) - 3) * 60 + int(text[14:16]))

    steps = [" ".join((s["id"], minute(s["began"]), minute(s["ended"]), s["status"])).strip() for s in found["steps"]]
    return steps, [f"{g['id']} {minute(g['since'])} {minute(g['met'])}" for g in found["gates"]]


ROLLOUT = (
    at(0, BOTH, sent=DATA[:1]),
    at(1, BOTH, {"us-east-1": "CREATE_IN_PROGRESS"}, sent=DATA[1:]),
    at(20, GATED, WELL),
    at(22, EDGE, WELL, sent=LAST.steps),
    at(30, DONE, WELL),
)


@pytest.mark.parametrize(
    ("passes", "steps", "gates"),
    [
        (1, ["deploy/data/us-east-1 0 -", "deploy/data/eu-west-1 - -", "deploy/edge - -"], []),
        (
            2,
            ["deploy/data/us-east-1 1 - CREATE_IN_PROGRESS", "deploy/data/eu-west-1 1 -", "deploy/edge - -"],
            [],
        ),
        (
            3,
            ["deploy/data/us-east-1 1 20", "deploy/data/eu-west-1 1 20", "deploy/edge - -"],
            ["replica-lag/eu-west-1 20 -"],
        ),
        (
            4,
            ["deploy/data/us-east-1 1 20", "deploy/data/eu-west-1 1 20", "deploy/edge 22 -"],
            ["replica-lag/eu-west-1 20 22"],
        ),
        (
            5,
            ["deploy/data/us-east-1 1 20", "deploy/data/eu-west-1 1 20", "deploy/edge 22 30"],
            ["replica-lag/eu-west-1 20 22"],
        ),
    ],
)
def test_steps_begin_and_end_and_gates_are_waited_for(passes, steps, gates):
    found = timeline(*ROLLOUT[:passes])
    assert told(found) == (steps, gates)
    assert (found["began"], found["ended"]) == ("2026-03-01T03:00:00Z", "2026-03-01T03:30:00Z" if passes == 5 else None)
    check(status_document(ROLLOUT[passes - 1], {"timeline": found}))
    assert (found["revision"], found["fingerprint"]) == ("a1b2c3d", "sha256:0123456789ab")


FALLEN = {"us-east-1": "ROLLBACK_COMPLETE"}
ONE = outcomes.plan(waves=(Wave(steps=DATA[:1]),))
REFUSED = outcomes.plan(refusals=(Refusal(code="X", path="", message="no"),))
RECOVER = outcomes.plan(
    waves=(Wave(steps=(step(StackKind.DATA, OLD, action=StepAction.RECOVER),)), Wave(steps=DATA[:1]))
)
RUNS = {"us-east-1": "CREATE_IN_PROGRESS"}
BEGUN = at(0, ONE, sent=DATA[:1])
OPENED = outcomes.plan(waves=(Wave(steps=(motion(StepAction.OPEN_GATE, OLD),)),))
TWICE = outcomes.plan(waves=(Wave(steps=LAST.steps), Wave(steps=DATA[:1]), Wave(steps=LAST.steps)))


@pytest.mark.parametrize(
    ("passes", "steps"),
    [
        pytest.param(
            (BEGUN, at(4, ONE, FALLEN, changed=1)),
            ["deploy/data/us-east-1 0 4 ROLLBACK_COMPLETE", "deploy/data/us-east-1 - -"],
            id="failed, and wanted once more",
        ),
        pytest.param(
            (BEGUN, at(4, RECOVER, FALLEN, changed=1, sent=RECOVER.waves[0].steps), at(5, ONE, sent=DATA[:1])),
            ["deploy/data/us-east-1 0 4 ROLLBACK_COMPLETE", "recover/data/us-east-1 4 5", "deploy/data/us-east-1 5 -"],
            id="recovered",
        ),
        pytest.param((BEGUN, at(4, ONE, FALLEN, changed=-9)), ["deploy/data/us-east-1 0 -"], id="failed long before"),
        pytest.param((BEGUN, at(4, REFUSED, WELL)), ["deploy/data/us-east-1 0 -"], id="a refusal says nothing of it"),
        pytest.param(
            (BEGUN, at(4, DONE, {OLD: Unknown("Throttled", "no")})),
            ["deploy/data/us-east-1 0 -"],
            id="what cannot be read is not over",
        ),
        pytest.param(
            (BEGUN, at(4, EDGE, RUNS)),
            ["deploy/data/us-east-1 4 - CREATE_IN_PROGRESS", "deploy/edge - -"],
            id="AWS goes on with what left the plan",
        ),
        pytest.param((at(0, BOTH), at(1, EDGE)), ["deploy/edge - -"], id="forgotten before it began"),
        pytest.param((at(0, OPENED, sent=OPENED.steps), at(2, DONE)), ["open-gate/us-east-1 0 2"], id="no stack"),
        pytest.param(
            (at(0, TWICE, sent=LAST.steps), at(8, outcomes.plan(waves=TWICE.waves[1:]))),
            ["deploy/edge 0 8", "deploy/data/us-east-1 - -", "deploy/edge - -"],
            id="the same step twice in a plan",
        ),
        pytest.param(
            (BEGUN, at(9, EDGE, WELL, revision=Revision(commit="b", generation=4, digest="d"))),
            ["deploy/data/us-east-1 0 9", "deploy/edge - -"],
            id="another commit takes over what runs",
        ),
        pytest.param((*ROLLOUT, at(40, ONE, WELL)), ["deploy/data/us-east-1 - -"], id="a repair is a rollout, too"),
    ],
)
def test_a_step_ends_as_its_stack_says(passes, steps):
    assert told(timeline(*passes))[0] == steps


@pytest.mark.parametrize(
    "then",
    [
        at(40, DONE, WELL),
        at(40, outcomes.plan(waves=(Wave(gates=(LAG,)),)), WELL, result=Result.WAITING),
        at(40, REFUSED, WELL, result=Result.BLOCKED),
        at(40, ONE, WELL, result=Result.SUSPENDED),
    ],
    ids=["nothing to do", "only waiting", "refused", "suspended"],
)
def test_the_last_rollout_stays_until_another_begins(then):
    assert timeline(*ROLLOUT, then) == timeline(*ROLLOUT)


def test_what_finishes_aside_goes_on_after_the_end():
    went = (
        at(0, outcomes.plan(waves=(LAST, *outcomes.remains())), sent=LAST.steps),
        at(9, outcomes.plan(waves=outcomes.remains())),
    )
    found = timeline(*went)
    assert found["ended"] == "2026-03-01T03:09:00Z"
    assert told(found)[1] == ["interfaces/us-east-1 9 -"]
    detach = outcomes.remains()[1].steps
    later = timeline(*went, at(20, outcomes.plan(waves=outcomes.remains()[1:]), sent=detach))
    assert later["ended"] == found["ended"]
    assert "detach/us-east-1 20 -" in told(later)[0]
    assert told(later)[1] == ["interfaces/us-east-1 9 20"]


def test_no_rollout_yet():
    assert timeline(at(0, DONE)) is None


def test_a_long_rollout_keeps_what_runs_and_what_is_newest():
    many = [motion(StepAction.OPEN_GATE, f"xx-test-{n}") for n in range(MOST + 50)]
    plan = outcomes.plan(waves=(Wave(steps=tuple(many)),))
    found = timeline(at(0, plan, sent=many[:MOST]))
    assert len(found["steps"]) == MOST
    rest = outcomes.plan(waves=(Wave(steps=tuple(many[30:])),))
    found = timeline(at(0, plan, sent=many[:MOST]), at(1, rest))
    assert told(found)[0][0] == "open-gate/xx-test-30 0 -"
    assert told(found)[0][-1] == "open-gate/xx-test-229 - -"


GOOD = timeline(*ROLLOUT)
ROW = GOOD["steps"][0]
HOSTILE = [
    "text",
    7,
    [GOOD],
    {},
    {**GOOD, "began": "yesterday"},
    {**GOOD, "began": "2026-03-01T03:00:00"},
    {**GOOD, "began": "0001-01-01T00:00:00+14:00"},
    {**GOOD, "generation": None},
    {**GOOD, "steps": "all"},
    {**GOOD, "steps": {"a": 1}},
    {**GOOD, "steps": [ROW, None]},
    {**GOOD, "steps": [{**ROW, "id": 7}]},
    {**GOOD, "steps": [{**ROW, "ended": 7}]},
    {**GOOD, "gates": [{"id": "x"}]},
]


@pytest.mark.parametrize("found", HOSTILE, ids=lambda f: str(f)[:40])
def test_a_hostile_one_in_the_table_is_none_at_all(found):
    before = {**status_document(ROLLOUT[-1], None), "timeline": found, "resources": found}
    assert timeline(at(40, DONE), before=before) is None
    assert told(timeline(at(40, ONE), before=before))[0] == ["deploy/data/us-east-1 - -"]


def test_long_texts_in_the_table_do_not_stay():
    row = {**ROW, "id": "x" * 9000, "status": "y" * 9000}
    found = timeline(at(40, DONE), before={"timeline": {**GOOD, "steps": [row] * 500}})
    assert len(found["steps"]) == MOST
    assert {len(s["id"]) for s in found["steps"]} == {LONGEST}


def test_passes_without_a_plan_keep_it():
    before = status_document(ROLLOUT[1], None)
    refusal = bundle.Refusal(code="BadArchive", message="the bundle is no zip")
    problem = Problem(code="Stalled", step="", message="it does not go on")
    for kept in (
        glanced(before, NOW + minutes(5)),
        after_error("orders", before, problem, {}, NOW + minutes(5)),
        refused_status("orders", refusal, before, NOW + minutes(5)),
    ):
        document = check(kept)
        assert [document[name] for name in ("timeline", "resources", "plan")] == [
            before[name] for name in ("timeline", "resources", "plan")
        ]
        assert document["regions"] == before["regions"]
