"""`meridian destroy` on a converged topology: what goes, what stays, and that another one goes on where one died."""

from __future__ import annotations

import pytest

from tests.embedded.command import prepared
from tests.embedded.converged import converged
from tests.embedded.dead_holder import lease_runs_out

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
REGIONS = ("us-east-1", "eu-west-1", "ap-northeast-1")
DESTROY = ("destroy", "orders", "--confirm", "orders")
QUICKLY = 3000


@pytest.fixture(scope="module")
def world(server):
    with converged(server) as world:
        yield world


@pytest.fixture
def meridian(world, tmp_path):
    world.restore()
    world.aws.go(QUICKLY)
    return prepared(tmp_path, world.aws.url)


def stacks(aws):
    """Of the topology, in every Region."""
    found = {s["StackName"] for r in REGIONS for s in aws.client("cloudformation", r).describe_stacks()["Stacks"]}
    return sorted(name for name in found if name.startswith("meridian-orders-"))


def clusters(aws):
    return [
        c["DBClusterIdentifier"] for r in REGIONS for c in aws.client("rds", r).describe_db_clusters()["DBClusters"]
    ]


def checks(aws):
    return aws.client("route53").list_health_checks()["HealthChecks"]


def test_with_retain_the_data_stays_and_all_else_goes(meridian, world):
    s3, bundle = (
        world.aws.client("s3"),
        {"Bucket": "meridian-revisions-111111111111-us-east-1", "Key": "revisions/orders.zip"},
    )
    s3.create_bucket(Bucket=bundle["Bucket"])
    s3.put_bucket_versioning(Bucket=bundle["Bucket"], VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(**bundle, Body=b"a bundle")
    code, out, _ = meridian.run(*DESTROY)
    assert code == 0, out
    assert "stacks meridian-orders-data and meridian-orders-global, since database.deletionPolicy is retain" in out
    assert stacks(world.aws) == ["meridian-orders-data", "meridian-orders-global"]
    assert (len(clusters(world.aws)), checks(world.aws)) == (3, [])
    code, (error,) = meridian.json("status")
    assert (code, error["errors"][0]["code"]) == (1, "NotRecorded")
    assert "orders is destroyed" in out
    # Its bundle went first, or the hosted reconciler would build it anew.
    assert "Contents" not in s3.list_objects_v2(Bucket=bundle["Bucket"])


def test_with_snapshot_the_data_goes_too_also_when_it_is_killed_on_the_way(meridian, world):
    aws = world.aws
    file = meridian.folder / "desired_state" / "orders.yaml"
    file.write_text(file.read_text().replace("deletionPolicy: retain", "deletionPolicy: snapshot"))
    with meridian.start(*DESTROY) as process:
        while "done     delete/api" not in (line := process.stdout.readline()):
            assert line, process.stderr.read()
        process.kill()
    lease_runs_out(aws.client("dynamodb"))
    assert len(clusters(aws)) == 3
    code, out, _ = meridian.run(*DESTROY)
    assert code == 0, out
    assert (stacks(aws), clusters(aws), checks(aws)) == ([], [], [])
    assert aws.client("rds").describe_global_clusters()["GlobalClusters"] == []
    for region in REGIONS:
        (kept,) = aws.client("rds", region).describe_db_cluster_snapshots()["DBClusterSnapshots"]
        assert kept["DBClusterIdentifier"] == f"orders-{region}"
