"""`meridian drift`: what was changed behind our back; with `--heal`, its repair."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from reconciler.cli import exits, inputs, output
from reconciler.cli.looking import look_at_all
from reconciler.cli.settings import Settings
from reconciler.model.change import Disposition, Origin
from reconciler.model.errors import ReconcilerError, Refused, WrongAccount
from reconciler.model.facts import Sweep
from reconciler.model.outcome import Outcome
from reconciler.model.topology import Topology
from reconciler.report.contention import contention
from reconciler.report.drift import drift_json, drift_text
from reconciler.report.github.issue import drift_markdown


def drift(settings: Settings, path: Path, *, heal: bool, strict: bool, timeout: timedelta) -> int:
    topologies = inputs.topologies(path)
    outcomes, codes = look_at_all(settings, topologies, sweep=Sweep.FULL)
    refuse_another_account(outcomes)
    if heal:
        codes += _detect(outcomes, topologies)
        outcomes, _ = look_at_all(settings, topologies, sweep=Sweep.FULL)
        codes += _heal(settings, topologies, outcomes, timeout)
        codes += _detect(outcomes, topologies, again=True)
        outcomes, unread = look_at_all(settings, topologies, sweep=Sweep.FULL)
        codes += unread
    if not outcomes:
        return exits.combined(codes)
    output.show_all(
        settings,
        [drift_json(o) for o in outcomes],
        lambda: [drift_text(o, output.paint(settings)) for o in outcomes],
        lambda: [drift_markdown(o) for o in outcomes],
    )
    found = [exits.of_drift(o, detailed=settings.detailed_exitcode, strict=strict) for o in outcomes]
    return exits.combined([*codes, *found])


def refuse_another_account(outcomes: list[Outcome]) -> None:
    """What is or is not in an account that is not the topology's says nothing about drift."""
    wrong = (r for o in outcomes for r in o.plan.refusals if r.code == "WrongAccount")
    if refusal := next(wrong, None):
        raise WrongAccount(refusal.message, path=refusal.path)


def _detect(outcomes: list[Outcome], topologies: tuple[Topology, ...], *, again: bool = False) -> list[int]:
    """Have CloudFormation compare, too; `again`: only the stacks that were deployed since. What it cannot compare is said."""
    from reconciler import wiring
    from reconciler.detecting import detect

    seen, codes = {outcome.topology for outcome in outcomes}, []
    ports = wiring.ports()
    for topology in topologies:
        try:
            left = detect(ports, topology, again=again) if topology.name in seen else {}
        except ReconcilerError as error:
            if len(topologies) == 1:
                raise
            output.tell(f"{topology.name}: {error.code}: {error.message}")
            codes.append(exits.of_error(error))
        else:
            for ref, why in left.items():
                output.tell(f"{topology.name}: drift of {ref} as CloudFormation sees it is not known: {why}")
    return codes


def _heal(
    settings: Settings, topologies: tuple[Topology, ...], outcomes: list[Outcome], timeout: timedelta
) -> list[int]:
    """Run passes for the topologies that have something to heal, and say what they do on stderr: stdout is the report's."""
    from reconciler.cli.converge import run_passes

    named = {topology.name: topology for topology in topologies}
    found = [o for o in outcomes if any(f.called or f.disposition is Disposition.HEAL for f in o.diff.findings)]
    for outcome in found:
        _refuse_more_than_drift(outcome, named[outcome.topology])
        seen = outcome.observed
        output.warn(contention(outcome.topology, outcome.revision, seen.recorded, seen.suspension))
    return run_passes(settings, [named[o.topology] for o in found], timeout=timeout, quiet=True)


def _refuse_more_than_drift(outcome: Outcome, topology: Topology) -> None:
    """Whoever asks for a repair does not ask for what a commit brings along."""
    if topology.drift.mode == "report":
        raise Refused(
            f"{topology.name} only reports drift; set drift.mode to heal, or undo by hand what was changed",
            code="HealingOff",
            path="spec.drift.mode",
        )
    more = sorted({c.path for c in outcome.plan.changes if c.origin is not Origin.DRIFT})
    if more:
        named = ", ".join(more[:3]) + (", …" if len(more) > 3 else "")
        raise Refused(
            f"{topology.name} has more to change than drift ({named}); `meridian converge` does all of it",
            code="MoreThanDrift",
        )
