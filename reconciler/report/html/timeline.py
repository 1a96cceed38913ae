"""The rollout under way, or the last one, as bars: what was done, what runs, what comes, and what each gate waits for.

What is to come is drawn as if each wave took as long as its longest step usually does: gates come on top, and nobody knows how long.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reconciler.report.html import reading
from reconciler.report.html.reading import Document
from reconciler.report.words import human_duration, iso_time

SPAN = 1000.0
_SHORTEST = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """`state`: done, failed, running, next, met or awaited."""

    what: str
    region: str
    state: str
    word: str
    detail: str
    gate: bool
    begin: datetime | None
    end: datetime | None
    began: str
    took: str
    usually: timedelta = timedelta()
    x: float = 0.0
    width: float = 0.0
    rest: float = 0.0
    """Of a step that runs: what is left of the time that it usually takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    under_way: bool
    began: str
    ended: str
    elapsed: str
    eta: str
    revision: str
    bars: tuple[Bar, ...]
    now: float | None
    """Where now is, of SPAN; None where it is over."""
    done: int
    steps: int
    more: int
    """Steps to come that are not drawn."""


_SHOWN = 120


def timeline(document: Document) -> Timeline | None:
    """None where there is nothing to tell."""
    told, now = reading.part(document.get("timeline")), reading.moment(document.get("updatedAt"))
    past = [*map(_step, reading.parts(told.get("steps"))), *map(_gate, reading.parts(told.get("gates")))]
    usually = _usually(document)
    past = [replace(p, usually=usually.get(p.what, timedelta())) for p in past if p.begin is not None]
    to_come = list(_to_come(document, past, now)) if now else []
    bars = [*sorted(_elapsed(past, now), key=lambda b: str(b.begin)), *to_come]
    if not bars or now is None:
        return None
    return _drawn(bars, told, now, under_way=bool(to_come) or any(b.state in {"running", "awaited"} for b in past))


def _step(told: Document) -> Bar:
    begin, end = reading.moment(told.get("began")), reading.moment(told.get("ended"))
    status = reading.name(told.get("status"))
    state, word = ("failed", "ended badly") if end and status else ("done", "done") if end else ("running", "under way")
    return Bar(
        what=reading.name(told.get("id"), "step"),
        region=reading.name(told.get("region")),
        state=state,
        word=word,
        detail=status,
        gate=False,
        begin=begin,
        end=end,
        began=iso_time(begin) if begin else "",
        took="",
    )


def _gate(told: Document) -> Bar:
    begin, end = reading.moment(told.get("since")), reading.moment(told.get("met"))
    return Bar(
        what=reading.name(told.get("id")) or reading.name(told.get("name"), "gate"),
        region=reading.name(told.get("region")),
        state="met" if end else "awaited",
        word="met" if end else "waiting",
        detail=reading.prose(told.get("detail")),
        gate=True,
        begin=begin,
        end=end,
        began=iso_time(begin) if begin else "",
        took="",
    )


def _elapsed(bars: list[Bar], now: datetime | None) -> Iterator[Bar]:
    for bar in bars:
        end = bar.end or now
        span = end - bar.begin if bar.begin and end else timedelta()
        yield replace(bar, end=end, took=human_duration(span))


def _to_come(document: Document, past: list[Bar], now: datetime) -> Iterator[Bar]:
    """Steps of the plan that have not begun, and gates that nobody waits for yet, wave by wave."""
    began: Mapping[str, Bar] = {b.what: b for b in past if b.state in {"running", "awaited"}}
    moment = now
    for wave in reading.parts(reading.part(document.get("plan")).get("waves")):
        if wave.get("aside") is True:
            continue
        longest = timedelta()
        for told in reading.parts(wave.get("steps")):
            usually = reading.span(told.get("eta")) or timedelta()
            running = began.get(reading.name(told.get("id")))
            if running:
                longest = max(longest, _left(running, now))
            else:
                longest = max(longest, usually)
                yield _planned(told, moment, usually)
        moment += longest
        for told in reading.parts(wave.get("gates")):
            bar = replace(_gate(told), state="next", word="then waits", begin=moment, end=moment, began="", took="")
            if bar.what not in began and told.get("met") is not True:
                yield bar


def _left(bar: Bar, now: datetime) -> timedelta:
    over = bar.state != "running" or bar.begin is None
    return timedelta() if over or bar.begin is None else max(bar.usually - (now - bar.begin), timedelta())


def _usually(document: Document) -> dict[str, timedelta]:
    waves = reading.parts(reading.part(document.get("plan")).get("waves"))
    steps = (step for wave in waves for step in reading.parts(wave.get("steps")))
    return {reading.name(s.get("id")): reading.span(s.get("eta")) or timedelta() for s in steps}


def _planned(told: Document, moment: datetime, usually: timedelta) -> Bar:
    hazards = ", ".join(reading.names(told.get("hazards")))
    return replace(
        _step(told),
        state="next",
        word="to come",
        detail=f"hazard: {hazards}" if hazards else "",
        begin=moment,
        end=moment + usually,
        took=f"about {human_duration(usually)}",
    )


def _drawn(bars: list[Bar], told: Document, now: datetime, *, under_way: bool) -> Timeline:
    first = min(b.begin for b in bars if b.begin)
    ends = [b.end + _left(b, now) for b in bars if b.end]
    last = max(ends + ([now] if under_way else []))
    began, ended = reading.moment(told.get("began")) or first, reading.moment(told.get("ended"))
    whole = max((last - first).total_seconds(), 1.0)
    steps = [b for b in bars if not b.gate]
    left = last - now
    return Timeline(
        under_way=under_way,
        began=iso_time(began),
        ended=iso_time(ended) if ended else "",
        elapsed=human_duration((ended or now) - began),
        eta=human_duration(left) if under_way and left > timedelta() else "",
        revision=reading.name(told.get("revision"))[:12],
        bars=tuple(_placed(b, first, whole, _left(b, now)) for b in bars[:_SHOWN]),
        now=(now - first).total_seconds() / whole * SPAN if under_way else None,
        done=sum(b.state == "done" for b in steps),
        steps=len(steps),
        more=max(len(bars) - _SHOWN, 0),
    )


def _placed(bar: Bar, first: datetime, whole: float, left: timedelta) -> Bar:
    if bar.begin is None or bar.end is None:
        return bar
    x = (bar.begin - first).total_seconds() / whole * SPAN
    width = max((bar.end - bar.begin).total_seconds() / whole * SPAN, 0.0 if bar.gate else _SHORTEST)
    rest = left.total_seconds() / whole * SPAN
    return replace(bar, x=max(min(x, SPAN - width - rest), 0.0), width=min(width, SPAN), rest=rest)
