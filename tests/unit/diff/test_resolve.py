"""Intrinsic functions of applied templates, resolved from the stack's own facts."""

from datetime import UTC, datetime

import pytest

from reconciler.diff.resolve import UNRESOLVED, resolved_properties
from reconciler.model.observed import StackState
from reconciler.model.stacks import StackKind, StackRef

CASES = [
    ("plain", "plain"),
    ({"Ref": "Name"}, "n1"),
    ({"Ref": "Zones"}, ["a", "b"]),
    ({"Ref": "AWS::Region"}, "eu-west-1"),
    ({"Ref": "Bucket"}, "bucket-1"),
    ({"Ref": "Nowhere"}, UNRESOLVED),
    ({"Fn::GetAtt": ["Bucket", "Arn"]}, UNRESOLVED),
    ({"Fn::GetAtt": ["Key", "Arn"]}, "arn:key"),
    ({"Fn::Sub": "x-${Key.Arn}"}, "x-arn:key"),
    ({"Fn::Sub": "x-${AWS::AccountId}-${Name}-${!Kept}"}, "x-111111111111-n1-${Kept}"),
    ({"Fn::Sub": ["${A}", {"A": {"Ref": "Name"}}]}, "n1"),
    ({"Fn::Sub": "${Bucket.Arn}"}, UNRESOLVED),
    ({"Fn::Join": [",", ["a", {"Ref": "Name"}]]}, "a,n1"),
    ({"Fn::Join": [",", ["a", {"Ref": "Nowhere"}]]}, UNRESOLVED),
    ({"Fn::Select": [1, {"Ref": "Zones"}]}, "b"),
    ({"Fn::Select": [0, {"Fn::Split": ["-", {"Ref": "Name"}]}]}, "n1"),
    ({"a": {"Ref": "AWS::NoValue"}, "b": 1}, {"b": 1}),
    ("{{resolve:secretsmanager:x}}", UNRESOLVED),
]


@pytest.mark.parametrize(("node", "expected"), CASES, ids=[str(c[0]) for c in CASES])
def test_functions_resolve_or_stay_marked(node, expected):
    state = StackState(
        ref=StackRef(StackKind.API, "eu-west-1"),
        status="CREATE_COMPLETE",
        changed_at=datetime(2026, 1, 1, tzinfo=UTC),
        parameters={"Name": "n1", "Zones": "a,b"},
        resources={"Bucket": "bucket-1"},
        attributes={"Key.Arn": "arn:key"},
        template={
            "Parameters": {"Name": {"Type": "String"}, "Zones": {"Type": "CommaDelimitedList"}},
            "Resources": {"R": {"Type": "T", "Properties": {"P": node}}},
        },
    )
    assert resolved_properties(state, "111111111111", ["R"])["R"]["P"] == expected
