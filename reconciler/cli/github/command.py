"""The group `meridian github`. Only click is imported here, as in `main`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from reconciler.cli.settings import Duration, Settings, common_options

_path = click.argument("path", type=click.Path(path_type=Path), default=Path("desired_state"))


@click.group()
def github() -> None:
    """What a workflow of GitHub Actions runs: plan, converge, drift.

    Reads GitHub's variables and the event. With GITHUB_TOKEN it writes to the repository what each command says.
    """


@github.command()
@_path
@click.option("--offline", is_flag=True, help="Plan as if AWS were empty, without asking it.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/plan"),
    show_default=True,
    help="The whole plan of each topology goes here, as JSON and as Markdown.",
)
@common_options(detailed=True)
@click.pass_obj
def plan(settings: Settings, path: Path, offline: bool, out: Path) -> int:
    """Show a pull request what merging it would do.

    One comment per topology, edited in place (`pull-requests: write`), the job's summary, and annotations. Output `plans`. Without
    GITHUB_TOKEN, and for the pull request of a fork, there is no comment.
    """
    from reconciler.cli.github.plan import plan

    return plan(settings, path, offline=offline, out=out)


@github.command()
@_path
@click.option("--timeout", type=Duration(), default="3h", show_default=True, help="Stop following after so long.")
@common_options()
@click.pass_obj
def converge(settings: Settings, path: Path, timeout: timedelta) -> int:
    """Follow the commit at hand until it serves. Writes nothing to AWS.

    After `meridian bundle --upload`. Sets a status of the commit (`statuses: write`) and one deployment per Region
    (`deployments: write`), and writes the job's summary. Outputs `phases` and `approvals`. Whoever stops it stops nothing else.
    """
    from reconciler.cli.github.converge import converge

    return converge(settings, path, timeout=timeout)


@github.command()
@_path
@click.option("--label", default="meridian-drift", show_default=True, help="Label of the issues.")
@click.option("--strict", is_flag=True, help="Exit 4 if something could not be checked.")
@common_options(detailed=True)
@click.pass_obj
def drift(settings: Settings, path: Path, label: str, strict: bool) -> int:
    """Look for what was changed by hand. Heals nothing.

    One issue per topology, opened, updated and closed (`issues: write`), and the job's summary. Output `drift`.
    """
    from reconciler.cli.github.drift import drift

    return drift(settings, path, label=label, strict=strict)
