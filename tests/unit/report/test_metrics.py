"""What a pass measures, and that it costs what it is said to cost."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.control import COUNTED
from reconciler.model.errors import LeaseHeld, StaleTimer
from reconciler.model.logged import Unit
from reconciler.model.outcome import Problem, Result
from reconciler.model.plan import Refusal
from reconciler.report.metrics import beside, code_of, left_alone, pass_line, time_under_way
from reconciler.report.status import status_document
from tests.fakes import outcomes
from tests.fakes.outcomes import NOW

CALLS = dict.fromkeys((*COUNTED, "s3", "sts", "kms"), 2)


def line(outcome, **more):
    return pass_line("orders", NOW, result=str(outcome.result), code=code_of(outcome), outcome=outcome, **more)


def test_a_pass_measures_itself():
    seen = replace(outcomes.refused(), duration=timedelta(milliseconds=812))
    found = line(seen, stolen=True).metrics
    one, none = (1.0, Unit.COUNT), (0.0, Unit.COUNT)
    assert found == {
        "Passes": one,
        "PassErrors": none,
        "LeaseSteals": one,
        "StalledTopologies": none,
        "Refusals": (len(seen.plan.refusals), Unit.COUNT),
        "PassDuration": (812.0, Unit.MILLISECONDS),
    }


def test_what_blocks_without_a_refusal_of_the_plan_is_counted_as_one():
    unplanned = Problem(code="UnplannedChange", step="s", message="would be replaced")
    seen = outcomes.outcome(Result.BLOCKED, problems=(unplanned,))
    assert line(seen).metrics["Refusals"] == (1.0, Unit.COUNT)


WINDOW = ("WindowClosed", "the next window opens at 2026-03-02 02:00 UTC")
APPROVAL = ("ApprovalRequired", "nobody has approved it")


@pytest.mark.parametrize(
    ("refused", "counted"),
    [
        ((WINDOW,), 0),
        ((APPROVAL,), 0),
        ((APPROVAL, WINDOW), 0),
        ((("WindowClosed", "none of its windows ever opens"),), 1),
        ((WINDOW, ("LastServingRegion", "one has to serve")), 2),
    ],
)
def test_what_goes_on_by_itself_or_has_its_notice_rings_no_alarm(refused, counted):
    refusals = tuple(Refusal(code=code, path="spec.safety", message=message) for code, message in refused)
    seen = outcomes.outcome(Result.BLOCKED, plan=outcomes.plan(refusals=refusals))
    assert line(seen).metrics["Refusals"] == (float(counted), Unit.COUNT)


def test_calls_and_drift_are_lines_of_their_own_with_one_dimension_each():
    seen = replace(outcomes.drifted(), api_calls=CALLS)
    told = [(x.event, x.code, x.dimension, x.metrics) for x in beside(line(seen, token=3), seen)]
    calls = [("calls", "CallsCounted", ("Service", s), {"AwsCalls": (2.0, Unit.COUNT)}) for s in sorted(COUNTED)]
    assert [t for t in told if t[0] == "calls"] == sorted(
        [*calls, ("calls", "CallsCounted", ("Service", "other"), {"AwsCalls": (6.0, Unit.COUNT)})], key=lambda t: t[2]
    )
    by = {t[2][1]: t[3]["DriftFindings"][0] for t in told if t[0] == "drift"}
    assert sum(by.values()) == len(seen.diff.findings) > 0
    assert set(by) == {str(f.disposition) for f in seen.diff.findings}
    assert all((x.topology, x.token, x.at) == ("orders", 3, NOW) for x in beside(line(seen, token=3), seen))


def test_all_series_together_are_few():
    """Each costs $0.30 a month: see benchmarks/hosted_cost.py."""
    seen = replace(outcomes.drifted(), api_calls=CALLS)
    lines = [line(seen, took=timedelta()), *beside(line(seen), seen)]
    lines.append(left_alone("lease", LeaseHeld("held"), "orders", NOW, "x"))
    series = {(name, x.dimension) for x in lines for name in x.metrics}
    assert len({s for s in series if s[1] is None or s[1][0] == "Service"}) == 8 + len(COUNTED) + 1


@pytest.mark.parametrize(
    ("error", "waits"), [(LeaseHeld("held by x"), {"LeaseWaits": (1.0, Unit.COUNT)}), (StaleTimer("old"), {})]
)
def test_who_finds_a_lease_held_is_counted(error, waits):
    found = left_alone("lease", error, "orders", NOW, "event")
    assert (found.code, found.metrics, found.more["why"]) == (error.code, waits, "event")


def test_the_code_of_a_pass_is_that_of_its_condition():
    assert code_of(outcomes.outcome()) == "Converged"
    assert code_of(outcomes.refused()) == outcomes.refused().plan.refusals[0].code
    failing = outcomes.outcome(Result.FAILED, problems=(Problem(code="Throttled", step="s", message="m"),))
    assert code_of(failing) == "Throttled"


def later(outcome, minutes):
    return replace(outcome, observed=replace(outcome.observed, at=outcome.observed.at + timedelta(minutes=minutes)))


def test_the_time_of_a_commit_goes_from_the_first_pass_of_a_generation():
    working = outcomes.outcome(Result.PROGRESSING)
    status = None
    for n in range(3):
        assert time_under_way(later(working, n), status) == timedelta(minutes=n)
        status = status_document(later(working, n), status)
    status = status_document(later(outcomes.outcome(Result.FAILED), 5), status)
    done = later(outcomes.outcome(), 42)
    assert time_under_way(done, status) == timedelta(minutes=42)
    status = status_document(done, status)
    assert time_under_way(later(done, 60), status) is None, "it had converged before: what followed was a repair"
    newer = replace(later(done, 60), revision=replace(done.revision, generation=9, commit="bbbb"))
    assert time_under_way(newer, status) == timedelta(), "a commit that changes nothing"


@pytest.mark.parametrize(
    "history", [7, [7], [{}], [{"revision": "a1b2c3d"}], [{"first": "x"}], "text"], ids=lambda h: str(h)[:20]
)
def test_a_status_that_somebody_else_wrote_measures_nothing(history):
    entry = status_document(outcomes.outcome(Result.WAITING), None)["history"][0]
    assert time_under_way(outcomes.outcome(), {"history": history}) is None
    assert time_under_way(outcomes.outcome(), {"history": [entry | {"first": "never"}]}) is None


@pytest.mark.parametrize(
    ("result", "named"),
    [
        (Result.CONVERGED, "TimeToConverge"),
        (Result.PROGRESSING, "TimeUnderWay"),
        (Result.WAITING, "TimeUnderWay"),
        (Result.FAILED, "TimeUnderWay"),
        (Result.BLOCKED, ""),
        (Result.STALLED, ""),
        (Result.SUSPENDED, ""),
    ],
)
def test_what_is_under_way_is_measured_before_it_ends(result, named):
    found = line(outcomes.outcome(result), took=timedelta(hours=5)).metrics
    assert {n for n in found if n.startswith("Time")} == ({named} if named else set())


def test_what_strangers_wrote_is_cut():
    told = line(outcomes.outcome(), why="x" * 1000, error="y\n" * 1000).more
    assert len(told["why"]) == len(told["error"]) == 300
    assert "\n" not in told["error"]
