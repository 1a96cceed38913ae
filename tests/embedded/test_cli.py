"""The command line against the embedded AWS: documents, exit codes, signals, and what happens when AWS says no."""

from __future__ import annotations

import json
import shutil
import signal
import time

import pytest

from tests.embedded.command import prepared


@pytest.fixture
def meridian(aws, tmp_path):
    return prepared(tmp_path, aws.url)


def stacks(aws):
    return [s["StackName"] for s in aws.client("cloudformation").describe_stacks()["Stacks"]]


def change_sets(aws):
    listed = aws.client("cloudformation").list_change_sets(StackName="meridian-foundation")["Summaries"]
    return {summary["ChangeSetId"] for summary in listed}


def kinds(documents):
    return [d["kind"] for d in documents]


def test_looking_at_an_empty_account_changes_nothing(meridian, aws):
    code, (plan,) = meridian.json("plan", "--detailed-exitcode")
    assert (code, plan["converged"]) == (2, False)
    assert plan["waves"][0]["steps"][0]["id"] == "deploy/foundation/us-east-1"
    code, (drift,) = meridian.json("drift", "--detailed-exitcode")
    assert (code, drift["drifted"]) == (0, False)
    code, (error,) = meridian.json("status")
    assert (code, error["errors"][0]["code"]) == (1, "NotRecorded")
    assert stacks(aws) == []


def test_one_pass_streams_its_outcome_and_ends_with_the_status(meridian, aws):
    code, documents = meridian.json("converge", "--once")
    assert (code, kinds(documents)) == (0, ["Outcome", "Status"])
    assert documents[0]["requests"][0]["call"] == "cloudformation:CreateChangeSet"
    assert documents[1]["stepsLeft"] > 0
    assert stacks(aws) == ["meridian-foundation"]


def test_a_timeout_is_124_and_the_next_run_goes_on(meridian, aws):
    aws.control("clock", {"speed": 60})  # slow enough that 15 s never suffice, fast enough that they do something
    code, documents = meridian.json("converge", "--timeout", "15s")
    assert code == 124
    assert kinds(documents[-2:]) == ["Error", "Status"]
    assert set(kinds(documents[:-2])) == {"Outcome"}
    code, (plan,) = meridian.json("plan")
    assert code == 0
    assert "deploy/foundation/us-east-1" not in [s["id"] for w in plan["waves"] for s in w["steps"]]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_stop_it_with_words(meridian, number, code):
    with meridian.start("converge") as process:
        assert process.stdout.readline().startswith("orders: +")  # the first pass is done
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert "nothing is lost: the same command goes on" in err


def test_a_plan_that_moved_is_not_carried_out(meridian, aws):
    meridian.run("plan", "--offline", "--out", "plan.json")
    file = meridian.folder / "plan.json"
    code, documents = meridian.json("converge", "--once", "--plan", "plan.json")
    assert (code, documents[0]["kind"]) == (0, "Outcome")
    seen = json.loads(file.read_text())
    file.write_text(json.dumps({**seen, "fingerprint": "sha256:0"}))
    before = change_sets(aws)
    code, (error,) = meridian.json("converge", "--plan", "plan.json")
    assert (code, error["errors"][0]["code"]) == (3, "PlanMoved")
    assert change_sets(aws) == before


@pytest.mark.parametrize("command", ["plan", "converge", "drift", "status"])
@pytest.mark.parametrize(
    ("environment", "code", "reason", "words"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, 1, "Unreachable", "start `meridian local`"),
        ({"AWS_ACCESS_KEY_ID": "", "HOME": "/nonexistent"}, 1, "CredentialsMissing", "credentials"),
    ],
)
def test_an_aws_that_cannot_be_asked_is_told_plainly(meridian, command, environment, code, reason, words):
    started = time.monotonic()
    got, (error,) = meridian.json(command, **environment)
    assert (got, error["errors"][0]["code"]) == (code, reason)
    assert words in error["errors"][0]["message"]
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("command", ["plan", "converge", "drift"])
def test_the_wrong_account_is_refused(meridian, aws, command):
    code, documents = meridian.json(command, AWS_ACCESS_KEY_ID="222222222222")
    assert code == 3
    assert command == "drift" or documents[0]["refusals"][0]["code"] == "WrongAccount"
    assert stacks(aws) == []


def test_status_is_found_by_name_and_home_region(meridian, aws):
    document = json.dumps({"kind": "Status", "topology": "orders"})
    dynamodb = aws.client("dynamodb")
    keys = ("pk", "sk")
    dynamodb.create_table(
        TableName="meridian-state",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in keys],
        KeySchema=[{"AttributeName": k, "KeyType": t} for k, t in zip(keys, ("HASH", "RANGE"), strict=True)],
    )
    item = {"pk": {"S": "topology#orders"}, "sk": {"S": "status"}, "body": {"S": document}}
    dynamodb.put_item(TableName="meridian-state", Item=item)
    shutil.rmtree(meridian.folder / "desired_state")
    arguments = ("status", "orders", "--home-region", "us-east-1", "--format", "json")
    code, out, _ = meridian.run(*arguments)
    assert (code, json.loads(out)) == (0, json.loads(document))


def test_several_topologies_make_one_list(meridian):
    one = (meridian.folder / "desired_state" / "orders.yaml").read_text()
    other = one.replace("name: orders ", "name: accounts ").replace("api.example.com", "accounts.example.com")
    other = other.replace("10.10.", "10.110.").replace("10.20.", "10.120.").replace("10.30.", "10.130.")
    (meridian.folder / "desired_state" / "other.yaml").write_text(other)
    code, (plans,) = meridian.json("plan", "--offline", "--detailed-exitcode", "--out", "plans.json")
    assert (code, plans["kind"]) == (2, "List")
    assert [plan["topology"] for plan in plans["items"]] == ["accounts", "orders"]
    assert json.loads((meridian.folder / "plans.json").read_text()) == plans
    code, documents = meridian.json("converge", "--once")
    assert (code, kinds(documents)) == (0, ["Outcome", "Status"] * 2)


def test_synth_writes_an_assembly_and_spares_other_folders(meridian):
    code, out, _ = meridian.run("synth", "--out", "assembly")
    assert code == 0, out
    written = {p.name for p in (meridian.folder / "assembly" / "orders").iterdir()}
    assert "manifest.json" in written
    assert len([name for name in written if name.endswith(".template.json")]) == 12
    (meridian.folder / "other" / "orders").mkdir(parents=True)
    (meridian.folder / "other" / "orders" / "thesis.txt").write_text("")
    code, _, err = meridian.run("synth", "--out", "other")
    assert (code, "holds something else" in err) == (64, True)


def test_local_serves_until_it_is_stopped(meridian):
    with meridian.start("local", "--port", "0", "--speed", "60") as process:
        line = process.stdout.readline().strip()
        assert line.startswith("AWS_ENDPOINT_URL=http://127.0.0.1:")
        code, (plan,) = meridian.json("plan", AWS_ENDPOINT_URL=line.partition("=")[2])
        assert (code, plan["topology"]) == (0, "orders")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
