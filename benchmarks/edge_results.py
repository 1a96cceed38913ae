"""What was measured of the edge router, held against what was promised, as Markdown; and the request that it was measured with."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.goals import Goal

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "ASIAEXAMPLEEXAMPLEEX",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "token/" * 150,  # as long as Lambda's are
}
HEADER = """# What the edge router costs

Written by `make bench`, or `python -m benchmarks.edge` alone. The peer is the same router with `resolve` and `sign` written with
dnspython and botocore ([edge_peer.py](edge_peer.py)), in the same run and taking turns with ours: {runs} starts of an interpreter,
and blocks of a hundred requests. A request is a POST with 20 headers, a query, and a body of 300 bytes.

- Import: wall time of a fresh interpreter, less that of an empty one. The router is compiled each time, as on Lambda; the
  libraries have their bytecode, which flatters the peer. Lambda's own start comes on top, and has imported some of it already.
- Warm: the whole handler, with its route known and the signature made. On a machine that does other things, too (see the
  load average), the 99th percentile and the import are mostly waiting for their turn: the processor's time is beside them.
- Questions: to a name server on loopback, requests without a pause through {lives} lives of an answer.
"""
LIVES = 3


@dataclass(frozen=True, slots=True)
class Import:
    """Seconds of the clock on the wall, and of the processor."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of the clock on the wall; `busy`: the 99th percentile of the processor's."""

    median: float
    p99: float
    busy: float

    @classmethod
    def of(cls, taken: Sequence[tuple[float, float]]) -> Times:
        wall, cpu = zip(*taken, strict=True)
        return cls(statistics.median(wall), statistics.quantiles(wall, n=100)[98], statistics.quantiles(cpu, n=100)[98])


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """In pairs: ours, the peer's."""

    imported: tuple[Import, Import]
    zipped: tuple[int, int]
    decided: tuple[Times, Times]
    question: tuple[float, ...]
    requests: int
    questions: int
    most_per_life: int


def event() -> dict[str, Any]:
    """What CloudFront hands over for a client's POST."""
    names = ("User-Agent", "Accept", "Cookie", "Referer", "Via", "X-Forwarded-For", *(f"X-Own-{n}" for n in range(12)))
    headers = {name.lower(): [{"key": name, "value": "v" * 40}] for name in names}
    headers["host"] = [{"key": "Host", "value": "origin.api.example.com"}]
    headers["authorization"] = [{"key": "Authorization", "value": "Bearer " + "t" * 600}]
    custom = {
        "customHeaders": {}, "domainName": "origin.api.example.com", "keepaliveTimeout": 5, "path": "", "port": 443,
        "protocol": "https", "readTimeout": 30, "sslProtocols": ["TLSv1.2"],
    }  # fmt: skip
    request = {
        "clientIp": "203.0.113.7", "method": "POST", "uri": "/orders/7f3a/items", "headers": headers,
        "querystring": "page=2&sort=name&q=a%20b", "origin": {"custom": custom},
        "body": {"action": "read-only", "encoding": "text", "data": "x" * 300, "inputTruncated": False},
    }  # fmt: skip
    return {"Records": [{"cf": {"config": {"eventType": "origin-request"}, "request": request}}]}


def goals(found: Found) -> list[Goal]:
    decided = found.decided[0]
    return [
        Goal(text="import, beyond an empty interpreter", limit=60, found=found.imported[0].wall * 1000, unit=" ms"),
        Goal(text="bundle, zipped", limit=50, found=found.zipped[0] / 1000, unit=" kB"),
        Goal(text="warm request with signature, median", limit=0.3, found=decided.median * 1000, unit=" ms"),
        Goal(text="warm request with signature, 99th percentile", limit=1, found=decided.p99 * 1000, unit=" ms"),
        Goal(text="DNS questions in one life of an answer", limit=1, found=found.most_per_life),
    ]


def markdown(found: Found, *, runs: int, machine: str) -> str:
    (import_, peers), (size, larger), (ours, theirs) = found.imported, found.zipped, found.decided
    question, asking = found.question
    rows = [
        ("import", f"{import_.wall * 1000:.0f} ms", f"{peers.wall * 1000:.0f} ms", peers.wall / import_.wall),
        ("import, processor", f"{import_.cpu * 1000:.0f} ms", f"{peers.cpu * 1000:.0f} ms", peers.cpu / import_.cpu),
        ("bundle, zipped", f"{size / 1000:.1f} kB", f"{larger / 1000:.0f} kB", larger / size),
        (
            "warm request, median",
            f"{ours.median * 1000:.3f} ms",
            f"{theirs.median * 1000:.3f} ms",
            theirs.median / ours.median,
        ),
        (
            "warm request, 99th percentile",
            f"{ours.p99 * 1000:.3f} ms",
            f"{theirs.p99 * 1000:.3f} ms",
            theirs.p99 / ours.p99,
        ),
        ("… processor", f"{ours.busy * 1000:.3f} ms", f"{theirs.busy * 1000:.3f} ms", theirs.busy / ours.busy),
        ("a question to DNS, median", f"{question * 1000:.3f} ms", f"{asking * 1000:.3f} ms", asking / question),
    ]
    lines = [
        HEADER.format(runs=runs, lives=LIVES),
        machine,
        "",
        "| | ours | the peer | times ours |",
        "|---|---|---|---|",
    ]
    lines += [f"| {name} | {own} | {other} | {times:.1f} |" for name, own, other, times in rows]
    lines += ["", f"{found.requests:,} requests in {LIVES} lives of an answer asked DNS {found.questions} times.", ""]
    lines += ["| goal | limit | found | |", "|---|---|---|---|"]
    for goal in goals(found):
        verdict = "met" if goal.met else "**missed**"
        lines.append(f"| {goal.text} | ≤ {goal.limit:g}{goal.unit} | {goal.found:.3g}{goal.unit} | {verdict} |")
    return "\n".join(lines) + "\n"
