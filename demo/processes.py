"""Child processes of the demo: a clean environment, output line by line, and an end for all of them on every way out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
ACCOUNT = "111111111111"
END_WITHIN = 10.0


def environment(endpoint: str, cache: Path) -> dict[str, str]:
    """Nothing of the user's AWS settings, proxies or Git settings gets in, and nothing of the demo reaches real AWS."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    kept["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    git = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for role in ("AUTHOR", "COMMITTER"):
        git |= {f"GIT_{role}_NAME": "Meridian demo", f"GIT_{role}_EMAIL": "demo@example.com"}
    return {
        **kept,
        **git,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "demo",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "MERIDIAN_CACHE": str(cache),
    }


def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], on_line: Callable[[str], None]
) -> tuple[int, str]:
    """Exit code and output, each line handed on as it comes; stderr goes the same way."""
    lines: list[str] = []
    with _ended(_start(command, folder, environment, subprocess.PIPE)) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            on_line(lines[-1])
        return process.wait(), "\n".join(lines)


@contextmanager
def background(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[str]]:
    """A process that runs beside the demo, in a session of its own: Ctrl-C is for the demo, which ends it in order."""
    with log.open("w") as file, _ended(_start(command, folder, environment, file.fileno(), alone=True)) as process:
        yield process


def _start(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], output: int, *, alone: bool = False
) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603  # our own commands, no shell
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=alone,
    )


@contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    try:
        yield process
    finally:
        end(process)
        if process.stdout:
            process.stdout.close()


def end(process: subprocess.Popen[str]) -> int:
    """Ask it to end, insist if it does not; its exit code."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(END_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
