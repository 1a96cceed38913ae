"""Exit codes of outcomes, of several topologies, and the durations and plan files that commands take."""

import json
from dataclasses import replace
from datetime import timedelta

import click
import pytest

from reconciler.cli import exits
from reconciler.cli.inputs import fingerprints, refuse_moved
from reconciler.cli.settings import Duration
from reconciler.model.errors import Refused
from reconciler.model.outcome import Result
from reconciler.model.plan import Refusal, Wave
from reconciler.model.stacks import StackKind
from reconciler.report.outcome import list_json
from reconciler.report.plan import plan_json
from tests.fakes import outcomes

OTHER_ACCOUNT = outcomes.plan(refusals=(Refusal(code="WrongAccount", path="spec.account", message="other"),))


@pytest.mark.parametrize(
    ("outcome", "plan", "detailed", "drift", "found", "strict", "converge"),
    [
        (outcomes.outcome(), 0, 0, 0, 0, 0, 0),
        (outcomes.building(), 0, 2, 0, 0, 0, 0),
        (outcomes.drifted(), 0, 2, 0, 2, 4, 0),
        (outcomes.refused(), 3, 3, 0, 0, 0, 3),
        (outcomes.outcome(Result.BLOCKED, plan=OTHER_ACCOUNT), 3, 3, 3, 3, 3, 3),
        (outcomes.outcome(Result.SUSPENDED), 0, 0, 0, 0, 0, 3),
        (outcomes.failed(), 1, 1, 0, 0, 0, 5),
        (replace(outcomes.building(), result=Result.STALLED), 1, 1, 0, 0, 0, 1),
    ],
)
def test_each_outcome_in_each_command(outcome, plan, detailed, drift, found, strict, converge):
    assert exits.of_plan(outcome, detailed=False) == plan
    assert exits.of_plan(outcome, detailed=True) == detailed
    assert exits.of_drift(outcome, detailed=False, strict=False) == drift
    assert exits.of_drift(outcome, detailed=True, strict=False) == found
    assert exits.of_drift(outcome, detailed=True, strict=True) == strict
    assert exits.of_convergence(outcome, detailed=False) == converge


API_STEPS = tuple(outcomes.step(StackKind.API, region) for region in outcomes.REGIONS)


@pytest.mark.parametrize(
    ("left", "code"),
    [
        (API_STEPS[1:], 5),  # the first Region is done, the second failed
        (API_STEPS, 1),  # the first one failed: none is on this revision
        ((outcomes.step(StackKind.EDGE, "us-east-1"),), 1),  # the Regions are done, what all of them need is not
    ],
)
def test_partial_means_that_some_region_is_done_with_this_revision(left, code):
    failed = outcomes.outcome(Result.FAILED, plan=outcomes.plan(waves=tuple(Wave(steps=(s,)) for s in left)))
    assert exits.of_convergence(failed, detailed=False) == code


@pytest.mark.parametrize(
    ("codes", "together"),
    [((), 0), ((0, 0), 0), ((0, 2), 2), ((3, 3), 3), ((0, 3), 5), ((2, 1), 5), ((1, 3), 1), ((0, 5), 5), ((65,), 65)],
)
def test_several_topologies_have_one_exit_code(codes, together):
    assert exits.combined(codes) == together


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("6h", 21600), ("1h30m", 5400), ("1.5s", 1.5)]
)
def test_durations(text, seconds):
    assert Duration().convert(text, None, None) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "6", "6x", "h", "-5m", "0s", "6h ", "1h,5m"])
def test_what_is_no_duration(text):
    with pytest.raises(click.BadParameter, match="write for instance 90s"):
        Duration().convert(text, None, None)


def test_a_plan_file_allows_exactly_its_plan(tmp_path):
    outcome = outcomes.building()
    for number, document in enumerate((plan_json(outcome), list_json([plan_json(outcome)]))):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(document))
        refuse_moved(outcome, fingerprints(file))
        moved = replace(outcome, plan=replace(outcome.plan, fingerprint="sha256:other"))
        with pytest.raises(Refused, match="no longer the one in the file"):
            refuse_moved(moved, fingerprints(file))
        with pytest.raises(Refused, match="holds no plan for payments"):
            refuse_moved(replace(outcome, plan=replace(outcome.plan, topology="payments")), fingerprints(file))


@pytest.mark.parametrize("text", [None, "", "{}", "[]", '{"kind": "Status"}', '{"kind": "List", "items": 3}', "\x00"])
def test_what_is_no_plan_file_is_wrong_usage(tmp_path, text):
    file = tmp_path / "plan.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(click.BadParameter):
        fingerprints(file)
