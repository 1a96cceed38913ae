"""The next move of a migration, from what the ledger says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler import act
from reconciler.model.outcome import Problem
from reconciler.model.plan import Step, StepAction
from reconciler.model.requests import Migrate, PrepareDatabase
from reconciler.model.schema import Failure, Schema
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Migration
from tests.fakes.topologies import orders
from tests.fakes.world import World

US, EU = "us-east-1", "eu-west-1"
FIRST, SECOND = Migration(name="0001_first.sql", sql="create"), Migration(name="0002_second.sql", sql="alter")
TOPOLOGY = replace(orders(), migrations=(FIRST, SECOND))
STEP = Step(action=StepAction.MIGRATE, target="database", region=US, eta=None)
READY = Schema(state="ready")


def observed(*, secret_in: str | None = US):
    world = World(TOPOLOGY)
    world.run()
    for ref, state in world.stacks.items():
        if ref == StackRef(StackKind.DATA, secret_in or ""):
            world.stacks[ref] = replace(state, outputs={**state.outputs, "MasterSecret": "arn:master"})
    return world.observed()


SEEN = observed()


def move(schema: Schema, *, seen=SEEN, attempt: str = "now"):
    return act.migrate(STEP, TOPOLOGY, seen, schema, attempt)


def test_what_is_missing_is_asked_for_with_all_that_there_is():
    wanted = Migrate(region=US, function="meridian-orders-migrate", migrations=(FIRST, SECOND), attempt="now")
    assert move(READY) == wanted
    assert move(replace(READY, applied={FIRST.name: FIRST.sha256})) == wanted
    assert move(replace(READY, failed=Failure(name=FIRST.name, message="no", attempt="before"))) == wanted


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        (Schema(state="reader"), act.Wait),
        (replace(READY, running=True), act.Wait),
        (replace(READY, applied={m.name: m.sha256 for m in (FIRST, SECOND)}), act.Done),
        (replace(READY, running=True, applied={m.name: m.sha256 for m in (FIRST, SECOND)}), act.Done),
        (replace(READY, applied={m.name: m.sha256 for m in (FIRST, SECOND)} | {"0003_later.sql": "x"}), act.Done),
    ],
)
def test_otherwise_there_is_nothing_to_ask(schema, kind):
    assert isinstance(move(schema), kind)


def test_a_migration_that_was_changed_after_it_was_applied_is_a_matter_for_people():
    problem = move(replace(READY, applied={FIRST.name: "another"}))
    assert isinstance(problem, Problem)
    assert problem.code == "MigrationChanged"
    assert "0001_first.sql was changed after it was applied: put it back" in problem.message


def test_the_roles_come_first_made_with_the_credentials_of_whoever_holds_them():
    unprepared = Schema(state="unprepared")
    wanted = PrepareDatabase(region=US, function="meridian-orders-migrate", secret="arn:master", secret_region=EU)
    assert move(unprepared, seen=observed(secret_in=EU)) == wanted
    problem = move(unprepared, seen=observed(secret_in=None))
    assert isinstance(problem, Problem)
    assert problem.code == "NoMasterSecret"
