"""One script of a step as a process, which somebody may cancel."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_PATIENCE = 150


def execute(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], cancelled: Callable[[], bool]
) -> tuple[int | None, str]:
    """Code and log. Cancelled meanwhile, it has no code: its processes are killed, which is what a runner comes to in the end
    with those that do not stop when they are asked to."""
    deadline, before = time.monotonic() + _PATIENCE, cancelled()  # a step that asks for that runs afterwards
    with tempfile.TemporaryFile() as log:
        step = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        code: int | None = None
        while code is None and (before or not cancelled()) and time.monotonic() < deadline:
            with suppress(subprocess.TimeoutExpired):
                code = step.wait(0.1)
        if code is None:
            os.killpg(step.pid, signal.SIGKILL)
            step.wait()
        assert time.monotonic() < deadline, f"{command} went on for more than {_PATIENCE} s"
        log.seek(0)
        return code, log.read().decode(errors="replace")
