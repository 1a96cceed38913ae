"""A plan in sections: what stands in the way first, then what changes, how, and what is worth knowing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from reconciler.model.change import Action, Change
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Plan
from reconciler.report.github.escape import LONGEST, code, words
from reconciler.report.github.layout import ROWS, alert, bullets, fold, table, titled
from reconciler.report.github.limits import Section
from reconciler.report.github.links import Links, commit_link, link
from reconciler.report.github.mermaid import moves, picture, places_now
from reconciler.report.plan import planned_changes, summary
from reconciler.report.plan_text import (
    MEANING,
    ONCE,
    SUSPENDED,
    SYMBOLS,
    WAITING,
    awaited_gates,
    below_place,
    change_place,
    extent,
    grouped_steps,
    new_value,
    nothing_to_do,
    old_value,
    origin_said,
    plan_notes,
    shown,
    titled_waves,
    verified,
)
from reconciler.report.regions import region_reports
from reconciler.report.words import count, human_duration, iso_time

_FIRST, _SHORTER = 5, 500
"""Refusals and problems that are told where there is little room, and characters of each."""
_OPEN = 14
"""Waves that are shown without a click."""
_COMMAND = re.compile(r"(meridian [^`,]+)(?:, (.*))?")
_ENTRY = re.compile(r"[A-Za-z.]+: [\[{][^`]*")
_SIGNS = {action: sign.replace("-", "−").replace("~", "\\~") for action, sign in SYMBOLS.items()}


def headline(outcome: Outcome) -> str:
    return f"### {words(outcome.topology)}: {summary(outcome)}"


def in_the_way(outcome: Outcome, *, short: bool = False) -> str:
    """Refusals and problems, each with its way out; a message of several lines has one way out in each."""
    longest, most = (_SHORTER, _FIRST) if short else (LONGEST, None)
    refusals, problems = outcome.plan.refusals[:most], outcome.problems[:most]
    told = [
        *((f"**Refused: {code(r.code, longest)}**", r.path, r.message) for r in refusals),
        *((f"**Problem: {code(p.code, longest)}**", p.step, p.message) for p in problems),
    ]
    lines: list[str] = []
    for title, where, message in told:
        lines += ["", f"{title} {code(where, longest)}" if where else title, ""]
        first, *ways_out = message[:longest].splitlines() or [""]
        lines += [words(first, longest), *(f"- {_way_out(line, longest)}" for line in ways_out if line)]
    more = len(outcome.plan.refusals) + len(outcome.problems) - len(told)
    lines += ["", f"and {more} more"] if more else []
    return alert("CAUTION", lines[1:])


def _way_out(line: str, longest: int) -> str:
    """A command, or a line of the document, is to be pasted: one piece of code."""
    if _ENTRY.fullmatch(line):
        return code(line, longest)
    command = _COMMAND.fullmatch(line)
    if command is None:
        return words(line, longest)
    return code(command[1], longest) + (f", {words(command[2], longest)}" if command[2] else "")


def state(outcome: Outcome) -> str:
    """The whole in one or two lines."""
    if nothing := nothing_to_do(outcome):
        return words(nothing)
    plan = shown(outcome.plan)
    once = ONCE.capitalize() if plan is not outcome.plan else ""
    told = f"{once}{extent(plan)}; {WAITING}." if plan.steps and not plan.refusals else ""
    told += f" Verified: {verified(plan)}." if verified(plan) else ""
    suspended = alert("WARNING", [SUSPENDED]) if outcome.result is Result.SUSPENDED else ""
    return "\n\n".join(text for text in (told.strip(), suspended) if text)


def body(outcome: Outcome) -> list[Section]:
    """In the order in which they are read."""
    path = shown(outcome.plan)
    return [
        _hazards(path),
        _regions_moving(outcome),
        _changes(outcome),
        _waves(path),
    ]


def folded(outcome: Outcome) -> list[Section]:
    """What stays as it is: there for who asks."""
    moving = moves(outcome)
    there = {place.name for place in places_now(outcome)}
    # How they are without this plan, which nobody has begun. Where the plan says that more is wrong than that steps are left, it
    # stays, for it knows that an update was rolled back which is still wanted.
    idle = {r.name: r.health for r in region_reports(replace(outcome, plan=replace(outcome.plan, waves=())))}
    rows = [
        (
            code(r.name),
            words(r.traffic),
            words(idle[r.name] if r.health == "Progressing" else r.health),
            words(r.database_role),
        )
        for r in region_reports(outcome)
        if r.name in there
    ]
    title = f"{count(len(rows), 'Region')} now" + ("" if moving else ", and after this plan")
    drawn = [] if moving else [picture(outcome)]
    text = "\n\n".join([*drawn, table(("Region", "traffic", "health", "database"), rows)])
    return [Section(name="the Regions as they are", weight=0, full=fold(title, text) if rows else "")]


def foot(outcome: Outcome, links: Links) -> str:
    """What this plan is a plan of, and how long it holds."""
    commit = links.commit or outcome.revision.commit
    facts = [
        f"fingerprint {code(outcome.plan.fingerprint, 100)}" if outcome.plan.fingerprint else "",
        f"commit {commit_link(commit, links)}",
        f"made at {code(iso_time(outcome.observed.at))}",
        link("run", links.run) if links.run else "",
        link("whole plan", links.artifact) if links.artifact else "",
    ]
    holds = (
        "Every pass plans anew: this one holds as long as the fingerprint stays, and so does an approval of it. "
        "`meridian plan` tells the fingerprint of now."
    )
    return f"---\n\n{' · '.join(f for f in facts if f)}\n\n{holds}"


def _regions_moving(outcome: Outcome) -> Section:
    drawn = picture(outcome) if moves(outcome) else ""
    return Section(name="the picture", weight=3, full=drawn)


def _changes(outcome: Outcome) -> Section:
    rows = _change_rows(planned_changes(outcome))
    header = ("", "where", "what", "now", "then")
    return Section(
        name="the changes",
        weight=6,
        full=titled("Changes", table(header, rows)),
        short=titled("Changes", table(header, rows, ROWS, "line")) if len(rows) > ROWS else "",
    )


def _change_rows(changes: Iterable[Change]) -> list[tuple[str, ...]]:
    """What goes first, then what is new, then what is changed. What is new is one line for each place, the same change in several
    places is one, too."""
    made: dict[tuple[str, str], list[str]] = {}
    others: dict[tuple[str, ...], list[str]] = {}
    for change in changes:
        what = code(below_place(change)) if below_place(change) else "all of it"
        if change.action is Action.CREATE:
            value = "" if change.desired is None else f" {code(new_value(change))}"
            made.setdefault((change_place(change), origin_said(change)), []).append(what + value)
        else:
            others.setdefault(_told(change, what), []).append(change_place(change))
    new = [("\\+", code(place), ", ".join(parts) + origin, "", "") for (place, origin), parts in made.items()]
    rest = [(sign, ", ".join(map(code, dict.fromkeys(places))), *told) for (sign, *told), places in others.items()]
    changed = _SIGNS[Action.UPDATE]
    return [*(r for r in rest if r[0] != changed), *new, *(r for r in rest if r[0] == changed)]


def _told(change: Change, what: str) -> tuple[str, ...]:
    """All of it but the place."""
    goes = change.action is Action.DELETE
    old = "" if goes and old_value(change) == "(none)" else code(old_value(change))
    return _SIGNS[change.action], what + origin_said(change), old, "" if goes else code(new_value(change))


def _hazards(plan: Plan) -> Section:
    found: dict[str, list[str]] = {}
    for step in plan.steps:
        for hazard in step.hazards:
            found.setdefault(hazard, []).append(step.id)
    lines = []
    for hazard, steps in sorted(found.items()):
        meaning = f": {MEANING[hazard]}" if hazard in MEANING else ""
        allowed = "; the document allows it by name" if hazard in plan.approved else ""
        lines.append(f"**{code(hazard)}**{meaning}{allowed} ({_listed(steps)})")
    return Section(
        name="the hazards",
        weight=8,
        full=alert("WARNING", ["**Hazards**", "", *(f"- {x}" for x in lines)]) if lines else "",
    )


def _listed(ids: list[str], most: int = 12) -> str:
    more = f" and {len(ids) - most} more" if len(ids) > most else ""
    return ", ".join(map(code, ids[:most])) + more


def _waves(plan: Plan) -> Section:
    rows = []
    for title, wave in titled_waves(plan):
        steps = [words(said) + "".join(f" ⚠ {code(h)}" for h in hazards) for said, hazards in grouped_steps(wave)]
        longest = max((s.eta for s in wave.steps), default=None)
        about = human_duration(longest) if longest else ""
        rows.append((_wave_name(title), "<br>".join(steps), "<br>".join(map(words, awaited_gates(wave))), about))
    drawn = table(("wave", "steps, together", "then wait for", "about"), rows)
    if len(rows) > _OPEN:
        return Section(name="the waves", weight=5, full=fold(f"{len(rows)} waves and their gates", drawn))
    return Section(name="the waves", weight=5, full=titled("Waves and gates", drawn))


def _wave_name(title: str) -> str:
    return words(title.removeprefix("Wave "))


def notes(outcome: Outcome) -> Section:
    told = [words(note) for note in plan_notes(outcome)]
    return Section(
        name="the notes",
        weight=4,
        full=titled("Notes", bullets(told)),
        short=titled("Notes", bullets(told, _FIRST)) if len(told) > _FIRST else "",
    )
