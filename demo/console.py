"""What the reader of the demo sees, on the terminal and, without colour, in the transcript."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path
from types import TracebackType
from typing import Self

WIDTH = 80
_CODES = {"bold": "1", "dim": "2", "good": "32", "bad": "31", "command": "36"}


class Console:
    def __init__(self, transcript: Path) -> None:
        self._transcript = transcript.open("w", encoding="utf-8")
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transcript.close()

    def heading(self, text: str) -> None:
        self.line()
        self.line(f"── {text} ".ljust(WIDTH, "─"), "bold")

    def tell(self, text: str) -> None:
        """What the reader should notice."""
        self.line()
        for line in textwrap.wrap(" ".join(text.split()), WIDTH - 3, break_on_hyphens=False):
            self.line(f"   {line}")

    def command(self, line: str) -> None:
        self.line()
        self.line(f"$ {line}", "command")

    def output(self, line: str) -> None:
        """One line of what a command says."""
        self.line(f"  {line}".rstrip())

    def line(self, text: str = "", style: str = "") -> None:
        self._transcript.write(text + "\n")
        self._transcript.flush()
        print(f"\x1b[{_CODES[style]}m{text}\x1b[0m" if style and self._colour else text, flush=True)  # noqa: T201

    def table(self, rows: list[tuple[str, ...]]) -> None:
        widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
        for number, row in enumerate(rows):
            text = "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.line(text.rstrip(), "dim" if number == 0 else "")
