"""Options that every command takes, before or after its name, and the types of their values."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


@dataclass(slots=True, kw_only=True)
class Settings:
    """Filled while the command line is read; the same for the whole run."""

    format: Format = Format.TEXT
    verbose: bool = False
    no_color: bool = False
    detailed_exitcode: bool = False
    told: BaseException | None = None
    """The error whose document is on stdout already."""

    @property
    def colour(self) -> bool:
        return sys.stdout.isatty() and not self.no_color and not os.environ.get("NO_COLOR")

    @property
    def live(self) -> bool:
        """A person watches a terminal that can be redrawn."""
        return (
            self.format is Format.TEXT
            and sys.stdout.isatty()
            and not os.environ.get("CI")
            and os.environ.get("TERM") != "dumb"
        )


class Duration(click.ParamType[timedelta]):
    """`90s`, `10m`, `6h`, `1h30m`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        parts = re.findall(r"(\d+(?:\.\d+)?)([dhms])", value)
        total = sum(float(number) * _UNITS[unit] for number, unit in parts)
        if "".join(number + unit for number, unit in parts) != value or not total:
            self.fail(f"{value!r} is not a duration; write for instance 90s, 10m, 6h or 1h30m", param, ctx)
        return timedelta(seconds=total)


def common_options(*, formats: tuple[Format, ...] = (), detailed: bool = False) -> Callable[[Command], Command]:
    """The options shared by commands; only those that mean something for the command at hand."""

    def decorate(command: Command) -> Command:
        command = _flag("--no-color", "no_color", "Never use colour; NO_COLOR in the environment does the same.")(
            command
        )
        command = _flag("-v", "verbose", "Log to stderr what happens, and tracebacks.", "--verbose")(command)
        if detailed:
            command = _flag("--detailed-exitcode", "detailed_exitcode", "Exit 2 if there is something to change.")(
                command
            )
        if formats:
            choice = click.Choice([str(f) for f in formats])
            command = click.option(
                "--format",
                "format_",
                type=choice,
                expose_value=False,
                callback=_remember,
                help="How to print the result.",
            )(command)
        return command

    return decorate


def _flag(name: str, field: str, text: str, *more: str) -> Callable[[Command], Command]:
    return click.option(name, *more, field, is_flag=True, expose_value=False, callback=_remember, help=text)


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Keep what was given; what was not given leaves alone what was said before the command's name."""
    if not value:
        return
    settings = context.ensure_object(Settings)
    field = (parameter.name or "").rstrip("_")
    setattr(settings, field, Format(value) if field == "format" else value)
