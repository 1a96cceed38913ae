"""What goes to stdout and what to stderr, and in which form."""

from __future__ import annotations

import json
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from reconciler.cli import exits
from reconciler.cli.settings import Format, Settings
from reconciler.model.errors import InvalidDesiredState, ReconcilerError
from reconciler.report.outcome import error_json, list_json
from reconciler.report.words import Paint, plain

_CODES = {"good": "32", "bad": "31", "warn": "33", "dim": "2", "bold": "1"}

Document = Mapping[str, Any]

_OBEYED = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What JSON may hold as it is, and a terminal obeys, turns around, or cannot be sent."""


def ansi(style: str, text: str) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if style in _CODES else text


def paint(settings: Settings) -> Paint:
    return ansi if settings.colour else plain


def dumps(document: Document, *, line: bool = False) -> str:
    """One document; on one line for a stream of them. Strangers' characters are inert on a terminal, and the same to whoever reads
    the document."""
    text = json.dumps(document, indent=None if line else 2, ensure_ascii=False)
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def show(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def tell(text: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def warn(text: str | None) -> None:
    if text is not None:
        tell(f"warning: {text}")


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


def error_of(error: BaseException) -> ReconcilerError:
    """What is told of anything that ended a command."""
    match error:
        case ReconcilerError():
            return error
        case exits.Stopped():
            return exits.NotDone(f"{error.reason}; nothing is lost: the same command goes on", code="Stopped")
        case click.ClickException():
            return exits.NotDone(error.format_message(), code="UsageError")
        case OSError() if error.filename:
            return exits.NotDone(f"{error.filename}: {str(error.strerror).lower()}", code="FileError")
        case _:
            told = f"{type(error).__name__}: {error}; this is a bug in meridian, -v shows where"
            return ReconcilerError(told, code="InternalError")


def show_error(settings: Settings, error: BaseException, *, line: bool = False) -> None:
    """The reason to stderr, in words; with `--format json` to stdout as a document, unless that was done already."""
    if settings.verbose and not isinstance(error, (exits.Stopped, click.ClickException)):
        tell("".join(traceback.format_exception(error)).rstrip())
    told = error_of(error)
    if settings.format is Format.JSON and settings.told is not error:
        settings.told = error
        show(dumps(error_json(told), line=line))
    style = ansi if settings.colour and sys.stderr.isatty() else plain
    tell(str(told) if isinstance(told, InvalidDesiredState) else f"{style('bad', told.code)}: {told.message}")
