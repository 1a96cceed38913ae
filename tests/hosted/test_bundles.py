"""Two reconcilers and a new bundle: none plans toward one that another pass has left behind."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.aws.bundled import BundledRevisions
from reconciler.hosted import OVERTAKEN, reconcile
from reconciler.model.again import Again
from reconciler.model.bundle import Accepted, Bundle, Source, accepted
from reconciler.model.message import Message
from tests.fakes.bundles import packed, repository
from tests.hosted.world import Hosting, Process

EVENT = Message(topology="t00", reason="bundle uploaded")


def bundle(folder: Path, generation: int) -> Bundle:
    folder.mkdir()
    return replace(packed(repository(folder), generation).bundle, version=f"v{generation}")


@pytest.fixture
def bundles(tmp_path: Path) -> tuple[Bundle, Bundle]:
    return bundle(tmp_path / "older", 5), bundle(tmp_path / "newer", 6)


class Place:
    """One topology, and whoever has a bundle at hand for it."""

    def __init__(self) -> None:
        self.hosting = Hosting(1, workers=0, events=False)
        self.place = self.hosting.places["t00"]

    @property
    def status(self) -> dict[str, Any] | None:
        return json.loads(self.place.table.status) if self.place.table.status else None

    def chosen(self, made: Bundle) -> Source:
        return Source(bundle=made, before=Accepted.recorded(self.status))

    def passes(self, source: Source) -> Again:
        found: list[Again] = []

        def one() -> None:
            process = Process(self.place, self.hosting.chance)
            ports = replace(process.ports, revisions=BundledRevisions(source))
            found.append(reconcile(ports, self.place.topology, message=EVENT, chance=lambda: 0.5))

        self.hosting.stage.start(one)
        self.hosting.stage.run(lambda: bool(found), self.hosting.stage.now + 1000)
        return found[0]

    def in_force(self) -> str:
        return str((self.status or {})["bundle"]["version"])


def test_the_older_bundle_is_not_planned_once_a_newer_one_was_accepted(bundles: tuple[Bundle, Bundle]) -> None:
    older, newer = bundles
    place = Place()
    assert place.passes(place.chosen(older)).outcome is not None
    slow = place.chosen(older)  # and unpacks it, while the newer one is uploaded
    assert place.passes(place.chosen(newer)).outcome is not None
    calls = len(place.place.stamps)
    again = place.passes(slow)
    assert (again.result, again.outcome, again.after, again.redeliver) == (OVERTAKEN, None, timedelta(), False)
    assert [line.level for line in again.lines] == ["info"]
    assert (place.in_force(), len(place.place.stamps)) == ("v6", calls)
    place.hosting.stage.end()


def test_who_chose_the_bundle_that_is_accepted_meanwhile_goes_on(bundles: tuple[Bundle, Bundle]) -> None:
    older, newer = bundles
    place = Place()
    place.passes(place.chosen(older))
    both = place.chosen(newer)
    assert place.passes(both).outcome is not None
    assert place.passes(both).outcome is not None
    assert place.in_force() == "v6"
    place.hosting.stage.end()


def test_the_first_bundle_of_a_topology_is_overtaken_too(bundles: tuple[Bundle, Bundle]) -> None:
    older, newer = bundles
    first = Source(bundle=older)
    assert not first.overtaken(None)
    status = {"bundle": accepted(newer, newer.generation).document()}
    assert first.overtaken(status)
    assert Source(bundle=older, before=Accepted.recorded(status)).overtaken(None), "it was destroyed meanwhile"
