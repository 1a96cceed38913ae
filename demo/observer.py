"""`python -m demo.observer`: watches AWS while the reconciler works, and says afterwards whether an invariant ever broke.

A process of its own that shares nothing with the reconciler. A snapshot is read call by call while AWS changes, so a
violation counts only if a second snapshot, read at once, shows the same. Its report is JSON. SIGTERM ends it; it exits with 1 if
an invariant broke, or if it saw too little to say that none did.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.invariants import CHECKED, remember, violations
from demo.memory import Memory
from demo.reading import Reader
from demo.snapshot import Snapshot

PAUSE = 0.25
"""Seconds between snapshots: watching must leave the machine to those who work."""
UNREAD_AT_MOST = 0.1
"""Share of snapshots that may fail, as while the embedded AWS starts or stops, before the watch is worthless."""


@dataclass(slots=True)
class Watch:
    """All that was seen so far."""

    memory: Memory = field(default_factory=Memory)
    snapshots: int = 0
    unread: list[str] = field(default_factory=list)
    broken: dict[str, dict[str, str]] = field(default_factory=dict)

    def look(self, read: Callable[[], Snapshot]) -> None:
        """One snapshot; two if the first shows something wrong."""
        try:
            snapshot = read()
            found = violations(snapshot, self.memory)
            if found:
                snapshot = read()
                found = [text for text in violations(snapshot, self.memory) if text in found]
        except Exception as error:  # noqa: BLE001  # whatever it was, nothing was seen
            self.unread.append(f"{type(error).__name__}: {error}")
            return
        self.snapshots += 1
        for text in found:
            seen = self.broken.setdefault(text, {"first": snapshot.at.isoformat()})
            seen["last"] = snapshot.at.isoformat()
        self.memory = remember(snapshot, self.memory)

    @property
    def blind(self) -> str:
        """Why this watch proves nothing; empty if it does."""
        if self.memory.serving_since is None:
            return "no snapshot showed a serving Region and edge"
        if len(self.unread) > UNREAD_AT_MOST * (self.snapshots + len(self.unread)):
            return f"{len(self.unread)} snapshots could not be read, such as: {self.unread[-1]}"
        return ""

    def report(self) -> dict[str, Any]:
        since = self.memory.serving_since
        return {
            "invariants": list(CHECKED),
            "snapshots": self.snapshots,
            "checks": self.snapshots * len(CHECKED),
            "servingSince": since and since.isoformat(),
            "violations": [{"what": text, **seen} for text, seen in self.broken.items()],
            "unread": self.unread,
            "blind": self.blind,
        }


def main() -> int:
    options = _options()
    reader = Reader(options.endpoint, options.topology, options.domain, options.zone, options.regions.split(","))
    watch, stopped = Watch(), []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; whoever started us ends us
    while not stopped:
        watch.look(reader.snapshot)
        _write(options.out, watch.report())
        time.sleep(PAUSE)
    return 1 if watch.broken or watch.blind else 0


def _write(file: Path, report: dict[str, Any]) -> None:
    """After every snapshot, so that it tells what was seen however we end; a reader finds a whole report or none."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps(report, indent=2) + "\n")
    new.replace(file)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo.observer", description=(__doc__ or "").split("\n")[0])
    for name in ("endpoint", "topology", "domain", "zone", "regions"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
