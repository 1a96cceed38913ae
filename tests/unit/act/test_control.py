"""The control plane's stacks: which change sets may be executed, and what a new one adopts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler import act
from reconciler.model.plan import Step, StepAction
from reconciler.model.requests import Adoption, ChangeSet, ResourceChange
from reconciler.model.stacks import DesiredStack, StackKind, StackRef, Template

CONTROL = StackRef(StackKind.CONTROL, "us-east-1")
STEP = Step(action=StepAction.DEPLOY, target="control", region="us-east-1", stack=CONTROL, eta=timedelta())
CHANGE = ResourceChange(action="Modify", logical_id="It", resource_type="AWS::Events::Rule")


def objections(**changes: object) -> list[str]:
    change_set = ChangeSet(
        name="x", status="CREATE_COMPLETE", execution_status="AVAILABLE", changes=(replace(CHANGE, **changes),)
    )
    return list(act.control_objections(change_set, STEP, create=False))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"action": "Add"},
        {"action": "Import", "resource_type": "AWS::S3::Bucket"},
        {"action": "Remove"},
        {"replacement": "True"},
        {"resource_type": "AWS::SQS::Queue", "replacement": "False"},
        {"resource_type": "AWS::S3::Bucket", "action": "Remove", "policy_action": "Retain"},
    ],
)
def test_what_serves_nobody_may_change(changes):
    assert objections(**changes) == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"resource_type": "AWS::SQS::Queue", "replacement": "True"}, "would be replaced, and what it holds lost"),
        ({"resource_type": "AWS::KMS::Key", "replacement": "Conditional"}, "would be replaced, and what it holds lost"),
        ({"resource_type": "AWS::S3::Bucket", "action": "Remove"}, "would be deleted, with what it holds"),
        ({"action": "Dynamic"}, "Dynamic is never planned"),
    ],
)
def test_what_holds_something_stays(changes, why):
    (told,) = objections(**changes)
    assert told.endswith(why)


def test_a_new_stack_adopts_what_was_left_and_writes_the_rest_afterwards():
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    body = {
        "Resources": {
            "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"a": 1}, "Description": "x"}, **kept},
            "Revisions": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Fn::Sub": "x-${y}"}}, **kept},
            "Rule": {"Type": "AWS::Events::Rule", "Properties": {"Name": "r"}},
        },
        "Parameters": {"P": {"Type": "String"}},
    }
    desired = DesiredStack(CONTROL, Template("control", body), {"P": "1"})
    part, adoptions = act.adopt(desired, {"Revisions": "x-1", "Key": "1234"})
    assert part.template.body == {
        "Resources": {
            "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"a": 1}}, **kept},
            "Revisions": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "x-1"}, **kept},
        }
    }
    assert part.parameters == {}
    assert adoptions == (
        Adoption(logical_id="Key", resource_type="AWS::KMS::Key", identifier={"KeyId": "1234"}),
        Adoption(logical_id="Revisions", resource_type="AWS::S3::Bucket", identifier={"BucketName": "x-1"}),
    )
