"""`meridian failover` while us-east-1 is gone, where the writer, the home Region and Route 53's control plane are."""

from __future__ import annotations

import json

import pytest

from tests.embedded.command import prepared
from tests.embedded.converged import converged

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
EAST, WEST = "us-east-1", "eu-west-1"
GONE = [{"outage": EAST, "plane": plane} for plane in ("control", "data")]
FAILOVER = ("failover", "orders", "--to", WEST, "--accept-data-loss")


@pytest.fixture(scope="module")
def world(server):
    with converged(server) as world:
        yield world


@pytest.fixture
def meridian(world, tmp_path):
    world.restore()
    yield prepared(tmp_path, world.aws.url)
    world.aws.control("faults", {"faults": []})


def writer(aws):
    (group,) = aws.client("rds", WEST).describe_global_clusters()["GlobalClusters"]
    return next(m["DBClusterArn"].split(":")[3] for m in group["GlobalClusterMembers"] if m["IsWriter"])


def kept(aws):
    """The journal's entries in the Region that took over."""
    s3 = aws.client("s3", WEST)
    bucket = f"meridian-assets-111111111111-{WEST}"
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, Prefix="failover/orders/").get("Contents", ())]
    return [json.load(s3.get_object(Bucket=bucket, Key=key)["Body"]) for key in keys]


def test_it_needs_one_region_only_and_goes_on_when_killed(meridian, world):
    """Killed right after asking; run again it asks no second time; and a third time there is nothing to do."""
    aws = world.aws
    aws.control("faults", {"faults": GONE})
    aws.control("calls", {})
    aws.go(40)
    (meridian.folder / "desired_state" / "orders.yaml").unlink()
    with meridian.start(*FAILOVER) as process:
        while "the writer moves to eu-west-1" not in (line := process.stdout.readline()):
            assert line, process.stderr.read()
        process.kill()
    assert writer(aws) == EAST
    code, (done,) = meridian.json(*FAILOVER)
    assert (code, done["state"], done["from"], writer(aws)) == (0, "Done", EAST, WEST)
    assert sorted(entry["state"] for entry in kept(aws)) == ["Done", "Intended"]
    code, (done,) = meridian.json(*FAILOVER)
    assert (code, done["state"]) == (0, "AlreadyWriter")
    calls = {c["call"]: c["count"] for c in aws.control("calls")[1]["calls"]}
    assert (calls.pop("rds:FailoverGlobalCluster"), calls.pop("s3:PutObject")) == (1, 2)
    assert calls.keys() == {"rds:DescribeGlobalClusters", "rds:DescribeDBClusters", "s3:ListObjectsV2", "s3:GetObject"}


def test_the_writer_stays_where_it_was_failed_over_to_until_a_commit_agrees(meridian, world):
    """The old writer's Region comes back; Aurora builds its copy anew while converge goes on with everything else."""
    aws, file = world.aws, meridian.folder / "desired_state" / "orders.yaml"
    aws.control("faults", {"faults": GONE})
    assert meridian.json(*FAILOVER)[0] == 0
    aws.control("faults", {"faults": []})
    aws.go(5000)
    code, documents = meridian.json("converge")
    assert (code, writer(aws)) == (0, WEST)
    assert {c["type"]: c["reason"] for c in documents[-1]["conditions"]}["DriftDetected"] == "Hold"
    file.write_text(file.read_text().replace("writer: us-east-1", "writer: eu-west-1"))
    code, documents = meridian.json("converge")
    assert (code, writer(aws)) == (0, WEST)
    assert {c["type"]: c["status"] for c in documents[-1]["conditions"]}["DriftDetected"] == "False"
    roles = {r["name"]: r["databaseRole"] for r in documents[-1]["regions"]}
    assert roles == {EAST: "reader", WEST: "writer", "ap-northeast-1": "reader"}


def test_a_region_without_a_copy_of_the_data_is_named(meridian):
    code, (error,) = meridian.json("failover", "orders", "--to", "eu-central-1", "--accept-data-loss")
    assert (code, error["errors"][0]["code"]) == (1, "NotAMember")
    assert "ap-northeast-1, eu-west-1, us-east-1" in error["errors"][0]["message"]
