"""Commands that look and change nothing: validate, plan, status."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import exits, inputs, output
from reconciler.cli.settings import Format, Settings
from reconciler.model.errors import ReconcilerError
from reconciler.model.facts import Sweep
from reconciler.model.outcome import Outcome
from reconciler.model.topology import Topology
from reconciler.report.outcome import list_json

if TYPE_CHECKING:
    from reconciler.aws.recorded import Recorded
    from reconciler.loop import Ports


def validate(settings: Settings, path: Path) -> int:
    loaded = inputs.read(path)
    document = {
        "schemaVersion": "1",
        "kind": "Validation",
        "valid": True,
        "topologies": [{"name": t.name, "file": t.source, "regions": list(t.region_names)} for t in loaded.topologies],
        "warnings": [str(w) for w in loaded.warnings],
    }
    lines = [f"{t.source}: {t.name} is valid: {', '.join(t.region_names)}" for t in loaded.topologies]
    lines += [f"warning: {w}" for w in loaded.warnings]
    output.show_all(settings, [document], lambda: ["\n".join(lines)], lambda: ["\n".join(f"- {x}" for x in lines)])
    return exits.DONE


def plan(settings: Settings, path: Path, *, offline: bool, out: Path | None) -> int:
    from reconciler.cli.preflighting import plan_all
    from reconciler.report.github.comment import whole
    from reconciler.report.plan import plan_json
    from reconciler.report.plan_text import plan_text

    planned, codes = plan_all(settings, inputs.topologies(path), offline=offline)
    documents = [plan_json(outcome, preflight) for outcome, preflight in planned]
    if not planned:
        return exits.combined(codes)
    if out:
        out.write_text(output.dumps(documents[0] if len(documents) == 1 else list_json(documents)) + "\n")
    output.show_all(
        settings,
        documents,
        lambda: [plan_text(o, output.paint(settings), p) for o, p in planned],
        lambda: [whole(o, p) for o, p in planned],
    )
    detailed = settings.detailed_exitcode
    return exits.combined([*codes, *(exits.of_plan(o, detailed=detailed, preflight=p) for o, p in planned)])


def look_at_all(
    settings: Settings,
    topologies: Iterable[Topology],
    *,
    offline: bool = False,
    sweep: Sweep = Sweep.PLAN,
    ports: Ports | None = None,
) -> tuple[list[Outcome], list[int]]:
    """What a pass would find in each topology, and an exit code for each that could not be looked at at all."""
    wanted = tuple(topologies)
    look = _looker(ports, offline=offline, sweep=sweep)
    outcomes: list[Outcome] = []
    failed: list[int] = []
    for topology in wanted:
        try:
            outcomes.append(look(topology))
        except ReconcilerError as error:
            if len(wanted) == 1:
                raise
            output.tell(f"{topology.name}: {error.code}: {error.message}")
            failed.append(exits.of_error(error))
    if not outcomes:
        output.show_error(settings, exits.NotDone("no topology could be looked at, see stderr", code="NothingRead"))
    return outcomes, failed


def _looker(ports: Ports | None, *, offline: bool, sweep: Sweep) -> Callable[[Topology], Outcome]:
    from reconciler import loop, wiring

    world = ports or wiring.ports(offline=offline)
    if offline:
        return lambda topology: loop.offline(world, topology)
    return lambda topology: loop.look(world, topology, sweep=sweep)


def status(settings: Settings, name: str | None, *, path: Path, home_region: str | None) -> int:
    from reconciler import wiring
    from reconciler.report.status_text import status_markdown, status_text

    places = places_of(name, path, home_region)
    found = [(wanted, home, as_it_stands(wiring.recorded(wanted, home))) for wanted, home in places]
    documents: list[Mapping[str, Any]] = [_linked(settings, d, home) for _, home, d in found if d is not None]
    missing = [f"{wanted} in {home}" for wanted, home, document in found if document is None]
    if documents:
        output.show_all(
            settings,
            documents,
            lambda: [status_text(d, output.paint(settings)) for d in documents],
            lambda: [status_markdown(d) for d in documents],
        )
    if not missing:
        return exits.DONE
    error = exits.NotDone(f"nothing is recorded of {', '.join(missing)}: no pass got that far yet", code="NotRecorded")
    if not documents:
        raise error
    output.tell(f"{error.code}: {error.message}")
    return exits.PARTIAL


def _linked(settings: Settings, document: Mapping[str, Any], home_region: str) -> Mapping[str, Any]:
    """With a link to its page, signed with the reader's own credentials. Not where others read along: in Markdown, which is for
    comments, and in the log of whatever CI."""
    from reconciler import wiring
    from reconciler.report.pages import is_page

    report = document.get("report")
    read_along = settings.format is Format.MARKDOWN or os.environ.get("GITHUB_ACTIONS") or os.environ.get("CI")
    if read_along or not report or not is_page(report, str(document.get("topology")), home_region):
        return document
    try:
        url = wiring.page_link(report["bucket"], report["key"], home_region)
    except ReconcilerError as error:
        output.tell(f"no link to the page: {error.message}")
        return document
    return {**document, "report": {**report, "url": url}}


def as_it_stands(found: Recorded) -> Mapping[str, Any] | None:
    """The status as the last pass left it, with what is suspended now."""
    if found.status is None or found.suspension == found.status.get("suspension"):
        return found.status
    return {**found.status, "suspension": found.suspension}


def places_of(name: str | None, path: Path, home_region: str | None) -> list[tuple[str, str]]:
    """(topology, home Region) of each status asked for. With `--home-region` the desired state is not needed."""
    if home_region:
        if name is None:
            raise click.UsageError("--home-region needs the NAME of a topology")
        return [(name, home_region)]
    found = [(t.name, t.home_region) for t in inputs.topologies(path) if name in {None, t.name}]
    if not found:
        raise click.UsageError(f"{path} holds no topology called {name}; name its home Region with --home-region")
    return found
