"""The arithmetic and the words of the benchmarks; what they measure is measured by `make bench`."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import hosted, hosted_cost, peer_app, planning
from benchmarks.embedded import Embedded
from benchmarks.goals import NOTHING_TO_DO, Found, calls_allowed, goals
from benchmarks.measure import CommandFailed, Cost, alternating, run
from benchmarks.results import markdown
from benchmarks.sides import Duel, Side

SIZES = (1, 3, 10, 20)


def cost(wall):
    return Cost(wall=wall, cpu=wall / 2, megabytes=100)


def side(name, wall, calls=10):
    return Side(name=name, cost=cost(wall), calls=calls, runs=3)


def aws(**changes):
    fine = {"start": 0.5, "call": 0.002, "slowest_call": ("ec2:x", 0.02), "keep": 0.1, "bring_back": 0.1}
    return Embedded(**(fine | changes))


def nothing(ours=None, theirs=15):
    sides = [ours or side("`meridian plan`", 1.5), side("`meridian drift`", 1), side("`cdk diff`", theirs)]
    return Duel(question=NOTHING_TO_DO, conditions="", sides=sides, reason="")


def grown(**changes):
    near = {size: 1 + size / 10 for size in SIZES} | changes.get("near", {})
    far = {size: wall + 0.2 for size, wall in near.items()} | changes.get("far", {})
    calls = {size: calls_allowed(size) for size in SIZES} | changes.get("calls", {})
    return {size: {0.0: side("plan", near[size], calls[size]), 0.08: side("plan", far[size])} for size in SIZES}


def found(**changes):
    fine = {
        "duels": [nothing()],
        "growth": grown(),
        "theirs": {},
        "first_call": {"empty": 5.0, "warm": 2.0},
        "embedded": aws(),
    }
    return Found(**(fine | changes))


def test_every_goal_is_met_by_good_numbers():
    assert all(goal.met for goal in goals(found()))


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({"duels": [nothing(side("`meridian plan`", 2.1))]}, "nothing to do"),
        (
            {"duels": [nothing(Side(name="plan", cost=Cost(wall=1, cpu=1, megabytes=151)))]},
            "largest process",
        ),
        ({"growth": grown(near={10: 3.1})}, "more time for each Region"),
        ({"growth": grown(far={20: 3.5})}, "80 ms per call adds to `plan` at 20 Regions"),
        ({"growth": grown(calls={3: 81})}, "AWS calls of `plan` at 3 Regions"),
        ({"growth": grown(calls={20: 469})}, "AWS calls of `plan` at 20 Regions"),
        ({"first_call": {"empty": 6.1, "warm": 2.0}}, "cache empty"),
        ({"first_call": {"empty": 5.0, "warm": 2.6}}, "cache warm"),
        ({"embedded": aws(start=2.1)}, "start of the embedded AWS"),
        ({"embedded": aws(call=0.011)}, "a call to the embedded AWS"),
        ({"embedded": aws(keep=0.21)}, "keeping its world"),
        ({"embedded": aws(bring_back=0.21)}, "bringing it back"),
        ({"duels": [nothing(theirs=4.4)]}, "times as fast as `cdk diff`"),
    ],
)
def test_a_bad_number_misses_its_goal_and_no_other(changes, missed):
    (goal,) = [goal for goal in goals(found(**changes)) if not goal.met]
    assert missed in goal.text


def test_the_table_says_what_was_missed_and_that_there_was_no_peer():
    slow = nothing(side("`meridian plan`", 2.5), theirs=60)
    text = markdown(found(duels=[slow]), date="2026-01-01", load=["0.1", "1.0"], peer="left out")
    assert "peer: left out" in text
    assert "| `meridian plan`, nothing to do | ≤ 2 s | 2.50 s | **missed** |" in text
    assert "- Missed: `meridian plan`, nothing to do, 2.50 s; the limit is 2 s." in text


def test_runs_take_turns_and_the_median_counts():
    order = []

    def subject(name, *walls):
        given = iter(walls)
        return lambda: (order.append(name), cost(next(given)))[1]

    costs = alternating(3, subject("a", 1, 9, 2), subject("b", 4, 4, 30))
    assert "".join(order) == "ababab"
    assert [c.wall for c in costs] == [2, 4]


def test_a_command_is_measured_with_its_children_or_fails_by_name(tmp_path):
    busy = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'sum(range(3_000_000))']); print('done')"
    measured = run([sys.executable, "-c", busy], tmp_path, {}, says="done")
    assert 0.01 < measured.cpu <= measured.wall * 2
    with pytest.raises(CommandFailed, match="exit code 3"):
        run([sys.executable, "-c", "raise SystemExit(3)"], tmp_path, {})
    with pytest.raises(CommandFailed, match="expected 0 and 'converged'"):
        run([sys.executable, "-c", "print('nothing')"], tmp_path, {}, says="converged")
    with pytest.raises(CommandFailed, match="exit code -9"):
        run([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path, {}, patience=0.1)


def test_the_peer_gets_the_bucket_name_as_it_is_deployed(tmp_path):
    template = tmp_path / "api-eu-west-1.template.json"
    template.write_text('{"S3Bucket": "meridian-assets-111111111111-eu-west-1"}')
    peer_app.same_spelling(tmp_path)
    assert template.read_text() == '{"S3Bucket": {"Fn::Sub": "meridian-assets-${AWS::AccountId}-${AWS::Region}"}}'


def test_planning_is_measured_on_a_plan_that_was_verified():
    small = planning.measure(3, runs=1)
    assert small.steps > 10
    assert small.faulted > small.prefixes > small.steps
    quick = planning.markdown(dict.fromkeys(planning.SIZES, replace(small, seconds=0.001)), runs=1, machine="- here")
    assert quick.count("| met |") == 2
    slow = planning.markdown(dict.fromkeys(planning.SIZES, replace(small, seconds=1.0)), runs=1, machine="- here")
    assert slow.count("**missed**") == 2


def functions(**changes):
    idle = hosted_cost.Pass(seconds=1.5, calls={"rds": 8}, record_bytes=40_000, log_bytes=900)
    fine = {"zipped": 7, "unpacked": 22, "imported": 300, "worked": 290, "memory": 37, "took": 1.0, "largest": 80}
    fine |= {"wake": 200, "wake_worked": 190, "passing": 0.8, "idle": idle}
    return {"package": hosted.Found(**(fine | changes)), "plain": hosted.Found(**fine)}


@pytest.mark.parametrize(
    ("changes", "missed"),
    [({}, None), ({"zipped": 15.1}, "zip"), ({"imported": 401}, "cold import"), ({"largest": 151}, "memory")],
)
def test_what_the_functions_may_cost(changes, missed):
    assert [goal.text.startswith(missed or "") for goal in hosted.goals(functions(**changes)) if not goal.met] == [
        True for _ in range(missed is not None)
    ]
    assert ("**missed**" in "\n".join(hosted.table(functions(**changes), ["1.0"]))) == (missed is not None)


@pytest.mark.parametrize(("event", "said"), [((9.0, 3.9, 3.0), "met"), ((9.0, 4.1, 3.0), "**missed**"), ((), None)])
def test_how_soon_an_uploaded_bundle_is_acted_on(event, said):
    lines = [line for line in hosted.table(functions(), ["1.0"], event) if "first mutating call" in line]
    assert [line.endswith(f"| {said} |") for line in lines] == [True for _ in range(said is not None)]


def test_every_alarm_of_the_control_plane_is_paid_for():
    template = json.loads((Path(__file__).parents[2] / "golden/templates/control.json").read_text())
    kinds = [resource["Type"] for resource in template["Resources"].values()]
    assert kinds.count("AWS::CloudWatch::Alarm") == hosted_cost.ALARMS
