"""Runs a command to its end and takes what it cost: wall time, processor time and the largest process."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 300.0
"""Seconds: what takes longer will never end, and nobody is there to stop it."""


class CommandFailed(Exception):
    """A measured command did not end as it has to: its time would mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one run, or of several one after another."""

    wall: float
    cpu: float
    megabytes: float
    """Resident memory of the largest process at its largest, children included."""

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            wall=self.wall + other.wall,
            cpu=self.cpu + other.cpu,
            megabytes=max(self.megabytes, other.megabytes),
        )


def run(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    says: str = "",
    patience: float = PATIENCE,
) -> Cost:
    """One run. It has to end with exit code 0, and its output has to contain `says`."""
    start = time.monotonic()
    with subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        timer = threading.Timer(patience, _end, [process])
        timer.start()
        try:
            output = process.stdout.read()
        except BaseException:  # stopped: nothing of ours goes on without us
            _end(process)
            raise
        finally:
            timer.cancel()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or says not in output:
        end = "\n".join(output.splitlines()[-60:])
        raise CommandFailed(
            f"{' '.join(command)} ended with exit code {process.returncode}; expected 0 and {says!r}:\n{end}"
        )
    return Cost(wall=wall, cpu=usage.ru_utime + usage.ru_stime, megabytes=usage.ru_maxrss / 1024)


def _end(process: subprocess.Popen[str]) -> None:
    """With its children: the CDK's command line starts a Python, which starts a Node."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def alternating(runs: int, *subjects: Callable[[], Cost]) -> list[Cost]:
    """The median cost of each subject. Their runs take turns, so that a busy minute of the machine hits them all."""
    costs: list[list[Cost]] = [[] for _ in subjects]
    for _ in range(runs):
        for subject, found in zip(subjects, costs, strict=True):
            found.append(subject())
    return [median(found) for found in costs]


def median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        wall=statistics.median(c.wall for c in costs),
        cpu=statistics.median(c.cpu for c in costs),
        megabytes=statistics.median(c.megabytes for c in costs),
    )


def load() -> str:
    """The machine's load average of the last minute."""
    return f"{os.getloadavg()[0]:.1f}"
