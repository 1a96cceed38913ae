"""`python -m benchmarks.hosted`: what the functions of the control plane cost: their zip, a cold import, a pass with nothing to do.

Side by side with what `pip install --target` of the same requirements and boto3 would have given: nothing pruned, no bytecode.
Writes HOSTED.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from benchmarks import hosted_event
from benchmarks.goals import WORKED_EXAMPLE, Goal
from benchmarks.hosted_cost import Pass, costs
from benchmarks.measure import CommandFailed, load
from benchmarks.world import DESIRED, World, start
from cdk_app import machine, packaging, wheels

RESULTS = Path(__file__).parent / "HOSTED.md"
HEADER = """# What the functions of the control plane cost

Written by `make bench`, or `python -m benchmarks.hosted` alone. *Package* is what ships
([packaging.py](../cdk_app/packaging.py)); *plain* is what `pip install --target` of the same requirements and boto3 gives, with the
same modules of ours: all services, their prose, no bytecode. A cold import is that of a fresh interpreter that knows that
folder alone and can write no bytecode, as on Lambda; the interpreter's own start is not in it. The pass is of the worked
example, converged, on the embedded AWS, with its templates in its own folder; memory is the largest resident set of the process.
Medians of {runs} runs, which take turns. From a bundle to the first mutating call it is the median of {events}, of the
real functions on an embedded AWS ten times as fast as the wall, with IAM enforced ([hosted_event.py](hosted_event.py)).
"""
EVENTS = 3
"""Runs from an uploaded bundle to the first mutating call."""
PASS = """
import json, re, sys, time
def largest():  # of this program alone: what is told of children begins with the size of whoever started them
    status = open("/proc/self/status").read()
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) / 1024
sys.path.insert(0, sys.argv[1])
began, worked = time.perf_counter(), time.process_time()
import reconciler.hosting.passes
imported, worked = time.perf_counter() - began, time.process_time() - worked
size, modules = largest(), len(sys.modules)
import tempfile
from dataclasses import replace
from pathlib import Path
import botocore.client
from reconciler import hosted, load, logs, wiring
from reconciler.aws.clients import Clients
from reconciler.aws.records import FolderRecords
from reconciler.aws.synthesis import default_cache
from reconciler.aws.templates import StoredSynthesizer
from reconciler.model.message import Message
asked, called = 0, botocore.client.BaseClient._make_api_call
def counted(self, name, arguments):
    global asked
    asked += len(arguments.get("MetricDataQueries", ()))
    return called(self, name, arguments)
botocore.client.BaseClient._make_api_call = counted
(topology,) = load.load(Path(sys.argv[2]))
stored = StoredSynthesizer(Clients(), "none", topology.home_region, "", default_cache())
ports = replace(wiring.ports(), synthesizer=stored)
message = Message(topology=topology.name, reason="bench")
began, passed_work = time.perf_counter(), time.process_time()
with tempfile.TemporaryDirectory() as folder:
    records = FolderRecords(Path(folder))
    again = hosted.reconcile(ports, topology, message=message, chance=lambda: 0.5, records=records, lost=print)
    kept = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
passed, passed_work = time.perf_counter() - began, time.process_time() - passed_work
status = ports.journal.recorded(topology)
found = {"import": imported * 1000, "work": worked * 1000, "imported": size, "pass": passed, "passWork": passed_work}
written = sum(len(json.dumps({**line.fields(), **logs.measured(line)})) for line in again.lines)
found |= {"largest": largest(), "record": kept, "line": written, "asked": asked, "state": len(json.dumps(status))}
found |= {"calls": dict(again.outcome.api_calls) if again.outcome else {}}
print(json.dumps({**found, "result": again.outcome.result if again.outcome else again.reason}))
"""
WAKE = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
began, worked = time.perf_counter(), time.process_time()
import reconciler.hosting.wake
print(json.dumps({"wake": (time.perf_counter() - began) * 1000, "wakeWork": (time.process_time() - worked) * 1000}))
"""
REPORT_LINES = 400
"""Bytes that Lambda itself writes about an invocation: START, END, REPORT."""
BESIDE = ("boto3", "s3transfer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Megabytes, milliseconds and seconds."""

    zipped: float
    unpacked: float
    imported: float
    worked: float
    """Processor time of the import: what a busy machine leaves of its meaning."""
    memory: float
    wake: float
    wake_worked: float
    took: float
    passing: float
    """Processor time of the pass."""
    largest: float
    idle: Pass


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hosted", description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    event = hosted_event.measured(EVENTS)
    with start() as world:
        world.converge(WORKED_EXAMPLE)
        world.keep(WORKED_EXAMPLE)
        write(world, runs, event)
    print(RESULTS.read_text())
    return 0


def write(world: World, runs: int, event: Sequence[float] = ()) -> None:
    """HOSTED.md, from a world that has converged on the worked example, and what `hosted_event` measured in its own."""
    runtime, architecture = machine.host()
    before = load()
    world.bring_back(WORKED_EXAMPLE)
    with tempfile.TemporaryDirectory() as scratch:
        folders = {
            "package": packaging.stage(Path(scratch) / "package", runtime=runtime, architecture=architecture),
            "plain": plain(Path(scratch) / "plain"),
        }
        found = measure(world, folders, runs)
    lines = [*table(found, [before, load()], event), "", *costs(found["package"].idle)]
    RESULTS.write_text("\n".join([HEADER.format(runs=runs, events=EVENTS), *lines]) + "\n")


def plain(into: Path) -> Path:
    for name in (*wheels.locked(), *BESIDE):
        for file in distribution(name).files or ():
            source = Path(str(file.locate()))
            if ".." not in file.parts and source.is_file() and source.suffix != ".pyc":
                (into / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, into / file)
    for name in ("reconciler", "cdk_app", "handlers"):
        shutil.copytree(packaging.ROOT / name, into / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("meridian", "aws-cdk-lib"):
        packaging.name_distribution(into, name)
    return into


def measure(world: World, folders: Mapping[str, Path], runs: int) -> dict[str, Found]:
    said: dict[str, list[dict[str, Any]]] = {name: [] for name in folders}
    for _ in range(runs):
        for name, folder in folders.items():
            said[name].append(one(world, folder))
    return {name: _found(folder, said[name]) for name, folder in folders.items()}


def one(world: World, folder: Path) -> dict[str, Any]:
    said = _said(world, folder, PASS, str(world.repository / DESIRED))
    if said["result"] != "Converged":
        raise CommandFailed(f"the pass of {folder.name} found something to do: {said['result']}")
    return said | _said(world, folder, WAKE)


def _said(world: World, folder: Path, program: str, *arguments: str) -> dict[str, Any]:
    """What a fresh interpreter says that knows this folder alone, and can write no bytecode."""
    command = [sys.executable, "-I", "-S", "-B", "-c", program, str(folder), *arguments]
    kept = {name: value for name, value in world.environment.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, env=kept, cwd=world.repository, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandFailed(f"{folder.name} failed: {done.stderr.strip().splitlines()[-1:]}")
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def _found(folder: Path, said: list[dict[str, Any]]) -> Found:
    def median(what: str) -> float:
        return statistics.median(run[what] for run in said)

    return Found(
        zipped=len(packaging.package(folder)) / 1e6,
        unpacked=sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6,
        imported=median("import"),
        worked=median("work"),
        memory=median("imported"),
        wake=median("wake"),
        wake_worked=median("wakeWork"),
        took=median("pass"),
        passing=median("passWork"),
        largest=median("largest"),
        idle=Pass(
            seconds=median("pass") + median("import") / 1000,
            calls=said[0]["calls"],
            record_bytes=int(median("record")),
            log_bytes=int(median("line")) + REPORT_LINES,
            metrics_asked=int(median("asked")),
            state_bytes=int(median("state")),
        ),
    )


def goals(found: Mapping[str, Found], event: Sequence[float] = ()) -> list[Goal]:
    """`event`: seconds of each run; none where it could not be measured."""
    ours = found["package"]
    first_call = "bundle uploaded to first mutating call"
    return [
        Goal(text="zip", limit=15, found=ours.zipped, unit=" MB"),
        Goal(text="cold import of reconcile", limit=400, found=ours.imported, unit=" ms"),
        Goal(text="its processor time", limit=400, found=ours.worked, unit=" ms"),
        Goal(text="memory of a pass with nothing to do", limit=150, found=ours.largest, unit=" MB"),
        *([Goal(text=first_call, limit=4, found=statistics.median(event), unit=" s")] if event else []),
    ]


def table(found: Mapping[str, Found], loads: list[str], event: Sequence[float] = ()) -> list[str]:
    date = datetime.now(UTC).date().isoformat()
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    ours, other = found["package"], found["plain"]
    rows = [
        ("zip", " MB", ours.zipped, other.zipped),
        ("unpacked", " MB", ours.unpacked, other.unpacked),
        ("cold import", " ms", ours.imported, other.imported),
        ("its processor time", " ms", ours.worked, other.worked),
        ("memory after it", " MB", ours.memory, other.memory),
        ("cold import of wake", " ms", ours.wake, other.wake),
        ("its processor time", " ms", ours.wake_worked, other.wake_worked),
        ("a pass with nothing to do", " s", ours.took, other.took),
        ("its processor time", " s", ours.passing, other.passing),
        ("its memory", " MB", ours.largest, other.largest),
    ]
    return [
        f"- {date}; {machine}; load average {loads[0]} before, {loads[-1]} after",
        "",
        "| goal | limit | found | |",
        "|---|---|---|---|",
        *(
            f"| {g.text} | ≤ {g.limit:g}{g.unit} | {g.found:.1f}{g.unit} | {'met' if g.met else '**missed**'} |"
            for g in goals(found, event)
        ),
        "",
        "| | package | plain |",
        "|---|---|---|",
        *(f"| {name} | {mine:.1f}{unit} | {theirs:.1f}{unit} |" for name, unit, mine, theirs in rows),
    ]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CommandFailed as error:
        sys.exit(str(error))
