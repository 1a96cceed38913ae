"""Carrying out a wave: what is asked of AWS, in which order, and where a run stops trying."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.drive import Driver, Run
from reconciler.model.errors import AccessDenied, LeaseLost, Throttled
from reconciler.model.motion import Motion
from reconciler.model.observed import Failure, StackState
from reconciler.model.plan import Step, StepAction, Wave
from reconciler.model.requests import ChangeSet, CreateChangeSet
from reconciler.model.schema import Failure as MigrationFailure
from reconciler.model.schema import Schema
from reconciler.model.stacks import StackKind, StackRef
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import START, World

READY = ChangeSet(name="", status="CREATE_COMPLETE", execution_status="AVAILABLE")


class FakeCloud:
    """Keeps what it is asked for; a change set becomes ready after `slow` looks at it."""

    def __init__(self, *, slow: int = 0, error: Exception | None = None) -> None:
        self.slow, self.error = slow, error
        self.made: dict[str, int] = {}
        self.calls: list[str] = []
        self.schemas: list[Schema] = []
        """What the migrations' function says, one after the other, the last for ever."""

    def change_set(self, stack, stack_name, name):
        if name not in self.made:
            return None
        self.made[name] += 1
        return READY if self.made[name] > self.slow else replace(READY, status="CREATE_PENDING")

    def schema(self, region, function):
        return self.schemas.pop(0) if len(self.schemas) > 1 else self.schemas[0]

    def perform(self, request):
        if self.error:
            raise self.error
        self.calls.append(request.call.split(":")[1])
        if isinstance(request, CreateChangeSet):
            self.made.setdefault(request.name, 0)


class FakeClock:
    def now(self):
        return START

    def sleep(self, seconds):
        pass


class FakeLease(nullcontext):
    def __init__(self, *, lost: bool = False) -> None:
        self.lost = lost

    def check(self):
        if self.lost:
            raise LeaseLost("taken over")

    def working_on(self, step):
        pass


def driver(world: World, cloud: FakeCloud, run: Run, *, lost: bool = False) -> Driver:
    seen, stacks = world.seen()
    return Driver(
        cloud=cloud,
        clock=FakeClock(),
        lease=FakeLease(lost=lost),
        topology=world.desired,
        stacks=stacks,
        seen=seen,
        run=run,
    )


@pytest.fixture
def world() -> World:
    return World(with_regions(NAMES[0]))


@pytest.mark.parametrize(
    ("patience", "slow", "calls"),
    [
        (0, 0, ["CreateChangeSet"]),
        (60, 0, ["CreateChangeSet", "ExecuteChangeSet"]),
        (60, 5, ["CreateChangeSet", "ExecuteChangeSet"]),
        (3, 9, ["CreateChangeSet"]),
    ],
)
def test_a_new_stack_is_created_once_and_executed_when_there_is_patience(world, patience, slow, calls):
    cloud, run = FakeCloud(slow=slow), Run(patience=patience)
    sent, problems = driver(world, cloud, run).first_wave()
    assert cloud.calls == calls
    assert [s.call.split(":")[1] for s in sent] == calls
    assert not problems
    assert run.begun == ({StackRef(StackKind.FOUNDATION, NAMES[0])} if len(calls) == 2 else set())


def test_the_next_pass_executes_what_the_last_one_created(world):
    cloud = FakeCloud()
    driver(world, cloud, Run()).first_wave()
    driver(world, cloud, Run()).first_wave()
    assert cloud.calls == ["CreateChangeSet", "ExecuteChangeSet"]


@pytest.mark.parametrize(("error", "retry"), [(Throttled("slow down"), True), (AccessDenied("no"), False)])
def test_an_error_of_aws_becomes_the_steps_problem(world, error, retry):
    _, (problem,) = driver(world, FakeCloud(error=error), Run()).first_wave()
    assert (problem.step, problem.retry) == ("deploy/foundation/us-east-1", retry)


def test_nothing_is_written_once_the_lease_is_lost(world):
    cloud = FakeCloud()
    with pytest.raises(LeaseLost):
        driver(world, cloud, Run(), lost=True).first_wave()
    assert not cloud.calls


def test_a_stack_that_fails_in_this_run_is_told_not_tried_again(world):
    ref = StackRef(StackKind.FOUNDATION, NAMES[0])
    failure = Failure(logical_id="Assets", resource_type="AWS::S3::Bucket", reason="exists")
    world.stacks[ref] = StackState(
        ref=ref, status="ROLLBACK_COMPLETE", changed_at=START, template={"Resources": {}}, failure=failure
    )
    cloud = FakeCloud()
    _, (problem,) = driver(world, cloud, Run(executed={ref})).first_wave()
    assert problem.code == "DeploymentFailed"
    assert "Assets (AWS::S3::Bucket): exists" in problem.message
    driver(world, cloud, Run()).first_wave()
    assert cloud.calls == ["DeleteStack"], "a later run recovers it"


@pytest.mark.parametrize(
    ("reason", "code"),
    [("The submitted information didn't contain changes.", "NothingToChange"), ("no such bucket", "ChangeSetFailed")],
)
def test_a_change_set_of_no_use_is_put_away_and_the_second_time_a_problem(world, reason, code):
    world.run()
    world.desired = replace(world.desired, edge=replace(world.desired.edge, price_class="PriceClass_All"))
    run, cloud = Run(), FakeCloud()
    cloud.change_set = lambda *_: replace(READY, status="FAILED", reason=reason)
    driver(world, cloud, run).first_wave()
    _, (problem,) = driver(world, cloud, run).first_wave()
    assert cloud.calls == ["DeleteChangeSet"]
    assert problem.code == code


VERSION = Step(
    action=StepAction.DELETE_VERSION, target="version", region=None, eta=timedelta(), subject="router:1", why=""
)


@pytest.mark.parametrize("error", [Throttled("slow down"), AccessDenied("no")])
def test_what_finishes_aside_is_tried_for_ever_and_fails_nothing(world, error):
    cloud, run = FakeCloud(error=error), Run()
    aside = driver(world, cloud, run)
    plan = replace(aside.seen.plan, waves=(Wave(steps=(VERSION,), aside=True),))
    aside = replace(aside, seen=replace(aside.seen, plan=plan))
    for _ in range(30):
        _, (problem,) = aside.first_wave()
        assert (problem.code, problem.retry) == (error.code, True)


def test_a_deletion_that_fails_is_tried_again_but_not_for_ever(world):
    api = StackRef(StackKind.API, NAMES[0])
    state = StackState(ref=api, id="arn:1", status="DELETE_FAILED", changed_at=START, template={})
    deletes = Step(action=StepAction.DELETE, target="api", region=NAMES[0], eta=timedelta(), stack=api)
    cloud, run = FakeCloud(), Run()
    failing = driver(world, cloud, run)
    seen = replace(
        failing.seen,
        plan=replace(failing.seen.plan, waves=(Wave(steps=(deletes,)),)),
        observed=replace(failing.seen.observed, stacks={api: state}),
    )
    failing = replace(failing, seen=seen)
    problems = [failing.first_wave()[1] for _ in range(6)]
    assert cloud.calls == ["DeleteStack"] * 5
    assert run.begun == set()
    assert [len(p) for p in problems] == [0, 0, 0, 0, 0, 1]
    assert (problems[-1][0].code, problems[-1][0].retry) == ("DeletionFailed", False)


def migrating() -> World:
    world = World(with_regions(*NAMES[:2]))
    world.run()
    world.recorded = {"motion": replace(Motion.recorded(world.recorded), migrated={}).document()}
    return world


def test_a_migration_is_asked_for_and_then_only_looked_at_until_it_is_done():
    world, cloud, run = migrating(), FakeCloud(), Run()
    (migration,) = world.desired.migrations
    cloud.schemas = [
        Schema(state="ready"),
        Schema(state="ready", running=True),
        Schema(state="ready", applied={migration.name: migration.sha256}),
    ]
    for finished in (set(), set(), {"migrate/us-east-1"}):
        assert driver(world, cloud, run).first_wave()[1] == ()
        assert run.finished == finished
    assert cloud.calls == ["InvokeFunction"]


def test_the_roles_are_made_and_the_schema_with_them_in_one_pass_if_it_may_wait():
    world, cloud = migrating(), FakeCloud()
    cloud.schemas = [Schema(state="unprepared"), Schema(state="ready")]
    ref = StackRef(StackKind.DATA, NAMES[0])
    world.stacks[ref] = replace(world.stacks[ref], outputs={**world.stacks[ref].outputs, "MasterSecret": "arn:secret"})
    sent, problems = driver(world, cloud, Run(patience=30)).first_wave()
    assert [s.call for s in sent] == ["lambda:InvokeFunction"] * 2
    assert not problems


def test_a_failure_of_this_run_is_told_and_an_older_one_is_tried_again():
    world, cloud, run = migrating(), FakeCloud(), Run()
    failure = MigrationFailure(name="0001_orders.sql", message="syntax error", attempt="before")
    cloud.schemas = [Schema(state="ready", failed=failure)]
    assert driver(world, cloud, run).first_wave()[1] == ()
    assert cloud.calls == ["InvokeFunction"]
    cloud.schemas = [Schema(state="ready", failed=replace(failure, attempt=run.attempt))]
    (problem,) = driver(world, cloud, run).first_wave()[1]
    assert (problem.code, problem.retry) == ("MigrationFailed", False)
    assert problem.message.startswith("0001_orders.sql: syntax error; nothing of it is applied")
    assert cloud.calls == ["InvokeFunction"]


def test_a_throttle_however_long_never_fails_a_deployment(world):
    """Of the read of its change set, and of the write."""
    cloud, run = FakeCloud(), Run()

    def throttled(*_):
        raise Throttled("slow down")

    cloud.change_set = throttled
    for _ in range(50):
        _, (problem,) = driver(world, cloud, run).first_wave()
        assert (problem.code, problem.retry) == ("Throttled", True)
    cloud = FakeCloud(error=Throttled("slow down"))
    for _ in range(50):
        assert driver(world, cloud, run).first_wave()[1][0].retry
    driver(world, FakeCloud(), run).first_wave()
    assert not run.troubles
