"""The workflow that a command runs in: what it is about, and who is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.cli import exits, output
from reconciler.cli.settings import Settings
from reconciler.github.event import Run, in_workflow, this_run
from reconciler.github.failures import GitHubRefused, GitHubUnavailable
from reconciler.github.runner import Runner
from reconciler.model.errors import InvalidDesiredState, ReconcilerError
from reconciler.report.github.annotations import Annotation, commands, of_invalid
from reconciler.report.github.links import Links

if TYPE_CHECKING:
    from reconciler.github.client import Client

TOKEN = "GITHUB_TOKEN"  # noqa: S105  # the variable's name


@dataclass(kw_only=True)
class Workflow:
    runner: Runner
    run: Run | None
    client: Client | None
    """None: nobody is told but the runner."""
    notes: list[Annotation] = field(default_factory=list)

    @property
    def links(self) -> Links:
        run = self.run
        if run is None:
            return Links()
        return Links(
            run=run.url,
            artifact=f"{run.url}#artifacts",
            commit=run.commit,
            repository=run.repository,
            server=run.server,
        )

    def note(self, level: str, title: str, message: str) -> None:
        self.notes.append(Annotation(level=level, title=title, message=message))

    def attempt(self, call: Callable[[], str]) -> tuple[str, ReconcilerError | None]:
        """What was done on GitHub, or why not. What may have been done, or not, is looked at once more."""
        try:
            try:
                return call(), None
            except GitHubUnavailable:
                return call(), None
        except ReconcilerError as error:
            output.tell(f"{error.code}: {error.message}")
            self.note("error" if isinstance(error, GitHubRefused) else "warning", error.code, error.message)
            return "", error


def run_in_workflow(settings: Settings, work: Callable[[Workflow], int]) -> int:
    """Run the command's work. All that it prints, errors too, the runner only shows; annotations come at the end."""
    inside = in_workflow(os.environ)
    flow = Workflow(runner=Runner.of(os.environ), run=this_run(os.environ) if inside else None, client=None)
    try:
        with flow.runner.deaf():
            try:
                flow.client = _client(flow.run)
                return work(flow)
            except Exception as error:  # noqa: BLE001  # told here, where no line of it is a command
                output.show_error(settings, error)
                flow.notes += annotated(error)
                return exits.of_error(error)
            finally:
                if flow.client:
                    flow.client.close()
    finally:
        flow.runner.tell(commands(flow.notes))


def published(code: int, *, seen: bool) -> int:
    """What nobody gets to see is not well done: where GitHub refused to show it, the job fails."""
    return exits.ERROR if not seen and code in {exits.DONE, exits.CHANGES} else code


def annotated(error: Exception) -> Iterable[Annotation]:
    if isinstance(error, InvalidDesiredState):
        return of_invalid(error)
    told = output.error_of(error)
    return [Annotation(level="error", title=told.code, message=told.message)]


def _client(run: Run | None) -> Client | None:
    token = os.environ.get(TOKEN)
    if run is None or not token:
        output.tell(
            f"{TOKEN} is not set, nothing is written to GitHub" if run else "no workflow: nothing is written to GitHub"
        )
        return None
    from reconciler.github.client import Client

    return Client(run, token)
