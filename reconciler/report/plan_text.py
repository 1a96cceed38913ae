"""A plan for people: on a terminal, and as Markdown in a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model.change import Action, Change, Disposition, Finding, Origin
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Goal, Hazard, Plan, Step, Wave
from reconciler.report.plan import planned_changes, summary
from reconciler.report.tombstones import finishing
from reconciler.report.words import (
    Paint,
    columns,
    count,
    each_line,
    human_duration,
    in_regions,
    markdown_table,
    one_line,
    place_of,
    plain,
    text_value,
    together,
    verb_of,
)

SYMBOLS = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-", Action.REPLACE: "±"}
_MEANING: Mapping[str, str] = {
    Hazard.WRITE_INTERRUPTION: "writes fail for up to some minutes",
    Hazard.DATA_DELETION: "data goes, after a final snapshot",
    Hazard.DATABASE_RESTART: "connections break, instance after instance",
    Hazard.BLAST_RADIUS: "more Regions than maxConcurrentRegions go out of service in one commit",
}
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
    lines += ["", verified(plan)] if verified(plan) else []
    for title, wave in _titled(plan):
        lines += ["", f"**{title}**", ""]
        lines += [
            f"- `{s.id}` ({human_duration(s.eta)}){': ' + s.why if s.why else ''}{_hazards(s)}" for s in wave.steps
        ]
        lines += [f"- wait for {line}" for line in _gates(wave)]
    notes = _notes(outcome)
    lines += ["", *(f"- {note}" for note in notes)] if notes else []
    lines += ["", f"<sub>revision `{plan.revision}`, fingerprint `{plan.fingerprint}`</sub>"]
    return "\n".join(lines)


def _headline(outcome: Outcome, paint: Paint) -> list[str]:
    plan = outcome.plan
    if plan.converged and not planned_changes(outcome) and not outcome.problems:
        if outcome.goal is Goal.DESTROY:
            return [paint("good", f"Nothing is left of {plan.topology}.")]
        rest = "suspended, so nothing would be done" if outcome.result is Result.SUSPENDED else "converged"
        aside = f" Finishing aside: {finishing(plan)}." if finishing(plan) else ""
        return [paint("good", f"No changes. {plan.topology} is {rest}.{aside}")]
    lines = [paint("bold", f"{plan.topology}: {summary(outcome)}")]
    if plan.steps and not plan.refusals:
        waves = [w for w in plan.waves if not w.aside]
        later = sum(len(w.steps) for w in plan.tombstones)
        more = f", {later} more aside" if later else ""
        steps = f"{count(len(plan.steps) - later, 'step')} in {count(len(waves), 'wave')}{more}"
        lines.append(f"{steps}; waiting on gates comes on top")
        lines += [f"verified: {verified(plan)}"] if verified(plan) else []
    if outcome.result is Result.SUSPENDED:
        lines.append(paint("warn", "suspended: none of this is done until the suspension is lifted"))
    return [*lines, paint("dim", f"revision {plan.revision[:12]}"), paint("dim", f"fingerprint {plan.fingerprint}")]


def _refusals_text(outcome: Outcome, paint: Paint) -> list[str]:
    lines: list[str] = []
    for refusal in outcome.plan.refusals:
        lines.append(paint("bad", f"Refused: {refusal.code}") + (f"  {refusal.path}" if refusal.path else ""))
        lines += [f"  {line}" for line in each_line(refusal.message).splitlines()]
    return lines


def _problems_text(outcome: Outcome, paint: Paint) -> list[str]:
    lines: list[str] = []
    for problem in outcome.problems:
        lines += [paint("bad", f"Problem: {problem.code}") + f"  {problem.step}", f"  {one_line(problem.message)}"]
    return lines


def _changes_text(outcome: Outcome, paint: Paint) -> list[str]:
    changes = planned_changes(outcome)
    rows = _made(changes)
    rows += [(c.action, _place(c), _what(c)) for c in changes if c.action is not Action.CREATE]
    table = columns([(SYMBOLS[action], place, what) for action, place, what in rows])
    lines = [paint(STYLES[action], line) for (action, _, _), line in zip(rows, table, strict=True)]
    return [paint("bold", "Changes"), *lines] if lines else []


def _made(changes: Iterable[Change]) -> list[tuple[Action, str, str]]:
    """What is new, one line for each place: a list of all its parts says little."""
    places: dict[str, list[str]] = {}
    for change in changes:
        if change.action is Action.CREATE:
            places.setdefault(_place(change), []).append(_what(change))
    return [(Action.CREATE, place, ", ".join(parts)) for place, parts in places.items()]


def verified(plan: Plan) -> str:
    """What the replay of the plan came to; empty where there is none to speak of."""
    done = plan.verification
    if not done.prefixes or plan.refusals:
        return ""
    states = f"{count(done.prefixes, 'prefix', 'prefixes')}, {count(done.faulted, 'faulted state')} checked"
    return f"{states}, {count(len(done.violations), 'violation')}"


def _titled(plan: Plan) -> list[tuple[str, Wave]]:
    """Waves are counted but for those that finish aside, which Ready does not wait for."""
    waves, withheld = plan.waves or plan.withheld, "Withheld: " if plan.withheld else ""
    main = [w for w in waves if not w.aside]
    aside = [(f"{withheld}Aside, {wave.chain}", wave) for wave in waves if wave.aside]
    return [*((f"{withheld}Wave {n} of {len(main)}", wave) for n, wave in enumerate(main, 1)), *aside]


def _waves_text(plan: Plan, paint: Paint) -> list[str]:
    lines: list[str] = []
    for title, wave in _titled(plan):
        longest = max((s.eta for s in wave.steps), default=None)
        eta = f", about {human_duration(longest)}" if longest else ""
        lines.append(paint("bold", f"{title}{eta}"))
        lines += [f"  {line}" for line in _steps(wave)]
        lines += [paint("dim", f"  {'then ' if wave.steps else ''}wait for {line}") for line in _gates(wave)]
    return lines


def _steps(wave: Wave) -> list[str]:
    """The same step in several Regions is one line. Its time is said where it is not the whole wave's."""
    named: dict[tuple[str, str], list[Step]] = {}
    longest = max((s.eta for s in wave.steps), default=None)
    for step in wave.steps:
        eta = "" if step.eta == longest else f" ({human_duration(step.eta)})"
        why = f": {step.why}" if step.why else ""
        named.setdefault((verb_of(step), f"{eta}{why}{_hazards(step)}"), []).append(step)
    return [together(steps) + rest for (_, rest), steps in named.items()]


def _gates(wave: Wave) -> list[str]:
    """Once only gates are left, each says what it waits for. Before that they are just named, and those that hold
    already are, too: they have to hold after the steps."""
    if not wave.steps:
        return [
            in_regions(g.name, [g.region]) + (f": {one_line(g.detail)}" if g.detail else "") for g in wave.waiting_for
        ]
    places: dict[str, list[str | None]] = {}
    for gate in wave.gates:
        places.setdefault(gate.name, []).append(gate.region)
    named: dict[tuple[str | None, ...], list[str]] = {}
    for name, regions in places.items():
        named.setdefault(tuple(regions), []).append(name)
    return [in_regions(", ".join(names), regions) for regions, names in named.items()]


def _hazards_text(plan: Plan, paint: Paint) -> list[str]:
    found = sorted(
        {(h, s.id, _MEANING.get(h, "")) for w in plan.waves or plan.withheld for s in w.steps for h in s.hazards}
    )
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


def _place(change: Change) -> str:
    return place_of(change.path)


def _what(change: Change) -> str:
    """The change without its place and symbol: path below the place, values, origin. Empty for a whole place."""
    place = _place(change)
    below = change.path.removeprefix(f"regions/{place}").removeprefix(place).removeprefix("/")
    values = _values(change)
    gap = " " if change.action is Action.CREATE else "  "
    return f"{below}{gap}{values}".strip() + _origin(change)


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
            old = "" if _old(change) == "(none)" else _old(change)
            return f"leaves (now {old})" if old and change.path == f"regions/{_place(change)}" else old
        case _:
            return f"{_old(change)} → {_new(change)}"


def _origin(change: Change) -> str:
    """Said only where it is not the usual one."""
    return "" if change.origin is Origin.GIT else f" ({change.origin})"


def _hazards(step: Step) -> str:
    return f"  [hazard: {', '.join(step.hazards)}]" if step.hazards else ""
