"""A convergence told as it goes: from one outcome to the next."""

from dataclasses import replace

from reconciler.model.outcome import Problem, Result, Sent
from reconciler.model.plan import Gate, StepAction, Wave
from reconciler.model.stacks import StackKind
from reconciler.report.progress import advance
from tests.fakes import outcomes
from tests.fakes.outcomes import REGIONS, minutes, ref, state, step

DATA = tuple(step(StackKind.DATA, r) for r in REGIONS)
LAG = Gate(name="replica-lag", region="eu-west-1", detail="at most 1000 ms")
LAST = Wave(steps=(step(StackKind.EDGE, "us-east-1", eta=minutes(8)),))
PLAN = outcomes.plan(waves=(Wave(steps=DATA, gates=(LAG,)), LAST))
GATED = outcomes.plan(waves=(Wave(gates=(LAG,)), LAST))


def at(minute, plan, *, statuses=None, sent=(), in_flight=(), **more):
    stacks = {ref(StackKind.DATA, r): state(ref(StackKind.DATA, r), s) for r, s in (statuses or {}).items()}
    seen = outcomes.observed(at=outcomes.NOW + minutes(minute), stacks=stacks)
    requests = tuple(Sent(id=s.id, call="cloudformation:ExecuteChangeSet", region=s.region) for s in sent)
    return outcomes.outcome(
        Result.PROGRESSING, plan=plan, observed=seen, requests=requests, in_flight=in_flight, **more
    )


def told(*passes):
    progress, lines = None, []
    for outcome in passes:
        progress, events = advance(progress, outcome)
        lines.append([f"{event.what:<7}  {event.text}" for event in events])
    return progress, lines


def test_steps_start_and_end_gates_are_waited_for_and_met():
    done = dict.fromkeys(REGIONS, "CREATE_COMPLETE")
    progress, lines = told(
        at(0, PLAN, sent=DATA[:1]),
        at(1, PLAN, sent=DATA[1:], in_flight=(DATA[0].stack,)),
        at(20, GATED, statuses=done),
        at(22, outcomes.plan(waves=(LAST,)), sent=LAST.steps),
        at(30, outcomes.plan()),
    )
    assert lines == [
        ["started  deploy/data in us-east-1, usually 25m"],
        ["started  deploy/data in eu-west-1, usually 25m"],
        [
            "done     deploy/data in us-east-1, eu-west-1 after 20m; 2 of 3 steps",
            "waiting  replica-lag in eu-west-1: at most 1000 ms",
        ],
        ["met      replica-lag in eu-west-1 after 2m", "started  deploy/edge, usually 8m"],
        ["ended    deploy/edge after 8m: the stack is gone or unreadable"],
    ]
    assert (progress.done, progress.steps, progress.running, progress.waiting) == (3, 3, {}, {})


def test_an_operation_that_runs_already_began_when_aws_says():
    running = {"us-east-1": "CREATE_IN_PROGRESS"}
    progress, _ = told(at(0, PLAN, statuses=running, in_flight=(DATA[0].stack,)))
    assert progress.running[DATA[0].id].since == outcomes.NOW - minutes(2)
    assert progress.running[DATA[0].id].status == "CREATE_IN_PROGRESS"
    assert progress.queued == DATA[1:]


def test_what_is_left_counts_the_slowest_step_and_the_waves_to_come():
    progress, _ = told(at(0, PLAN, sent=DATA))
    assert progress.eta(outcomes.NOW) == minutes(25 + 8)
    assert progress.eta(outcomes.NOW + minutes(10)) == minutes(15 + 8)
    assert progress.eta(outcomes.NOW + minutes(40)) == minutes(8)


def test_a_problem_is_told_once_and_never_called_done():
    problem = Problem(code="DeploymentFailed", step=DATA[0].id, message="Cluster: quota\nexceeded")
    stuck = at(6, PLAN, problems=(problem,))
    _, lines = told(at(0, PLAN, sent=DATA[:1]), stuck, replace(stuck))
    assert lines[1] == [f"trouble  {DATA[0].id}: DeploymentFailed: Cluster: quota exceeded"]
    assert lines[2] == []


def test_a_stack_that_rolled_back_did_not_end_well():
    back = at(6, outcomes.plan(), statuses={"us-east-1": "ROLLBACK_COMPLETE"})
    _, lines = told(at(0, PLAN, sent=DATA[:1]), back)
    assert lines[1] == ["ended    deploy/data/us-east-1 after 6m: the stack is ROLLBACK_COMPLETE"]


def test_a_refusal_in_between_is_not_taken_for_success():
    _, lines = told(at(0, PLAN, sent=DATA), replace(outcomes.refused(), observed=outcomes.observed()))
    assert lines[1] == []


def test_a_stack_that_was_to_go_is_done_once_it_is_gone():
    """When its deletion began AWS does not say: its last change may be long ago."""
    goes = replace(DATA[0], action=StepAction.DELETE)
    plan = outcomes.plan(waves=(Wave(steps=(goes,)),))
    running = {"us-east-1": "DELETE_IN_PROGRESS"}
    _, lines = told(at(0, plan, sent=(goes,)), at(5, plan, statuses=running), at(9, outcomes.plan()))
    assert lines[2] == ["done     delete/data in us-east-1 after 9m; 1 of 1 step"]
