"""From a commit to a pass, with the functions' own handlers: uploaded, woken, received; the pass itself is another test's."""

from __future__ import annotations

import importlib
import json
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler import wiring
from reconciler.aws.recorded import TABLE
from reconciler.cli import main
from reconciler.loop import Ports
from reconciler.model.bundle import Accepted, accepted
from reconciler.model.control import revision_bucket
from reconciler.model.topology import Topology
from tests.embedded.conftest import Aws
from tests.embedded.converged import credentials
from tests.fakes.bundles import repository

NAME = revision_bucket("111111111111", "us-east-1")


@dataclass(frozen=True)
class Again:
    after: timedelta | None = None
    due: str = "2030-01-01T00:00:30Z"
    reason: str = "timer"
    now: bool = False
    redeliver: bool = False
    lines: tuple[Any, ...] = ()


@dataclass
class Passes:
    """In the place of `reconciler.hosted`: leaves the part of the status behind that the next message rests on."""

    seen: list[tuple[Topology, Any, Any]] = field(default_factory=list)
    again: Again = field(default_factory=Again)

    def reconcile(self, ports: Ports, topology: Topology, *, message: Any, **_: Any) -> Again:
        revision = ports.revisions.revision(topology, None)
        assert revision.source
        self.seen.append((topology, revision, message))
        before = Accepted.recorded(self.status(ports, topology))
        bundle = revision.source.bundle
        now = before.followed(bundle) if before else accepted(bundle, bundle.generation)
        ports.journal.record(topology, {"bundle": now.document()})
        return self.again

    @staticmethod
    def status(ports: Ports, topology: Topology) -> Any:
        return wiring.recorded(topology.name, topology.home_region).status


@dataclass
class World:
    aws: Aws
    folder: Path
    queue: str
    passes: Passes

    def commit(self) -> None:
        who = ["-c", "user.name=Ada", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
        for arguments in (["add", "."], ["commit", "-q", "--allow-empty", "-m", "more"]):
            subprocess.run(["git", "-C", self.folder, *who, *arguments], check=True)

    def upload(self, *arguments: str) -> int:
        return main.run(["bundle", str(self.folder / "desired_state"), "--upload", *arguments])

    def wake(self, key: str = "revisions/orders.zip") -> list[str]:
        detail = {"bucket": {"name": NAME}, "object": {"key": key}}
        return self.handler("wake")({"source": "aws.s3", "detail-type": "Object Created", "detail": detail})["woken"]

    def messages(self) -> list[dict[str, Any]]:
        sqs = self.aws.client("sqs")
        found = sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return [{"messageId": m["MessageId"], "body": m["Body"]} for m in found]

    def reconcile(self) -> list[Any]:
        """What comes of the messages that are there now."""
        return self.handler("reconcile")({"Records": self.messages()}, None)["batchItemFailures"]

    def handler(self, name: str) -> Any:
        app = importlib.import_module(f"handlers.{name}.app")
        return lambda event, context=None: app.handler(event, context)

    def status(self, name: str) -> Any:
        key = {"pk": {"S": f"topology#{name}"}, "sk": {"S": "status"}}
        item = self.aws.client("dynamodb").get_item(TableName=TABLE, Key=key).get("Item")
        return json.loads(item["body"]["S"]) if item else None


@pytest.fixture
def world(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    s3, sqs = aws.client("s3"), aws.client("sqs")
    s3.create_bucket(Bucket=NAME)
    s3.put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Enabled"})
    queue = sqs.create_queue(QueueName="meridian-reconcile")["QueueUrl"]
    keys = {"pk": "HASH", "sk": "RANGE"}
    aws.client("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
    )
    aws.until(lambda: aws.client("dynamodb").describe_table(TableName=TABLE)["Table"]["TableStatus"] == "ACTIVE")
    settings = {"BUCKET": NAME, "QUEUE_URL": queue, "HOME_REGION": "us-east-1", "ACCOUNT": "111111111111"}
    for name, value in {**settings, "CACHE": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(f"MERIDIAN_{name}", value)
    passes = Passes()
    monkeypatch.setattr("reconciler.hosting.passes.reconcile", passes.reconcile)
    for name in ("wake", "reconcile"):
        app = importlib.import_module(f"handlers.{name}.app")
        (app._waker if name == "wake" else app._deliveries).cache_clear()
    found = World(aws, repository(tmp_path / "repository"), queue, passes)
    subprocess.run(["git", "-C", found.folder, "init", "-q", "-b", "main"], check=True)
    found.commit()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with credentials(aws):
        yield found
    for number, handler in handlers.items():  # the command takes them
        signal.signal(number, handler)


def test_an_uploaded_bundle_wakes_its_topology_and_is_what_the_pass_works_on(world: World) -> None:
    world.passes.again = Again(after=timedelta(seconds=30))
    assert world.upload() == 0
    assert world.wake() == ["orders"]
    assert world.wake("revisions/stranger.zip") == []
    assert world.reconcile() == []
    ((topology, revision, message),) = world.passes.seen
    assert (topology.name, (topology.root / topology.api.code / "app.py").read_text()[:3]) == ("orders", "def")
    assert (revision.generation, revision.source.bundle.author, message.reason) == (1, "Ada", "Object Created")
    (timer,) = world.aws.until(world.messages)  # thirty virtual seconds later
    assert json.loads(timer["body"]) == {
        "topology": "orders",
        "reason": "timer after timer",
        "due": "2030-01-01T00:00:30Z",
    }


def test_what_is_refused_leaves_the_bundle_before_in_force_and_a_newer_one_follows(world: World) -> None:
    assert world.upload() == 0
    world.wake()
    world.reconcile()
    world.aws.client("s3").put_object(Bucket=NAME, Key="revisions/orders.zip", Body=b"a stranger's")
    world.wake()
    assert world.reconcile() == []
    (_, first, _), (_, second, _) = world.passes.seen
    assert second.source.bundle == first.source.bundle
    assert second.source.refused.code == "BadArchive"
    world.commit()
    assert world.upload() == 0
    world.wake()
    world.reconcile()
    assert (world.passes.seen[-1][1].generation, world.passes.seen[-1][1].source.refused) == (2, None)
    assert world.status("orders")["bundle"]["mark"] == 2


def test_a_first_bundle_that_is_refused_is_told_in_the_status(world: World) -> None:
    world.aws.client("s3").put_object(Bucket=NAME, Key="revisions/orders.zip", Body=b"no zip")
    assert world.wake() == ["orders"]
    assert world.reconcile() == []
    assert world.passes.seen == []
    found = world.status("orders")
    assert (found["result"], found["refusals"][0]["code"]) == ("Blocked", "BadArchive")


def test_a_withdrawn_bundle_ends_it_without_dead_letters(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    assert world.upload() == 0
    world.wake()
    wiring.revisions("111111111111", "us-east-1").withdraw("orders")
    assert world.reconcile() == []
    assert world.passes.seen == []
    line = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert (line["event"], line["topology"], line["code"]) == ("message", "orders", "Withdrawn")
    assert world.upload() == 0  # the same commit again, and it is there again
    assert world.wake() == ["orders"]


def test_what_nobody_of_ours_sent_comes_back_to_the_queue(world: World) -> None:
    world.aws.client("sqs").send_message(QueueUrl=world.queue, MessageBody='{"topology": "../../x"}')
    assert len(world.reconcile()) == 1
    assert world.passes.seen == []
