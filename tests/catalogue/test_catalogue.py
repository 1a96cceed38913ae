"""Each row of the catalogue: a hand, one finding that is exactly it, and then what is promised of its disposition.

What is healed is healed together, part by part, where one hand does not stand in another's way; `make soak` (`MERIDIAN_SOAK=1`)
heals each by itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest

from reconciler.model.change import Disposition
from tests.catalogue import rows
from tests.catalogue.hand import Hand
from tests.catalogue.looks import converge, drift, findings
from tests.catalogue.rows import ALL, MERGED, UNTESTED, Row, Told, merged, told
from tests.embedded.converged import QUICKLY, Converged

NUMBERS = range(1, 38)
HEALED = [row for row in merged(ALL) if row.disposition is Disposition.HEAL]
LEFT = [row for row in merged(ALL) if row.disposition is not Disposition.HEAL]


def parts() -> dict[str, list[Row]]:
    """What is healed together, by name."""
    alone = {row.name: [row] for row in HEALED if os.environ.get("MERIDIAN_SOAK") or row in rows.STACKS}
    together = {name: [r for r in HEALED if r in getattr(rows, name)] for name in ("DATABASE", "API", "DNS", "EDGE")}
    return {name: part for name, part in (together | alone).items() if part}


@pytest.mark.parametrize("row", HEALED, ids=lambda row: row.name)
def test_a_hand_leads_to_one_finding_that_is_exactly_it(world: Converged, row: Row) -> None:
    lay(world, row)
    assert_named(world, row)


@pytest.mark.parametrize("row", LEFT, ids=lambda row: row.name)
def test_what_is_held_or_paged_is_named_and_left(world: Converged, row: Row) -> None:
    lay(world, row)
    assert_named(world, row)
    converge(world)
    assert calls(world) <= row.urgent
    assert bool(calls(world)) == bool(row.urgent)
    if not row.urgent:
        assert [row.expected] == [told(f) for f in findings(world)]


@pytest.mark.parametrize("part", parts().values(), ids=parts())
def test_what_is_healed_is_healed_by_the_next_passes(world: Converged, part: list[Row]) -> None:
    lay(world, *part)
    assert by_place(row.expected for row in part) == by_place(map(told, findings(world)))
    converge(world)
    assert findings(world) == []


def by_place(found: Iterable[Told]) -> list[Told]:
    return sorted(found, key=lambda f: (f.path, f.region or ""))


def lay(world: Converged, *wanted: Row) -> None:
    """The hands, one after another; from here on calls are counted."""
    world.aws.go(QUICKLY)
    for row in wanted:
        row.hand(Hand(world.aws))
    world.aws.control("calls", {})


def assert_named(world: Converged, row: Row) -> None:
    seen = drift(world).diff.findings
    assert [row.expected] == [told(f) for f in seen]
    assert seen[0].reason, "the report says why"
    assert calls(world) == set(), "a look writes nothing"


def calls(world: Converged) -> set[str]:
    """The mutating calls since the hand."""
    return {c["call"] for c in world.aws.control("calls")[1]["calls"] if c["mutating"]}


def test_every_row_of_the_catalogue_has_a_hand_or_a_reason_for_none() -> None:
    assert {row.number for row in ALL} | set(UNTESTED) == set(NUMBERS)
    assert not {row.number for row in ALL} & set(UNTESTED)
    assert len({row.name for row in ALL}) == len(ALL)
    assert {part for row in ALL for part in row.needs.split()} >= MERGED
