"""A pass and its replay come to the same plan, byte for byte: over whole simulated runs, with faults, hands and crashes in them."""

import gzip
import json
from collections import Counter
from dataclasses import replace
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from reconciler.loop import Run, run_pass
from reconciler.model.errors import CloudUnavailable, InvariantViolated, ReconcilerError
from reconciler.recording import difference, packed, recorded, replayed, unpacked
from reconciler.recording.record import LARGEST, RecordRefused, document
from reconciler.report.plan import plan_json
from tests.simulation import run as simulated
from tests.simulation.run import Simulation

SEEDS = (3, 11)
SCHEMA = json.loads((files("reconciler.report") / "schemas" / "RunRecord.json").read_text())


class Folder:
    """Keeps records in memory."""

    def __init__(self, *, named=True):
        self.kept, self.named = {}, named

    def keep(self, key, data):
        assert key not in self.kept, "two passes, one record"
        self.kept[key] = data


def ear(monkeypatch, records, outcomes):
    def one_pass(ports, topology, run, goal=None):
        if goal is None:  # the world is being made
            return run_pass(ports, topology, run)

        def really(theirs):
            outcomes.append(run_pass(theirs, topology, run, goal))
            return outcomes[-1]

        return recorded(really, ports, records, goal=goal, lost=pytest.fail)

    monkeypatch.setattr(simulated, "run_pass", one_pass)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_pass_of_a_run_is_replayed_to_the_same_bytes(monkeypatch, seed):
    records, outcomes = Folder(), []
    plain = Simulation(seed).run()
    ear(monkeypatch, records, outcomes)
    assert Simulation(seed).run() == plain, "with an ear on its ports a pass does something else"
    told = Counter()
    for data in records.kept.values():
        record = unpacked(data)
        assert packed(record) == data
        if record.plan is None:
            told["ended early"] += 1
            continue
        told[record.outcome["result"]] += 1
        assert difference(record, replayed(record)) == []
    assert told["Progressing"] > 5, told
    assert sum(told.values()) < len(outcomes), "every idle pass was kept"


@pytest.fixture(scope="module")
def kept():
    """One record of a pass that did something, and its text."""
    with pytest.MonkeyPatch.context() as patch:
        records, outcomes = Folder(), []
        ear(patch, records, outcomes)
        simulation = Simulation(11)
        simulation.run()
    found = [unpacked(data) for data in records.kept.values()]
    return max((r for r in found if r.plan and r.requests), key=lambda r: len(r.plan["waves"]))


def test_a_record_keeps_to_its_schema_and_says_what_was_done(kept):
    found = json.loads(gzip.decompress(packed(kept)))
    Draft202012Validator(SCHEMA).validate(found)
    asked = {(r["call"], r["answer"]) for r in found["requests"]}
    assert {(r["call"], "done") for r in found["outcome"]["requests"]} <= asked
    assert found["status"]["history"][0]["record"].endswith(f"{kept.id}.json.gz")


def test_another_judgement_shows_as_a_difference(kept):
    turned = replace(kept, plan={**kept.plan, "fingerprint": "sha256:0"})
    lines = difference(turned, replayed(turned))
    assert [line for line in lines if line.startswith("-")] == ["--- recorded", '- "fingerprint": "sha256:0",']
    assert f'+ "fingerprint": "{kept.plan["fingerprint"]}",' in lines


def test_what_the_pass_met_while_it_acted_is_no_part_of_its_plan(kept):
    assert plan_json(replayed(kept)) == kept.plan
    assert kept.plan["problems"] == []


def test_a_folder_of_ones_own_gets_every_pass_and_the_status_says_nothing_of_it(monkeypatch):
    records, outcomes = Folder(named=False), []
    ear(monkeypatch, records, outcomes)
    simulation = Simulation(11, chain=0, destroys=False, hands=False)
    simulation.run()
    assert len(records.kept) == len(outcomes)
    assert "record" not in json.loads(simulation.account.documents["orders"])["history"][0]


HOSTILE = {
    "no JSON": b"runs/",
    "not an object": b"[]",
    "another kind": b'{"kind": "Plan"}',
    "another schema": b'{"kind": "RunRecord", "schemaVersion": "2"}',
    "half of a record": b'{"kind": "RunRecord", "schemaVersion": "1"}',
    "too deep": b"[" * 100_000,
    "not a number": b'{"kind": NaN}',
    "half of a file": gzip.compress(b"{}" * 1000)[:-20],
    "a pickle": b"\x80\x04\x95\x00\x00\x00\x00",
    "a bomb": gzip.compress(b" " * (LARGEST + 2)),
    "too long": b" " * (LARGEST + 2),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_record_is_refused(data):
    with pytest.raises(RecordRefused):
        unpacked(data)


TURNED = {
    "a clock of numbers": lambda d: d["inputs"].update(clock={"$": "tuple", "of": [1]}),
    "no facts": lambda d: d["inputs"].update(facts=None),
    "templates of text": lambda d: d["inputs"].update(templates={"api": "x"}),
    "a topology that is facts": lambda d: d["inputs"].update(topology=d["inputs"]["facts"]),
    "a Region that is a number": lambda d: d["inputs"]["facts"]["of"]["regions"].update({"eu-west-1": 5}),
    "a plan of text": lambda d: d.update(plan="x"),
    "another goal": lambda d: d.update(goal="win"),
}


@pytest.mark.parametrize("turn", TURNED.values(), ids=TURNED)
def test_a_record_with_a_field_of_another_kind_is_refused(kept, turn):
    found = json.loads(json.dumps(document(kept)))
    turn(found)
    with pytest.raises(RecordRefused):
        unpacked(json.dumps(found).encode())


def test_answers_that_make_no_sense_end_in_a_refusal(kept):
    found = json.loads(json.dumps(document(kept)))
    found["inputs"]["facts"]["of"]["distribution"] = {"DistributionConfig": 5}
    with pytest.raises(RecordRefused, match="nothing can be planned"):
        replayed(unpacked(json.dumps(found).encode()))


def test_a_pass_that_needs_more_than_was_recorded_says_so(kept):
    bare = replace(kept, inputs=replace(kept.inputs, templates=None))
    with pytest.raises(RecordRefused, match="replay it with the one that made the pass"):
        replayed(bare)
    with pytest.raises(RecordRefused, match="before it had a plan"):
        replayed(replace(kept, inputs=replace(kept.inputs, revision=None)))


class Broken:
    named = True

    def keep(self, key, data):
        raise CloudUnavailable("s3 is down")


def test_a_record_that_cannot_be_kept_fails_no_pass():
    simulation, lost = Simulation(3, chain=0, hands=False), []
    simulation.hands.there = False
    outcome = recorded(
        lambda ports: run_pass(ports, simulation.topology, Run()), simulation.ports, Broken(), lost=lost.append
    )
    assert outcome.plan
    assert lost == ["s3 is down"]


def test_a_pass_that_died_leaves_what_it_saw(monkeypatch):
    simulation, records = Simulation(3, chain=0, hands=False), Folder()

    def dies(ports):
        run_pass(ports, simulation.topology, Run())
        raise InvariantViolated("a bug")

    with pytest.raises(ReconcilerError):
        recorded(dies, simulation.ports, records, lost=pytest.fail)
    (record,) = map(unpacked, records.kept.values())
    assert (record.plan, record.outcome) == (None, None)
    assert record.error == {"code": "InvariantViolated", "message": "a bug"}
    Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(document(record))))
