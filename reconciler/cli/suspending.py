"""`meridian suspend`, `resume` and `history`: what a person wants left alone for now, and what passes came to.

A suspension needs no lease: whoever holds it looks at the next pass, and stops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import exits, inputs, output
from reconciler.cli.settings import Settings
from reconciler.model.suspension import Suspension
from reconciler.report.suspension import (
    history_json,
    history_markdown,
    history_text,
    suspension_json,
    suspension_text,
)
from reconciler.report.words import iso_time

Wanted = Callable[[Suspension | None], Suspension | None]

if TYPE_CHECKING:
    from reconciler.aws.recorded import Recorded


def suspend(
    settings: Settings, name: str, *, region: str | None, reason: str, path: Path, home_region: str | None
) -> int:
    home = inputs.home(name, path, home_region)
    made = _made(name, home, region, reason)

    def wanted(before: Suspension | None) -> Suspension:
        if before is None:
            return made
        regions = before.also(region)
        return before if regions == before.regions else replace(made, regions=regions)

    return _change(settings, name, home, wanted)


def resume(
    settings: Settings, name: str, *, region: str | None, reason: str, path: Path, home_region: str | None
) -> int:
    """Of a topology that is suspended as a whole, no Region goes on alone."""
    home = inputs.home(name, path, home_region)

    def wanted(before: Suspension | None) -> Suspension | None:
        if before and before.whole and region is not None:
            message = f"all of {name} is suspended: resume it without --region, then suspend the other Regions"
            raise exits.NotDone(message, code="WholeSuspended")
        if before is None or (region is not None and region not in before.regions):
            return before
        return before.without(region)

    return _change(settings, name, home, wanted, resumed=_made(name, home, region, reason))


def history(settings: Settings, name: str, *, path: Path, home_region: str | None) -> int:
    from reconciler import wiring

    home = inputs.home(name, path, home_region)
    found = wiring.recorded(name, home)
    document = history_json(_recorded(name, home, found), found.suspension, found.resumed)
    output.show_all(
        settings,
        [document],
        lambda: [history_text(document, output.paint(settings))],
        lambda: [history_markdown(document)],
    )
    return exits.DONE


def _change(settings: Settings, name: str, home: str, wanted: Wanted, *, resumed: Suspension | None = None) -> int:
    from reconciler import wiring

    before, now = wiring.suspensions(home).change(name, wanted, resumed)
    if resumed and before != now:
        wiring.wake(name, home, resumed.by, "resumed")  # if it cannot be told, the timer finds it
    document = suspension_json(name, before, now)
    text = suspension_text(name, before, now)
    output.show_all(settings, [document], lambda: [text], lambda: [text])
    return exits.DONE


def _made(name: str, home: str, region: str | None, reason: str) -> Suspension:
    """Refused for what is not there: who mistypes a name in an incident must not believe that it is left alone."""
    from reconciler import wiring

    if not reason.strip():
        raise click.UsageError("--reason is empty: say why, for whoever finds it left alone")
    regions = [r["name"] for r in _recorded(name, home, wiring.recorded(name, home))["regions"]]
    if region is not None and region not in regions:
        raise click.UsageError(f"{name} has nothing in {region}: it is in {', '.join(regions) or 'no Region yet'}")
    at = iso_time(wiring.now())
    return Suspension(reason=reason.strip(), by=wiring.caller(home), at=at, regions=(region,) if region else ())


def _recorded(name: str, home: str, found: Recorded) -> Mapping[str, Any]:
    if found.status is None:
        message = f"nothing is recorded of {name} in {home}: no pass got that far yet"
        raise exits.NotDone(message, code="NotRecorded")
    return found.status
