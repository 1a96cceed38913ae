"""Passes of the command on the embedded AWS leave records in the revision bucket, and replay to the same plan."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.embedded.command import prepared
from tests.embedded.converged import converged
from tests.embedded.test_cli_converged import cheapen

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
BUCKET = "meridian-revisions-111111111111-us-east-1"


@pytest.fixture(scope="module")
def world(server):
    with converged(server) as world:
        yield world


@pytest.fixture
def meridian(world, tmp_path):
    world.restore()
    world.aws.client("s3").create_bucket(Bucket=BUCKET)
    return prepared(tmp_path, world.aws.url)


def test_a_pass_that_repairs_drift_is_replayed_from_the_bucket(meridian, world):
    cheapen(world.aws)
    code, documents = meridian.json("converge", MERIDIAN_BUCKET=BUCKET)
    passes, status = documents[:-1], documents[-1]
    assert (code, passes[-1]["result"]) == (0, "Converged")
    s3 = world.aws.client("s3")
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket=BUCKET, Prefix="runs/orders/").get("Contents", ())]
    assert {e["record"] for e in status["history"] if "record" in e} <= set(keys)
    acted = [p for p in passes if p["requests"]]
    assert len(acted) <= len(keys) < len(passes) + 1
    for key in keys:
        text = gzip.decompress(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        assert len(text) < 5_000_000
        for run in (key, f"s3://{BUCKET}/{key}"):
            code, (plan,) = meridian.json("replay", run, MERIDIAN_BUCKET=BUCKET)
            assert (code, plan) == (0, json.loads(text)["plan"])
    healed = [json.loads(gzip.decompress(s3.get_object(Bucket=BUCKET, Key=k)["Body"].read())) for k in keys]
    paths = {c["path"] for r in healed for c in r["plan"]["changes"]}
    assert "edge/priceClass" in paths


def test_records_go_to_a_folder_and_replay_without_aws(meridian, tmp_path):
    code, _, err = meridian.run("converge", "--record", "records")
    assert (code, err) == (0, "")
    (record,) = (tmp_path / "records").rglob("*.json.gz")
    code, (plan,) = meridian.json("replay", str(record), AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert (code, plan["converged"]) == (0, True)


def test_without_the_bucket_a_pass_is_made_and_its_record_said_to_be_lost(meridian, world):
    world.aws.client("s3").delete_bucket(Bucket=BUCKET)
    code, _, err = meridian.run("converge", MERIDIAN_BUCKET=BUCKET)
    assert code == 0
    assert err.startswith("warning: this pass leaves no record: s3:PutObject of runs/orders/")
