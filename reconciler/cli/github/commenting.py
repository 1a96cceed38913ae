"""The comments of a pull request: one for each plan, and a word on those whose plan this run could not replace."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

from reconciler.cli import output
from reconciler.cli.github.workflow import Workflow
from reconciler.cli.preflighting import Planned
from reconciler.github.failures import GitHubRefused
from reconciler.report.github.comment import MARKERS, comment, marker, overtaken


def publish(flow: Workflow, path: Path, planned: Sequence[Planned], declared: Collection[str] | None) -> bool:
    """False where GitHub refused one. Where it is down, the summary has to do. `declared`: the topologies that the documents at the
    path declare; None where they cannot be read."""
    run, client = flow.run, flow.client
    if run is None or run.pull_request is None or client is None:
        return True
    if run.pull_request.fork:
        if planned:
            _tell_fork(flow)
        return True
    from reconciler.github.api import edit_comments, upsert_comment

    number, seen = run.pull_request.number, True
    for outcome, preflight in planned:
        text = comment(outcome, preflight, flow.links, path.as_posix())
        write = partial(upsert_comment, client, number, marker(outcome.topology), text)
        done, error = flow.attempt(write)
        seen &= not isinstance(error, GitHubRefused)
        if done:
            output.tell(f"{outcome.topology}: comment {done}")
    edited = partial(overtaken, path.as_posix(), {o.topology for o, _ in planned}, declared, flow.links)
    done, error = flow.attempt(partial(edit_comments, client, number, MARKERS, edited))
    if done:
        output.tell(f"plans of earlier commits: {done}")
    return seen and not isinstance(error, GitHubRefused)


def _tell_fork(flow: Workflow) -> None:
    message = (
        "no comment: the pull request comes from a fork, whose token may only read; the plan is in the job's summary"
    )
    output.tell(message)
    flow.note("notice", "Fork", message)
