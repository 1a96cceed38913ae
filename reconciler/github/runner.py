"""The runner of a workflow's step: its summary, its outputs, and the commands that it reads from what we print.

What is printed in between may hold a stranger's text, so the runner is told to obey nothing in it.
"""

from __future__ import annotations

import re
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.github.event import in_workflow
from reconciler.github.failures import NotInWorkflow

SUMMARY = 1024 * 1024
"""Bytes of a step's summary; one byte more, and GitHub shows none of it."""
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,60}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Outside of a workflow all of it does nothing."""

    obeys: bool = False
    summary_file: Path | None = None
    output_file: Path | None = None

    @staticmethod
    def of(environment: Mapping[str, str]) -> Runner:
        summary, output = environment.get("GITHUB_STEP_SUMMARY"), environment.get("GITHUB_OUTPUT")
        return Runner(
            obeys=in_workflow(environment),
            summary_file=Path(summary) if summary else None,
            output_file=Path(output) if output else None,
        )

    def summary(self, text: str) -> None:
        """Appended. Nothing, where it would be too much for the runner: a step's earlier summary stays then."""
        if self.summary_file is None:
            return
        data = text.rstrip("\n").encode(errors="replace") + b"\n\n"
        if _size(self.summary_file) + len(data) > SUMMARY:
            raise NotInWorkflow(f"the step's summary would have more than {SUMMARY} bytes", code="SummaryTooLarge")
        _append(self.summary_file, data)

    def output(self, name: str, value: str) -> None:
        """For later steps and jobs. The value ends at a word that nobody can know beforehand, whatever lines it has."""
        if self.output_file is None:
            return
        if not _NAME.fullmatch(name):
            raise ValueError(name)
        end = f"meridian-{secrets.token_hex(16)}"
        _append(self.output_file, f"{name}<<{end}\n{value}\n{end}\n".encode(errors="replace"))

    def tell(self, commands: Iterable[str]) -> None:
        """Annotations, one line each."""
        if self.obeys:
            sys.stdout.write("".join(f"{line}\n" for line in commands))
            sys.stdout.flush()

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """Nothing that is printed meanwhile is a command."""
        word = f"meridian-{secrets.token_hex(16)}"
        self.tell([f"::stop-commands::{word}"])
        try:
            yield
        finally:
            sys.stderr.flush()
            self.tell(["", f"::{word}::"])


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _append(file: Path, data: bytes) -> None:
    try:
        with file.open("ab") as out:
            out.write(data)
    except OSError as error:
        raise NotInWorkflow(f"{file} cannot be written: {error.strerror}", code="FileError") from error
