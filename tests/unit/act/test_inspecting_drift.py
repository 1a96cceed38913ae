"""A drift-aware change set is executed only if it writes back what it was made for, property by property."""

from datetime import timedelta

import pytest

from reconciler import act
from reconciler.model.plan import Step, StepAction
from reconciler.model.requests import ChangeSet, PropertyDrift, ResourceChange
from reconciler.model.stacks import StackKind, StackRef
from tests.fakes.world import START

API = StackRef(StackKind.API, "eu-west-1")
FUNCTION = "AWS::Lambda::Function"


def step(*reverts: tuple[str, str]) -> Step:
    return Step(
        action=StepAction.REPAIR,
        target="api",
        region="eu-west-1",
        eta=timedelta(),
        stack=API,
        allow=frozenset(name for name, _ in reverts),
        reverts=frozenset(reverts),
    )


def change(name: str, *props: str, kind: str = FUNCTION, drift: str = "MODIFIED", **more) -> ResourceChange:
    drifted = tuple(PropertyDrift(prop=p, deployed="1", actual="2") for p in props)
    given = {"action": "Modify", "replacement": "False"} | more
    return ResourceChange(logical_id=name, resource_type=kind, drift=drift, drifted=drifted, **given)


def made(*changes: ResourceChange, **more) -> ChangeSet:
    given = {"status": "CREATE_COMPLETE", "execution_status": "AVAILABLE"} | more
    return ChangeSet(name="c", changes=changes, **given)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (("Function", "MemorySize"), change("Function", "MemorySize")),
        (("Stage", "MethodSettings"), change("Stage", "MethodSettings.0.ThrottlingRateLimit")),
        (("Api", "Policy.Statement"), change("Api", "Policy")),
        (("Alarm", ""), change("Alarm", drift="DELETED", action="Add", replacement=None)),
    ],
)
def test_what_it_was_made_for_is_expected(expected, found):
    assert not list(act.unexpected(made(found), step(expected)))


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (change("Function", "MemorySize", "Timeout"), "Function.Timeout (AWS::Lambda::Function): it drifted, too"),
        (change("Function", "MemorySizes"), "Function.MemorySizes"),
        (change("Function", drift="DELETED", action="Add", replacement=None), "Function (AWS::Lambda::Function)"),
        (change("Function"), "Function (AWS::Lambda::Function)"),
        (change("Cluster", "Port", kind="AWS::RDS::DBCluster"), "never written back by a change set"),
        (change("Key", "KeyPolicy", kind="AWS::KMS::Key"), "never written back by a change set"),
        (change("Vpc", "EnableDnsSupport", kind="AWS::EC2::VPC"), "never written back by a change set"),
        (change("Subnet0", "MapPublicIpOnLaunch", kind="AWS::EC2::Subnet"), "never written back by a change set"),
    ],
)
def test_what_drifted_beside_it_is_named(found, why):
    expected = step(("Function", "MemorySize"), ("Cluster", "Port"), ("Key", "KeyPolicy"), ("Vpc", "EnableDnsSupport"))
    (told,) = act.unexpected(made(found), expected)
    assert why in told


def test_what_is_in_sync_with_the_new_template_is_not_written():
    kept = PropertyDrift(prop="Timeout", deployed="3", actual="9", kept=True)
    one = ResourceChange(
        action="SyncWithActual", logical_id="Function", resource_type=FUNCTION, drift="MODIFIED", drifted=(kept,)
    )
    assert not list(act.unexpected(made(one), step(("Function", "MemorySize"))))


def test_what_a_commit_changes_anyway_is_no_drift_that_is_written_back():
    asked = PropertyDrift(prop="Timeout", deployed="3", actual="9", changed=True)
    one = ResourceChange(
        action="Modify", logical_id="Function", resource_type=FUNCTION, drift="MODIFIED", drifted=(asked,)
    )
    assert not list(act.unexpected(made(one), step(("Function", "MemorySize"))))


def test_a_detection_tells_what_drifted_what_was_passed_over_and_what_is_gone():
    found = act.detection(
        made(
            change("Function", "MemorySize", ignored={"Code": "WRITE_ONLY_PROPERTY"}),
            change("Alarm", drift="DELETED", action="Add", replacement=None),
        ),
        START,
        START,
    )
    assert found.resources == {"Function": "MODIFIED", "Alarm": "DELETED"}
    assert [d.key for d in found.drifted] == ["Function.MemorySize", "Alarm."]
    assert found.passed_over("Function", "Code.S3Key") == "WRITE_ONLY_PROPERTY"
    assert not found.passed_over("Function", "Timeout")


def test_a_detection_keeps_no_secrets_and_does_not_grow():
    secret = PropertyDrift(prop="Environment", deployed='{"API_TOKEN": "abc", "A": "1"}', actual='{"A": "1"}')
    named = PropertyDrift(prop="MasterUserPassword", deployed="abc", actual="x" * 5000)
    long = PropertyDrift(prop="Policy", deployed="x" * 5000, actual=None)
    many = tuple(PropertyDrift(prop=f"P{n}", deployed="1", actual="2") for n in range(100))
    one = ResourceChange(
        action="Modify",
        logical_id="F",
        resource_type=FUNCTION,
        drift="MODIFIED",
        drifted=(secret, named, long, *many),
    )
    found = act.detection(made(one), START, START)
    assert "abc" not in str(found.document())
    assert len(str(found.document())) < 5000
    assert type(found).recorded(found.document()) == found


def test_nothing_to_change_is_in_sync_and_another_failure_says_nothing():
    empty = made(
        status="FAILED", execution_status="UNAVAILABLE", reason="The submitted information didn't contain changes."
    )
    assert act.detection(empty, START, START).drifted == ()
    assert act.detection(made(status="FAILED", reason="no rights"), START, START) is None
    assert act.detection(made(status="CREATE_IN_PROGRESS"), START, START) is None
