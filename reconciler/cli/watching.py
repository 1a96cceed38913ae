"""`status --watch`: looks at the table every two seconds of wall time, reads only, and shows what is new until it is told to stop.

Three ways to show it: a screen that is redrawn, a line for each event where there is no terminal, a document for each change.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click

from reconciler.cli import exits, output
from reconciler.cli.looking import as_it_stands, places_of
from reconciler.cli.settings import Format, Settings
from reconciler.model.errors import ReconcilerError
from reconciler.ports import Clock
from reconciler.report.happenings import happened, timed
from reconciler.report.overview import Block, Line, blocks, unread, waiting
from reconciler.report.progress import Event
from reconciler.report.words import human_duration, iso_time, one_line

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.aws.recorded import Recorded

POLL = 2.0
_KEPT = 60
"""Events that a screen may have room for."""
_ALIVE = frozenset({"updatedAt", "looks"})
"""What a pass writes that found nothing to tell."""
_NOT_OURS = (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
"""What reading a document raises that somebody else wrote."""
Document = Mapping[str, Any]


def watch(settings: Settings, name: str | None, *, path: Path, home_region: str | None) -> int:
    from reconciler import wiring

    if settings.format is Format.MARKDOWN:
        raise click.UsageError("--watch shows text or json, not markdown")
    found = [Seen(name=wanted, home=home) for wanted, home in places_of(name, path, home_region)]
    exits.stop_quietly()
    try:
        read, clock = wiring.watched()
        now = Now(clock)
        with display_for(settings, found, now) as display:
            while True:
                now.ask()
                for seen in found:
                    look(seen, read, now, display)
                time.sleep(POLL)
    except exits.Stopped as stopped:
        return stopped.code


@dataclass(slots=True, kw_only=True)
class Seen:
    """What is known of one topology."""

    name: str
    home: str
    document: Document | None = None
    events: tuple[Event, ...] = ()
    trouble: str = ""
    """Why the last look failed; empty: it did not."""
    read_at: float | None = None
    """When the table was last read, by the monotonic clock."""
    said_to_wait: bool = False


class Now:
    """AWS's time, asked for at each look and counted on in between: drawing asks nobody."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._rate = clock, 1.0
        self._at, self._then = clock.now(), time.monotonic()

    def ask(self) -> None:
        try:
            at, then = self._clock.now(), time.monotonic()
        except ReconcilerError:
            return  # whoever cannot be asked for the time cannot be read, either, and that is said
        if then > self._then:
            self._rate = max((at - self._at).total_seconds() / (then - self._then), 0.0)
        self._at, self._then = at, then

    def now(self) -> datetime:
        return self._at + timedelta(seconds=(time.monotonic() - self._then) * self._rate)


class Display:
    """Shows nothing; the base of those that do."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The terminal as it was."""

    def changed(self, seen: Seen, events: Sequence[Event]) -> None:
        """There is another document; `events`: what happened since the one before."""

    def said(self, seen: Seen, text: str) -> None:
        """The table cannot be read, can be read again, or holds nothing yet; told once."""


def display_for(settings: Settings, found: Sequence[Seen], now: Now) -> Display:
    if settings.format is Format.JSON:
        return Stream()
    return Screen(found, now, colour=settings.colour) if settings.live else Lines(now)


def look(seen: Seen, read: Callable[[str, str], Recorded], now: Now, display: Display) -> None:
    """One look at the table. A document that makes no sense is no reason to forget the last one that did."""
    try:
        document = as_it_stands(read(seen.name, seen.home))
        events = _events(seen, document, now.now())
    except ReconcilerError as error:
        _failed(seen, f"{error.code}: {error.message}", display)
        return
    except _NOT_OURS as error:
        told = f"what the table holds of {seen.name} is no status document ({type(error).__name__}: {error})"
        _failed(seen, told, display)
        return
    if seen.trouble:
        display.said(seen, "the table can be read again")
    changed = document is not None and document != seen.document
    seen.trouble, seen.read_at = "", time.monotonic()
    seen.document = document
    if document is None and not seen.said_to_wait:
        seen.said_to_wait = True
        display.said(seen, f"nothing is recorded in {seen.home} yet, waiting for the first pass")
    if changed:
        display.changed(seen, events)


def _events(seen: Seen, document: Document | None, now: datetime) -> tuple[Event, ...]:
    """What is new, kept for the screen too. Raises one of `_NOT_OURS` before anything of the document is believed."""
    if document is None:
        return ()
    events = happened(seen.document, document)
    first = timed(document) if seen.document is None else events
    blocks(document, events, now, 80)
    seen.events = (*seen.events, *first)[-_KEPT:]
    return events


def _failed(seen: Seen, why: str, display: Display) -> None:
    if not seen.trouble:
        display.said(seen, f"the table cannot be read, trying on: {why}")
    seen.trouble = why


class Lines(Display):
    """One line per event, with its time; no colour, nothing is redrawn."""

    def __init__(self, now: Now) -> None:
        self._now = now

    def changed(self, seen: Seen, events: Sequence[Event]) -> None:
        for event in events:
            self._show(event.at, seen.name, event.what, event.text)

    def said(self, seen: Seen, text: str) -> None:
        self._show(self._now.now(), seen.name, "table", text)

    def _show(self, at: datetime, name: str, what: str, text: str) -> None:
        output.show(f"{iso_time(at)}  {one_line(name)}  {what:<8}  {one_line(text)}")


class Stream(Display):
    """NDJSON: the Status of each change; that nothing changed is none. What is wrong with the table goes to stderr."""

    def __init__(self) -> None:
        self._told: dict[str, Document] = {}

    def changed(self, seen: Seen, events: Sequence[Event]) -> None:  # noqa: ARG002
        document = seen.document or {}
        told = {key: value for key, value in document.items() if key not in _ALIVE}
        if self._told.get(seen.name) != told:
            self._told[seen.name] = told
            output.show(output.dumps(document, line=True))

    def said(self, seen: Seen, text: str) -> None:
        output.tell(f"{seen.name}: {one_line(text)}")


@dataclass
class Screen(Display):
    """All of it at once, redrawn in place as large as the terminal is at the moment."""

    found: Sequence[Seen]
    now: Now
    colour: bool = field(kw_only=True)

    def __enter__(self) -> Self:
        from reconciler.cli import screen

        self._live = screen.live(screen.console(colour=self.colour), self._blocks)
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def changed(self, seen: Seen, events: Sequence[Event]) -> None:  # noqa: ARG002
        self._live.refresh()

    def said(self, seen: Seen, text: str) -> None:  # noqa: ARG002
        self._live.refresh()

    def _blocks(self, width: int) -> list[tuple[Block, ...]]:
        now = self.now.now()
        return [seen_blocks(seen, now, time.monotonic(), width) for seen in self.found]


def seen_blocks(seen: Seen, now: datetime, moment: float, width: int) -> tuple[Block, ...]:
    """`moment`: of the monotonic clock, by which the table is read."""
    trouble = _not_read(seen, moment)
    if seen.document is None:
        if seen.read_at is None and not trouble:
            return (Block(title=Line(style="dim", text=one_line(f"{seen.name}: reading {seen.home}"))),)
        return waiting(seen.name, seen.home, trouble)
    head, *rest = blocks(seen.document, seen.events, now, width)
    if trouble:
        head = Block(title=head.title, lines=(unread(trouble), *head.lines))
    return (head, *rest)


def _not_read(seen: Seen, moment: float) -> str:
    if not seen.trouble:
        return ""
    since = (
        "" if seen.read_at is None else f", last read {human_duration(timedelta(seconds=moment - seen.read_at))} ago"
    )
    return f"the table cannot be read{since}, trying on: {seen.trouble}"
