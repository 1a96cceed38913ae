"""`meridian approve`: a person's word for one plan, by its fingerprint; and the word of who runs `converge --plan`.

Needs no lease: the next pass finds it. Who approved is what AWS says of the caller.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import click

from reconciler.cli import exits, inputs, output
from reconciler.cli.settings import Settings
from reconciler.loop import Ports
from reconciler.model.approval import FINGERPRINT, Approval
from reconciler.model.facts import Facts, Sweep
from reconciler.model.topology import Topology
from reconciler.model.unknown import Unknown
from reconciler.ports import Cloud
from reconciler.report.approval import approval_json, approval_text
from reconciler.report.words import iso_time

Wanted = Callable[[Approval | None], Approval | None]
LONGEST = timedelta(days=30)
_REASON = 500


def approve(
    settings: Settings,
    name: str,
    *,
    fingerprint: str | None,
    expires: timedelta,
    reason: str,
    revoke: bool,
    path: Path,
    home_region: str | None,
) -> int:
    from reconciler import wiring

    _checked(fingerprint, expires, reason, revoke=revoke)
    home = inputs.home(name, path, home_region)
    waiting, now = _awaited(name, home), wiring.now()
    made = Approval(
        fingerprint=fingerprint or "",
        by=wiring.caller(home),
        at=iso_time(now),
        expires=now + expires,
        reason=reason.strip(),
    )
    before, after = wiring.approvals(home).change(name, _taken_back(made) if revoke else _given(made))
    woken = wiring.wake(name, home, made.by, "approval") if before != after else ""
    document = approval_json(name, before, after, waiting, woken)
    text = approval_text(name, before, after, waiting, woken)
    output.show_all(settings, [document], lambda: [text], lambda: [text])
    return exits.DONE


def _given(made: Approval) -> Wanted:
    """The newest word counts: a second one for the same plan gives it more time."""
    return lambda _before: made


def _taken_back(made: Approval) -> Wanted:
    """Without a fingerprint, what was approved last. With one, also what goes on by a file or by a run with a plan."""

    def wanted(before: Approval | None) -> Approval | None:
        what = made.fingerprint or (before.fingerprint if before else "")
        if not what or (before and before.revoked and before.fingerprint == what):
            return before
        same = before if before and before.fingerprint == what else replace(made, fingerprint=what)
        return replace(same, revoked=made.by, reason=made.reason)

    return wanted


def _checked(fingerprint: str | None, expires: timedelta, reason: str, *, revoke: bool) -> None:
    """Refused before AWS is asked."""
    if fingerprint is None and not revoke:
        raise click.UsageError("--fingerprint is missing: that of the plan, as `meridian plan` or the status shows it")
    if fingerprint is not None and not re.fullmatch(FINGERPRINT, fingerprint):
        raise click.UsageError(f"{fingerprint!r} is not a plan's fingerprint: sha256: and 64 digits")
    if not reason.strip() or len(reason) > _REASON:
        raise click.UsageError(f"--reason must say why, in at most {_REASON} characters")
    if expires > LONGEST:
        raise click.UsageError(f"--expires is longer than {LONGEST.days} days: the plan will not be the same by then")


def _awaited(name: str, home: str) -> str | None:
    """The fingerprint that the status shows to wait. Refused for what is not there: a name may be mistyped."""
    from reconciler import wiring

    status = wiring.recorded(name, home).status
    if status is None:
        message = f"nothing is recorded of {name} in {home}: no pass got that far yet"
        raise exits.NotDone(message, code="NotRecorded")
    waits: Mapping[str, Any] = (status.get("plan") or {}).get("approval") or {}
    return str(waits["fingerprint"]) if waits else None


def agreed(ports: Ports, topology: Topology, fingerprint: str, by: Callable[[str], str]) -> Ports:
    """Ports of a run with a plan file: whoever runs it has read this very plan. Part of the facts, so that a record has it."""
    if topology.safety.approval == "none":
        return ports
    now = ports.clock.now()
    word = Approval(
        fingerprint=fingerprint,
        by=by(topology.home_region),
        at=iso_time(now),
        expires=now + timedelta(days=1),
        reason="converge --plan",
    )
    return replace(ports, cloud=cast("Cloud", _Agreed(ports.cloud, word)))


class _Agreed:
    def __init__(self, inner: Cloud, word: Approval) -> None:
        self._inner, self._word = inner, word

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def facts(self, topology: Topology, sweep: Sweep = Sweep.PLAN, asked: Callable[[], bool] | None = None) -> Facts:
        found = self._inner.facts(topology, sweep, asked) if asked else self._inner.facts(topology, sweep)
        given = found.approval
        recorded = None if isinstance(given, Unknown) else Approval.recorded(given)
        if recorded and recorded.revoked and recorded.fingerprint == self._word.fingerprint:
            return found  # somebody has taken back this very plan, before or meanwhile: that ends the run, too
        return replace(found, approval=self._word.document())
