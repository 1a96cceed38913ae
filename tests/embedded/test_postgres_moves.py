"""What the database servers do next, and what write forwarding makes of a statement: tables, without any server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from local_aws.postgres.estate import Cluster, Role
from local_aws.postgres.moves import Move, Running, next_move
from local_aws.postgres.statements import Kind, classify

UP_A = Running(role="primary")
UP_B, UP_C = Running(role="standby", follows="a"), Running(role="standby", follows="a")
BUILTIN = frozenset({"now", "count", "lower", "pg_sleep"})


def cluster(name: str, role: Role = "standby", follows: str | None = "a", volume: int = 0, **more: str) -> Cluster:
    place = {"account": "111111111111", "region": name, "endpoint": f"{name}.rds", "reader": f"{name}-ro.rds"}
    return Cluster(id=name, role=role, follows=follows, volume=volume, **place, **more)


def records(*clusters: Cluster) -> dict[str, Cluster]:
    return {each.id: each for each in clusters}


A, B, C = cluster("a", "primary", None), cluster("b"), cluster("c")
NEW_A, NEW_B, NEW_C = cluster("a", follows="b"), cluster("b", "primary", None), cluster("c", follows="b")


def carried_out(move: Move, wanted: dict[str, Cluster], running: dict[str, Running]) -> dict[str, Running]:
    """What the move makes of the servers, as the fleet says it does."""
    volume = wanted[move.id].volume if move.id in wanted else 0
    now = running.get(move.id, UP_A)
    made = {
        "create": Running(role="primary", volume=volume),
        "clone": Running(role="standby", follows=move.of, volume=volume),
        "start": replace(now, state="up"),
        "stop": replace(now, state="stopped"),
        "kill": replace(now, state="killed"),
        "promote": replace(now, role="primary", follows=None, succeeds=orderly(now, running), volume=volume),
        "demote": replace(now, role="standby", state="up", follows=move.of, succeeds=None),
        "follow": replace(now, follows=move.of),
        "password": replace(now, password=wanted[move.id].password if move.id in wanted else ""),
    }
    left = {identity: server for identity, server in running.items() if identity != move.id}
    return left if move.verb == "remove" else {**left, move.id: made[move.verb]}


def orderly(follower: Running, running: dict[str, Running]) -> str | None:
    followed = running.get(follower.follows or "")
    return follower.follows if followed and followed.state == "stopped" else None


def until_it_fits(wanted: dict[str, Cluster], running: dict[str, Running]) -> list[str]:
    """All moves, in words; at no moment do two servers of one global database write."""
    done = []
    while move := next_move(wanted, running):
        assert len(done) < 20, done
        running = carried_out(move, wanted, running)
        done.append(" ".join(filter(None, (move.verb, move.id, move.of))))
        writers = [i for i, server in running.items() if server.writes]
        assert len({wanted[i].follows or i for i in writers if i in wanted}) == len(writers), (done, writers)
    return done


STOPPED, LOST = replace(A, role="stopped"), replace(A, role="lost")
TABLE = [
    ("nothing runs, one is wanted", records(A), {}, ["create a"]),
    ("a whole global database", records(A, B, C), {}, ["create a", "clone b a", "clone c a"]),
    ("it fits", records(A, B), {"a": UP_A, "b": UP_B}, []),
    ("a Region is added", records(A, B, C), {"a": UP_A, "b": UP_B}, ["clone c a"]),
    ("a member is deleted", records(A), {"a": UP_A, "b": UP_B}, ["remove b"]),
    ("a member leaves", records(A, replace(B, role="primary", follows=None)), {"a": UP_A, "b": UP_B}, ["promote b"]),
    ("everything is gone", {}, {"a": UP_A, "b": UP_B}, ["remove a", "remove b"]),
    ("a switchover begins", records(STOPPED, B), {"a": UP_A, "b": UP_B}, ["stop a"]),
    ("nobody follows who does not write", records(STOPPED, B, C), {"a": replace(UP_A, state="stopped"), "b": UP_B}, []),
    (
        "a switchover ends",
        records(NEW_A, NEW_B, NEW_C),
        {"a": replace(UP_A, state="stopped"), "b": UP_B, "c": UP_C},
        ["promote b", "demote a b", "follow c b"],
    ),
    (
        "a switchover that nobody watched",
        records(NEW_A, NEW_B, NEW_C),
        {"a": UP_A, "b": UP_B, "c": UP_C},
        ["stop a", "promote b", "demote a b", "follow c b"],
    ),
    (
        "a switchover to a member that has no copy yet",
        records(NEW_A, NEW_B),
        {"a": UP_A},
        ["clone b a", "stop a", "promote b", "demote a b"],
    ),
    ("a failover begins", records(LOST, B), {"a": UP_A, "b": UP_B}, ["kill a"]),
    (
        "a failover ends: the others are built anew",
        records(replace(NEW_A, volume=1), NEW_B, replace(NEW_C, volume=1)),
        {"a": replace(UP_A, state="killed"), "b": UP_B, "c": UP_C},
        ["promote b", "clone a b", "clone c b"],
    ),
    (
        "a failover that nobody watched",
        records(replace(NEW_A, volume=1), NEW_B),
        {"a": UP_A, "b": UP_B},
        ["kill a", "promote b", "clone a b"],
    ),
    (
        "the old primary's Region is still out",
        records(replace(NEW_A, role="lost", volume=1), NEW_B),
        {"a": replace(UP_A, state="killed"), "b": UP_B},
        ["promote b"],
    ),
    ("a primary died by itself", records(A, B), {"a": replace(UP_A, state="killed"), "b": UP_B}, ["start a"]),
    ("a standby died by itself", records(A, B), {"a": UP_A, "b": replace(UP_B, state="killed")}, ["start b a"]),
    (
        "the roles of an older world are back",
        records(A, B),
        {"a": Running(role="standby", follows="b", volume=1), "b": UP_A},
        ["stop b", "promote a", "demote b a"],
    ),
    (
        "a member of an older world is back, and was the primary",
        records(A, B),
        {"b": UP_A},
        ["clone a b", "stop b", "promote a", "demote b a"],
    ),
    (
        "a member that had left, and written, is one again",
        records(A, B),
        {"a": UP_A, "b": Running(role="primary")},
        ["stop b", "clone b a"],
    ),
    (
        "a member that had left, and written, writes for all",
        records(NEW_A, NEW_B, NEW_C),
        {"a": UP_A, "b": Running(role="primary"), "c": UP_C},
        ["stop a", "clone a b", "clone c b"],
    ),
    (
        "a follower that missed a move",
        records(NEW_B, NEW_C),
        {"b": Running(role="primary", succeeds="d"), "c": UP_C},
        ["clone c b"],
    ),
    (
        "the master's password changes",
        records(replace(A, password="new"), B),
        {"a": UP_A, "b": UP_B},
        ["password a"],
    ),
]


@pytest.mark.parametrize(("wanted", "running", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_servers_come_to_fit_the_records(
    wanted: dict[str, Cluster], running: dict[str, Running], expected: list[str]
) -> None:
    assert until_it_fits(wanted, running) == expected


# ---- statements ---------------------------------------------------------------------------------------------------------------

READ = ["select 1", "table t", "values (1)", "show timezone", "select count(*), lower(x) from t", "explain select 1",
        "with x as (select 1) select * from x", "select pg_catalog.now()", "not even SQL"]  # fmt: skip
WRITE = [
    "insert into t values (1)", "insert into t select * from u", "update t set x = 1", "delete from t returning *",
    "merge into t using u on t.a = u.a when matched then delete", "select * from t for update",
    "select * from t for key share", "with x as (delete from t returning *) select * from x",
    "explain analyze update t set x = 1", "select * from (select * from t for share) s", "execute written(1)",
]  # fmt: skip
REFUSED = {
    "create table t (x int)": "CREATE TABLE", "create table t as select 1": "CREATE TABLE AS", "drop table t": "DROP",
    "alter table t add y int": "ALTER TABLE", "create index on t (x)": "CREATE INDEX", "truncate t": "TRUNCATE",
    "copy t from stdin": "COPY", "copy t to stdout": "COPY", "lock t": "LOCK", "savepoint a": "SAVEPOINT",
    "release a": "RELEASE SAVEPOINT", "rollback to a": "ROLLBACK TO SAVEPOINT", "listen a": "LISTEN",
    "declare c cursor for select 1": "DECLARE CURSOR", "fetch c": "FETCH", "close c": "CLOSE", "notify a": "NOTIFY",
    "vacuum": "VACUUM or ANALYZE", "analyze t": "VACUUM or ANALYZE", "cluster t": "CLUSTER", "grant a to b": "GRANT or REVOKE",
    "select nextval('s')": "nextval()", "select setval('s', 1)": "setval()", "prepare transaction 'a'": "PREPARE TRANSACTION",
    "commit prepared 'a'": "COMMIT PREPARED", "grant select on t to b": "GRANT or REVOKE", "revoke a from b": "GRANT or REVOKE",
    "select * into u from t": "SELECT INTO", "set constraints all deferred": "SET CONSTRAINTS", "call p()": "CALL",
    "do $$begin end$$": "DO", "select mine(1)": "the user-defined function mine()",
    "insert into t select s.now()": "the user-defined function s.now()", "select pg_notify('a', '')": "NOTIFY",
    "reassign owned by a to b": "REASSIGN OWNED", "prepare p as select nextval('s')": "nextval()",
    "insert into t values (nextval('s'))": "nextval()", "select lo_create(1)": "lo_create()",
    "create role app": "data definition (CreateRole)",
}  # fmt: skip


def kinds(sql: str) -> list[Kind]:
    return [each.kind for each in classify(sql, BUILTIN, {"written": Kind.WRITE})]


@pytest.mark.parametrize("sql", READ)
def test_it_is_read_on_the_standby(sql: str) -> None:
    assert kinds(sql) == [Kind.READ]


@pytest.mark.parametrize("sql", WRITE)
def test_it_is_forwarded(sql: str) -> None:
    assert kinds(sql) == [Kind.WRITE]


@pytest.mark.parametrize(("sql", "what"), REFUSED.items())
def test_it_is_refused_by_name(sql: str, what: str) -> None:
    [found] = classify(sql, BUILTIN, {})
    assert (found.kind, found.state) == (Kind.REFUSED, "0A000")
    assert found.refusal == f"{what} is not supported with write forwarding"


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("begin", Kind.BEGIN),
        ("start transaction isolation level repeatable read", Kind.BEGIN),
        ("begin read only", Kind.BEGIN_READ_ONLY),
        ("begin read write", Kind.BEGIN),
        ("commit", Kind.END),
        ("rollback", Kind.END),
        ("set search_path to a", Kind.SESSION),
        ("discard all", Kind.SESSION),
    ],
)
def test_transactions_and_settings(sql: str, kind: Kind) -> None:
    assert kinds(sql) == [kind]


def test_each_statement_of_a_text_has_its_own_kind_and_words() -> None:
    found = classify("select 'é'; insert into t values (1) ; savepoint x", BUILTIN, {})
    assert [each.kind for each in found] == [Kind.READ, Kind.WRITE, Kind.REFUSED]
    assert [each.sql.strip() for each in found] == ["select 'é'", "insert into t values (1)", "savepoint x"]


@pytest.mark.parametrize(
    ("sql", "mode", "resets"),
    [
        ("set apg_write_forward.consistency_mode = 'GLOBAL'", "global", False),
        ("set apg_write_forward.consistency_mode to eventual", "eventual", False),
        ("set apg_write_forward.consistency_mode to default", None, True),
        ("reset apg_write_forward.consistency_mode", None, True),
        ("reset all", None, True),
        ("set timezone to 'UTC'", None, False),
    ],
)
def test_the_consistency_mode_is_a_setting_of_the_session(sql: str, mode: str | None, *, resets: bool) -> None:
    [found] = classify(sql, BUILTIN, {})
    assert (found.kind, found.mode, found.resets) == (Kind.SESSION, mode, resets)


def test_a_consistency_mode_that_there_is_not() -> None:
    [found] = classify("set apg_write_forward.consistency_mode = 'strong'", BUILTIN, {})
    assert (found.state, "strong" in found.refusal) == ("22023", True)
