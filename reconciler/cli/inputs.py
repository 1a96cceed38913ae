"""What commands read before they look at AWS: the desired state, and plans kept in files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from reconciler.cli.output import tell
from reconciler.load import Loaded, load_with_warnings
from reconciler.model.errors import Refused
from reconciler.model.outcome import Outcome
from reconciler.model.topology import Topology


def home(name: str, path: Path, home_region: str | None) -> str:
    """The home Region of a topology: as given, else as the desired state declares it."""
    if home_region:
        return home_region
    found = next((t.home_region for t in topologies(path) if t.name == name), None)
    if found is None:
        raise click.UsageError(f"{path} holds no topology called {name}; name its home Region with --home-region")
    return found


def read(path: Path) -> Loaded:
    """Topologies in name order. Whether an entry of the file is over is asked of the wall clock: people wrote its date."""
    loaded = load_with_warnings(path, datetime.now(UTC))
    return Loaded(tuple(sorted(loaded.topologies, key=lambda t: t.name)), loaded.warnings)


def topologies(path: Path) -> tuple[Topology, ...]:
    loaded = read(path)
    for warning in loaded.warnings:
        tell(f"warning: {warning}")
    return loaded.topologies


def named(name: str, path: Path) -> Topology:
    """The one topology of that name."""
    found = next((t for t in topologies(path) if t.name == name), None)
    if found is None:
        raise click.UsageError(f"{path} holds no topology called {name}")
    return found


def fingerprints(path: Path) -> Mapping[str, str]:
    """Topology to the fingerprint of its plan, from what `plan --out` wrote."""
    try:
        document: Any = json.loads(path.read_text())
        plans = document["items"] if document["kind"] == "List" else [document]
        return {plan["topology"]: plan["fingerprint"] for plan in plans}
    except OSError as error:
        raise click.BadParameter(f"cannot read {path}: {error.strerror}", param_hint="--plan") from error
    except (ValueError, KeyError, TypeError) as error:
        raise click.BadParameter(f"{path} is not a plan; make one with `meridian plan --out {path}`") from error


def refuse_moved(outcome: Outcome, agreed: Mapping[str, str]) -> None:
    """Only the plan that somebody read may be carried out."""
    plan = outcome.plan
    if plan.topology not in agreed:
        raise Refused(f"the plan file holds no plan for {plan.topology}; make a new one", code="PlanMoved")
    if plan.fingerprint != agreed[plan.topology]:
        old, new = agreed[plan.topology], plan.fingerprint
        raise Refused(
            f"the plan for {plan.topology} is no longer the one in the file ({old}, now {new}); read the new one with "
            "`meridian plan` and use that",
            code="PlanMoved",
        )
