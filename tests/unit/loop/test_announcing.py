"""A pass tells of itself: whoever is killed and whatever is out of reach, nothing is lost or comes twice but under one id."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.announcing import Announcing, Outlets
from reconciler.model.errors import AccessDenied, CloudUnavailable, LeaseLost
from reconciler.model.notice import Event, Notice
from reconciler.report.notices import LIMIT
from tests.unit.report.test_notices import T0, doc, refusal, refused

HOUR = timedelta(hours=1)


class KilledError(BaseException):
    pass


@dataclass
class World:
    """Journal, topic, bucket and clock of one topology. `dies` counts down to the call at which the process is gone, after it took
    effect if `late`."""

    now: datetime = T0
    document: dict[str, Any] | None = None
    delivered: list[tuple[datetime, Notice]] = field(default_factory=list)
    pages: list[tuple[str, str]] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
    writes: int = 0
    dies: int = -1
    late: bool = False
    fails: Exception | None = None
    refuses: frozenset[str] = frozenset()
    """Events of notices that the topic refuses."""
    lost: bool = False
    token: int = 1
    stolen: bool = False
    bucket: str = "b"

    @property
    def outlets(self) -> Outlets:
        return Outlets(notifier=self, pages=self, page=lambda d, at: f"{d['topology']} {at}", untold=self.untold.append)

    def one_pass(self, status: dict[str, Any]) -> None:
        telling = Announcing(self, self.outlets, Clock(self), ())
        telling.under(self)
        telling.recorded(None)
        telling.record(None, {**status, "updatedAt": self.now.isoformat()})
        telling.tell(None)

    def _call(self, effect: Any) -> None:
        self.dies -= 1
        if self.dies == 0 and not self.late:
            raise KilledError
        effect()
        if self.dies == 0:
            raise KilledError

    def recorded(self, _topology: object) -> Any:
        return self.document

    def record(self, _topology: object, status: dict[str, Any]) -> None:
        self.check()

        def write() -> None:
            self.writes += 1
            self.document = json.loads(json.dumps(status))

        self._call(write)

    def publish(self, notice: Notice) -> None:
        if self.fails:
            raise self.fails
        if str(notice.event) in self.refuses:
            raise AccessDenied("not that one")
        self._call(lambda: self.delivered.append((self.now, notice)))

    def keep(self, key: str, page: str) -> None:
        if self.fails:
            raise self.fails
        self._call(lambda: self.pages.append((key, page)))

    def check(self) -> None:
        if self.lost:
            raise LeaseLost("taken over")

    @property
    def events(self) -> list[str]:
        return [str(notice.event) for _, notice in self.delivered]


@dataclass
class Clock:
    world: World

    def now(self) -> datetime:
        return self.world.now


PASSES = st.lists(
    st.tuples(
        st.frozensets(st.sampled_from("abcde"), max_size=3),  # what is refused
        st.sampled_from([1, 1, 2, 7, 30, 61]),  # minutes since the pass before
        st.sampled_from(["", "", "", "", "down", 1, 2, 3, 4]),  # what goes wrong: the topic, or the process at a call
        st.booleans(),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=100, deadline=None)
@given(PASSES)
def test_nothing_is_lost_nothing_comes_twice_but_under_one_id_and_no_hour_has_too_many(passes):
    world, due, before, killed = World(), 0, frozenset(), False
    for codes, minutes, wrong, late in [*passes, *[(frozenset(), 61, "", False)] * 3]:
        world.now += timedelta(minutes=minutes)
        world.dies, world.late = (wrong, late) if isinstance(wrong, int) else (-1, False)
        world.fails = CloudUnavailable("down") if wrong == "down" else None
        killed |= isinstance(wrong, int)
        writes = world.writes
        status = refused(*[refusal(code=c) for c in sorted(codes)]) if codes else doc("Waiting")
        with suppress(KilledError):
            world.one_pass(status)
        if world.writes > writes:
            due, before = due + bool(codes - before), codes
    first: dict[str, datetime] = {}
    content: dict[str, Notice] = {}
    for at, notice in world.delivered:
        first.setdefault(notice.id, at)
        assert content.setdefault(notice.id, notice) == notice
    assert killed or len(world.delivered) == len(first)
    told = [notice for notice in content.values() if notice.event is Event.REFUSED]
    assert len(told) + sum(n.more for n in content.values() if n.event is Event.MORE) == due
    for at in first.values():
        assert sum(at <= other < at + HOUR for other in first.values()) <= LIMIT


def test_a_pass_that_finds_nothing_new_writes_once_and_calls_nobody():
    world = World()
    world.one_pass(doc())
    writes, pages = world.writes, len(world.pages)
    world.now += timedelta(minutes=5)
    world.one_pass(doc())
    assert (world.events, world.writes, len(world.pages)) == (["converged"], writes + 1, pages)


def test_where_the_topic_is_out_of_reach_it_is_told_later_and_the_pass_is_none_the_worse():
    world = World(fails=CloudUnavailable("down", code="Unreachable"))
    world.one_pass(refused())
    assert world.delivered == []
    assert [line.partition(":")[0] for line in world.untold] == [
        "the page is not written",
        f"the notice {world.document['notices']['waiting'][0]['id']} (refused) is not published yet",
    ]
    world.fails = None
    world.now += timedelta(minutes=1)
    world.one_pass(refused())
    assert world.events == ["refused"]
    assert world.document["notices"]["waiting"] == []


def test_one_that_is_refused_does_not_keep_the_others():
    world = World(refuses=frozenset({"refused"}))
    world.one_pass({**refused(), "suspension": {"reason": "r", "by": "b", "at": "t", "regions": ["eu-west-1"]}})
    assert world.events == ["suspended"]
    assert [n["event"] for n in world.document["notices"]["waiting"]] == ["refused"]


def test_who_lost_the_lease_tells_nobody():
    world = World()
    telling = Announcing(world, world.outlets, Clock(world), ())
    telling.under(world)
    telling.record(None, doc())
    world.lost = True
    telling.tell(None)
    assert (world.delivered, world.pages, world.untold) == ([], [], [])


def test_without_a_table_nothing_is_told_for_it_would_be_again_and_again():
    world = World(token=0)
    world.one_pass(doc())
    assert (world.delivered, world.pages) == ([], [])


def test_a_lease_that_was_taken_over_is_told_of():
    world = World(stolen=True)
    world.one_pass(doc("Waiting"))
    assert world.events == ["interrupted"]


def test_what_cannot_be_judged_costs_neither_the_status_nor_what_was_told(monkeypatch: pytest.MonkeyPatch):
    world = World()
    world.one_pass(refused())
    kept = world.document["notices"]
    strange = {**refused(), "conditions": [None]}
    world.one_pass(strange)
    assert world.document["notices"] == kept
    assert world.document["conditions"] == [None]
    assert "cannot be judged" in world.untold[0]


def test_a_page_that_cannot_be_made_fails_nothing():
    world = World()
    outlets = Outlets(notifier=world, pages=world, page=lambda *_: 1 // 0, untold=world.untold.append)
    telling = Announcing(world, outlets, Clock(world), ())
    telling.record(None, doc())
    telling.tell(None)
    assert (world.events, world.pages) == (["converged"], [])
    assert world.untold == ["the page is not written: ZeroDivisionError"]


@pytest.mark.parametrize(
    ("changed", "minutes", "again"),
    [
        ({}, 5, False),
        ({"looks": {"lookedAt": "later"}, "requeueAfter": "PT5S"}, 5, False),
        ({}, 15, True),
        ({"result": "Waiting"}, 1, True),
        ({"findings": [{"disposition": "heal", "waived": False}]}, 1, True),
    ],
)
def test_the_page_is_made_again_when_it_shows_something_new_or_is_old(changed, minutes, again):
    world = World()
    world.one_pass(doc())
    report = world.document["report"]
    assert (report["bucket"], report["key"]) == ("b", "reports/orders.html")
    world.now += timedelta(minutes=minutes)
    world.one_pass({**doc(), **changed})
    assert len(world.pages) == 1 + again
    assert (world.document["report"] != report) == again


def test_more_of_the_same_history_makes_no_page():
    history = [{"revision": "a", "generation": 3, "result": "Converged", "passes": 1, "last": "t"}]
    world = World()
    world.one_pass(doc(history=history, regions=[{"name": "eu-west-1", "replicaLagMs": 12}]))
    world.one_pass(doc(history=[{**history[0], "passes": 2}], regions=[{"name": "eu-west-1", "replicaLagMs": 15}]))
    assert len(world.pages) == 1


def test_what_somebody_wrote_about_the_page_is_neither_kept_nor_waited_for():
    world = World()
    world.one_pass(doc())
    kept = world.document["report"]
    world.document["report"] = kept | {"more": "x" * 300_000}
    world.one_pass(doc())
    assert world.document["report"] == kept
    assert len(world.pages) == 1
    world.document["report"] = kept | {"at": "2999-01-01T00:00:00Z"}
    world.one_pass(doc())
    assert world.document["report"] == kept
    assert len(world.pages) == 2


@pytest.mark.parametrize("table", [True, False])
def test_without_a_lease_it_is_told_only_where_it_is_kept(table):
    """Of a bundle that is refused before the first deployment, each message would tell anew."""
    world = World()
    for _ in range(3):
        telling = Announcing(world, world.outlets, Clock(world))
        telling.recorded(None)
        telling.record(None, refused())
        world.document = world.document if table else None
        telling.tell(None)
    assert world.events == (["refused"] if table else [])
    assert world.untold == []


def test_a_document_that_no_page_can_be_made_of_is_told_of_all_the_same():
    world = World()
    world.one_pass(refused(history=["what somebody wrote"]))
    assert world.events == ["refused"]
    assert len(world.untold) == 1
