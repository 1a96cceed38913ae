"""A plan for people: on a terminal, and as Markdown in a pull request."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.change import Action, Change, Disposition, Finding, Origin
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Gate, Plan, Step, Wave
from reconciler.report.plan import planned_changes, summary
from reconciler.report.words import (
    Paint,
    columns,
    count,
    human_duration,
    markdown_table,
    one_line,
    place_of,
    plain,
    text_value,
)

SYMBOLS = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-", Action.REPLACE: "±"}
STYLES = {Action.CREATE: "good", Action.UPDATE: "warn", Action.DELETE: "bad", Action.REPLACE: "bad"}


def plan_text(outcome: Outcome, paint: Paint = plain) -> str:
    """Headline first, then what changes, how, and what stands in the way."""
    sections = [
        _headline(outcome, paint),
        _refusals_text(outcome, paint),
        _problems_text(outcome, paint),
        _changes_text(outcome, paint),
        _waves_text(outcome.plan, paint),
        _hazards_text(outcome.plan, paint),
        _notes_text(outcome, paint),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def plan_markdown(outcome: Outcome) -> str:
    plan = outcome.plan
    lines = [f"### {plan.topology}: {summary(outcome)}", ""]
    lines += [f"> **refused: {r.code}** `{r.path}`: {one_line(r.message)}" for r in plan.refusals]
    lines += [f"> **{p.code}** `{p.step}`: {one_line(p.message)}" for p in outcome.problems]
    if changes := planned_changes(outcome):
        rows = [(SYMBOLS[c.action], f"`{c.path}`", f"`{_old(c)}`", f"`{_new(c)}`", str(c.origin)) for c in changes]
        lines += ["", *markdown_table(("", "path", "now", "desired", "origin"), rows)]
    for number, wave in enumerate(plan.waves, 1):
        lines += ["", f"**Wave {number} of {len(plan.waves)}**", ""]
        lines += [
            f"- `{s.id}` ({human_duration(s.eta)}){': ' + s.why if s.why else ''}{_hazards(s)}" for s in wave.steps
        ]
        lines += [f"- wait for {_gate_text(g)}" for g in wave.gates]
    notes = _notes(outcome)
    lines += ["", *(f"- {note}" for note in notes)] if notes else []
    lines += ["", f"<sub>revision `{plan.revision}`, fingerprint `{plan.fingerprint}`</sub>"]
    return "\n".join(lines)


def _headline(outcome: Outcome, paint: Paint) -> list[str]:
    plan = outcome.plan
    if plan.converged and not plan.changes and not outcome.problems:
        rest = "suspended, so nothing would be done" if outcome.result is Result.SUSPENDED else "converged"
        return [paint("good", f"No changes. {plan.topology} is {rest}.")]
    lines = [paint("bold", f"{plan.topology}: {summary(outcome)}")]
    if plan.steps and not plan.refusals:
        lines.append(
            f"{count(len(plan.steps), 'step')} in {count(len(plan.waves), 'wave')}; waiting on gates comes on top"
        )
    if outcome.result is Result.SUSPENDED:
        lines.append(paint("warn", "suspended: none of this is done until the suspension is lifted"))
    return [*lines, paint("dim", f"revision {plan.revision}, fingerprint {plan.fingerprint}")]


def _refusals_text(outcome: Outcome, paint: Paint) -> list[str]:
    lines: list[str] = []
    for refusal in outcome.plan.refusals:
        lines.append(paint("bad", f"Refused: {refusal.code}") + (f"  {refusal.path}" if refusal.path else ""))
        lines.append(f"  {one_line(refusal.message)}")
    return lines


def _problems_text(outcome: Outcome, paint: Paint) -> list[str]:
    lines: list[str] = []
    for problem in outcome.problems:
        lines += [paint("bad", f"Problem: {problem.code}") + f"  {problem.step}", f"  {one_line(problem.message)}"]
    return lines


def _changes_text(outcome: Outcome, paint: Paint) -> list[str]:
    lines: list[str] = []
    for place, changes in _by_place(planned_changes(outcome)):
        lines.append(f"  {place}")
        table = columns([(SYMBOLS[c.action], _below(place, c.path), _values(c) + _origin(c)) for c in changes], "    ")
        lines += [paint(STYLES[c.action], line) for c, line in zip(changes, table, strict=True)]
    return [paint("bold", "Changes"), *lines] if lines else []


def _waves_text(plan: Plan, paint: Paint) -> list[str]:
    lines: list[str] = []
    for number, wave in enumerate(plan.waves, 1):
        longest = max((s.eta for s in wave.steps), default=None)
        eta = f", about {human_duration(longest)}" if longest else ""
        lines.append(paint("bold", f"Wave {number} of {len(plan.waves)}{eta}"))
        lines += columns([(s.id, human_duration(s.eta), s.why + _hazards(s)) for s in wave.steps])
        lines += _gates_text(wave, paint)
    return lines


def _gates_text(wave: Wave, paint: Paint) -> list[str]:
    """Gates that hold already are not worth a line of their own. Once only gates are left, each says what it waits for."""
    met = len(wave.gates) - len(wave.waiting_for)
    lines = [f"  then wait for {text}" for text in _awaited(wave)]
    return [paint("dim", line) for line in [*lines, *([f"  {count(met, 'gate')} already met"] if met else [])]]


def _awaited(wave: Wave) -> list[str]:
    named: dict[str, list[Gate]] = {}
    for gate in wave.waiting_for:
        named.setdefault(gate.name, []).append(gate)
    lines: list[str] = []
    for name, gates in named.items():
        if len(gates) > 1 and wave.steps:
            lines.append(f"{name} in {', '.join(g.region or 'every Region' for g in gates)}")
        else:
            lines += [_gate_text(g) for g in gates]
    return lines


def _hazards_text(plan: Plan, paint: Paint) -> list[str]:
    found = sorted({(h, s.id) for s in plan.steps for h in s.hazards})
    return [paint("bold", "Hazards"), *(paint("warn", line) for line in columns(found))] if found else []


def _notes_text(outcome: Outcome, paint: Paint) -> list[str]:
    notes = _notes(outcome)
    return [paint("bold", "Notes"), *(f"  {one_line(note)}" for note in notes)] if notes else []


def _notes(outcome: Outcome) -> list[str]:
    """The plan's own notes, and the drift that it leaves alone."""
    notes = list(outcome.plan.notes)
    left: tuple[Finding, ...] = tuple(f for f in outcome.diff.findings if f.disposition is not Disposition.HEAL)
    if left:
        paths = ", ".join(f.path for f in left[:3]) + (", …" if len(left) > 3 else "")
        notes.append(f"{count(len(left), 'drift finding')} left as found ({paths}): see `meridian drift`")
    return notes


def _by_place(changes: Iterable[Change]) -> list[tuple[str, list[Change]]]:
    places: dict[str, list[Change]] = {}
    for change in changes:
        places.setdefault(place_of(change.path), []).append(change)
    return list(places.items())


def _below(place: str, path: str) -> str:
    return path.removeprefix(f"regions/{place}").removeprefix(place).removeprefix("/") or "(all of it)"


def _old(change: Change) -> str:
    """What is there now: what was observed where that is why it changes, else what was applied last."""
    value = change.observed if change.origin is Origin.DRIFT or change.applied is None else change.applied
    return text_value(change.path, value)


def _new(change: Change) -> str:
    return text_value(change.path, change.desired)


def _values(change: Change) -> str:
    match change.action:
        case Action.CREATE:
            return "" if change.desired is None else _new(change)
        case Action.DELETE:
            return "" if _old(change) == "(none)" else _old(change)
        case _:
            return f"{_old(change)} → {_new(change)}"


def _origin(change: Change) -> str:
    """Said only where it is not the usual one."""
    return "" if change.origin is Origin.GIT else f"  ({change.origin})"


def _hazards(step: Step) -> str:
    return f"  [hazard: {', '.join(step.hazards)}]" if step.hazards else ""


def _gate_text(gate: Gate) -> str:
    return f"{gate.id}: {one_line(gate.detail)}" if gate.detail else gate.id
