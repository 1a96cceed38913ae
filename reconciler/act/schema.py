"""Moves of the schema: who may migrate is made once, then what is missing is applied. The function in the writer's Region does
the work and keeps the ledger; an attempt goes on by itself, and the ledger tells what came of it."""

from __future__ import annotations

from reconciler.act.moves import Done, Move, Wait
from reconciler.model.observed import Observed, StackState, known
from reconciler.model.outcome import Problem
from reconciler.model.plan import Step
from reconciler.model.requests import Migrate, PrepareDatabase
from reconciler.model.schema import Schema
from reconciler.model.stacks import StackKind
from reconciler.model.topology import Topology

MASTER_SECRET = "MasterSecret"  # noqa: S105  # the name of an output
"""Output of the stack `data` that holds the master credentials."""


def migrate(step: Step, topology: Topology, observed: Observed, schema: Schema, attempt: str) -> Move:
    """`attempt` names what this run asked for before, or asks for now: an older failure is tried again."""
    region = step.region or ""
    if schema.state == "reader":
        return Wait(f"the database of {region} does not write yet")
    if schema.state == "unprepared":
        return _prepare(step, topology, observed)
    changed = [m.name for m in topology.migrations if schema.applied.get(m.name, m.sha256) != m.sha256]
    if changed:
        message = f"{', '.join(changed)} was changed after it was applied: put it back, and write another migration"
        return Problem(code="MigrationChanged", step=step.id, message=message)
    missing = [m for m in topology.migrations if m.name not in schema.applied]
    if not missing:
        return Done("the database holds every migration")
    if schema.running:
        return Wait(f"{missing[0].name} is being applied")
    if schema.failed and schema.failed.attempt == attempt:
        message = f"{schema.failed.name}: {schema.failed.message}; nothing of it is applied, and no code that rests on it goes out"
        return Problem(code="MigrationFailed", step=step.id, message=message)
    return Migrate(region=region, function=topology.migrator, migrations=topology.migrations, attempt=attempt)


def _prepare(step: Step, topology: Topology, observed: Observed) -> Move:
    """The role that migrates is made by the master, whose password the founder's stack holds."""
    for ref, seen in observed.stacks.items():
        state = known(seen)
        if (
            ref.kind is StackKind.DATA
            and isinstance(state, StackState)
            and (secret := state.outputs.get(MASTER_SECRET))
        ):
            return PrepareDatabase(
                region=step.region or "", function=topology.migrator, secret=secret, secret_region=ref.region
            )
    message = "no stack holds the master credentials, with which the roles of the database are made"
    return Problem(code="NoMasterSecret", step=step.id, message=message)
