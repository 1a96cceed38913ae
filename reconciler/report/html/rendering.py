"""The templates, filled. All of the page is in one file: style and script stand in it, allowed by their hashes and nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from reconciler.report.html.atlas import drawn
from reconciler.report.html.view import View
from reconciler.report.words import count, iso_time

_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E%3Cg fill='none' stroke='%234f6df5' "
    "stroke-width='2'%3E%3Ccircle cx='12' cy='12' r='10'/%3E%3Cpath d='M12 2c-6 6-6 14 0 20c6-6 6-14 0-20'/%3E%3C/g%3E%3C/svg%3E"
)


def rendered(views: Sequence[View], at: datetime) -> str:
    style, script = _own("style.css"), _own("script.js")
    rules = (
        "default-src 'none'",
        f"style-src {_allowed(style)}",
        f"script-src {_allowed(script)}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return (
        _environment()
        .get_template("page.html")
        .render(
            views=views,
            made=iso_time(at),
            rules="; ".join(rules),
            style=Markup(style),  # noqa: S704  # ours
            script=Markup(script),  # noqa: S704
            icon=_ICON,
            land=drawn(),
        )
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=FunctionLoader(_own),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["count"] = count
    made.filters["unbroken"] = _unbroken
    return made


@lru_cache(maxsize=16)
def _own(name: str) -> str:
    return (files("reconciler.report.html") / "templates" / name).read_text(encoding="utf-8")


def _unbroken(text: str) -> Markup:
    """Names of Regions are not to be broken at their hyphens, other words may be."""
    words = (Markup('<span class="whole">{}</span>').format(w) if "-" in w and len(w) < 24 else escape(w) for w in text.split(" "))  # noqa: S704
    return Markup(" ").join(words)


def _allowed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
