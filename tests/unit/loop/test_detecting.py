"""The second detector and what repairs make of it, on the account in memory: asked, kept, judged, refused, put away."""

from contextlib import contextmanager

import pytest

from reconciler.detecting import change_set_name, detect
from reconciler.loop import look, run_pass
from reconciler.model.change import Disposition
from reconciler.model.errors import LeaseLost
from reconciler.model.motion import Motion
from reconciler.model.outcome import Result
from reconciler.model.requests import PropertyDrift, ResourceChange
from reconciler.model.run import Run
from reconciler.model.stacks import StackKind, StackRef
from tests.contract.cloud.worlds import Fake, fake

EDGE = StackRef(StackKind.EDGE, "us-east-1")
KIND = "AWS::CloudFront::Distribution"


def drift(*props: str, name: str = "Distribution", **more) -> ResourceChange:
    drifted = tuple(PropertyDrift(prop=p, deployed="PriceClass_100", actual="PriceClass_All") for p in props)
    given = {"resource_type": KIND, "replacement": "False"} | more
    return ResourceChange(action="Modify", logical_id=name, drift="MODIFIED", drifted=drifted, **given)


PRICE, ENABLED = "DistributionConfig.PriceClass", "DistributionConfig.Enabled"


@pytest.fixture
def world() -> Fake:
    return fake()


def cheapen(world: Fake) -> None:
    """Seen by direct reads."""
    config = world.account.cloudfront.config
    world.account.cloudfront.config = {**config, "PriceClass": "PriceClass_All"}


def shown(world: Fake, *changes: ResourceChange) -> None:
    """Seen by CloudFormation."""
    world.account.stacks.drifted = {EDGE: changes}


def findings(world: Fake):
    return {f.path: f for f in look(world.ports, world.topology).diff.findings}


def passed(world: Fake, run: Run | None = None):
    return run_pass(world.ports, world.topology, run or Run(patience=60, threads=1))


def calls(outcome) -> list[str]:
    return [r.call.split(":")[1] for r in outcome.requests]


def change_sets(world: Fake) -> list[str]:
    return [name for name, made in world.account.stacks.stacks[EDGE].sets.items() if not made.executed]


def test_what_it_finds_is_kept_until_the_stack_is_deployed(world):
    shown(world, drift("Name", name="Headers", resource_type="AWS::CloudFront::ResponseHeadersPolicy"))
    assert not findings(world)
    assert detect(world.ports, world.topology) == {}
    found = findings(world)["edge/Headers/Name"]
    assert (found.detected_by, found.disposition) == ("change-set", Disposition.HEAL)
    assert change_sets(world) == []
    assert calls(passed(world)) == ["CreateChangeSet", "ExecuteChangeSet"]
    shown(world)
    world.passes(3600)
    assert not findings(world)


def test_a_pass_keeps_what_it_knows(world):
    shown(world, drift("Comment", name="Router", resource_type="AWS::Lambda::Function"))
    detect(world.ports, world.topology)
    before = Motion.recorded(world.ports.journal.recorded(world.topology)).detections
    passed(world, Run())
    after = Motion.recorded(world.ports.journal.recorded(world.topology)).detections
    assert before == after
    assert len(before) > 5


def test_a_repair_that_is_what_was_meant_is_carried_out(world):
    cheapen(world)
    shown(world, drift(PRICE))
    assert calls(passed(world)) == ["CreateChangeSet", "ExecuteChangeSet"]


def test_drift_that_a_repair_was_not_made_for_is_judged_first(world):
    cheapen(world)
    shown(world, drift(PRICE, ENABLED))
    first = passed(world)
    assert calls(first) == ["CreateChangeSet", "DeleteChangeSet"]
    assert first.result is Result.PROGRESSING
    assert change_sets(world) == []
    found = findings(world)
    assert found["edge/priceClass"].detected_by == "both"
    held = found["edge/Distribution/DistributionConfig/Enabled"]
    assert (held.disposition, held.disagreement) == (Disposition.HOLD, "direct reads see no drift of it")
    assert calls(passed(world)) == []


def test_more_to_heal_is_healed_together(world):
    cheapen(world)
    shown(world, drift(PRICE), drift("Name", name="Headers", resource_type="AWS::CloudFront::ResponseHeadersPolicy"))
    assert calls(passed(world)) == ["CreateChangeSet", "DeleteChangeSet"]
    assert calls(passed(world)) == ["CreateChangeSet", "ExecuteChangeSet"]


@pytest.mark.parametrize(
    ("beside", "why"),
    [
        (drift(PRICE, replacement="True"), "would be replaced"),
        (drift(PRICE, replacement="Conditional"), "might be replaced"),
        (ResourceChange(action="Remove", logical_id="Headers", resource_type="AWS::X::Y"), "would be deleted"),
        (ResourceChange(action="Modify", logical_id="Other", resource_type="AWS::X::Y"), "was not planned"),
    ],
)
def test_what_else_it_would_do_refuses_it_by_name_and_it_is_put_away(world, beside, why):
    cheapen(world)
    shown(world, beside)
    outcome = passed(world)
    assert outcome.result is Result.BLOCKED
    (problem,) = outcome.problems
    assert problem.code == "UnplannedChange"
    assert why in problem.message
    assert change_sets(world) == []


def test_whoever_loses_the_lease_stops_and_the_next_one_clears_up(world, monkeypatch):
    journal = world.ports.journal
    checks = iter([None] * 9)

    class Lost:
        def check(self):
            if next(checks, "lost"):
                raise LeaseLost("taken over")

        def working_on(self, step):
            pass

    @contextmanager
    def lease(topology, turn=None):
        yield Lost()

    with monkeypatch.context() as patch:
        patch.setattr(type(journal), "lease", lambda _self, topology, turn=None: lease(topology, turn))
        with pytest.raises(LeaseLost):
            detect(world.ports, world.topology)
    assert detect(world.ports, world.topology) == {}
    name = change_set_name(world.topology)
    assert not any(name in stack.sets for stack in world.account.stacks.stacks.values())
