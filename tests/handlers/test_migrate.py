"""The migrations runner against a real PostgreSQL whose master is no superuser."""

from __future__ import annotations

import json
import threading
import time

import pytest

from tests.handlers import postgres
from tests.handlers.conftest import ask_runner, migration, migrations
from tests.handlers.postgres import DATABASE, MASTER, PASSWORD, environment, reader, writer

PREPARE = {"action": "prepare", "user": MASTER, "password": PASSWORD}
STATUS = {"action": "status"}
UNTIL_TOLD = "DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM public.told) LOOP PERFORM pg_sleep(0.02); END LOOP; END $$;"


def migrate(*asked):
    return {"action": "migrate", "migrations": list(asked)}


@pytest.fixture(scope="module")
def pair(template, network):
    """These tests' own: they drop the database."""
    with postgres.running(template, network) as pair:
        yield pair


@pytest.fixture
def database(pair):
    """As new: what an earlier test made is gone."""
    pair.east.sql(
        f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE);\nCREATE DATABASE {DATABASE} OWNER {MASTER};\n"
        "DROP ROLE IF EXISTS meridian_migrator; DROP ROLE IF EXISTS app;\n",
        "postgres",
    )
    return pair.east


@pytest.fixture
def ask(database, runner):
    return lambda event, **more: ask_runner(runner, event, **more)


@pytest.fixture
def prepared(ask):
    assert ask(PREPARE) == {"state": "prepared"}
    return ask


def test_from_nothing_to_tables_of_the_service(ask, database):
    assert ask(STATUS)["state"] == "unprepared"
    assert ask(migrate(*migrations()))["state"] == "unprepared"
    assert ask(PREPARE) == {"state": "prepared"}
    assert ask(STATUS) == {"state": "ready", "running": False, "applied": [], "failed": None}
    applied = [{"name": m["name"], "sha256": m["sha256"]} for m in migrations()]
    assert ask(migrate(*migrations())) == {"state": "done", "applied": applied}
    assert ask(STATUS) == {"state": "ready", "running": False, "applied": applied, "failed": None}
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('public', 'meridian')"
    assert database.sql(owners) == [["meridian_migrator"]]


def test_service_may_read_and_write_rows_and_nothing_else(prepared, database):
    prepared(migrate(migration("0001.sql", "CREATE TABLE t (id int); CREATE TABLE u (id int)")))
    granted = (
        "SELECT string_agg(privilege_type, ' ' ORDER BY privilege_type) FROM information_schema.role_table_grants "
    )
    assert database.sql(granted + "WHERE grantee = 'app' AND table_name = 'u'") == [["DELETE INSERT SELECT UPDATE"]]
    assert database.sql(granted + "WHERE grantee = 'app' AND table_schema = 'meridian'") == [[""]]
    assert database.sql("SELECT has_schema_privilege('app', 'public', 'CREATE')") == [["f"]]
    assert database.sql("SELECT rolsuper, rolcreaterole, rolcanlogin FROM pg_roles WHERE rolname = 'app'") == [
        ["f", "f", "t"]
    ]


def test_prepare_twice_also_when_the_master_can_not_log_in_any_more(prepared, database):
    assert prepared(PREPARE) == {"state": "prepared"}
    assert prepared({**PREPARE, "password": "another"}) == {"state": "prepared"}


def test_prepare_twice_at_once(ask, database):
    found = []
    threads = [threading.Thread(target=lambda: found.append(ask(PREPARE))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [{"state": "prepared"}] * 4


def test_half_prepared_is_prepared_to_the_end(ask, database):
    database.sql("CREATE ROLE meridian_migrator LOGIN; GRANT rds_iam TO meridian_migrator; CREATE ROLE app LOGIN")
    database.sql(f"GRANT meridian_migrator, app TO {MASTER} WITH ADMIN OPTION")
    assert ask(PREPARE) == {"state": "prepared"}
    assert ask(migrate(migration("0001.sql", "CREATE TABLE t (id int)")))["state"] == "done"


def test_wrong_password_shows_nowhere(ask, runner, capsys, monkeypatch):
    for name, value in environment("us-east-1", "meridian_migrator").items():
        monkeypatch.setenv(name, value)
    answer = runner.runner.handler({**PREPARE, "password": "hunter2"}, None)
    assert answer["state"] == "unreachable"
    assert answer["message"].startswith(f"{MASTER} cannot log in")
    out = capsys.readouterr().out
    assert json.loads(out)["action"] == "prepare"
    assert runner.runner.handler(PREPARE, None) == {"state": "prepared"}
    master = runner.access.Master(user=MASTER, password=PASSWORD)
    shown = f"{answer} {out} {capsys.readouterr().out} {master}"
    assert "hunter2" not in shown
    assert PASSWORD not in shown


def test_a_failure_is_rolled_back_remembered_and_tried_again(prepared, database):
    good = migration("0001.sql", "CREATE TABLE t (id int)")
    bad = migration("0002.sql", "CREATE TABLE u (id int); INSERT INTO missing VALUES (1)")
    later = migration("0003.sql", "CREATE TABLE v (id int)")
    failed = {"name": "0002.sql", "message": 'relation "missing" does not exist (42P01)'}
    assert prepared(migrate(good, bad, later)) == {"state": "failed", "failed": failed}
    assert prepared(STATUS)["failed"] == failed | {"attempt": ""}
    assert [m["name"] for m in prepared(STATUS)["applied"]] == ["0001.sql"]
    assert database.sql("SELECT to_regclass('u') IS NULL, to_regclass('v') IS NULL") == [["t", "t"]]
    mended = migration("0002.sql", "CREATE TABLE u (id int)")
    assert [m["name"] for m in prepared(migrate(good, mended, later))["applied"]] == [
        "0001.sql",
        "0002.sql",
        "0003.sql",
    ]
    assert prepared(STATUS)["failed"] is None


def test_a_file_that_changed_after_it_was_applied(prepared):
    was = migration("0001.sql", "CREATE TABLE t (id int)")
    now = migration("0001.sql", "CREATE TABLE t (id bigint)")
    prepared(migrate(was))
    answer = prepared(migrate(now))
    assert answer["state"] == "failed"
    assert answer["failed"]["name"] == "0001.sql"
    for words in ("changed after it was applied", was["sha256"], now["sha256"], "into a new migration"):
        assert words in answer["failed"]["message"]
    assert prepared(STATUS)["failed"] == answer["failed"] | {"attempt": ""}
    assert prepared(STATUS)["applied"] == [{"name": "0001.sql", "sha256": was["sha256"]}]
    assert prepared(migrate(was))["state"] == "done"
    assert prepared(STATUS)["failed"] is None


def test_old_code_may_ask_after_new_code_did(prepared):
    one, two = migration("0001.sql", "CREATE TABLE t (id int)"), migration("0002.sql", "CREATE TABLE u (id int)")
    prepared(migrate(one, two))
    assert [m["name"] for m in prepared(migrate(one))["applied"]] == ["0001.sql", "0002.sql"]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("CREATE TABLE t (id int); COMMIT", "it ended its transaction"),
        ("CREATE TABLE t (id int); ROLLBACK; BEGIN", "it ended its transaction"),
        ("CREATE INDEX CONCURRENTLY i ON pg_class (oid)", "cannot run inside a transaction block (25001)"),
        ("SELECT pg_sleep(9)", "carry it out in smaller parts"),
        ("CREATE TABEL t (id int)", "syntax error"),
        ("ALTER TABLE meridian.ledger DROP COLUMN sha256", "sha256"),
    ],
)
def test_what_a_migration_cannot_do(sql, words, prepared):
    answer = prepared(migrate(migration("0001.sql", sql)), seconds=1)
    assert words in answer["failed"]["message"]
    assert prepared(STATUS)["applied"] == []


def test_a_migration_that_was_damaged_on_the_way(prepared):
    damaged = {**migration("0001.sql", "CREATE TABLE t (id int)"), "sql": "DROP TABLE t"}
    assert "damaged" in prepared(migrate(damaged))["failed"]["message"]


def test_no_time_left(prepared):
    answer = prepared(migrate(migration("0001.sql", "SELECT 1")), seconds=0.0)
    assert answer["failed"] == {"name": "0001.sql", "message": "no time was left for it: ask again"}


def test_a_migration_may_act_as_another_role(prepared, database):
    database.sql("GRANT app TO meridian_migrator")
    assert prepared(migrate(migration("0001.sql", "SET ROLE app; SELECT 1")))["state"] == "done"


def test_one_at_a_time_and_status_waits_for_nobody(prepared, database):
    database.sql("CREATE TABLE public.told (n int); GRANT SELECT ON public.told TO PUBLIC")
    slow = migration("0001.sql", f"CREATE TABLE t (id int); {UNTIL_TOLD}")
    answers = []
    first = threading.Thread(target=lambda: answers.append(prepared(migrate(slow))))
    first.start()
    running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%FROM public.told%' AND pid <> pg_backend_pid()"
    while database.sql(running) != [["1"]]:
        time.sleep(0.02)
    assert prepared(migrate(slow)) == {"state": "busy"}
    status = prepared(STATUS)
    assert (status["running"], status["applied"]) == (True, [])
    assert prepared(PREPARE) == {"state": "prepared"}
    assert answers == []
    database.sql("INSERT INTO public.told VALUES (1)")
    first.join()
    assert [answer["state"] for answer in answers] == ["done"], answers
    while prepared(STATUS)["running"]:  # the server ends a session in its own time
        time.sleep(0.02)


def test_a_table_in_use_is_not_waited_for_for_ever(prepared, database, runner, monkeypatch):
    prepared(migrate(migration("0001.sql", "CREATE TABLE t (id int)")))
    monkeypatch.setitem(runner.access.SETTINGS, "lock_timeout", "100ms")
    held = threading.Thread(target=lambda: database.sql("BEGIN; LOCK TABLE t; SELECT pg_sleep(1); COMMIT"))
    held.start()
    while database.sql("SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass AND granted") != [["1"]]:
        time.sleep(0.02)
    asked = migrate(migration("0002.sql", "ALTER TABLE t ADD COLUMN n int"))
    message = prepared(asked)["failed"]["message"]
    assert "another session held a table longer than 100ms" in message
    held.join()
    assert prepared(asked)["state"] == "done"


def test_a_runner_whose_session_ends_gives_the_lock_back(prepared, database):
    slow = migration("0001.sql", "SELECT pg_sleep(30)")
    answers = []
    first = threading.Thread(target=lambda: answers.append(prepared(migrate(slow))))
    first.start()
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND pid <> pg_backend_pid()"
    while database.sql(end) != [["t"]]:
        time.sleep(0.02)
    first.join()
    assert answers[0]["state"] in ("unreachable", "failed")
    assert prepared(migrate(migration("0001.sql", "SELECT 1")))["state"] == "done"


def test_a_region_that_does_not_write(prepared, pair):
    pair.caught_up()
    for asked in (STATUS, PREPARE, migrate(*migrations())):
        assert prepared(asked, region="eu-west-1") == {"state": "reader"}


def test_nobody_answers(runner, network, monkeypatch):
    monkeypatch.setattr(network, "names", {})
    for asked in (STATUS, PREPARE, migrate(*migrations())):
        answer = ask_runner(runner, asked)
        assert answer["state"] == "unreachable"
        assert reader("us-east-1") in answer["message"]


def test_writer_endpoint_that_leads_to_a_reader(prepared, pair, network, monkeypatch):
    pair.caught_up()
    monkeypatch.setitem(network.names, writer("us-east-1"), pair.doors[1].port)
    assert prepared(STATUS) == {"state": "reader"}


def test_unknown_action(runner):
    with pytest.raises(ValueError, match="action 'drop': there is status, prepare, migrate"):
        ask_runner(runner, {"action": "drop"})


def test_time_is_what_lambda_leaves(runner):
    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 60_000

    assert runner.runner._seconds(Context()) == 45
    assert postgres.SUPERUSER != MASTER
