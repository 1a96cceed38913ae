"""Status documents as one page for a browser: self-contained, and inert whatever they hold.

A pure function of documents and time, so that the command, the workflows and the control plane give the same page. Jinja2 is
loaded when a page is made: a pass that makes none does not pay for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any


def page(statuses: Sequence[Mapping[str, Any]], at: datetime) -> str:
    """The page of these topologies as their documents tell of them; `at`: when it is made, by the cloud's clock."""
    from reconciler.report.html.rendering import rendered  # noqa: PLC0415  # see above
    from reconciler.report.html.view import view  # noqa: PLC0415

    return rendered([view(status, number, at) for number, status in enumerate(statuses)], at)
