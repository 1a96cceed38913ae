"""`meridian replay`: a recorded pass's plan, made again. stdout has the plan, as `plan` prints it; stderr what differs."""

from __future__ import annotations

from importlib.metadata import version

from reconciler.cli import exits, output
from reconciler.cli.settings import Settings
from reconciler.recording import difference, replayed, unpacked
from reconciler.recording.record import LARGEST, RunRecord
from reconciler.report.github.comment import whole
from reconciler.report.plan import plan_json
from reconciler.report.plan_text import plan_text
from reconciler.report.words import one_line

SHOWN = 200
"""Lines of a difference; more of them say no more."""


def replay(settings: Settings, run: str) -> int:
    from reconciler import wiring

    record = unpacked(wiring.record(run, LARGEST))
    if record.plan is None:
        why = (record.error or {}).get("message", "nobody knows why")
        raise exits.NotDone(f"pass {record.id} ended before it had a plan: {why}", code="NoPlan")
    outcome = replayed(record)
    output.show_all(
        settings,
        [plan_json(outcome)],
        lambda: [_safe(plan_text(outcome))],  # without colour: nothing in a record is obeyed by a terminal
        lambda: [_safe(whole(outcome, None))],
    )
    lines = difference(record, outcome)
    output.tell("\n".join([_verdict(record, same=not lines), *map(_safe, lines[:SHOWN])]))
    if len(lines) > SHOWN:
        output.tell(f"... and {len(lines) - SHOWN} lines more")
    return exits.ERROR if lines else exits.DONE


def _verdict(record: RunRecord, *, same: bool) -> str:
    pass_ = f"pass {one_line(record.id)} of {one_line(record.at)}"
    if same:
        return f"{pass_}: the same plan as was recorded, byte for byte"
    ours, theirs = version("meridian"), one_line(record.version)
    by = f"recorded by Meridian {theirs}, replayed by {ours}" if ours != theirs else f"both by Meridian {ours}"
    return f"{pass_}: not the plan that was recorded ({by})"


def _safe(text: str) -> str:
    """A record may come from anywhere."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)
