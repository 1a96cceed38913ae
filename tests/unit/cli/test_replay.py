"""`meridian replay` on files: the same plan, another one, and what is no record."""

import json
from dataclasses import replace

import pytest

from reconciler.loop import Run, run_pass
from reconciler.recording import Recorder, packed
from tests.simulation.run import Simulation


@pytest.fixture(scope="module")
def record():
    """Of a pass that had something to plan: the first one, from nothing."""
    simulation = Simulation(11, chain=0, from_nothing=True, hands=False)
    recorder = Recorder(simulation.ports, named=False)
    simulation.cloud.faults.until = 0.0
    outcome = run_pass(recorder.ports, simulation.topology, Run(threads=1))
    return replace(recorder.closed(outcome)[1], id="a-pass") if recorder.memory.key else None


@pytest.fixture
def kept(record, tmp_path):
    def keep(**turned):
        path = tmp_path / "run.json.gz"
        path.write_bytes(packed(replace(record, **turned)))
        return path

    return keep


def test_the_same_plan_is_printed_and_said_to_be_the_same(meridian, kept, record):
    ran = meridian("replay", kept(), "--format", "json")
    assert (ran.code, ran.json) == (0, record.plan)
    assert ran.err.endswith(": the same plan as was recorded, byte for byte\n")
    ran = meridian("replay", kept())
    assert (ran.code, ran.out.splitlines()[0][:6]) == (0, "orders")


def test_another_plan_exits_1_with_the_lines_that_differ_and_the_version(meridian, kept, record):
    turned = {**record.plan, "notes": ["\x1b[2Jgone"]}
    ran = meridian("replay", kept(plan=turned, version="0.0.9"))
    assert ran.code == 1
    assert "recorded by Meridian 0.0.9, replayed by" in ran.err
    assert any(line.startswith("-") and "gone" in line for line in ran.err.splitlines())
    assert "\x1b" not in ran.err + ran.out


def test_a_pass_without_a_plan_has_none_to_replay(meridian, kept):
    ran = meridian("replay", kept(plan=None, error={"code": "Throttled", "message": "slow down"}))
    assert (ran.code, "ended before it had a plan: slow down" in ran.err) == (1, True)


@pytest.mark.parametrize(
    ("run", "why"),
    [
        ("nowhere.json.gz", "is neither a file nor a key below runs/"),
        ("runs/orders/2026-01-01/000000-a.json.gz", "set MERIDIAN_BUCKET"),
    ],
)
def test_where_there_is_no_record_the_ways_to_name_one_are_told(meridian, monkeypatch, run, why):
    monkeypatch.delenv("MERIDIAN_BUCKET", raising=False)
    ran = meridian("replay", run)
    assert (ran.code, why in ran.err) == (1, True)


def test_another_file_is_refused(meridian, tmp_path):
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"kind": "Plan"}))
    ran = meridian("replay", other)
    assert (ran.code, "this is no run record: its kind is not RunRecord" in ran.err) == (1, True)
