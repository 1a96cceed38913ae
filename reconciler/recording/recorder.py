"""Remembers what one pass is told and what it asks for: the same ports, with an ear in front of each. The loop knows nothing of it.

Whether the pass is worth a record is decided where its status is written, so that the status can name the record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib.metadata import version
from typing import Any, cast

from reconciler.loop import Ports
from reconciler.model.errors import ReconcilerError
from reconciler.model.facts import Facts, Sweep
from reconciler.model.issuer import PublicKey
from reconciler.model.observed import Unknown
from reconciler.model.outcome import Outcome, Revision
from reconciler.model.plan import Goal
from reconciler.model.redaction import iso_time
from reconciler.model.requests import Request
from reconciler.model.stacks import Template
from reconciler.model.topology import Topology
from reconciler.ports import Clock, Cloud, Journal, Lease
from reconciler.recording.record import Inputs, RunRecord
from reconciler.recording.secrets import without_secrets
from reconciler.recording.worth import named
from reconciler.report.outcome import outcome_json
from reconciler.report.plan import plan_json


@dataclass(slots=True)
class Memory:
    topology: Topology | None = None
    facts: Facts | None = None
    templates: dict[str, Template] = field(default_factory=dict)
    revision: Revision | None = None
    keys: tuple[PublicKey, ...] | Unknown | None = None
    account: str | None = None
    readings: list[datetime] = field(default_factory=list)
    requests: list[Mapping[str, Any]] = field(default_factory=list)
    status: Mapping[str, Any] | None = None
    named: bool = True
    """Whether the status names the record; if not, nobody knows which pass was kept last, and every one is."""
    key: str | None = None
    """Where the record goes; None while nothing says that it is worth one."""


class Recorder:
    """For one pass: `ports` go into it, `closed` takes what came of it."""

    def __init__(self, ports: Ports, *, named: bool = True) -> None:
        self.memory = Memory(named=named)
        self.ports = replace(
            ports,
            cloud=cast("Cloud", _Cloud(ports.cloud, self.memory)),
            synthesizer=_Synthesizer(ports.synthesizer, self.memory),
            revisions=_Revisions(ports.revisions, self.memory),
            journal=cast("Journal", _Journal(ports.journal, self.memory)),
            clock=cast("Clock", _Clock(ports.clock, self.memory)),
            issuers=_Issuers(ports.issuers, self.memory),
            detector=_Detector(ports.detector, self.memory) if ports.detector else None,
        )

    def closed(self, ended: Outcome | Exception, goal: Goal = Goal.CONVERGE) -> tuple[str, RunRecord] | None:
        """The record and its key; None for a pass that is not worth one, or saw nothing."""
        seen = self.memory
        if seen.topology is None or seen.facts is None:
            return None
        failed = not isinstance(ended, Outcome) and seen.facts.account == seen.topology.account
        key = seen.key or (key_of(seen.topology, seen.facts) if failed else None)
        if key is None:
            return None
        outcome = ended if isinstance(ended, Outcome) else None
        inputs = Inputs(
            topology=seen.topology,
            facts=without_secrets(seen.facts, seen.templates),
            revision=seen.revision,
            templates=seen.templates or None,
            issuer_keys=seen.keys,
            account=seen.account,
            clock=tuple(seen.readings),
        )
        return key, RunRecord(
            id=key.rpartition("/")[2].partition(".")[0],
            at=seen.facts.at.isoformat(),
            version=version("meridian"),
            goal=goal,
            inputs=inputs,
            plan=plan_json(outcome.as_planned()) if outcome else None,
            requests=tuple(seen.requests),
            outcome=outcome_json(outcome) if outcome else None,
            error=None if isinstance(ended, Outcome) else _error(ended),
            status=seen.status,
        )


def key_of(topology: Topology, facts: Facts) -> str:
    """`runs/<topology>/<date>/<time>-<id>.json.gz`, by AWS's time: under the lease no two passes look at the same moment."""
    moment = iso_time(facts.at)
    short = hashlib.sha256(f"{topology.name} {facts.at.isoformat()}".encode()).hexdigest()[:8]
    return f"runs/{topology.name}/{moment[:10]}/{moment[11:19].replace(':', '')}-{short}.json.gz"


def _error(error: Exception) -> Mapping[str, Any]:
    code = error.code if isinstance(error, ReconcilerError) else "InternalError"
    return {"code": code, "message": error.message if isinstance(error, ReconcilerError) else type(error).__name__}


class _Ear:
    """Passes on whatever is not listened to."""

    def __init__(self, inner: Any, memory: Memory) -> None:
        self._inner, self._memory = inner, memory

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _Cloud(_Ear):
    def facts(self, topology: Topology, sweep: Sweep = Sweep.PLAN, asked: Callable[[], bool] | None = None) -> Facts:
        found: Facts = self._inner.facts(topology, sweep, asked) if asked else self._inner.facts(topology, sweep)
        self._memory.topology, self._memory.facts = topology, found
        return found

    def account(self, topology: Topology) -> str:
        self._memory.account = found = self._inner.account(topology)
        return str(found)

    def perform(self, request: Request) -> None:
        asked = {"call": request.call, "of": _subject(request)}
        try:
            self._inner.perform(request)
        except Exception as error:
            self._memory.requests.append({**asked, "answer": _error(error)["code"]})
            raise
        self._memory.requests.append({**asked, "answer": "done"})


def _subject(request: Request) -> str:
    """The stack, with the change set's name, or the Region."""
    stack, name = getattr(request, "stack", None), getattr(request, "name", "")
    return " ".join(filter(None, (str(stack), name))) if stack else str(getattr(request, "region", ""))


class _Synthesizer(_Ear):
    def templates(self, topology: Topology, keys: Sequence[str]) -> Mapping[str, Template]:
        found: Mapping[str, Template] = self._inner.templates(topology, keys)
        self._memory.templates |= {key: found[key] for key in keys}
        return found


class _Revisions(_Ear):
    def revision(self, topology: Topology, recorded: Mapping[str, Any] | None) -> Revision:
        found: Revision = self._inner.revision(topology, recorded)
        self._memory.revision = found
        return found


class _Issuers(_Ear):
    def keys(self, issuer: str) -> tuple[PublicKey, ...] | Unknown:
        found: tuple[PublicKey, ...] | Unknown = self._inner.keys(issuer)
        self._memory.keys = found
        return found


class _Detector(_Ear):
    def detect(self, lease: Lease, topology: Topology, seen: Outcome) -> Mapping[str, Any] | None:
        """What was detected is in the status, which is planned from."""
        found: Mapping[str, Any] | None = self._inner.detect(lease, topology, seen)
        if self._memory.facts is not None:
            self._memory.facts = replace(self._memory.facts, recorded=found)
        return found


class _Clock(_Ear):
    def now(self) -> datetime:
        found: datetime = self._inner.now()
        self._memory.readings.append(found)
        return found


class _Journal(_Ear):
    def record(self, topology: Topology, status: Mapping[str, Any]) -> None:
        seen = self._memory
        if seen.facts is not None:
            telling, seen.key = named(status, seen.facts, key_of(topology, seen.facts), asked=bool(seen.requests))
            status = telling if seen.named else status
        self._inner.record(topology, status)
        seen.status = status

    def forget(self, topology: Topology) -> None:
        if self._memory.facts is not None:
            self._memory.key = key_of(topology, self._memory.facts)
        self._inner.forget(topology)
