"""A recorded pass once more, offline: the same inputs, this Meridian's judgement, and what differs.

The ports answer from the record alone. Whatever else a pass could ask for is not there to be asked.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from reconciler.loop import Ports, look
from reconciler.model.errors import ReconcilerError
from reconciler.model.facts import Facts, Sweep
from reconciler.model.issuer import PublicKey
from reconciler.model.observed import Unknown
from reconciler.model.outcome import Outcome, Revision
from reconciler.model.stacks import Template
from reconciler.model.topology import Topology
from reconciler.ports import Clock, Cloud, Journal
from reconciler.recording.record import Inputs, RecordRefused, RunRecord
from reconciler.report.plan import plan_json

_AROUND = 3


def replayed(record: RunRecord) -> Outcome:
    """What `plan` shows where AWS stands as recorded. Raises `RecordRefused` where the record cannot be planned from."""
    answers = _Answers(record.inputs)
    ports = Ports(
        cloud=cast("Cloud", answers),
        synthesizer=answers,
        revisions=answers,
        journal=cast("Journal", answers),
        clock=cast("Clock", answers),
        issuers=answers,
    )
    try:
        return look(ports, record.inputs.topology, record.goal)
    except ReconcilerError:
        raise
    except Exception as error:  # every field is of its kind, but AWS's own answers may say anything
        raise RecordRefused(f"nothing can be planned from this record: {type(error).__name__}: {error}") from error


def difference(record: RunRecord, outcome: Outcome) -> list[str]:
    """Lines in the manner of `diff`, recorded against replayed; none if both plans are the same byte for byte."""
    now = plan_json(outcome)
    if json.dumps(record.plan) == json.dumps(now):
        return []
    then, found = (json.dumps(p, indent=1, ensure_ascii=False).splitlines() for p in (record.plan, now))
    return list(difflib.unified_diff(then, found, "recorded", "replayed", n=_AROUND, lineterm=""))


class _Answers:
    def __init__(self, inputs: Inputs) -> None:
        self._inputs, self._readings = inputs, list(inputs.clock)

    def facts(self, topology: Topology, sweep: Sweep = Sweep.PLAN) -> Facts:  # noqa: ARG002
        return self._inputs.facts

    def account(self, topology: Topology) -> str:  # noqa: ARG002
        return self._inputs.account or self._inputs.facts.account

    def calls(self) -> Mapping[str, int]:
        return {}

    def templates(self, topology: Topology, keys: Sequence[str]) -> Mapping[str, Template]:  # noqa: ARG002
        found = self._inputs.templates or {}
        missing = [key for key in keys if key not in found]
        if missing:
            raise RecordRefused(
                f"the recorded pass did not use {', '.join(missing)}, which this Meridian asks for: replay it with the one that "
                "made the pass",
                code="OtherTemplates",
            )
        return found

    def revision(self, topology: Topology, recorded: Mapping[str, Any] | None) -> Revision:  # noqa: ARG002
        if self._inputs.revision is None:
            raise RecordRefused("the recorded pass ended before it had a plan", code="NoPlan")
        return self._inputs.revision

    def keys(self, issuer: str) -> tuple[PublicKey, ...] | Unknown:  # noqa: ARG002
        found = self._inputs.issuer_keys
        return Unknown("NotRecorded", "the recorded pass did not ask the issuer") if found is None else found

    def now(self) -> datetime:
        """The recorded readings in order, the last of them for ever."""
        if len(self._readings) > 1:
            return self._readings.pop(0)
        return self._readings[0] if self._readings else self._inputs.facts.at
