"""`python -m demo.follow GENERATION`: watches the control plane at work, from outside: plain boto3, reads only.

Prints each change of the status document that passes leave in table meridian-state, until one says that this generation has
converged; then what the log of the function reconcile says of each pass: why it ran, what it asked of AWS, what it came to. With
`--repaired` a pass must have asked for something first, as one that finds nothing to do converges, too.

Ends with 1 if that does not come about in time, and at once if a pass is blocked, fails or gives up.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config

REGION, TABLE, TOPOLOGY = "us-east-1", "meridian-state", "orders"
GROUPS = {"reconcile": "/meridian/control/reconcile", "wake": "/meridian/control/wake"}
PAUSE, PATIENCE, LOGGED_WITHIN = 0.1, 180.0, 15.0
"""Seconds: between looks; until we give up; for the last pass's line to be in the log."""
OVER = frozenset({"Blocked", "Stalled", "Failed", "Suspended"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What the log says of one pass."""

    at: datetime
    why: str
    result: str
    requests: tuple[str, ...]
    error: str = ""

    @staticmethod
    def read(line: Mapping[str, Any]) -> Pass:
        return Pass(
            at=datetime.fromtimestamp(line["_aws"]["Timestamp"] / 1000, UTC),
            why=line.get("why", ""),
            result=line["result"],
            requests=tuple(line.get("requests", ())),
            error=line.get("error", ""),
        )


class Watcher:
    def __init__(self, since: datetime) -> None:
        config = Config(user_agent_extra="observer", retries={"mode": "standard"})
        self._table: Any = boto3.client("dynamodb", region_name=REGION, config=config)
        self._logs: Any = boto3.client("logs", region_name=REGION, config=config)
        self._since = since

    def status(self) -> Mapping[str, Any]:
        key = {"pk": {"S": f"topology#{TOPOLOGY}"}, "sk": {"S": "status"}}
        item = self._table.get_item(TableName=TABLE, Key=key, ConsistentRead=True)["Item"]
        found: Mapping[str, Any] = json.loads(item["body"]["S"])
        return found

    def passes(self) -> list[Pass]:
        """Those that began since, in order; the ones that found somebody else at work, or an old timer, have nothing to say."""
        found = [Pass.read(line) for line in self._lines("reconcile") if line.get("event") == "pass"]
        return sorted((p for p in found if p.at >= self._since), key=lambda p: p.at)

    def events(self) -> Counter[str]:
        """What woke it since, by kind."""
        return Counter(line["why"] for line in self._lines("wake") if line.get("woken"))

    def _lines(self, function: str) -> list[Mapping[str, Any]]:
        start = int(self._since.timestamp() * 1000)
        pages = self._logs.get_paginator("filter_log_events").paginate(logGroupName=GROUPS[function], startTime=start)
        texts = [event["message"] for page in pages for event in page["events"]]
        return [json.loads(text) for text in texts if text.startswith("{")]


def follow(watcher: Watcher, since: datetime, generation: int, *, repaired: bool) -> int:
    """0 once it is there."""
    said, deadline = "", time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        status = watcher.status()
        at = datetime.fromisoformat(status["updatedAt"])
        if at >= since and (line := _state(status)) != said:
            said = line
            _say(f"{at:%H:%M:%S}  {line}")
        if at >= since and status["observedGeneration"] == generation:
            if status["result"] in OVER:
                return 1
            if status["result"] == "Converged" and (not repaired or any(p.requests for p in watcher.passes())):
                _tell(watcher, generation)
                return 0
        time.sleep(PAUSE)
    _say(f"generation {generation} has not converged within {PATIENCE:.0f} s")
    return 1


def _tell(watcher: Watcher, generation: int) -> None:
    """The passes and what woke them, once the last one's line is in the log: Lambda writes it after the pass."""
    deadline = time.monotonic() + LOGGED_WITHIN
    while not (passes := watcher.passes()) or passes[-1].result != "Converged":
        if time.monotonic() > deadline:
            break
        time.sleep(PAUSE)
    _say("")
    _say("Of each pass, from the log of the function: when it began, what it came to, why it ran, what it asked of AWS")
    for one in passes:
        _say(f"{one.at:%H:%M:%S}  {one.result:<12} {one.why}")
        for more in (*one.requests, *filter(None, [one.error])):
            _say(f"{'':23}{more}")
    events = watcher.events()
    _say("")
    _say(f"generation {generation}: {len(passes)} passes; {events.total()} events woke the reconciler:")
    for kind, count in events.most_common():
        _say(f"{count:6}  {kind}")


def _state(status: Mapping[str, Any]) -> str:
    """What a reader wants to know of the status, in one line."""
    parts = [f"{status['result']:<12} generation {status['observedGeneration']}"]
    if left := status["stepsLeft"]:
        parts.append(f"{left} {'step' if left == 1 else 'steps'} left")
    if gates := status["waitingFor"]:
        where = Counter(gate["name"] for gate in gates)
        parts.append("waits for " + ", ".join(where))
    parts += [f"{c['type']}: {c['reason']}" for c in status["conditions"] if _notable(c)]
    parts += [p["message"] for p in status["problems"]]
    return ", ".join(parts)


def _notable(condition: Mapping[str, Any]) -> bool:
    return bool(condition["type"] in {"DriftDetected", "Stalled", "Blocked"} and condition["status"] == "True")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m demo.follow", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("generation", type=int)
    parser.add_argument("--since", type=datetime.fromisoformat, help="of AWS's clock; what was before does not count")
    parser.add_argument("--repaired", action="store_true", help="only after a pass that asked for something")
    options = parser.parse_args()
    return follow(Watcher(options.since), options.since, options.generation, repaired=options.repaired)


if __name__ == "__main__":
    sys.exit(main())
