"""Logs of passes: lines on stderr, in the shape of the functions' log. Imported only with `-v`."""

from __future__ import annotations

from dataclasses import replace

from reconciler.logs import tell
from reconciler.model.outcome import Outcome
from reconciler.report.metrics import code_of, pass_line


def passed(outcome: Outcome, run: str | None = None) -> None:
    """`run`: the key of its record, if one is kept."""
    result, code = str(outcome.result), code_of(outcome)
    line = pass_line(
        outcome.topology,
        outcome.observed.at,
        result=result,
        code=code,
        outcome=outcome,
        after=outcome.requeue_after,
        run=run,
    )
    tell(replace(line, metrics={}))
