"""Schema migrations, as commits bring them: before the code that rests on them, once, and never half."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from tests.acceptance.world import ROOT, Project, World

MEMORY = ("memoryMb: 512", "memoryMb: 1024")


def add(project: Project, name: str, sql: str) -> None:
    (project.folder / "handlers/api/migrations" / name).write_text(sql)


def runner(world: World, **payload: Any) -> dict[str, Any]:
    client = world.client("lambda", "us-east-1")
    answer = client.invoke(FunctionName="meridian-orders-migrate", Payload=json.dumps(payload))
    found: dict[str, Any] = json.load(answer["Payload"])
    return found


def ledger(world: World) -> dict[str, Any]:
    """What the database itself says, in the writer's Region."""
    found = runner(world, action="status")
    assert found["state"] == "ready", found
    return found


@pytest.fixture(autouse=True)
def first_schema(world: World) -> None:
    """What is in a database is not part of a world that is brought back: one that was made anew since is empty."""
    if runner(world, action="status")["state"] == "unprepared":
        stack = world.client("cloudformation", "us-east-1").describe_stacks(StackName="meridian-orders-data")["Stacks"][
            0
        ]
        secret = next(o["OutputValue"] for o in stack["Outputs"] if o["OutputKey"] == "MasterSecret")
        held = world.client("secretsmanager", "us-east-1").get_secret_value(SecretId=secret)["SecretString"]
        master = json.loads(held)
        made = runner(world, action="prepare", user=master["username"], password=master["password"])
        assert made["state"] == "prepared", made
    sql = (ROOT / "handlers/api/migrations/0001_orders.sql").read_text()
    given = {"name": "0001_orders.sql", "sha256": hashlib.sha256(sql.encode()).hexdigest(), "sql": sql}
    assert runner(world, action="migrate", migrations=[given])["state"] == "done"


def memory(world: World) -> int:
    found = world.client("lambda", "us-east-1").get_function_configuration(FunctionName="meridian-orders-api")
    return found["MemorySize"]


def test_the_first_schema_is_there_once_all_is_made(world: World) -> None:
    assert "0001_orders.sql" in {m["name"] for m in ledger(world)["applied"]}
    reader = world.client("lambda", "eu-west-1")
    answer = reader.invoke(FunctionName="meridian-orders-migrate", Payload='{"action": "status"}')
    assert json.load(answer["Payload"]) == {"state": "reader"}


def test_a_migration_comes_before_the_code_of_its_commit(world: World, project: Project) -> None:
    add(project, "0002_notes.sql", "ALTER TABLE orders ADD COLUMN IF NOT EXISTS note text;")
    project.edit(MEMORY)
    plan = world.meridian(project, "plan", "--format", "json").json
    steps = [s["id"] for w in plan["waves"] for s in w["steps"]]
    assert steps[0] == "migrate/us-east-1"
    assert [c["desired"] for c in plan["changes"] if c["path"] == "database/migrations"] == [["0002_notes.sql"]]
    world.converges(project)
    assert "0002_notes.sql" in {m["name"] for m in ledger(world)["applied"]}
    assert memory(world) == 1024
    world.forget_calls()
    world.converges(project)
    assert "lambda:Invoke" not in world.calls(), "what is recorded is not asked again"


def test_a_migration_that_fails_stops_its_commit_and_can_be_mended(world: World, project: Project) -> None:
    add(project, "0003_bad.sql", "CREATE TABLE half (id int); ALTER TABLE nowhere ADD COLUMN x int;")
    project.edit(MEMORY)
    ran = world.meridian(project, "converge", "--format", "json")
    assert ran.code == 1, ran.said
    assert "MigrationFailed" in ran.said
    assert '0003_bad.sql: relation \\"nowhere\\" does not exist' in ran.said
    assert memory(world) == 512, "no code went out"
    assert ledger(world)["failed"]["name"] == "0003_bad.sql"
    add(project, "0003_bad.sql", "CREATE TABLE half (id int);")
    world.converges(project)
    assert memory(world) == 1024
    assert "0003_bad.sql" in {m["name"] for m in ledger(world)["applied"]}


def test_a_migration_that_was_edited_is_named(world: World, project: Project) -> None:
    add(project, "0001_orders.sql", "CREATE TABLE something_else (id int);")
    ran = world.meridian(project, "converge", "--format", "json")
    assert ran.code == 1, ran.said
    assert "0001_orders.sql was changed after it was applied: put it back" in ran.said
