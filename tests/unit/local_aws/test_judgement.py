"""What an alarm says, as CloudWatch's table about missing data has it."""

from __future__ import annotations

import pytest

from local_aws.events.judgement import state

X, O, NONE = 1.0, 0.0, None  # noqa: E741 (breaching, not breaching, missing: as in the table)
KEEPS, NO_DATA = "", "INSUFFICIENT_DATA"
ALARM = {"ComparisonOperator": "GreaterThanThreshold", "Threshold": 0.5}


@pytest.mark.parametrize(
    ("values", "missing", "ignore", "breaching", "not_breaching"),
    [
        ([O, X, X], "OK", "OK", "OK", "OK"),
        ([X, X, X], "ALARM", "ALARM", "ALARM", "ALARM"),
        ([NONE, NONE, NONE], NO_DATA, KEEPS, "ALARM", "OK"),
        ([O, NONE, NONE], "OK", "OK", "OK", "OK"),
        ([X, NONE, NONE], "ALARM", KEEPS, "ALARM", "OK"),
    ],
)
def test_three_of_three(
    values: list[float | None], missing: str, ignore: str, breaching: str, not_breaching: str
) -> None:
    said = {"missing": missing, "ignore": ignore, "breaching": breaching, "notBreaching": not_breaching}
    assert {treat: state(values, ALARM | {"TreatMissingData": treat}) for treat in said} == said


@pytest.mark.parametrize(("values", "said"), [([X, O, X], "ALARM"), ([X, O, O], "OK"), ([X, O, NONE], "OK")])
def test_two_of_three(values: list[float | None], said: str) -> None:
    assert state(values, ALARM | {"DatapointsToAlarm": 2}) == said


@pytest.mark.parametrize(
    ("operator", "said"),
    [
        ("GreaterThanOrEqualToThreshold", "ALARM"),
        ("GreaterThanThreshold", "OK"),
        ("LessThanThreshold", "OK"),
        ("LessThanOrEqualToThreshold", "ALARM"),
    ],
)
def test_the_threshold_itself(operator: str, said: str) -> None:
    assert state([0.5], ALARM | {"ComparisonOperator": operator}) == said
