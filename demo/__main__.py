"""`python -m demo`, which `make demo` runs: plays the acts and says at the end whether everything held.

Exits 0 only if every step converged and the observer, which watched all the while, saw no invariant broken.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
import time
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, NoReturn

from demo import processes
from demo.acts import ACTS
from demo.console import Console
from demo.stage import FOLDER, ROOT, SPEED, Stage, StepFailed, set_up


@dataclass(slots=True)
class Tally:
    """What came of it, act by act; `failed` stays empty if all went well."""

    rows: list[tuple[str, ...]] = field(default_factory=lambda: [("act", "what", "seconds", "result")])
    failed: list[str] = field(default_factory=list)


def main() -> int:
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, _stop)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    began = time.monotonic()
    with Console(FOLDER / "transcript.txt") as console:
        console.line("Meridian: one API in several AWS Regions, converged from one YAML file.", "bold")
        console.tell(
            f"Everything below is real but AWS itself: the command line, CDK synthesis, boto3, CloudFormation change "
            f"sets. AWS is embedded, a process on this machine whose clock runs {SPEED} times as fast. Times are that "
            f"clock's: a stack takes its usual minutes, and a second of Meridian's own work shows as {SPEED // 60} minutes."
        )
        tally = Tally()
        try:
            with set_up(console) as stage:
                _play(stage, tally)
                watched = _observed(stage, tally)
        except StepFailed as error:
            tally.failed.append(str(error))
            watched = {}
        _sum_up(console, tally, watched, time.monotonic() - began)
    return 1 if tally.failed else 0


def _play(stage: Stage, tally: Tally) -> None:
    for number, act in enumerate(ACTS, 1):
        stage.console.heading(f"Act {number}: {act.title}")
        began = time.monotonic()
        try:
            result = act.play(stage)
        except StepFailed as error:
            tally.failed.append(str(error))
            result = "FAILED"
        tally.rows.append((str(number), act.title, f"{time.monotonic() - began:.1f}", result))
        if tally.failed:
            return
    stage.save("status.json", "status", "--format", "json")
    stage.quietly("report", "--out", str(FOLDER / "report.html"))


def _observed(stage: Stage, tally: Tally) -> dict[str, Any]:
    """End the observer and hear what it saw."""
    code = processes.end(stage.observer)
    file = FOLDER / "observer.json"
    if not file.exists():
        tally.failed.append(f"the observer died; {(FOLDER / 'observer.log').relative_to(ROOT)} says why")
        return {}
    watched: dict[str, Any] = json.loads(file.read_text())
    tally.failed += [f"invariant broken: {v['what']} ({v['first']})" for v in watched["violations"]]
    if code and not watched["violations"]:
        tally.failed.append(f"the observer proves nothing: {watched['blind']}")
    return watched


def _sum_up(console: Console, tally: Tally, watched: dict[str, Any], seconds: float) -> None:
    console.heading("Summary")
    console.line()
    console.table(tally.rows)
    if watched:
        console.tell(
            f"Meanwhile an observer checked invariants {', '.join(watched['invariants'])} through plain AWS calls: "
            f"{watched['checks']} checks in {watched['snapshots']} snapshots, {len(watched['violations'])} violations."
        )
    folder = FOLDER.relative_to(ROOT)
    console.tell(f"Plans, status, observer's report and transcript are in {folder}/.")
    if (FOLDER / "report.html").exists():
        console.tell(f"Open {folder}/report.html in a browser: it shows how all of it is now.")
    console.line()
    for reason in tally.failed:
        console.line(f"FAILED: {reason}", "bad")
    if not tally.failed:
        console.line(f"All acts converged in {seconds:.0f} s and no invariant was broken.", "good")


def _stop(signum: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    raise SystemExit(128 + signum)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
