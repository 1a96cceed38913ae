"""`meridian report`: the status of every topology asked for as one page for a browser."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.cli import exits, output
from reconciler.cli.looking import as_now, places


def report(name: str | None, *, out: Path, path: Path, home_region: str | None) -> int:
    from reconciler import wiring
    from reconciler.report.html import page

    found = [(wanted, home, as_now(wiring.recorded(wanted, home))) for wanted, home in places(name, path, home_region)]
    documents: list[Mapping[str, Any]] = [document for _, _, document in found if document is not None]
    missing = ", ".join(f"{wanted} in {home}" for wanted, home, document in found if document is None)
    if missing:
        error = exits.NotDone(f"nothing is recorded of {missing}: no pass got that far yet", code="NotRecorded")
        if not documents:
            raise error
        output.tell(f"{error.code}: {error.message}")
    out.write_text(page(documents, wiring.now()), encoding="utf-8")
    output.show(f"{out}: {', '.join(str(d['topology']) for d in documents)}, as the last pass left it")
    return exits.PARTIAL if missing else exits.DONE
