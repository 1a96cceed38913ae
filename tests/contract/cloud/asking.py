"""Requests as the reconciler would make them, for either cloud."""

from __future__ import annotations

from typing import Any

from reconciler.model.requests import ChangeSet, CreateChangeSet, Detach, ExecuteChangeSet, Switchover, UpdateGate
from reconciler.model.stacks import StackRef
from tests.contract.cloud.worlds import World


def request(world: World, ref: StackRef, body: dict[str, Any], name: str = "meridian-test") -> CreateChangeSet:
    state = world.observed().stacks[ref]
    return CreateChangeSet(
        stack=ref,
        stack_name=ref.name(world.topology.name),
        name=name,
        create=False,
        template=body,
        parameters={k: v for k, v in state.parameters.items() if k in body.get("Parameters", {})},
        description="test",
        bucket=f"meridian-assets-{world.topology.account}-{ref.region}",
    )


def made(world: World, ref: StackRef, body: dict[str, Any], name: str = "meridian-test") -> ChangeSet:
    wanted = request(world, ref, body, name)
    for _ in range(2):
        world.ports.cloud.perform(wanted)  # asked again under its name: it is there already
    found = world.ports.cloud.change_set(ref, wanted.stack_name, name)
    while found.pending:
        world.passes(2)
        found = world.ports.cloud.change_set(ref, wanted.stack_name, name)
    return found


def execute(world: World, ref: StackRef, name: str = "meridian-test") -> None:
    world.ports.cloud.perform(ExecuteChangeSet(stack=ref, stack_name=ref.name(world.topology.name), name=name))


def move(world: World, region: str, *, closed: bool, version: int | None = None) -> None:
    gate = world.observed().gates[region]
    threshold = len(gate.children) + closed
    number = gate.version if version is None else version
    world.ports.cloud.perform(
        UpdateGate(region=region, id=gate.id, version=number, children=gate.children, threshold=threshold)
    )


def switchover(world: World, target: str) -> Switchover:
    found = world.observed().global_cluster
    return Switchover(
        region=target,
        writer_region=found.writer,
        global_cluster=found.identifier,
        target_arn=found.member(target).cluster_arn,
    )


def detach(world: World, region: str) -> Detach:
    found = world.observed().global_cluster
    return Detach(
        region=region,
        writer_region=found.writer,
        global_cluster=found.identifier,
        cluster_arn=found.member(region).cluster_arn,
    )
