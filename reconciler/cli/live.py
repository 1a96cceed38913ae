"""Live progress on a terminal: one line per step and gate in flight, redrawn in place; what is over scrolls away above.

It and `screen` are the only modules that import rich.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live as Redrawn
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from reconciler.cli.display import Lines
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Gate
from reconciler.model.stacks import StackRef
from reconciler.ports import Clock
from reconciler.report.progress import Event, Progress, Running
from reconciler.report.words import Paint, count, human_duration, one_line

STYLES = {"good": "green", "bad": "red", "warn": "yellow", "dim": "dim", "bold": "bold"}


class Live(Lines):
    def __init__(self, name: str, paint: Paint, clock: Clock, *, agreed: bool = False, colour: bool) -> None:
        super().__init__(name, paint, agreed=agreed)
        self._clock = clock
        self._statuses: Mapping[StackRef, str | None] = {}
        self._console = Console(no_color=not colour, highlight=False)
        self._spinner = Spinner("dots")
        self._redrawn = Redrawn(
            console=self._console, get_renderable=self._render, refresh_per_second=4, transient=True
        )

    def __enter__(self) -> Self:
        self._redrawn.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._redrawn.stop()
        super().__exit__(kind, error, trace)

    def show(self, outcome: Outcome, *, first: bool) -> None:
        self._statuses = {}
        super().show(outcome, first=first)
        self._redrawn.refresh()

    def statuses(self, seen: Mapping[StackRef, str | None]) -> None:
        self._statuses = seen

    def print(self, text: str) -> None:
        self._console.print(Text.from_ansi(text), soft_wrap=True)

    def print_events(self, events: Iterable[Event]) -> None:
        """Long lines go on below their own column."""
        for event in events:
            row = Table.grid(padding=(0, 2))
            for no_wrap in (True, True, False):
                row.add_column(no_wrap=no_wrap)
            style = STYLES.get(event.style, "")
            row.add_row(Text(f"{event.at:%H:%M:%S}", "dim"), Text(f"{event.what:<7}", style), Text(event.text, style))
            self._console.print(row)

    def _render(self) -> RenderableType:
        progress = self.progress
        if progress is None:
            return Spinner("dots", text=f"{self._name}: reading AWS")
        return render(progress, self._clock.now(), self._statuses, self._spinner)


def render(
    progress: Progress, now: datetime, statuses: Mapping[StackRef, str | None], mark: RenderableType
) -> RenderableType:
    """The whole view at one instant."""
    table = Table.grid(padding=(0, 2))
    for no_wrap in (True, True, True, True, False):
        table.add_column(no_wrap=no_wrap, overflow="ellipsis")
    for run in progress.running.values():
        table.add_row(mark, *_running(run, now, statuses))
    for step in progress.queued:
        table.add_row("·", step.id, "queued", "", Text(one_line(step.why), style="dim"))
    for gate, since in progress.waiting.values():
        table.add_row(mark, *_waiting(gate, since, now))
    return Group(_headline(progress, now), table, *_next(progress))


def _headline(progress: Progress, now: datetime) -> Text:
    eta = progress.eta(now)
    left = f"about {human_duration(eta)} left plus waiting" if eta else "only waiting left"
    head = Text(f"{progress.topology}  {progress.done} of {count(progress.steps, 'step')}", style="bold")
    head.append(f"  elapsed {human_duration(now - progress.began)}, {left}", style="dim")
    return head


def _running(run: Running, now: datetime, statuses: Mapping[StackRef, str | None]) -> Iterator[RenderableType]:
    status = (run.step.stack and statuses.get(run.step.stack)) or run.status or "preparing"
    over = now - run.since - run.step.eta
    yield Text(run.step.id)
    yield Text(human_duration(now - run.since), style="dim")
    if over.total_seconds() > 0:
        yield Text(f"{human_duration(over)} over the usual {human_duration(run.step.eta)}", style="yellow")
    else:
        yield Text(f"about {human_duration(-over)} left", style="dim")
    yield Text(status, style="dim")


def _waiting(gate: Gate, since: datetime, now: datetime) -> Iterator[RenderableType]:
    yield Text(gate.id, style="yellow")
    yield Text(human_duration(now - since), style="dim")
    yield Text("waiting", style="yellow")
    yield Text(one_line(gate.detail))


def _next(progress: Progress) -> Iterator[Text]:
    if progress.later:
        steps = [s.id for s in progress.later[0].steps]
        more = f", {count(len(steps) - 2, 'more')}" if len(steps) > 2 else ""
        yield Text("then " + (", ".join(steps[:2]) + more if steps else "more waiting"), style="dim")
