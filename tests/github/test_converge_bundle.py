"""`meridian github converge` on a real commit, a real bundle in S3 and the status in DynamoDB, as moto has them."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest

from reconciler.cli import bundling
from reconciler.cli.github import converge
from reconciler.cli.settings import Settings
from reconciler.report.status import status_document
from tests.fakes import outcomes
from tests.unit.cli.test_bundling import repo, s3  # noqa: F401  # fixtures: a repository, and a revision bucket

PATH = Path("desired_state")


@pytest.fixture
def table(s3):  # noqa: F811
    dynamodb = boto3.client("dynamodb", region_name="us-east-1")
    names = {"pk": "HASH", "sk": "RANGE"}
    dynamodb.create_table(
        TableName="meridian-state",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in names.items()],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
    )

    def record(commit, **more):
        document = {**status_document(outcomes.outcome(), None), "desiredRevision": commit, **more}
        item = {"pk": {"S": "topology#orders"}, "sk": {"S": "status"}, "body": {"S": json.dumps(document)}}
        dynamodb.put_item(TableName="meridian-state", Item=item)

    return record


def upload(**more):
    given = {"out": Path("build"), "upload": True, "rollback": False, "announce": False}
    assert bundling.bundle(Settings(), PATH, **(given | more)) == 0


def test_from_upload_to_serving(gh, meridian, repo, table, job, monkeypatch):  # noqa: F811
    head = repo.commits[-1]
    gh.push(head)
    step = job({"statuses": "write", "deployments": "write"}, sha=head)
    ran = meridian("github", "converge", PATH)
    assert (ran.code, "NotUploaded" in ran.err) == (1, True)
    upload()
    looks = []

    def pause(clock):
        """In place of waiting, the reconciler gets on: nothing of ours is there yet, then all of it."""
        looks.append(gh.statuses(head, "meridian/orders")[-1]["state"])
        table(head)

    monkeypatch.setattr(converge, "wait", pause)
    ran = meridian("github", "converge", PATH)
    assert ran.code == 0, ran.err
    assert looks == ["pending"]
    assert step.outputs["phases"] == {"orders": "Serving"}
    assert {d.state for d in gh.deployments()} >= {"success"}


def test_a_rollback_that_is_not_picked_up_yet_is_waited_for(gh, meridian, repo, table, job, monkeypatch):  # noqa: F811
    upload()
    first = repo.commits[-1]
    repo.commit()
    upload()
    newer = {"commit": repo.commits[-1], "author": "Ada", "generation": 2, "digest": "d", "version": "v", "mark": 2}
    table(repo.commits[-1], generation=2, bundle={**newer, "repository": "r", "rollback": False})
    repo.git("checkout", "-q", first)
    gh.push(first)
    step = job({"statuses": "write", "deployments": "write"}, sha=first)
    upload(rollback=True)
    monkeypatch.setattr(converge, "wait", lambda clock: table(first))
    assert meridian("github", "converge", PATH).code == 0
    assert step.outputs["phases"] == {"orders": "Serving"}
    states = {d.environment: d.states for d in gh.deployments("orders/us-east-1")}
    assert states["orders/us-east-1"] == ["queued", "in_progress", "success"]
