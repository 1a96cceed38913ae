"""Requests as the reconciler would make them, for either cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.model.errors import OperationInProgress, ReconcilerError
from reconciler.model.observed import GlobalCluster
from reconciler.model.requests import (
    ChangeSet,
    CreateChangeSet,
    DeleteStack,
    Detach,
    ExecuteChangeSet,
    Request,
    Switchover,
    UpdateGate,
)
from reconciler.model.stacks import StackRef
from tests.contract.cloud.worlds import World

NAME = "meridian-test"


def refused(world: World, request: Request) -> ReconcilerError:
    """Asks for what AWS does not do; why it does not."""
    with pytest.raises(ReconcilerError) as told:
        world.ports.cloud.perform(request)
    return told.value


def busy(world: World, request: Request) -> None:
    """Asks for what AWS does not do now, and may do later: a pass that asks too early is only early."""
    assert isinstance(refused(world, request), OperationInProgress)


def wanted(
    world: World,
    ref: StackRef,
    body: Mapping[str, Any],
    name: str = NAME,
    *,
    create: bool = False,
    **parameters: str,
) -> CreateChangeSet:
    """A change set; parameters that are not given stay as they were."""
    before = world.start.stacks.get(ref)
    given = {**(before.parameters if before else {}), **parameters}
    return CreateChangeSet(
        stack=ref,
        stack_name=world.name(ref),
        name=name,
        create=create,
        template=body,
        parameters={k: v for k, v in given.items() if k in body.get("Parameters", {})},
        description="test",
        bucket=f"meridian-assets-{world.topology.account}-{ref.region}",
    )


def change_set(world: World, ref: StackRef, name: str = NAME) -> ChangeSet | None:
    return world.ports.cloud.change_set(ref, world.name(ref), name)


def made(world: World, asked: CreateChangeSet) -> ChangeSet:
    for _ in range(2):
        world.ports.cloud.perform(asked)  # asked again under its name: it is there already
    while (found := change_set(world, asked.stack, asked.name)).pending:
        world.passes(2)
    return found


def execution(world: World, ref: StackRef, name: str = NAME) -> ExecuteChangeSet:
    return ExecuteChangeSet(stack=ref, stack_name=world.name(ref), name=name)


def begun(world: World, asked: CreateChangeSet) -> None:
    found = made(world, asked)
    assert found.execution_status == "AVAILABLE", found
    world.ports.cloud.perform(execution(world, asked.stack, asked.name))


def done(world: World, asked: CreateChangeSet, *, every: float = 60) -> str | None:
    """Executes the change set; the stack's status in the end."""
    begun(world, asked)
    return world.settled(asked.stack, every=every)


def deletion(world: World, ref: StackRef, stack_id: str | None = None) -> DeleteStack:
    found = stack_id or world.start.stacks[ref].id
    return DeleteStack(stack=ref, stack_name=world.name(ref), stack_id=found)


def moved_gate(world: World, region: str, *, closed: bool, version: int | None = None) -> UpdateGate:
    """Against the version that the gate had at the start, unless another one is given."""
    gate = world.start.gates[region]
    threshold = len(gate.children) + closed
    number = gate.version if version is None else version
    return UpdateGate(region=region, id=gate.id, version=number, children=gate.children, threshold=threshold)


def switchover(world: World, target: str, writer: str | None = None) -> Switchover:
    found = _database(world)
    return Switchover(
        region=target,
        writer_region=writer or found.writer,
        global_cluster=found.identifier,
        target_arn=found.member(target).cluster_arn,
    )


def detach(world: World, region: str) -> Detach:
    found = _database(world)
    return Detach(
        region=region,
        writer_region=found.writer,
        global_cluster=found.identifier,
        cluster_arn=found.member(region).cluster_arn,
    )


def _database(world: World) -> GlobalCluster:
    return world.start.global_cluster
