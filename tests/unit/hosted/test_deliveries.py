"""What becomes of a message: done, done again later, or failed so that somebody sees it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.deliveries import Deliveries
from reconciler.model.bundle import Refusal, Source
from reconciler.model.errors import CloudUnavailable, Throttled
from reconciler.model.logged import Line
from reconciler.model.message import Malformed, Message
from reconciler.model.messages import number
from reconciler.receiving import Received
from tests.fakes.bundles import packed, repository
from tests.fakes.topologies import orders

NOW = datetime(2026, 3, 1, 3, tzinfo=UTC)


@dataclass(frozen=True)
class Again:
    after: timedelta | None = None
    due: str = ""
    reason: str = "Progressing"
    now: bool = False
    redeliver: bool = False
    lines: tuple[Line, ...] = ()


def passed(result: str, code: str) -> Line:
    return Line(event="pass", code=code, more={"result": result})


class Crashed(Exception):
    line = passed("Crashed", "UnexpectedError")


@dataclass
class World:
    source: Source
    again: dict[str, Any] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    passes: list[str] = field(default_factory=list)
    sent: list[tuple[Message, timedelta]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    lines: list[Any] = field(default_factory=list)
    measured: list[Any] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)

    def receive(self, name: str) -> Received | Refusal | None:
        if name in self.unreadable:
            raise CloudUnavailable("dynamodb: no answer")
        if name in self.unknown:
            return None
        if name == "refused":
            return Refusal(code="BadArchive", message="is no zip")
        return Received(topology=orders(), source=self.source)

    def reconcile(self, received: Received, message: Message) -> Any:
        self.passes.append(message.topology)
        found = self.again.get(message.topology, Again())
        if isinstance(found, Exception):
            raise found
        return found

    def log(self, line: Line) -> None:
        self.lines.append(json.loads(json.dumps(line.fields())))
        self.measured.append({name: value for name, (value, _) in line.metrics.items()} if line.at else {})

    def handle(self, *bodies: Any) -> list[str]:
        found = Deliveries(
            receive=self.receive,
            reconcile=self.reconcile,
            refuse=lambda name, refusal: self.refused.append(name),
            send=lambda message, delay: self.sent.append((message, delay)),
            log=self.log,
            now=lambda: NOW,
        )
        texts = [b if isinstance(b, str) else json.dumps(b) for b in bodies]
        records = [{"messageId": f"m{i}", "body": text} for i, text in enumerate(texts)]
        return [f["itemIdentifier"] for f in found.handle({"Records": records})["batchItemFailures"]]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(source=Source(bundle=packed(repository(tmp_path)).bundle))


def test_a_pass_and_what_it_asks_for(world: World) -> None:
    world.again = {
        "later": Again(after=timedelta(minutes=5), due="2030-01-01T00:05:00Z"),
        "dirty": Again(now=True, after=timedelta(minutes=5), due="x", reason="asked for meanwhile"),
    }
    assert world.handle({"topology": "done"}, {"topology": "later"}, {"topology": "dirty"}) == []
    assert world.passes == ["done", "later", "dirty"]
    assert world.sent == [
        (Message(topology="later", reason="timer after Progressing", due="2030-01-01T00:05:00Z"), timedelta(minutes=5)),
        (Message(topology="dirty", reason="asked for meanwhile"), timedelta()),
    ]


def test_one_that_fails_comes_again_and_takes_no_other_along(world: World) -> None:
    world.again = {"bad": Throttled("rds: slow down"), "worse": KeyError("hunter2")}
    assert world.handle({"topology": "bad"}, {"topology": "good"}, {"topology": "worse"}) == ["m0", "m2"]
    assert world.passes == ["bad", "good", "worse"]
    assert [(line["code"], line["number"], line.get("error")) for line in world.lines] == [
        ("Throttled", number("Throttled"), None),
        ("UnexpectedError", number("UnexpectedError"), "KeyError"),
    ]
    assert "hunter2" not in json.dumps(world.lines)
    assert "test_deliveries.py" in world.lines[1]["where"][-1]


def test_what_a_pass_says_is_printed_and_one_that_could_not_decide_comes_again(world: World) -> None:
    world.again = {
        "said": Again(lines=(passed("Converged", "Converged"), passed("beside", "CallsCounted"))),
        "again": Again(redeliver=True, after=timedelta(minutes=1), lines=(passed("Error", "LeaseLost"),)),
        "crashed": Crashed("hunter2"),
    }
    assert world.handle({"topology": "said"}, {"topology": "again"}, {"topology": "crashed"}) == ["m1", "m2"]
    assert world.sent == []
    told = [line.get("result") or line["error"] for line in world.lines]
    assert told == ["Converged", "beside", "Error", "Crashed", "Crashed"]


def test_what_no_pass_was_made_for_is_measured_all_the_same(world: World) -> None:
    """Lambda counts no error where a message goes back to the queue, so the alarms see these lines only."""
    world.unreadable, world.unknown = {"unread"}, {"gone"}
    world.again = {"bad": KeyError("x"), "crashed": Crashed("y")}
    asked = ("unread", "refused", "gone", "bad", "crashed")
    assert world.handle(*({"topology": name} for name in asked), "{") == ["m0", "m3", "m4", "m5"]
    failed = {"PassErrors": 1.0}
    assert world.measured == [failed, {"Refusals": 1.0}, {}, failed, {}, {}, {}], "a crashed pass has measured itself"


def test_a_topology_that_was_withdrawn_is_done_and_one_whose_bundle_is_refused_is_told(world: World) -> None:
    world.unknown = {"gone"}
    assert world.handle({"topology": "gone"}, {"topology": "refused"}) == []
    assert (world.passes, world.sent, world.refused) == ([], [], ["refused"])
    assert [(line["code"], line["topology"]) for line in world.lines] == [
        ("Withdrawn", "gone"),
        ("BadArchive", "refused"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        "", "{", "[]", "null", {}, {"topology": 3}, {"topology": "../x"}, {"topology": "Orders"}, {"topology": "orders", "due": 5},
        {"topology": "orders", "due": "a b"}, {"topology": "orders", "reason": []}, "[" * 100_000,
    ],
    ids=lambda body: None,
)  # fmt: skip
def test_what_nobody_of_ours_wrote_fails_so_that_somebody_sees_it(world: World, body: Any) -> None:
    assert world.handle(body) == ["m0"]
    assert (world.passes, world.lines[0]["code"]) == ([], "Malformed")
    with pytest.raises(Malformed):
        Message.read(None)


def test_a_message_comes_back_as_it_was() -> None:
    for message in (
        Message(topology="orders", reason="bundle uploaded"),
        Message(topology="orders", reason="timer", due="2030-01-01T00:00:00.123456+00:00"),
    ):
        assert Message.read(message.body()) == message
