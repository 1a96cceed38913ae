"""The status document as one page for a browser: self-contained, and inert whatever the document holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any


def page(statuses: Sequence[Mapping[str, Any]], at: datetime) -> str:
    """The page of these topologies as their documents tell of them; `at`: when it is made, by the cloud's clock."""
    told = "".join(f"<h2>{escape(str(s.get('topology')))}: {escape(str(s.get('result')))}</h2>" for s in statuses)
    return f"<!doctype html><html lang=en><title>Meridian</title><h1>Meridian</h1>{told}<p>{at.isoformat()}</html>\n"
