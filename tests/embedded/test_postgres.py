"""Real databases behind the clusters of the embedded AWS: who comes in, where, and what write forwarding does."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from pg8000.exceptions import DatabaseError

from tests.embedded.conftest import Aws
from tests.embedded.database_client import AWAY, HOME, PASSWORD, Databases, answers, kept, refused


@pytest.fixture
def databases(server: Aws) -> Iterator[Databases]:
    with kept(server) as found:
        yield found


# ---- TLS and endpoints ----------------------------------------------------------------------------------------------------------


def test_the_certificate_is_for_the_endpoint(databases: Databases) -> None:
    name = databases.endpoint(HOME)
    assert databases.dialled(name).getpeercert()["subjectAltName"] == (("DNS", name),)
    with pytest.raises(ssl.SSLCertVerificationError):
        databases.write(context=ssl.create_default_context())


def test_without_tls_nobody_comes_in(databases: Databases) -> None:
    with refused("28000", "no encryption"):
        databases.write(tls=False)


def test_the_roles_of_the_endpoints(databases: Databases) -> None:
    """A primary's reader endpoint stands in for a reader instance; a secondary's cluster endpoint is inactive."""
    assert databases.write().run("select pg_is_in_recovery(), current_setting('transaction_read_only')") == [
        [False, "off"]
    ]
    assert databases.read(AWAY).run("select pg_is_in_recovery()") == [[True]]
    with refused("25006"):
        databases.read(HOME).run("create table never (x int)")
    assert databases.endpoint(AWAY) not in databases.told()["names"]
    assert not answers(lambda: databases.write(AWAY))


def test_without_an_instance_there_is_no_database(databases: Databases) -> None:
    databases.rds(AWAY).delete_db_instance(DBInstanceIdentifier=f"orders-{AWAY}-0", SkipFinalSnapshot=True)
    assert not answers(lambda: databases.read(AWAY))
    assert answers(lambda: databases.write(HOME))


def test_a_region_that_is_out_cuts_its_connections(databases: Databases) -> None:
    databases.table()
    home, away = databases.write(), databases.read()
    databases.aws.control("faults", {"faults": [{"outage": HOME, "plane": "data"}]})
    try:
        databases.cut(home)
        assert not answers(databases.write)
        assert databases.count(away) == 0
        with refused("08006"):
            away.run("insert into t values (1)")
    finally:
        databases.aws.control("faults", {"faults": []})
    away.run("insert into t values (1)")
    assert databases.count(databases.write()) == 1


# ---- passwords and tokens -------------------------------------------------------------------------------------------------------


def test_the_master_is_no_superuser_but_makes_roles_and_owns_the_database(databases: Databases) -> None:
    master = databases.write()
    [rights] = master.run("select rolsuper, rolcreaterole, rolcreatedb from pg_roles where rolname = current_user")
    assert rights == [False, True, True]
    owners = master.run("select pg_get_userbyid(datdba) from pg_database where datname = current_database()")
    assert owners == [["postgres"]]
    for name in ("rds_superuser", "rds_iam"):
        assert master.run("select count(*) from pg_roles where rolname = :name", name=name) == [[1]]
    master.run("drop role if exists helper")
    master.run("create role helper login")
    master.run("grant rds_iam to helper")
    with refused("42501"):
        master.run("alter role helper superuser")


def test_a_wrong_password_is_refused_in_postgresqls_words(databases: Databases) -> None:
    with refused("28P01", 'password authentication failed for user "postgres"'):
        databases.write(password="wrong")
    with refused("28P01", 'password authentication failed for user "nobody"'):
        databases.write(user="nobody")
    with refused("28P01"):
        databases.write(user="rdsadmin", password="")
    with refused("3D000"):
        databases.write(database="nothing")


def test_the_password_of_a_role_is_the_one_in_the_database(databases: Databases) -> None:
    master = databases.write()
    master.run("drop role if exists keeper")
    master.run("create role keeper login password 'staple'")
    assert databases.write(user="keeper", password="staple").run("select current_user") == [["keeper"]]
    with refused("28P01"):
        databases.write(user="keeper", password=PASSWORD)


def test_modify_db_cluster_changes_the_masters_password(databases: Databases) -> None:
    databases.write()
    change = databases.rds().modify_db_cluster
    change(DBClusterIdentifier=f"orders-{HOME}", MasterUserPassword="battery-staple", ApplyImmediately=True)
    assert databases.write(password="battery-staple").run("select 1") == [[1]]
    with refused("28P01"):
        databases.write()
    databases.aws.until(lambda: databases.read(password="battery-staple"))


def token(databases: Databases, name: str, user: str = "app", region: str = HOME, port: int = 5432, **more: str) -> str:
    keys = {"aws_access_key_id": "111111111111", "aws_secret_access_key": "test", **more}
    client = boto3.client("rds", region_name=region, endpoint_url=databases.aws.url, **keys)
    return str(client.generate_db_auth_token(name, port, user, Region=region))


@pytest.fixture
def app(databases: Databases) -> Databases:
    """A role that comes in with a token, and may write."""
    databases.table()
    master = databases.write()
    if not master.run("select 1 from pg_roles where rolname = 'app'"):
        master.run("create role app login password 'of no use'")
        master.run("grant rds_iam to app")
    master.run("grant all on t to app")
    databases.caught_up()
    return databases


def test_a_token_is_good_for_its_host_and_user(app: Databases) -> None:
    writer, reader = app.endpoint(HOME), app.endpoint(AWAY, "ReaderEndpoint")
    assert app.connect(writer, "app", token(app, writer)).run("select current_user") == [["app"]]
    away = app.connect(reader, "app", token(app, reader, region=AWAY))
    away.run("insert into t values (1)")
    assert app.count(away) == 1


def expired(databases: Databases, name: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        then = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=16)
        patch.setattr("botocore.auth.get_current_datetime", lambda *_: then)
        return token(databases, name)


def test_no_other_token_is_good(app: Databases) -> None:
    name = app.endpoint(HOME)
    good = token(app, name)
    bad = {
        "expired": expired(app, name),
        "another host": token(app, app.endpoint(HOME, "ReaderEndpoint")),
        "another user": token(app, name, user="postgres"),
        "another port": token(app, name, port=5433),
        "another Region": token(app, name, region=AWAY),
        "another secret": token(app, name, aws_secret_access_key="guessed"),
        "an unknown key": token(app, name, aws_access_key_id="AKIAUNKNOWN"),
        "tampered": good[:-1] + ("0" if good[-1] != "0" else "1"),
        "a password": "of no use",
    }
    for what, tried in bad.items():
        with refused("28000", 'PAM authentication failed for user "app"'):
            app.connect(name, "app", tried)
            pytest.fail(what)


def test_a_token_is_no_password(databases: Databases) -> None:
    name = databases.endpoint(HOME)
    with refused("28P01"):
        databases.connect(name, "postgres", token(databases, name, user="postgres"))


def test_tokens_need_iam_authentication_to_be_on(app: Databases) -> None:
    name, change = app.endpoint(HOME), app.rds().modify_db_cluster
    change(DBClusterIdentifier=f"orders-{HOME}", EnableIAMDatabaseAuthentication=False, ApplyImmediately=True)
    with refused("28000"):
        app.connect(name, "app", token(app, name))


# ---- write forwarding -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def away(databases: Databases) -> Any:
    databases.table()
    return databases.read()


def test_a_session_reads_what_it_wrote(databases: Databases, away: Any) -> None:
    assert away.run("show apg_write_forward.consistency_mode") == [["session"]]
    for i in range(1, 31):
        assert away.run("insert into t values (:x) returning x", x=i) == [[i]]
        assert databases.count(away) == i
    away.run("update t set x = x + 100 where x > 20")
    assert away.run("select count(*) from t where x > 100") == [[10]]


def test_with_global_a_session_reads_what_others_wrote(databases: Databases, away: Any) -> None:
    away.run("set apg_write_forward.consistency_mode = 'global'")
    writer = databases.write()
    for i in range(1, 31):
        writer.run("insert into t values (:x)", x=i)
        assert databases.count(away) == i


@pytest.mark.parametrize("asked", [{"options": "-c apg_write_forward.consistency_mode=off"},
                                   {"apg_write_forward.consistency_mode": "off"}])  # fmt: skip
def test_without_forwarding_the_standby_itself_refuses(databases: Databases, away: Any, asked: dict[str, str]) -> None:
    off = databases.read(startup_params=asked)
    assert off.run("show apg_write_forward.consistency_mode") == [["off"]]
    with refused("25006", "cannot execute INSERT in a read-only transaction"):
        off.run("insert into t values (1)")
    away.run("set apg_write_forward.consistency_mode to off")
    with refused("25006"):
        away.run("insert into t values (1)")
    away.run("reset apg_write_forward.consistency_mode")
    away.run("insert into t values (1)")
    assert databases.count(away) == 1
    with refused("22023"):
        away.run("set apg_write_forward.consistency_mode to strong")


def test_the_mode_may_come_from_the_clusters_parameter_group(databases: Databases, away: Any) -> None:
    rds = databases.rds(AWAY)
    group = {"DBClusterParameterGroupName": "eventually"}
    rds.create_db_cluster_parameter_group(**group, DBParameterGroupFamily="aurora-postgresql16", Description="d")
    value = {
        "ParameterName": "apg_write_forward.consistency_mode",
        "ParameterValue": "EVENTUAL",
        "ApplyMethod": "immediate",
    }
    rds.modify_db_cluster_parameter_group(**group, Parameters=[value])
    rds.modify_db_cluster(DBClusterIdentifier=f"orders-{AWAY}", **group, ApplyImmediately=True)
    assert databases.read().run("show apg_write_forward.consistency_mode") == [["eventual"]]


def test_a_cluster_that_does_not_forward_is_a_plain_standby(databases: Databases, away: Any) -> None:
    change = databases.rds(AWAY).modify_db_cluster
    change(DBClusterIdentifier=f"orders-{AWAY}", EnableGlobalWriteForwarding=False, ApplyImmediately=True)
    databases.aws.until(lambda: databases.found(AWAY)["GlobalWriteForwardingStatus"] == "disabled")
    with refused("25006"):
        away.run("insert into t values (1)")


def test_a_transaction_is_forwarded_as_a_whole(databases: Databases, away: Any) -> None:
    away.run("begin")
    assert databases.count(away) == 0
    away.run("insert into t values (1)")
    assert databases.count(away) == 1
    assert databases.count(databases.read()) == 0
    away.run("rollback")
    assert databases.count(away) == 0
    away.run("start transaction")
    away.run("insert into t values (1), (2)")
    away.run("commit")
    assert databases.count(away) == 2


def test_a_transaction_that_only_reads_stays(databases: Databases, away: Any) -> None:
    away.run("begin read only")
    assert away.run("select pg_is_in_recovery()") == [[True]]
    with refused("25006"):
        away.run("insert into t values (1)")
    away.run("rollback")
    away.run("begin")
    assert away.run("select pg_is_in_recovery()") == [[False]]
    away.run("rollback")


@pytest.mark.parametrize("sql", [
    "savepoint a", "truncate t", "create table u (x int)", "lock t", "copy t to stdout", "select nextval('s')", "vacuum",
    "declare c cursor for select 1", "listen a", "prepare transaction 'a'", "do $$begin end$$", "select mine()",
])  # fmt: skip
def test_what_is_not_forwarded_is_refused(databases: Databases, away: Any, sql: str) -> None:
    with refused("0A000", "is not supported with write forwarding"):
        away.run(sql)
    with refused("0A000"):
        away.execute_simple(sql)
    away.run("insert into t values (1)")
    away.run("begin")
    away.run("insert into t values (2)")
    with refused("0A000"):
        away.run(sql)
    with refused("25P02"):
        away.run("insert into t values (3)")
    away.run("rollback")
    assert databases.count(away) == 1


def test_an_error_of_a_forwarded_statement_is_the_primarys(databases: Databases, away: Any) -> None:
    with refused("22012"):
        away.run("insert into t values (1 / 0)")
    with refused("42601"):
        away.run("insert insert")
    away.run("insert into t values (1)")
    assert databases.count(away) == 1


def test_prepared_statements_run_wherever_they_have_to(databases: Databases, away: Any) -> None:
    insert = away.prepare("insert into t values (:x)")
    count, place = away.prepare("select count(*) from t"), away.prepare("select pg_is_in_recovery()")
    for i in range(1, 4):
        insert.run(x=i)
        assert (count.run(), place.run()) == ([[i]], [[True]])
    away.run("begin")
    assert place.run() == [[False]]  # prepared on the standby, run on the primary
    insert.run(x=4)
    assert count.run() == [[4]]
    away.run("commit")
    assert (count.run(), place.run()) == ([[4]], [[True]])
    count.close()
    with pytest.raises(DatabaseError):
        count.run()


def test_prepare_and_execute_in_sql(databases: Databases, away: Any) -> None:
    away.run("prepare put(int) as insert into t values ($1)")
    away.run("prepare number as select count(*) from t")
    away.run("execute put(1)")
    assert away.run("execute number") == [[1]]


def test_settings_hold_on_both_sides(databases: Databases, away: Any) -> None:
    away.run("set timezone to 'Asia/Tokyo'")
    away.run("insert into t values (1)")
    away.run("set application_name to 'counter'")
    shown = "select current_setting('TimeZone'), current_setting('application_name')"
    assert away.run(shown) == [["Asia/Tokyo", "counter"]]
    away.run("begin")
    assert away.run(shown) == [["Asia/Tokyo", "counter"]]
    away.run("rollback")


def test_many_statements_in_one_text(databases: Databases, away: Any) -> None:
    away.execute_simple("insert into t values (1); insert into t values (2); select count(*) from t")
    assert databases.count(away) == 2
    with refused("0A000"):
        away.execute_simple("insert into t values (3); savepoint a")
    assert databases.count(away) == 2
