"""What goes to stdout and what to stderr, and in which form."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reconciler.cli.settings import Format, Settings
from reconciler.model.errors import InvalidDesiredState, ReconcilerError
from reconciler.report.outcome import error_json, list_json
from reconciler.report.words import Paint, plain

_CODES = {"good": "32", "bad": "31", "warn": "33", "dim": "2", "bold": "1"}

Document = Mapping[str, Any]


def ansi(style: str, text: str) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if style in _CODES else text


def paint(settings: Settings) -> Paint:
    return ansi if settings.colour else plain


def dumps(document: Document, *, line: bool = False) -> str:
    """One document; on one line for a stream of them."""
    return json.dumps(document, indent=None if line else 2, ensure_ascii=False)


def show(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def tell(text: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def show_all(
    settings: Settings,
    documents: Sequence[Document],
    texts: Callable[[], Sequence[str]],
    markdowns: Callable[[], Sequence[str]],
) -> None:
    """One document for one topology, a List for several; texts are made only if they are what was asked for."""
    match settings.format:
        case Format.JSON:
            show(dumps(documents[0] if len(documents) == 1 else list_json(documents)))
        case Format.MARKDOWN:
            show("\n\n".join(markdowns()))
        case _:
            show("\n\n".join(texts()))


def show_error(settings: Settings, error: ReconcilerError, *, line: bool = False) -> None:
    """The reason to stderr, in words; with `--format json` to stdout, as a document."""
    if settings.format is Format.JSON:
        show(dumps(error_json(error), line=line))
    colour = settings.colour and sys.stderr.isatty()
    style = ansi if colour else plain
    if isinstance(error, InvalidDesiredState):
        tell(str(error))
    else:
        tell(f"{style('bad', error.code)}: {error.message}")
