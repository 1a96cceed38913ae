"""Run records: a pass as a document, written where passes run, read by `meridian replay`.

`recorded` is what a host of passes calls: it puts the ears on, runs the pass, and has its record kept, whatever came of it. A
record is a help for later: that one cannot be kept is told, and never fails the pass.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from reconciler.loop import Ports
from reconciler.model.errors import ReconcilerError
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Goal
from reconciler.ports import Records
from reconciler.recording.record import packed, unpacked
from reconciler.recording.recorder import Recorder
from reconciler.recording.replay import difference, replayed

__all__ = ["Recorder", "difference", "packed", "recorded", "replayed", "unpacked"]


def recorded(
    one_pass: Callable[[Ports], Outcome],
    ports: Ports,
    records: Records,
    *,
    goal: Goal = Goal.CONVERGE,
    lost: Callable[[str], None],
    kept: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """One pass, and its record. `kept` is told its key; `lost`, why there is none, where there should be one."""
    recorder = Recorder(ports, named=records.named)
    try:
        outcome = one_pass(recorder.ports)
    except Exception as error:
        _keep(recorder, error, records, goal, lost, kept)
        raise
    _keep(recorder, outcome, records, goal, lost, kept)
    return outcome


def _keep(
    recorder: Recorder,
    ended: Outcome | Exception,
    records: Records,
    goal: Goal,
    lost: Callable[[str], None],
    kept: Callable[[str], None],
) -> None:
    try:
        found = recorder.closed(ended, goal)
        if found:
            key, record = found
            records.keep(key, packed(record))
            kept(key)
    except Exception as error:  # noqa: BLE001  # a pass that is done is done, whatever its record meets
        with suppress(Exception):
            lost(error.message if isinstance(error, ReconcilerError) else f"{type(error).__name__}: {error}")
