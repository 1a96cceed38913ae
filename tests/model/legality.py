"""What AWS would not do, and what clients would feel, told of a world and the step that it is about to take.

Written from aws-facts, not from the planner: nothing here asks the planner's gates, pictures or effects.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from reconciler.model.plan import Step, StepAction
from reconciler.model.stacks import StackKind, StackRef, record_ids
from tests.fakes.world import MINUTE, World

DEPLOYS = {StepAction.DEPLOY, StepAction.REPAIR, StepAction.UNROUTE}
SPREADS, STALE = MINUTE, MINUTE
"""Route 53 spreads a change within the one; the edge's router goes on with its last answer for the other."""


def refused(world: World, step: Step) -> Iterator[str]:
    """Why AWS would refuse this step, or do more than it says."""
    if step.action in DEPLOYS:
        yield from _update(world, step.stack)
    elif step.action is StepAction.SWITCHOVER:
        yield from _switchover(world, step.region)
    elif step.action is StepAction.MIGRATE:
        if step.region != world.writer or world.moving_to:
            yield f"the database of {step.region} takes no changes of its schema"
        if StackRef(StackKind.API, step.region) not in world.stacks:
            yield f"no function stands in {step.region}"
    elif step.action is StepAction.DETACH:
        if step.region == world.writer and len(members(world)) > 1:
            yield "a writer is not removed from its global cluster while it has secondaries"
        if world._cluster(step.region).status != "available":
            yield f"the cluster of {step.region} is being changed"
    elif step.action is StepAction.DELETE and step.stack.kind is StackKind.DATA:
        yield from _deletion_of_data(world, step.region)
    elif step.action is StepAction.DELETE_GLOBAL and members(world):
        yield "a global cluster with members cannot be deleted"
    elif step.action is StepAction.DELETE_GATE and step.region in routed(world):
        yield "the health check is in use by records"


def _update(world: World, ref: StackRef) -> Iterator[str]:
    state = world.stacks.get(ref)
    if state is None:
        return
    if state.template is not None and (not state.stands or state.status == "UPDATE_ROLLBACK_FAILED"):
        yield f"stack {ref} cannot be updated while it is {state.status}"
    if ref.kind is StackKind.DATA and state.stands:
        if state.parameters["Cidr"] != world.desired.region(ref.region).cidr:
            yield f"the network of {ref} would be replaced, and the cluster with it"
        if _number(world.desired.database.version) < _number(version(world, ref.region)):
            yield "an engine does not go back to an older version"


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def version(world: World, region: str) -> str | None:
    cluster = world._cluster(region)
    return cluster.engine_version if cluster else None


def _switchover(world: World, region: str) -> Iterator[str]:
    clusters = {r: world._cluster(r) for r in members(world)}
    if region not in clusters:
        yield f"{region} is no member of the global cluster"
    if restless := [r for r, c in clusters.items() if not c.available or c.pending]:
        yield f"{', '.join(restless)} is not available"
    if len({c.engine_version for c in clusters.values()}) > 1:
        yield "the members' versions differ"


def _deletion_of_data(world: World, region: str) -> Iterator[str]:
    if region in members(world):
        yield f"the cluster of {region} is a member of the global cluster"
    if region in world.observed().interfaces:
        yield f"network interfaces of functions are left in the subnets of {region}"


class Watch:
    """What was done when, and where clients were led: rules that speak of time. Each sentence begins with its rule."""

    def __init__(self) -> None:
        self._led: dict[str, datetime] = {}
        self._routed_at: dict[str, datetime] = {}
        self._deployed: dict[str, datetime] = {}
        self._opened: dict[str, datetime] = {}

    def led(self, world: World) -> None:
        """Where DNS leads at this instant. While every gate is unhealthy it answers as if all were healthy; what it answered
        from records that have just gone is spread for a while yet."""
        here = routed(world)
        self._routed_at |= dict.fromkeys(here, world.now)
        still = {r for r, at in self._routed_at.items() if world.now - at < SPREADS}
        healthy = {r for r in here if world._gate(r).healthy}
        self._led |= dict.fromkeys((healthy or still | here), world.now)

    def ends(self, world: World) -> Iterator[str]:
        """A commit that drains a Region is done when clients have left."""
        for region in self._led:
            held = timedelta(seconds=world.desired.routing.ttl_seconds) + STALE
            if not serves(world, region) and world.now - self._led[region] < held:
                yield f"clients: the commit is called done while some may be led to {region} still"

    def wrong(self, world: World, step: Step) -> Iterator[str]:
        if step.action is StepAction.DELETE and step.stack.kind is StackKind.API:
            yield from self._clients(world, step.region)
        if step.action is StepAction.CLOSE_GATE:
            yield from _overload(world, step.region)
        if step.action in DEPLOYS and step.stack.kind in {StackKind.API, StackKind.DATA}:
            yield from self._soaks(world, step.region)
        if step.action is StepAction.OPEN_GATE:
            yield from self._opens(world, step.region)

    def _clients(self, world: World, region: str) -> Iterator[str]:
        held = timedelta(seconds=world.desired.routing.ttl_seconds) + STALE
        if region in self._led and world.now - self._led[region] < held and world._edge():
            yield f"clients: some may be led to {region} still, its API goes"

    def _soaks(self, world: World, region: str) -> Iterator[str]:
        """A Region that serves is changed only when the one changed before has served for a while, and is well."""
        if not serves(world, region):
            return
        soak = timedelta(seconds=world.desired.safety.soak_seconds)
        for other, at in self._deployed.items():
            if other == region or not serves(world, other):
                continue
            if world.now - at < soak:
                yield f"soak: {region} is changed {world.now - at} after {other}"
            if other in world.sick and region not in world.sick:
                yield f"spread: {region} is changed though {other} is sick since its own change"
        self._deployed[region] = world.now

    def _opens(self, world: World, region: str) -> Iterator[str]:
        """One after another, unless nothing serves yet."""
        soak = timedelta(seconds=world.desired.safety.soak_seconds)
        others = [r for r in world.gates if r != region and serves(world, r)]
        first = all(self._opened.get(r) == world.now for r in others)
        soon = [r for r in others if r in self._opened and world.now - self._opened[r] < soak]
        if soon and not first:
            yield f"soak: {region} is opened right after {', '.join(soon)}"
        self._opened[region] = world.now


def _overload(world: World, region: str) -> Iterator[str]:
    left = [r for r in world.gates if r != region and serves(world, r)]
    if left and sum(world.loads.values()) / len(left) > 1:
        yield f"overload: {', '.join(left)} cannot carry what {region} carried"


def members(world: World) -> list[str]:
    return [r for r in world._of(StackKind.DATA) if r not in world.apart]


def routed(world: World) -> set[str]:
    routing = [s.template or {} for ref, s in world.stacks.items() if ref.kind is StackKind.ROUTING]
    held = {name for template in routing for name in template.get("Resources", {})}
    return {r for r in world.gates if record_ids(r)[0] in held}


def serves(world: World, region: str) -> bool:
    gate = world.gates.get(region)
    return gate is not None and gate.is_open and region in world._of(StackKind.API)
