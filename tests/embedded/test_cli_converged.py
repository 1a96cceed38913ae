"""The command line on a converged topology: nothing to do, changes from outside and their repair, a commit."""

from __future__ import annotations

import json

import pytest

from reconciler.model.bundle import Accepted
from tests.embedded.command import prepared
from tests.embedded.converged import converged

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def world(server):
    with converged(server) as world:
        yield world


@pytest.fixture
def meridian(world, tmp_path):
    world.restore()
    return prepared(tmp_path, world.aws.url)


def cheapen(aws):
    """Somebody changes the price class by hand."""
    cloudfront = aws.client("cloudfront")
    (found,) = cloudfront.list_distributions()["DistributionList"]["Items"]
    answer = cloudfront.get_distribution_config(Id=found["Id"])
    config = {**answer["DistributionConfig"], "PriceClass": "PriceClass_All"}
    cloudfront.update_distribution(Id=found["Id"], IfMatch=answer["ETag"], DistributionConfig=config)


def edit(meridian, old, new):
    """A change to the desired state."""
    file = meridian.folder / "desired_state" / "orders.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_nothing_to_do_is_said_and_done(meridian):
    code, out, _ = meridian.run("plan", "--detailed-exitcode")
    assert (code, out.splitlines()[0]) == (0, "No changes. orders is converged.")
    assert ("Cost: 4,801.80 USD a month, before use" in out, "Preflight" in out) == (
        True,
        False,
    )  # what stands is not asked about
    code, (outcome, status) = meridian.json("converge")
    assert (code, outcome["result"], outcome["requests"]) == (0, "Converged", [])
    assert {c["type"]: c["status"] for c in status["conditions"]} == {
        "Ready": "True",
        "Serving": "True",
        "DriftDetected": "False",
    }
    assert {(r["traffic"], r["health"]) for r in status["regions"]} == {("serving", "Healthy")}
    code, (kept,) = meridian.json("status")
    assert (code, kept["topology"], kept["history"][0]["result"]) == (0, "orders", "Converged")


def hosted(aws):
    """As if the control plane had made the last pass, of a bundle of this very document."""
    table = aws.client("dynamodb")
    place = {"pk": {"S": "topology#orders"}, "sk": {"S": "status"}}
    status = json.loads(table.get_item(TableName="meridian-state", Key=place)["Item"]["body"]["S"])
    commit = "a" * 40
    kept = Accepted(commit=commit, author="Ada", generation=1, digest="sha256:0", version="v1", repository="")
    body = json.dumps({**status, "desiredRevision": commit, "bundle": kept.document()})
    table.put_item(TableName="meridian-state", Item={**place, "body": {"S": body}})


def test_a_command_says_that_the_control_plane_will_undo_what_it_does(meridian, world):
    """At three in the morning somebody drains a Region; the bundle says that it serves."""
    hosted(world.aws)
    code, _, err = meridian.run("converge", "--once")
    assert (code, err) == (0, "")
    edit(meridian, "cidr: 10.30.0.0/16, traffic: serving", "cidr: 10.30.0.0/16, traffic: drained")
    _, out, err = meridian.run("converge", "--once", "--format", "json")
    assert err.startswith("warning: the control plane keeps orders at aaaaaaaaaaaa (generation 1) and takes back ")
    assert json.loads(out.splitlines()[0])["requests"] != []  # it works all the same


def test_a_repair_says_that_the_control_plane_has_another_document(meridian, world):
    cheapen(world.aws)
    hosted(world.aws)
    assert "control plane" not in meridian.run("drift", "--heal")[2]
    cheapen(world.aws)
    hosted(world.aws)
    edit(meridian, "soakSeconds: 120", "soakSeconds: 180")  # nothing of AWS
    _, _, err = meridian.run("drift", "--heal")
    assert err.startswith("warning: the control plane keeps orders at aaaaaaaaaaaa ")


def test_a_change_by_hand_is_named_healed_and_gone(meridian, world):
    cheapen(world.aws)
    code, (plan,) = meridian.json("plan", "--detailed-exitcode")
    assert code == 2
    assert [(c["path"], c["origin"], c["observed"]) for c in plan["changes"]] == [
        ("edge/priceClass", "drift", "PriceClass_All")
    ]
    code, out, _ = meridian.run("drift", "--detailed-exitcode")
    assert (code, out.splitlines()[0]) == (2, "orders: 1 drift finding (1 to heal)")
    code, (report,) = meridian.json("drift", "--heal", "--detailed-exitcode")
    assert (code, report["drifted"]) == (0, False)


def test_what_somebody_sets_back_after_each_repair_is_named_and_left_alone(meridian, world):
    """Another manager of the same distribution: after two rounds we stop, say what it is, and are Ready all the same."""
    asked = []
    for _ in range(3):
        cheapen(world.aws)
        code, documents = meridian.json("converge")
        asked.append(sum(len(d["requests"]) for d in documents[:-1]))
        assert code == 0
    assert asked[0] > 0 < asked[1]
    assert asked[2] == 0
    status = {c["type"]: c for c in documents[-1]["conditions"]}
    named, _, writer = status["SelfInflictedDrift"]["message"].partition("; set by ")
    assert named == "edge/priceClass: put back to PriceClass_100, comes back as PriceClass_All"
    assert "UpdateDistribution" in writer
    assert (status["Ready"]["status"], status["DriftDetected"]["reason"]) == ("True", "Hold")
    code, (report,) = meridian.json("drift", "--detailed-exitcode")
    (finding,) = report["findings"]
    assert (code, finding["disposition"], finding["detectedBy"], finding["returns"]) == (2, "hold", "repair", 2)
    assert "UpdateDistribution" in finding["by"], "the other writer is named"
    edit(meridian, "priceClass: PriceClass_100", "priceClass: PriceClass_All")
    code, documents = meridian.json("converge")
    assert (code, "SelfInflictedDrift" in {c["type"] for c in documents[-1]["conditions"]}) == (0, False)


def test_healing_leaves_commits_alone(meridian, world):
    cheapen(world.aws)
    edit(meridian, "memoryMb: 512", "memoryMb: 1024")
    code, (error,) = meridian.json("drift", "--heal")
    assert (code, error["errors"][0]["code"]) == (3, "MoreThanDrift")
    edit(meridian, "mode: heal", "mode: report")
    code, (error,) = meridian.json("drift", "--heal")
    assert (code, error["errors"][0]["code"]) == (3, "HealingOff")


def test_a_refusal_names_its_rule_and_exits_3(meridian):
    edit(meridian, 'version: "16.8"', 'version: "16.6"')
    for command in ("plan", "converge"):
        code, documents = meridian.json(command)
        assert code == 3
        assert documents[0]["refusals"][0]["path"] == "spec.database.version"
