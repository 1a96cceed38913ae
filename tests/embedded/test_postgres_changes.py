"""Databases follow the records: the writer moves, members come, leave and go, worlds are brought back; and functions dial them."""

from __future__ import annotations

import io
import json
import signal
import socket
import ssl
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import trustme

from local_aws.postgres import dialling
from tests.embedded.conftest import Aws, start
from tests.embedded.database_client import (
    AWAY,
    HOME,
    MASTER,
    PASSWORD,
    QUICKLY,
    THIRD,
    Databases,
    answers,
    kept,
    refused,
)

MOVE = "switchover_global_cluster"


@pytest.fixture
def databases(server: Aws) -> Iterator[Databases]:
    with kept(server, QUICKLY, anew=True) as found:  # what one test does to its servers is no other one's trouble
        found.table()
        yield found
        server.control("faults", {"faults": []})


def rows(databases: Databases, region: str, kind: str = "ReaderEndpoint") -> int:
    return databases.count(databases.connect(databases.endpoint(region, kind)))


# ---- who writes moves -----------------------------------------------------------------------------------------------------------


def test_a_switchover_loses_nothing_and_cuts_everybody(databases: Databases) -> None:
    old, reader = databases.write(), databases.read()
    for x in range(100):
        old.run("insert into t values (:x)", x=x)
    databases.moved(MOVE, AWAY)
    databases.cut(old)
    databases.cut(reader)
    new = databases.write(AWAY)
    assert (new.run("select pg_is_in_recovery()"), databases.count(new)) == ([[False]], 100)
    assert databases.endpoint(HOME) not in databases.told()["names"]
    databases.settled(HOME)
    demoted = databases.read(HOME)
    assert demoted.run("select pg_is_in_recovery()") == [[True]]
    demoted.run("insert into t values (100)")
    assert databases.count(demoted) == databases.count(new) == 101


def test_while_the_writer_moves_nobody_writes_but_all_can_read(databases: Databases) -> None:
    databases.join(THIRD)
    writer, third = databases.write(), databases.read(THIRD)
    databases.write().run("insert into t values (1)")
    databases.aws.go(300)
    arn = databases.found(AWAY)["DBClusterArn"]
    databases.rds().switchover_global_cluster(GlobalClusterIdentifier="orders", TargetDbClusterIdentifier=arn)
    writer.run("insert into t values (2)")  # it is catching up
    databases.cut(writer)
    databases.aws.still()
    assert databases.group()["FailoverState"]["Status"] == "switching-over"
    assert not answers(databases.write)
    with refused("08006"):
        third.run("insert into t values (3)")
    assert databases.count(third) == databases.count(databases.read(AWAY)) == 2
    databases.aws.go(QUICKLY)
    databases.aws.until(databases.at_rest)
    third.run("insert into t values (3)")  # the session lived on, and finds the new primary
    assert databases.count(third) == rows(databases, AWAY, "Endpoint") == 3


def test_back_and_forth(databases: Databases) -> None:
    for place, region in enumerate((AWAY, HOME, AWAY, HOME)):
        databases.moved(MOVE, region)
        databases.write(region).run("insert into t values (1)")
        assert rows(databases, region, "Endpoint") == place + 1


def test_a_failover_builds_the_others_anew(databases: Databases) -> None:
    databases.join(THIRD)
    old = databases.write()
    old.run("insert into t values (1)")
    databases.caught_up(AWAY, THIRD)
    databases.aws.control("faults", {"faults": [{"outage": HOME, "plane": "data"}]})
    databases.cut(old)
    databases.aws.go(300)
    arn = databases.found(AWAY)["DBClusterArn"]
    asked = {"GlobalClusterIdentifier": "orders", "TargetDbClusterIdentifier": arn, "AllowDataLoss": True}
    databases.rds(AWAY).failover_global_cluster(**asked)
    databases.aws.until(lambda: databases.writer() == AWAY)
    databases.aws.until(lambda: answers(lambda: databases.write(AWAY)))
    databases.aws.still()
    assert not answers(lambda: databases.read(THIRD))  # it is being built anew
    databases.write(AWAY).run("insert into t values (2)")
    assert not answers(lambda: databases.read(HOME))
    databases.aws.control("faults", {"faults": []})
    databases.aws.go(QUICKLY)
    databases.aws.until(databases.at_rest)
    for region in (HOME, THIRD):
        databases.settled(region)
        assert rows(databases, region) == 2
    databases.read(HOME).run("insert into t values (3)")
    assert rows(databases, AWAY, "Endpoint") == 3


def test_what_was_not_replicated_is_lost(databases: Databases) -> None:
    writer = databases.write()
    writer.run("insert into t values (1)")
    databases.caught_up()
    [sender] = databases.aws.until(lambda: senders(databases.aws))  # the first data may have come with the copy
    sender.suspend()
    writer.run("insert into t values (2)")
    databases.moved("failover_global_cluster", AWAY, AllowDataLoss=True)
    databases.settled(HOME)
    assert (rows(databases, AWAY, "Endpoint"), rows(databases, HOME)) == (1, 1)
    assert not sender.is_running()


def server_process(aws: Aws) -> psutil.Process:
    port = aws.url.rpartition(":")[2]
    [found] = {
        c.pid for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.laddr == ("127.0.0.1", int(port))
    }
    return psutil.Process(found)


def servers(aws: Aws) -> list[psutil.Process]:
    return [p for p in server_process(aws).children() if p.name() == "postgres"]


def senders(aws: Aws) -> list[psutil.Process]:
    return [c for p in servers(aws) for c in p.children() if "walsender" in " ".join(c.cmdline())]


# ---- members come, leave and go --------------------------------------------------------------------------------------------------


def test_a_region_that_joins_has_the_data(databases: Databases) -> None:
    databases.write().run("insert into t values (1)")
    databases.join(THIRD)
    third = databases.read(THIRD)
    assert databases.count(third) == 1
    third.run("insert into t values (2)")
    assert databases.count(third) == 2


def test_a_member_that_leaves_takes_writes_of_its_own(databases: Databases) -> None:
    databases.write().run("insert into t values (1)")
    databases.caught_up()
    member = databases.read()
    arn = databases.found(AWAY)["DBClusterArn"]
    databases.rds(AWAY).remove_from_global_cluster(GlobalClusterIdentifier="orders", DbClusterIdentifier=arn)
    databases.aws.until(lambda: "GlobalClusterIdentifier" not in databases.found(AWAY))
    databases.cut(member)
    alone = databases.write(AWAY)
    alone.run("insert into t values (2)")
    assert (databases.count(alone), rows(databases, HOME, "Endpoint")) == (2, 1)
    assert alone.run("select rolsuper from pg_roles where rolname = current_user") == [[False]]


def test_a_cluster_that_is_deleted_runs_no_more(databases: Databases) -> None:
    databases.read()
    assert len(servers(databases.aws)) == 2
    rds, arn = databases.rds(AWAY), databases.found(AWAY)["DBClusterArn"]
    rds.delete_db_instance(DBInstanceIdentifier=f"orders-{AWAY}-0", SkipFinalSnapshot=True)
    databases.aws.until(lambda: not rds.describe_db_instances()["DBInstances"])
    rds.remove_from_global_cluster(GlobalClusterIdentifier="orders", DbClusterIdentifier=arn)
    databases.aws.until(lambda: "GlobalClusterIdentifier" not in databases.found(AWAY))
    rds.delete_db_cluster(DBClusterIdentifier=f"orders-{AWAY}", SkipFinalSnapshot=True)
    databases.aws.until(lambda: len(servers(databases.aws)) == 1)
    assert rows(databases, HOME, "Endpoint") == 0


def test_a_world_that_is_brought_back_has_its_roles_and_todays_data(databases: Databases) -> None:
    databases.aws.until(lambda: databases.aws.control("snapshot", {})[0] == 200)
    snapshot = databases.aws.control("snapshot", {})[1]["id"]
    databases.moved(MOVE, AWAY)
    databases.write(AWAY).run("insert into t values (1)")
    databases.aws.until(lambda: databases.aws.control("restore", {"id": snapshot})[0] == 200)
    assert databases.writer() == HOME
    home = databases.write(HOME)
    assert databases.count(home) == 1
    home.run("insert into t values (2)")
    databases.caught_up()
    assert rows(databases, AWAY) == 2


def test_who_wrote_on_its_own_and_is_brought_back_has_nothing_of_that(databases: Databases) -> None:
    """Also where the writer had gone to and fro before: it once stopped in order, and others went on from there."""
    databases.aws.until(lambda: databases.aws.control("snapshot", {})[0] == 200)
    snapshot = databases.aws.control("snapshot", {})[1]["id"]
    databases.moved(MOVE, AWAY)
    databases.write(AWAY).run("insert into t values (1)")
    databases.aws.until(lambda: databases.aws.control("restore", {"id": snapshot})[0] == 200)
    assert rows(databases, HOME, "Endpoint") == rows(databases, AWAY) == 1
    arn = databases.found(AWAY)["DBClusterArn"]
    databases.rds(AWAY).remove_from_global_cluster(GlobalClusterIdentifier="orders", DbClusterIdentifier=arn)
    databases.aws.until(lambda: "GlobalClusterIdentifier" not in databases.found(AWAY))
    databases.write(AWAY).run("insert into t select generate_series(2, 50)")
    databases.aws.until(lambda: databases.aws.control("restore", {"id": snapshot})[0] == 200)
    databases.write(HOME).run("insert into t values (2)")
    databases.aws.until(lambda: rows(databases, AWAY) == 2)


def test_a_reset_ends_every_server(databases: Databases) -> None:
    session = databases.write()
    databases.aws.control("reset", {})
    databases.cut(session)
    databases.aws.until(lambda: not servers(databases.aws))


def test_a_server_that_dies_by_itself_is_started_again(databases: Databases) -> None:
    databases.write().run("insert into t values (1)")
    for server in servers(databases.aws):
        server.kill()
    databases.aws.until(lambda: answers(databases.write))
    assert rows(databases, HOME, "Endpoint") == 1


# ---- nothing stays behind ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_when_the_process_ends(end: signal.Signals) -> None:
    process, line = start("--port", "0", "--speed", "20000")
    aws = Aws(line.partition("=")[2])
    databases = Databases(aws)
    assert not servers(aws)
    databases.make(HOME)
    assert not servers(aws), "nothing starts before somebody connects"
    databases.write()
    family = psutil.Process(process.pid).children(recursive=True)
    [data] = [Path(word) for p in servers(aws) for word in p.cmdline() if word.endswith("/data")]
    assert data.is_dir()
    process.send_signal(end)
    process.wait(20)
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []
    aws.until(lambda: not data.parents[1].exists())
    databases.close()
    process.stdout.close()


# ---- functions -------------------------------------------------------------------------------------------------------------------

HANDLER = f"""
import os, socket, ssl, sys
sys.path += {[p for p in sys.path if p.endswith("site-packages")]!r}
import boto3, pg8000.native

CONTEXT = ssl.create_default_context(cafile=os.path.join(os.path.dirname(__file__), "bundle.pem"))

def run(event, context):
    try:
        password = event.get("password") or boto3.client("rds").generate_db_auth_token(event["host"], 5432, event["user"])
        connection = pg8000.native.Connection(
            event["user"], host=event["host"], database="orders", password=password, timeout=20, ssl_context=CONTEXT)
        return connection.run(event["sql"])
    except Exception as error:
        return [type(error).__name__, str(error), type(error.__cause__).__name__, str(error.__cause__)]
"""


@pytest.fixture
def call(databases: Databases) -> Any:
    """Invokes a function in a Region; its bundle is of an authority that is named as RDS's, unless it says otherwise."""

    def invoke(region: str, event: dict[str, str], authority: str = "Amazon RDS") -> Any:
        bundle = trustme.CA(organization_name=authority).cert_pem.bytes()
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("main.py", HANDLER)
            archive.writestr("bundle.pem", bundle)
        client, name = databases.aws.client("lambda", region), "dialler"
        with suppress(client.exceptions.ResourceNotFoundException):
            client.delete_function(FunctionName=name)
        client.create_function(
            FunctionName=name, Runtime="python3.13", Handler="main.run", Role="arn:aws:iam::111111111111:role/dialler",
            Code={"ZipFile": code.getvalue()}, Timeout=60,
        )  # fmt: skip
        databases.aws.until(lambda: client.get_function(FunctionName=name)["Configuration"]["State"] == "Active")
        return json.load(client.invoke(FunctionName=name, Payload=json.dumps(event))["Payload"])

    roles = databases.aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    roles.create_role(RoleName="dialler", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    databases.aws.passes(30)
    databases.aws.go(QUICKLY)
    return invoke


def test_a_function_reaches_the_database_of_its_region(databases: Databases, call: Any) -> None:
    master = databases.write()
    master.run("drop role if exists caller")
    master.run("create role caller login")
    master.run("grant rds_iam to caller")
    databases.caught_up()
    home, away = databases.endpoint(HOME), databases.endpoint(AWAY, "ReaderEndpoint")
    asked = {"sql": "select current_user, pg_is_in_recovery()"}
    assert call(HOME, {"host": home, "user": MASTER, "password": PASSWORD, **asked}) == [["postgres", False]]
    assert call(AWAY, {"host": away, "user": "caller", **asked}) == [["caller", True]]


def test_a_function_reaches_no_other_database(databases: Databases, call: Any) -> None:
    event = {"user": MASTER, "password": PASSWORD, "sql": "select 1"}
    other = call(HOME, {"host": databases.endpoint(AWAY, "ReaderEndpoint"), **event})
    assert (other[0], other[2]) == ("InterfaceError", "ConnectionRefusedError")
    for name in (databases.endpoint(AWAY), "nobody.cluster-123.eu-west-1.rds.amazonaws.com"):
        assert call(AWAY, {"host": name, **event})[2:] == ["gaierror", "[Errno -2] Name or service not known"]
    unknown = call(HOME, {"host": databases.endpoint(HOME), **event}, authority="Somebody else")
    assert unknown[0] == "SSLCertVerificationError"


def test_other_names_resolve_as_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *asked: ["as ever", *asked])
    file = tmp_path / "databases"
    file.write_text(json.dumps({"port": 1234, "authority": "", "names": {}}))
    dialling.dial(str(file))
    assert socket.getaddrinfo("example.com", 443) == ["as ever", "example.com", 443]
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo(b"a.cluster-1.eu-west-1.rds.amazonaws.com", 5432)
    assert not hasattr(ssl.SSLContext, "_trusts_databases")
