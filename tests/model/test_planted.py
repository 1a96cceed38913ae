"""Bugs planted into the product are caught, each by the property that is meant to catch it."""

from functools import cache

import pytest

from tests.model.planted import BUGS
from tests.model.scenarios import SCENARIOS


@cache
def as_it_is(scenario: str) -> list[str]:
    return SCENARIOS[scenario].wrong()


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_caught(bug, monkeypatch):
    assert not as_it_is(bug.scenario), "the scenario must be sound as long as nothing is planted"
    bug.plant(monkeypatch)
    found = SCENARIOS[bug.scenario].wrong()
    assert any(bug.caught_by in sentence for sentence in found), found[:3] or "nobody noticed"


def test_no_scenario_is_without_a_bug():
    assert {bug.scenario for bug in BUGS} == set(SCENARIOS)
