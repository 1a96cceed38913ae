"""Dialling the databases of the embedded AWS from a test: the way that functions go, TLS and name included."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pg8000.native
import pytest
from pg8000.exceptions import DatabaseError, InterfaceError

from tests.embedded.conftest import SPEED, Aws

HOME, AWAY, THIRD = "us-east-1", "eu-west-1", "ap-northeast-1"
MASTER, PASSWORD, DATABASE = "postgres", "correct-horse", "orders"
QUICKLY = 20_000
SSL_REQUEST = bytes.fromhex("0000000804d2162f")
GONE = (InterfaceError, OSError, DatabaseError)  # what a client notices of a connection that is cut

Connection = pg8000.native.Connection


@dataclass
class Databases:
    """A global database by plain calls, and connections to it, which end with the test."""

    aws: Aws
    _open: list[Connection] = field(default_factory=list)
    _sockets: list[socket.socket] = field(default_factory=list)

    def rds(self, region: str = HOME) -> Any:
        return self.aws.client("rds", region)

    def found(self, region: str) -> dict[str, Any]:
        name = f"orders-{region}"
        [cluster] = self.rds(region).describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
        return dict(cluster)

    def make(self, *regions: str) -> None:
        """The first one writes."""
        self.aws.go(QUICKLY)
        rds = self.rds()
        rds.create_global_cluster(GlobalClusterIdentifier="orders", Engine="aurora-postgresql", EngineVersion="16.8")
        self.aws.until(self.at_rest)
        founder = {"MasterUsername": MASTER, "MasterUserPassword": PASSWORD, "DatabaseName": DATABASE}
        for region in regions:
            self.join(region, **(founder if region == regions[0] else {}))

    def join(self, region: str, **more: Any) -> None:
        self.rds(region).create_db_cluster(
            DBClusterIdentifier=f"orders-{region}", Engine="aurora-postgresql", EngineVersion="16.8",
            GlobalClusterIdentifier="orders", EnableIAMDatabaseAuthentication=True, EnableGlobalWriteForwarding=True, **more,
        )  # fmt: skip
        self.aws.until(lambda: self.found(region)["Status"] == "available")
        self.rds(region).create_db_instance(
            DBInstanceIdentifier=f"orders-{region}-0", DBClusterIdentifier=f"orders-{region}", Engine="aurora-postgresql",
            DBInstanceClass="db.serverless",
        )  # fmt: skip
        self.settled(region)

    def settled(self, region: str) -> None:
        """Its instances are there, and it forwards, if it is to."""

        def over() -> bool:
            cluster, instances = self.found(region), self.rds(region).describe_db_instances()["DBInstances"]
            settled = cluster["Status"] == "available" and cluster.get("GlobalWriteForwardingStatus") != "enabling"
            return settled and all(i["DBInstanceStatus"] == "available" for i in instances)

        self.aws.until(over)

    def moved(self, call: str, to: str, **more: Any) -> None:
        """A switchover or a failover, to its end; the other members have been built anew."""
        arn = self.found(to)["DBClusterArn"]
        region = to if more else self.writer()
        getattr(self.rds(region), call)(GlobalClusterIdentifier="orders", TargetDbClusterIdentifier=arn, **more)
        self.aws.until(self.at_rest)

    def group(self) -> dict[str, Any]:
        [found] = self.rds().describe_global_clusters(GlobalClusterIdentifier="orders")["GlobalClusters"]
        return dict(found)

    def at_rest(self) -> bool:
        found = self.group()
        synchronized = all(m["SynchronizationStatus"] == "connected" for m in found["GlobalClusterMembers"])
        return found["Status"] == "available" and "FailoverState" not in found and synchronized

    def writer(self) -> str:
        [arn] = [m["DBClusterArn"] for m in self.group()["GlobalClusterMembers"] if m["IsWriter"]]
        return str(arn.split(":")[3])

    # ---- connections ---------------------------------------------------------------------------------------------------------

    def told(self) -> dict[str, Any]:
        return self.aws.control("database")[1]

    def endpoint(self, region: str, kind: str = "Endpoint") -> str:
        return str(self.found(region)[kind])

    def connect(self, name: str, user: str = MASTER, password: str = PASSWORD, **more: Any) -> Connection:
        dialled = self.dialled(name, more.pop("context", None), tls=more.pop("tls", True))
        made = Connection(user, password=password, sock=dialled, ssl_context=False, **{"database": DATABASE, **more})
        self._open.append(made)
        return made

    def dialled(self, name: str, context: ssl.SSLContext | None = None, *, tls: bool = True) -> Any:
        told = self.told()
        plain = socket.create_connection((told["host"], told["port"]), timeout=60)
        self._sockets.append(plain)
        if tls:
            plain.sendall(SSL_REQUEST)
            assert plain.recv(1) == b"S"
            context = context or ssl.create_default_context(cadata=told["authority"])
            self._sockets.append(context.wrap_socket(plain, server_hostname=name))
        return self._sockets[-1]

    def write(self, region: str = HOME, **more: Any) -> Connection:
        return self.connect(self.endpoint(region), **more)

    def read(self, region: str = AWAY, **more: Any) -> Connection:
        return self.connect(self.endpoint(region, "ReaderEndpoint"), **more)

    def close(self) -> None:
        for connection in self._open:
            with suppress(InterfaceError):  # it was cut
                connection.close()
        for each in self._sockets:
            if (number := each.detach()) >= 0:  # a driver that was cut leaves it open
                os.close(number)

    def table(self) -> None:
        """Empty, and seen by the reader: databases live longer than a test."""
        self.write().run("create table if not exists t (x int); truncate t")
        self.caught_up()

    def caught_up(self, *regions: str) -> None:
        """The standbys have what the primary has now."""
        [[position]] = self.write().run("select pg_current_wal_flush_lsn()")
        for region in regions or (AWAY,):
            reader = self.read(region)
            reached = f"select pg_last_wal_replay_lsn() >= '{position}'"
            self.aws.until(lambda reader=reader, reached=reached: reader.run(reached) == [[True]])

    def count(self, connection: Connection) -> int:
        return int(connection.run("select count(*) from t")[0][0])

    def cut(self, connection: Connection) -> Any:
        """Waits until the connection is of no use any more."""

        def gone() -> bool:
            try:
                connection.run("select 1")
            except GONE:
                return True
            return False

        return self.aws.until(gone)


_kept: dict[str, str] = {}  # by the server's address: the snapshot of a global database in two Regions


@contextmanager
def kept(aws: Aws, speed: float = SPEED, *, anew: bool = False) -> Iterator[Databases]:
    """A global database in two Regions. Its records are as at the beginning; what is in the databases stays, unless it is made
    `anew`, which takes some seconds."""
    found = Databases(aws)
    aws.go(QUICKLY)
    if aws.url in _kept and not anew:
        aws.until(lambda: aws.control("restore", {"id": _kept[aws.url]})[0] == 200)
    else:
        aws.control("reset", {})
        found.make(HOME, AWAY)
        aws.until(lambda: aws.control("snapshot", {})[0] == 200)
        if not anew:
            _kept[aws.url] = aws.control("snapshot", {})[1]["id"]
    aws.go(speed)
    try:
        yield found
    finally:
        found.close()


@contextmanager
def refused(state: str, words: str = "") -> Iterator[None]:
    """The server answers with this SQLSTATE, and its message has these words."""
    with pytest.raises(DatabaseError) as caught:
        yield
    error = caught.value.args[0]
    assert (error["C"], words in error["M"]) == (state, True), error


def answers(call: Callable[[], Any]) -> bool:
    """Whether somebody answered; nobody is no error of a database."""
    try:
        call()
    except (InterfaceError, OSError):
        return False
    return True
