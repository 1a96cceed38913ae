"""`python -m benchmarks.edge`: what the edge router costs a cold start and a request. Writes EDGE.md.

The bundle is staged as it ships. DNS is a server on loopback that gives the nearest Region and counts the questions, so that the
network costs next to nothing and what is measured is ours; on Lambda a question also waits for the resolver.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import os
import platform
import socket
import statistics
import sys
import tempfile
import threading
import time
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks import edge_peer
from benchmarks.edge_results import CREDENTIALS, LIVES, Found, Import, Times, event, goals, markdown
from benchmarks.measure import alternating, run
from cdk_app.code import stage
from reconciler.aws.assets import zipped

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "EDGE.md"
CONFIG = {"route": "route.api.example.com", "origin": "origin.api.example.com"}
TARGET = "eu-west-1.origin.api.example.com"
TTL = 5
"""The shortest time that the router keeps an answer."""
PEERS = ("botocore", "dns", "jmespath", "dateutil", "urllib3", "six.py")
"""What botocore.auth and dns.resolver import, in whole packages, without botocore's service models."""


@dataclass
class Nameserver:
    """Answers every question with a CNAME, and keeps when each came."""

    channel: socket.socket
    asked: list[float]

    @classmethod
    def start(cls) -> Nameserver:
        server = cls(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), [])
        server.channel.bind(("127.0.0.1", 0))
        threading.Thread(target=server.serve, daemon=True).start()
        os.environ["DNS_RESOLVER"] = f"127.0.0.1:{server.channel.getsockname()[1]}"
        return server

    def serve(self) -> None:
        target = b"".join(bytes([len(part)]) + part.encode() for part in TARGET.split(".")) + b"\0"
        record = b"\xc0\x0c\0\5\0\1" + TTL.to_bytes(4, "big") + len(target).to_bytes(2, "big") + target
        while True:
            question, client = self.channel.recvfrom(512)
            self.asked.append(time.monotonic())
            self.channel.sendto(question[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question[12:] + record, client)


def imports(folder: Path, runs: int) -> tuple[Import, Import]:
    """What `import router` adds to an empty interpreter, and what it adds with the peer's libraries beside it.

    Compiled anew each time, as on Lambda, where the folder cannot be written to; libraries keep their bytecode, for both.
    """
    site = str(Path(edge_peer.dns.resolver.__file__).parents[1])
    environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": f"{folder}:{site}"}

    def starting(code: str) -> Any:
        return lambda: run([sys.executable, "-S", "-c", code], ROOT, environment)

    libraries = "import router, dns.resolver, botocore.auth, botocore.awsrequest, botocore.credentials"
    empty, ours, theirs = alternating(runs, starting("pass"), starting("import router"), starting(libraries))
    return Import(ours.wall - empty.wall, ours.cpu - empty.cpu), Import(
        theirs.wall - empty.wall, theirs.cpu - empty.cpu
    )


def packed(site: Path) -> int:
    """Bytes of the peer's libraries, zipped like a bundle."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in PEERS:
            found = [site / name] if name.endswith(".py") else (site / name).rglob("*")
            for path in found:
                if path.is_file() and "__pycache__" not in path.parts and "data" not in path.parts:
                    archive.write(path, path.relative_to(site))
    return len(out.getvalue())


def sandbox(folder: Path, name: str, peer: ModuleType | None = None) -> ModuleType:
    """The router as a process of its own would have it; with the peer's parts in it, if there is one."""
    spec = importlib.util.spec_from_file_location(name, folder / "router.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if peer:
        module.sign = peer.sign
        module.resolve = lambda *arguments: (found := peer.resolve(*arguments)) and module.Answer(*found)
    return module


def decisions(routers: list[ModuleType], calls: int) -> list[Times]:
    """Each router's time for a request whose route is known, signature included. They take turns, a hundred requests each."""
    taken: list[list[tuple[float, float]]] = [[] for _ in routers]
    given = event()
    for _ in range(calls // 100):
        for router, times in zip(routers, taken, strict=True):
            answer = router.handler(given, None)
            for _ in range(100):
                busy, began = time.thread_time(), time.perf_counter()
                answer = router.handler(given, None)
                times.append((time.perf_counter() - began, time.thread_time() - busy))
            assert answer["headers"]["authorization"][0]["value"].startswith("AWS4"), answer
    return [Times.of(times) for times in taken]


def questions(routers: list[ModuleType], calls: int) -> list[float]:
    """Median seconds of one question to DNS, answer read."""
    taken: list[list[float]] = [[] for _ in routers]
    for _ in range(calls):
        for router, times in zip(routers, taken, strict=True):
            began = time.perf_counter()
            answer = router.resolve(router.ROUTE, router.exchange)
            times.append(time.perf_counter() - began)
            assert answer == (TARGET, TTL), answer
    return [statistics.median(times) for times in taken]


def asked(router: ModuleType, server: Nameserver) -> tuple[int, int, int]:
    """Requests without a pause for some lives of an answer: how many, their questions, and the most questions in one life."""
    router.__dict__["_memory"] = router.Memory()
    server.asked.clear()
    given, count, end = event(), 0, time.monotonic() + TTL * LIVES + 1
    while time.monotonic() < end:
        router.handler(given, None)
        count += 1
    shortest = TTL * 0.9  # by the router's jitter
    return (
        count,
        len(server.asked),
        max(sum(at <= other < at + shortest for other in server.asked) for at in server.asked),
    )


def measure(folder: Path, runs: int, calls: int) -> Found:
    os.environ.update(CREDENTIALS)
    server = Nameserver.start()
    ours, theirs = sandbox(folder, "ours"), sandbox(folder, "theirs", edge_peer)
    imported = imports(folder, runs)
    decided = decisions([ours, theirs], calls)
    requests, total, most = asked(ours, server)
    return Found(
        imported=imported,
        zipped=(len(zipped(folder)), len(zipped(folder)) + packed(Path(edge_peer.dns.resolver.__file__).parents[1])),
        decided=(decided[0], decided[1]),
        question=tuple(questions([ours, theirs], 300)),
        requests=requests,
        questions=total,
        most_per_life=most,
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.edge", description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="of each import; the median counts")
    parser.add_argument("--calls", type=int, default=10_000, help="requests to each router")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = stage(
            ROOT / "handlers" / "edge_router", Path(temporary) / "router", generated={"config.json": json.dumps(CONFIG)}
        )
        found = measure(folder, given.runs, given.calls)
    date, load = datetime.now(UTC).date().isoformat(), f"{os.getloadavg()[0]:.1f}"
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    peers = ", ".join(f"{name} {version(name)}" for name in ("botocore", "dnspython"))
    RESULTS.write_text(markdown(found, runs=given.runs, machine=f"- {date}; {machine}; load average {load}; {peers}"))
    for goal in goals(found):
        print(
            f"{'met   ' if goal.met else 'MISSED'} {goal.text}: {goal.found:.3g}{goal.unit} (limit {goal.limit:g}{goal.unit})"
        )
    print(f"written to {RESULTS}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
