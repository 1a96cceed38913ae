"""Hands that come at a bad time: in the middle of a rollout, several at once, and one that does what the next commit asks for."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from reconciler.drive import Run
from reconciler.loop import run_pass
from reconciler.model.change import Disposition
from reconciler.model.outcome import Result
from reconciler.model.topology import Topology
from tests.catalogue import of_api, of_dns, of_edge
from tests.catalogue.hand import EU, FUNCTION, HOME, TOKYO, Hand
from tests.catalogue.looks import BETWEEN, converge, drift, findings
from tests.embedded.converged import QUICKLY, Converged

REGIONS = (EU, TOKYO, HOME)
WANTED = 768


def memory(world: Converged) -> Topology:
    return replace(world.topology, api=replace(world.topology.api, memory_mb=WANTED))


def sizes(world: Converged) -> dict[str, int]:
    clients = {region: Hand(world.aws).client("lambda", region) for region in REGIONS}
    return {r: c.get_function_configuration(FunctionName=FUNCTION)["MemorySize"] for r, c in clients.items()}


def resize(world: Converged, region: str, size: int) -> None:
    client = Hand(world.aws).client("lambda", region)
    client.update_function_configuration(FunctionName=FUNCTION, MemorySize=size)
    world.aws.until(
        lambda: client.get_function_configuration(FunctionName=FUNCTION)["LastUpdateStatus"] == "Successful"
    )


def executed(world: Converged) -> Counter[str]:
    """Change sets that passes executed since `control("calls", {})`."""
    calls = world.aws.control("calls")[1]["calls"]
    return Counter({c["call"]: c["count"] for c in calls if c["mutating"]})


@pytest.mark.parametrize("region", REGIONS, ids=["done", "next", "last"])
def test_a_hand_in_the_middle_of_a_rollout_is_taken_back(world: Converged, region: str) -> None:
    """When the first Region has the new size and the others have not."""
    desired, run = memory(world), Run(patience=30)
    world.aws.go(QUICKLY)
    while sizes(world)[EU] != WANTED:
        assert run_pass(world.ports, desired, run).result is not Result.CONVERGED
        world.ports.clock.sleep(BETWEEN)
    resize(world, region, 256)
    converge(world, desired)
    assert sizes(world) == dict.fromkeys(REGIONS, WANTED)
    assert findings(world, desired) == []


def test_two_hands_on_one_stack_and_one_on_another_are_each_named_and_healed(world: Converged) -> None:
    hand = Hand(world.aws)
    world.aws.go(QUICKLY)
    for change in (of_api.shrinks_the_function, of_api.throttles, of_edge.widens_the_price_class):
        change(hand)
    named = {f.path for f in findings(world)}
    assert named == {f"regions/{EU}/api/memoryMb", f"regions/{EU}/api/throttle/rate", "edge/priceClass"}
    world.aws.control("calls", {})
    converge(world)
    assert findings(world) == []
    assert executed(world)["cloudformation:ExecuteChangeSet"] == 2, "one for each stack"


def test_a_held_hand_stays_while_another_is_healed(world: Converged) -> None:
    hand = Hand(world.aws)
    world.aws.go(QUICKLY)
    of_dns.closes_a_gate(hand)
    of_api.shrinks_the_function(hand)
    converge(world)
    assert [(f.path, f.disposition) for f in findings(world)] == [(f"regions/{EU}/traffic", Disposition.HOLD)]


def test_what_is_held_in_a_resource_is_not_undone_by_healing_the_rest_of_it(world: Converged) -> None:
    """A change set writes a resource back whole: rather than switch the distribution on, its price class stays as it is."""
    hand = Hand(world.aws)
    world.aws.go(QUICKLY)
    of_edge.disables_the_distribution(hand)
    of_edge.widens_the_price_class(hand)
    paths = sorted(f.path for f in findings(world))
    assert paths == ["edge/Distribution/DistributionConfig/Enabled", "edge/priceClass"]
    converge(world)
    assert paths == sorted(f.path for f in findings(world))


def test_a_hand_that_does_what_the_next_commit_asks_for_costs_no_change_set(world: Converged) -> None:
    desired = memory(world)
    world.aws.go(QUICKLY)
    world.aws.control("calls", {})
    converge(world, desired)
    undisturbed = executed(world)
    world.restore()
    world.aws.go(QUICKLY)
    resize(world, EU, WANTED)
    assert drift(world, desired).diff.findings == (), "what the commit asks for is there: no drift"
    world.aws.control("calls", {})
    converge(world, desired)
    assert executed(world) == undisturbed
    assert sizes(world) == dict.fromkeys(REGIONS, WANTED)
    assert findings(world, desired) == []
    world.aws.control("calls", {})
    converge(world, desired)
    assert executed(world) == Counter()
