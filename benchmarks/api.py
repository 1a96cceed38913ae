"""`python -m benchmarks.api`: what the sample service costs: bundle, cold import, own time for a request. Writes API.md.

The cold import is that of a fresh interpreter without bytecode and without site-packages, as on Lambda, where nobody keeps the
bytecode of a bundle. Own time is a request's time without its statements: event, routing, validation, answer, log line. The
database is the PostgreSQL of the tests, over TLS, on this machine.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import trustme

from benchmarks.goals import Goal
from cdk_app.code import stage
from cdk_app.projection import RUNNER, RUNNER_BESIDE
from tests.handlers import postgres
from tests.handlers.conftest import HANDLERS, migrated, sandbox
from tests.handlers.gateway import Client
from tests.handlers.postgres import Network, environment

RESULTS = Path(__file__).parent / "API.md"
HEADER = """# What the sample service costs

Written by `make bench`, or `python -m benchmarks.api` alone. The bundle is `handlers/api` as it ships. The cold import is that of
a fresh interpreter without bytecode, as on Lambda; the interpreter's own start is not in it. Own time is a request's time without
its statements, which go to a PostgreSQL on this machine, over TLS; medians of {runs} imports and {requests} requests of each kind.
"""
IMPORT = """
import sys, time
sys.path.insert(0, sys.argv[1])
began = time.perf_counter()
import app
print((time.perf_counter() - began) * 1000)
"""

PUBLIC = environment("us-east-1") | {"CLIENT_MODE": "none"}
"""Of the function of a topology whose clients need no token: what verifying one costs is the issuer's choice of keys."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api", description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="imports")
    parser.add_argument("--requests", type=int, default=300, help="of each kind")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = stage(HANDLERS / "api", Path(scratch) / "api")
        size = zipped(folder) / 1e6
        cold = statistics.median(cold_imports(folder, asked.runs))
        with service(Path(scratch), folder) as client:
            rows = [(name, *times(client, name, asked.requests)) for name in REQUESTS]
    found = [
        Goal(text="bundle, zipped", limit=10, found=size, unit=" MB"),
        Goal(text="cold import, median", limit=400, found=cold, unit=" ms"),
        Goal(
            text="own time for a request, the slowest kind, median",
            limit=2,
            found=max(own for _, own, _ in rows),
            unit=" ms",
        ),
    ]
    text = "\n".join([HEADER.format(runs=asked.runs, requests=asked.requests), *table(found, rows)]) + "\n"
    RESULTS.write_text(text)
    print(text)
    return 0


def zipped(folder: Path) -> int:
    """Bytes of the archive that Lambda gets."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return len(held.getvalue())


def cold_imports(folder: Path, runs: int) -> Iterator[float]:
    for _ in range(runs):
        command = [sys.executable, "-S", "-B", "-c", IMPORT, str(folder)]
        done = subprocess.run(command, env={}, capture_output=True, text=True, check=True)
        yield float(done.stdout)


@contextmanager
def service(scratch: Path, folder: Path) -> Iterator[Client]:
    """The service with a database that has its tables."""
    authority = trustme.CA()
    trusted = scratch / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    network = Network(authority)
    runner = stage(RUNNER, scratch / "migrate", beside=RUNNER_BESIDE)
    loaded = [sandbox(runner, environment("us-east-1", "meridian_migrator")), sandbox(folder, PUBLIC)]
    for modules in loaded:
        modules.rds.AUTHORITIES = trusted
    with (
        postgres.scratch() as made,
        mock.patch("socket.getaddrinfo", network.getaddrinfo),
        postgres.running(postgres.make_template(made), network) as pair,
    ):
        migrated(pair, loaded[0])
        client = Client(loaded[1], PUBLIC)
        with redirect_stdout(io.StringIO()):
            for n in range(200):
                client.make(f"before-{n}")
        yield client
        client.database.drop()


REQUESTS = {
    "GET /health": lambda client, _: client("GET", "/health"),
    "GET /orders, 20 of them": lambda client, _: client("GET", "/orders"),
    "GET /orders, 100 of them": lambda client, _: client("GET", "/orders?limit=100"),
    "POST /orders": lambda client, n: client.make(f"key-{n}"),
    "POST /orders, repeated": lambda client, _: client.make("before-1"),
    "GET /orders/{id}": lambda client, _: client("GET", client.make("before-1").headers["Location"]),
}
"""The last one asks twice; the second request is measured, as the log's line is its own."""


def times(client: Client, name: str, requests: int) -> tuple[float, float]:
    """Medians of our own time and of the database's, in milliseconds, as the service's log has them."""
    own, database = [], []
    for n in range(requests):
        with redirect_stdout(io.StringIO()) as out:
            REQUESTS[name](client, n)
        line = json.loads(out.getvalue().splitlines()[-1])
        own.append(line["ms"] - line["databaseMs"])
        database.append(line["databaseMs"])
    return statistics.median(own), statistics.median(database)


def table(found: Iterable[Goal], rows: Iterable[tuple[str, float, float]]) -> list[str]:
    date = datetime.now(UTC).date().isoformat()
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return [
        f"- {date}; {machine}; load average {os.getloadavg()[0]:.1f}",
        "",
        "| goal | limit | found | |",
        "|---|---|---|---|",
        *(
            f"| {g.text} | ≤ {g.limit:g}{g.unit} | {g.found:.2f}{g.unit} | {'met' if g.met else '**missed**'} |"
            for g in found
        ),
        "",
        "| request | own time | its statements |",
        "|---|---|---|",
        *(f"| {name} | {own:.2f} ms | {rest:.2f} ms |" for name, own, rest in rows),
    ]


if __name__ == "__main__":
    sys.exit(main())
