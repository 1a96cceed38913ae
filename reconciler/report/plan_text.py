"""A plan for people, on a terminal. `report/github` says the same in Markdown, with words from here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.model.change import Action, Change, Disposition, Finding, Origin
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Goal, Hazard, Plan, Step, Wave
from reconciler.model.preflight import Preflight
from reconciler.report.plan import planned_changes, summary
from reconciler.report.preflight import (
    checks_text,
    cost_text,
    failures_text,
    objectives_text,
)
from reconciler.report.tombstones import finishing
from reconciler.report.words import (
    Paint,
    columns,
    count,
    each_line,
    human_duration,
    in_regions,
    one_line,
    place_of,
    plain,
    text_value,
    together,
    verb_of,
)

SYMBOLS = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-", Action.REPLACE: "±"}
MEANING: Mapping[str, str] = {
    Hazard.WRITE_INTERRUPTION: "writes fail for up to some minutes",
    Hazard.DATA_DELETION: "data goes, after a final snapshot",
    Hazard.DATABASE_RESTART: "connections break, instance after instance",
    Hazard.BLAST_RADIUS: "more Regions than maxConcurrentRegions go out of service in one commit",
    Hazard.REQUESTS_PAST_DNS: "whoever calls a Region by its own name is cut off",
}
ONCE = "once that is let pass: "
WAITING = "waiting on gates comes on top"
SUSPENDED = "suspended: none of this is done until the suspension is lifted"
STYLES = {Action.CREATE: "good", Action.UPDATE: "warn", Action.DELETE: "bad", Action.REPLACE: "bad"}


def plan_text(outcome: Outcome, paint: Paint = plain, preflight: Preflight | None = None) -> str:
    """Headline first, then what stands in the way, what changes, and how."""
    looked_at, path = preflight or Preflight(), shown(outcome.plan)
    sections = [
        _headline(outcome, paint),
        failures_text(looked_at, paint),
        _refusals_text(outcome, paint),
        _problems_text(outcome, paint),
        _changes_text(outcome, paint),
        _waves_text(path, paint),
        _hazards_text(path, paint),
        checks_text(looked_at, paint),
        cost_text(looked_at, paint),
        objectives_text(looked_at, paint),
        _notes_text(outcome, paint),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def _headline(outcome: Outcome, paint: Paint) -> list[str]:
    plan = outcome.plan
    if nothing := nothing_to_do(outcome):
        return [paint("good", nothing)]
    lines = [paint("bold", f"{plan.topology}: {summary(outcome)}")]
    path = shown(plan)
    if path.steps and not path.refusals:
        lines.append(f"{ONCE if plan.refusals else ''}{extent(path)}; {WAITING}")
        lines += [f"verified: {verified(path)}"] if verified(path) else []
    if outcome.result is Result.SUSPENDED:
        lines.append(paint("warn", SUSPENDED))
    return [*lines, paint("dim", f"revision {plan.revision[:12]}"), paint("dim", f"fingerprint {plan.fingerprint}")]


def shown(plan: Plan) -> Plan:
    """A plan that waits for a person's word, or for its hour, as it would be carried out."""
    return replace(plan, waves=plan.withheld, refusals=()) if plan.withheld else plan


def nothing_to_do(outcome: Outcome) -> str:
    """The whole plan in a sentence, where nothing changes; else empty."""
    plan = outcome.plan
    if not plan.converged or planned_changes(outcome) or outcome.problems:
        return ""
    if outcome.goal is Goal.DESTROY:
        return f"Nothing is left of {plan.topology}."
    rest = "suspended, so nothing would be done" if outcome.result is Result.SUSPENDED else "converged"
    aside = f" Finishing aside: {finishing(plan)}." if finishing(plan) else ""
    return f"No changes. {plan.topology} is {rest}.{aside}"


def extent(plan: Plan) -> str:
    waves = [w for w in plan.waves if not w.aside]
    later = sum(len(w.steps) for w in plan.tombstones)
    more = f", {later} more aside" if later else ""
    return f"{count(len(plan.steps) - later, 'step')} in {count(len(waves), 'wave')}{more}"


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
    rows = made(changes)
    rows += [(c.action, change_place(c), what_changes(c)) for c in changes if c.action is not Action.CREATE]
    table = columns([(SYMBOLS[action], place, what) for action, place, what in rows])
    lines = [paint(STYLES[action], line) for (action, _, _), line in zip(rows, table, strict=True)]
    return [paint("bold", "Changes"), *lines] if lines else []


def made(changes: Iterable[Change]) -> list[tuple[Action, str, str]]:
    """What is new, one line for each place: a list of all its parts says little."""
    places: dict[str, list[str]] = {}
    for change in changes:
        if change.action is Action.CREATE:
            places.setdefault(change_place(change), []).append(what_changes(change))
    return [(Action.CREATE, place, ", ".join(parts)) for place, parts in places.items()]


def verified(plan: Plan) -> str:
    """What the replay of the plan came to; empty where there is none to speak of."""
    done = plan.verification
    if not done.prefixes or plan.refusals:
        return ""
    states = f"{count(done.prefixes, 'prefix', 'prefixes')}, {count(done.faulted, 'faulted state')} checked"
    return f"{states}, {count(len(done.violations), 'violation')}"


def titled_waves(plan: Plan) -> list[tuple[str, Wave]]:
    """Waves are counted but for those that finish aside, which Ready does not wait for."""
    counted = len(plan.waves) - len(plan.tombstones)
    numbered = enumerate((w for w in plan.waves if not w.aside), 1)
    aside = [(f"Aside, {wave.chain}", wave) for wave in plan.tombstones]
    return [*((f"Wave {n} of {counted}", wave) for n, wave in numbered), *aside]


def _waves_text(plan: Plan, paint: Paint) -> list[str]:
    lines: list[str] = []
    for title, wave in titled_waves(plan):
        longest = max((s.eta for s in wave.steps), default=None)
        eta = f", about {human_duration(longest)}" if longest else ""
        lines.append(paint("bold", f"{title}{eta}"))
        lines += [f"  {line}" for line in _steps(wave)]
        lines += [paint("dim", f"  {'then ' if wave.steps else ''}wait for {line}") for line in awaited_gates(wave)]
    return lines


def _steps(wave: Wave) -> list[str]:
    return [said + (f"  [hazard: {', '.join(hazards)}]" if hazards else "") for said, hazards in grouped_steps(wave)]


def grouped_steps(wave: Wave) -> list[tuple[str, tuple[str, ...]]]:
    """Steps with their hazards. The same step in several Regions is one; its time is said where it is not the whole wave's."""
    named: dict[tuple[str, str, tuple[str, ...]], list[Step]] = {}
    longest = max((s.eta for s in wave.steps), default=None)
    for step in wave.steps:
        eta = "" if step.eta == longest else f" ({human_duration(step.eta)})"
        why = f": {step.why}" if step.why else ""
        named.setdefault((verb_of(step), f"{eta}{why}", step.hazards), []).append(step)
    return [(together(steps) + rest, hazards) for (_, rest, hazards), steps in named.items()]


def awaited_gates(wave: Wave) -> list[str]:
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
    found = sorted({(h, s.id, MEANING.get(h, "")) for s in plan.steps for h in s.hazards})
    return [paint("bold", "Hazards"), *(paint("warn", line) for line in columns(found))] if found else []


def _notes_text(outcome: Outcome, paint: Paint) -> list[str]:
    notes = plan_notes(outcome)
    return [paint("bold", "Notes"), *(f"  {one_line(note)}" for note in notes)] if notes else []


def plan_notes(outcome: Outcome) -> list[str]:
    """The plan's own notes, and the drift that it leaves alone."""
    notes = list(outcome.plan.notes)
    left: tuple[Finding, ...] = tuple(f for f in outcome.diff.findings if f.disposition is not Disposition.HEAL)
    if left:
        paths = ", ".join(f.path for f in left[:3]) + (", …" if len(left) > 3 else "")
        notes.append(f"{count(len(left), 'drift finding')} left as found ({paths}): see `meridian drift`")
    return notes


def change_place(change: Change) -> str:
    return place_of(change.path)


def what_changes(change: Change) -> str:
    """The change without its place and symbol: path below the place, values, origin. Empty for a whole place."""
    values = _values(change)
    gap = " " if change.action is Action.CREATE else "  "
    return f"{below_place(change)}{gap}{values}".strip() + origin_said(change)


def below_place(change: Change) -> str:
    """The rest of its path; empty for a whole place."""
    place = change_place(change)
    return change.path.removeprefix(f"regions/{place}").removeprefix(place).removeprefix("/")


def old_value(change: Change) -> str:
    """What is there now: what was observed where that is why it changes, else what was applied last."""
    value = change.observed if change.origin is Origin.DRIFT or change.applied is None else change.applied
    return text_value(change.path, value)


def new_value(change: Change) -> str:
    return text_value(change.path, change.desired)


def _values(change: Change) -> str:
    match change.action:
        case Action.CREATE:
            return "" if change.desired is None else new_value(change)
        case Action.DELETE:
            old = "" if old_value(change) == "(none)" else old_value(change)
            return f"leaves (now {old})" if old and change.path == f"regions/{change_place(change)}" else old
        case _:
            return f"{old_value(change)} → {new_value(change)}"


def origin_said(change: Change) -> str:
    """Said only where it is not the usual one."""
    return "" if change.origin is Origin.GIT else f" ({change.origin})"
