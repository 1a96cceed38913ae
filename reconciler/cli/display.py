"""How `converge` shows its progress: as lines, as a stream of JSON, or not at all. The live view is in `live`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

from reconciler.cli import output
from reconciler.cli.settings import Format, Settings
from reconciler.model.errors import ReconcilerError
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Goal
from reconciler.model.stacks import StackRef
from reconciler.model.topology import Topology
from reconciler.ports import Clock
from reconciler.report.outcome import error_json, outcome_json
from reconciler.report.plan import summary
from reconciler.report.plan_text import plan_text
from reconciler.report.progress import Event, Progress, advance
from reconciler.report.status import status_document
from reconciler.report.status_text import status_text
from reconciler.report.tombstones import finishing
from reconciler.report.words import Paint, plain


def display_for(
    settings: Settings, topology: Topology, clock: Clock, *, quiet: bool = False, agreed: bool = False
) -> Display:
    """`quiet` leaves stdout alone: the caller has a document of its own to print there. A plan that was `agreed` on
    before is not printed again."""
    if quiet:
        return Display() if settings.format is Format.JSON else Lines(topology.name, plain, to_stderr=True)
    if settings.format is Format.JSON:
        return Stream(settings)
    if settings.live:
        from reconciler.cli.live import Live

        return Live(topology.name, output.paint(settings), clock, agreed=agreed, colour=settings.colour)
    return Lines(topology.name, output.paint(settings), agreed=agreed)


class Display:
    """Shows nothing; the base of those that do. Leaving it shows how things stand, whatever made us leave."""

    def __init__(self) -> None:
        self.last: Outcome | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.last:
            self.finish(self.last)

    def pass_done(self, outcome: Outcome) -> None:
        first = self.last is None
        self.last = outcome
        self.show(outcome, first=first)

    def show(self, outcome: Outcome, *, first: bool) -> None:
        """A pass is over."""

    def finish(self, outcome: Outcome) -> None:
        """No pass will follow."""

    def statuses(self, seen: Mapping[StackRef, str | None]) -> None:
        """Stacks in flight were looked at between passes."""

    def trouble(self, error: ReconcilerError) -> None:
        """A pass failed and will be tried again."""


class Stream(Display):
    """NDJSON: one Outcome per pass, then the error if one ended it, the Status document last."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.last and error:
            self._settings.told = error
            output.show(output.dumps(error_json(output.error_of(error)), line=True))
        super().__exit__(kind, error, trace)

    def show(self, outcome: Outcome, *, first: bool) -> None:  # noqa: ARG002
        output.show(output.dumps(outcome_json(outcome), line=True))

    def finish(self, outcome: Outcome) -> None:
        output.show(output.dumps(status_document(outcome, outcome.observed.recorded), line=True))


class Lines(Display):
    """The plan, then one line per event, then the status: for files, pipes and CI."""

    def __init__(self, name: str, paint: Paint, *, agreed: bool = False, to_stderr: bool = False) -> None:
        super().__init__()
        self._name = name
        self._paint = paint
        self._agreed = agreed
        self._show = output.tell if to_stderr else output.show
        self._to_stderr = to_stderr
        self._all_said = to_stderr  # the report says how things stand
        self._ready_said = False
        self.progress: Progress | None = None

    def show(self, outcome: Outcome, *, first: bool) -> None:
        if first:
            self._open(outcome)
        self.progress, events = advance(self.progress, outcome)
        self.print_events(events)
        left = finishing(outcome.plan) if outcome.result is Result.CONVERGED else ""
        if left and not self._ready_said:
            self._ready_said = True
            self.print(self._paint("good", f"Ready; finishing aside: {left}"))

    def _open(self, outcome: Outcome) -> None:
        """The plan, unless it was read before. With nothing to do, the status that follows says all but that; a refusal
        is not followed by the status, which would say it again."""
        if self._to_stderr:
            self.print(f"{self._name}: {summary(outcome)}")
        elif outcome.result is Result.CONVERGED:
            done = "No changes." if outcome.goal is Goal.CONVERGE else f"Nothing is left of {outcome.topology}."
            self.print(self._paint("good", done))
        elif outcome.plan.refusals:
            self.print(plan_text(outcome, self._paint) + "\n\nNothing was changed.")
            self._all_said = True
        elif self._agreed:
            self.print(f"{self._name}: {summary(outcome)}, as agreed\n")
        else:
            self.print(plan_text(outcome, self._paint) + "\n")

    def finish(self, outcome: Outcome) -> None:
        destroyed = outcome.goal is Goal.DESTROY and outcome.result is Result.CONVERGED
        if not self._all_said and not destroyed:
            document = status_document(outcome, outcome.observed.recorded)
            self.print("\n" + status_text(document, self._paint))

    def trouble(self, error: ReconcilerError) -> None:
        self.print(self._paint("bad", f"{error.code}: {error.message}; trying again"))

    def print_events(self, events: Iterable[Event]) -> None:
        for event in events:
            text = self._paint(event.style, f"{event.what:<7}  {event.text}")
            self.print(f"{self._paint('dim', f'{event.at:%H:%M:%S}')}  {text}")

    def print(self, text: str) -> None:
        self._show(text)
