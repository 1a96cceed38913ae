"""`meridian destroy`: one topology goes, from the outside in, but for what holds data or belongs to others, too."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from reconciler.cli import exits, inputs, output
from reconciler.cli.settings import Format, Settings
from reconciler.model.plan import Goal
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Topology


def destroy(settings: Settings, name: str, *, confirm: str, path: Path, timeout: timedelta) -> int:
    """The plan comes first on stdout, so that whoever reads along can still stop it."""
    from reconciler.cli.converge import run_passes

    if confirm != name:
        raise click.UsageError(
            f"--confirm {confirm} is not the name of what is to go: --confirm {name} destroys {name}"
        )
    topology = inputs.named(name, path)
    tell = output.show if settings.format is Format.TEXT else output.tell
    tell(
        "\n".join([f"{name} is to be destroyed. What stays, on purpose:", *(f"- {s}" for s in stays(topology))]) + "\n"
    )
    _withdraw(topology)
    code = exits.combined(run_passes(settings, [topology], timeout=timeout, goal=Goal.DESTROY))
    if code == exits.DONE:
        tell(
            f"\n{name} is destroyed, and its recorded status is gone. Remove {topology.source} from Git, too: as long as it is "
            "there, the next converge builds everything anew."
        )
    return code


def _withdraw(topology: Topology) -> None:
    """Before anything else: as long as it has a bundle, a hosted reconciler builds it anew."""
    from reconciler import wiring

    if wiring.account(topology) == topology.account:  # else the pass refuses it
        wiring.revisions(topology.account, topology.home_region).withdraw(topology.name)


def stays(topology: Topology) -> list[str]:
    name, regions = topology.name, ", ".join(topology.region_names)
    if topology.database.deletion_policy == "retain":
        data = StackRef(StackKind.DATA, topology.home_region).name(name)
        kept = (
            f"the database in {regions}: stacks {data} and {StackRef(StackKind.GLOBAL, topology.home_region).name(name)}, since "
            "database.deletionPolicy is retain (with snapshot they go, too)"
        )
    else:
        kept = f"a final snapshot of every Region's cluster ({regions}), and the keys that they are encrypted with"
    return [
        kept,
        "versions of the edge's function, of which CloudFront keeps copies for hours",
        f"the records by which certificates of {topology.domain.name} were validated",
        "what the account's topologies share: asset buckets, table meridian-state, stacks meridian-foundation",
    ]
