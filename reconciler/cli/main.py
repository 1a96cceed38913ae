"""The `meridian` command: reads the command line, runs one command, turns what came of it into an exit code.

Only click is imported here: a command pays for what it uses when it uses it.
"""

from __future__ import annotations

import gc
import os
import re
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from io import TextIOWrapper
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

import click

from reconciler.cli import exits
from reconciler.cli.github.command import github
from reconciler.cli.settings import Command, Duration, Format, Settings, common_options

ALL_FORMATS = tuple(Format)
DATA_FORMATS = (Format.TEXT, Format.JSON)

path_argument = click.argument("path", type=click.Path(path_type=Path), default=Path("desired_state"))


def _region(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:  # noqa: ARG001
    if value is not None and not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", value):
        raise click.BadParameter(f"{value!r} is not the name of a Region, such as eu-west-1")
    return value


class InOrder(click.Group):
    """Lists commands as one needs them, not by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.commands)


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="meridian", prog_name="meridian")
@common_options(formats=ALL_FORMATS, detailed=True)
@click.pass_context
def cli(context: click.Context) -> None:
    """Make AWS match one YAML file that declares an HTTP API in several Regions.

    PATH is such a file or a folder of them, desired_state if not given. AWS access is boto3's: the usual credentials,
    and AWS_ENDPOINT_URL, as `meridian local` prints it.

    \b
    Exit codes:
      0    done
      1    error
      2    with --detailed-exitcode: changes or drift
      3    blocked: refused by a rule, suspended, another run at work
      4    with --strict: not everything could be checked
      5    partial: some Regions or topologies converged, some not
      64   wrong usage
      65   invalid desired state
      124, 130, 143    timeout, Ctrl-C, terminated: run it again to go on
    """  # noqa: D301  # click wants the character: these lines are not joined
    context.ensure_object(Settings)


@cli.command()
@path_argument
@common_options(formats=ALL_FORMATS)
@click.pass_obj
def validate(settings: Settings, path: Path) -> int:
    """Check the desired state. No AWS access."""
    from reconciler.cli.looking import validate

    return validate(settings, path)


@cli.command()
@path_argument
@click.option("--offline", is_flag=True, help="Plan as if AWS were empty, without asking it.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the plan to this file as JSON, too."
)
@common_options(formats=ALL_FORMATS, detailed=True)
@click.pass_obj
def plan(settings: Settings, path: Path, offline: bool, out: Path | None) -> int:
    """Show what converge would do. Writes nothing to AWS."""
    from reconciler.cli.looking import plan

    return plan(settings, path, offline=offline, out=out)


@cli.command()
@path_argument
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Only if the plan is still the one in FILE, from `plan --out`.",
)
@click.option("--once", is_flag=True, help="One pass, without waiting for what it starts.")
@click.option("--timeout", type=Duration(), default="6h", show_default=True, help="Stop waiting after so long.")
@click.option(
    "--record",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep a record of every pass in this folder, for `meridian replay`.",
)
@common_options(formats=DATA_FORMATS, detailed=True)
@click.pass_obj
def converge(
    settings: Settings, path: Path, plan_file: Path | None, once: bool, timeout: timedelta, record: Path | None
) -> int:
    """Make AWS match the desired state; run passes until it does."""
    from reconciler.cli.converge import converge

    return converge(settings, path, plan_file=plan_file, once=once, timeout=timeout, record=record)


@cli.command()
@path_argument
@click.option("--heal", is_flag=True, help="Repair what is to be healed, as converge does; nothing else.")
@click.option("--strict", is_flag=True, help="Exit 4 if something could not be checked.")
@click.option(
    "--timeout", type=Duration(), default="6h", show_default=True, help="With --heal: stop waiting after so long."
)
@common_options(formats=ALL_FORMATS, detailed=True)
@click.pass_obj
def drift(settings: Settings, path: Path, heal: bool, strict: bool, timeout: timedelta) -> int:
    """Show what was changed by hand, and what happens about it."""
    from reconciler.cli.drifting import drift

    return drift(settings, path, heal=heal, strict=strict, timeout=timeout)


@cli.command()
@click.argument("name", required=False)
@click.option(
    "--path",
    type=click.Path(path_type=Path),
    default=Path("desired_state"),
    help="Desired state that names the home Region.",
)
@click.option("--home-region", metavar="REGION", help="The home Region, where no desired state is at hand.")
@click.option("--watch", is_flag=True, help="Go on showing it, and what happens, until Ctrl-C.")
@common_options(formats=ALL_FORMATS)
@click.pass_obj
def status(settings: Settings, name: str | None, path: Path, home_region: str | None, watch: bool) -> int:
    """Show what the last pass recorded of NAME.

    Without NAME: of every topology in PATH. With --watch and no terminal: a line per event; as JSON: a document per change.
    """
    if watch:
        from reconciler.cli.watching import watch as keep_watching

        return keep_watching(settings, name, path=path, home_region=home_region)
    from reconciler.cli.looking import status

    return status(settings, name, path=path, home_region=home_region)


@cli.command()
@click.argument("name", required=False)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Write the page to this file."
)
@click.option(
    "--path",
    type=click.Path(path_type=Path),
    default=Path("desired_state"),
    help="Desired state that names the home Region.",
)
@click.option("--home-region", metavar="REGION", help="The home Region, where no desired state is at hand.")
@common_options()
@click.pass_obj
def report(settings: Settings, name: str | None, out: Path, path: Path, home_region: str | None) -> int:  # noqa: ARG001
    """Write what the last pass recorded of NAME as a page for a browser.

    Without NAME: every topology in PATH, on one page. The page needs no network: it can be kept, sent and opened from a file.
    """
    from reconciler.cli.reporting import report

    return report(name, out=out, path=path, home_region=home_region)


def _of_a_topology(command: Command) -> Command:
    """NAME, and where its home Region is known from."""
    home = click.option("--home-region", metavar="REGION", help="The home Region, where no desired state is at hand.")
    path = click.option(
        "--path",
        type=click.Path(path_type=Path),
        default=Path("desired_state"),
        help="Desired state that names the home Region.",
    )
    return click.argument("name")(path(home(command)))


@cli.command()
@_of_a_topology
@common_options(formats=ALL_FORMATS)
@click.pass_obj
def history(settings: Settings, name: str, path: Path, home_region: str | None) -> int:
    """Show what passes over NAME came to, newest first."""
    from reconciler.cli.suspending import history

    return history(settings, name, path=path, home_region=home_region)


@cli.command()
@_of_a_topology
@click.option("--region", metavar="REGION", callback=_region, help="Only this Region; the others go on.")
@click.option("--reason", required=True, help="Why, for whoever finds it left alone.")
@common_options(formats=ALL_FORMATS)
@click.pass_obj
def suspend(settings: Settings, name: str, region: str | None, reason: str, path: Path, home_region: str | None) -> int:
    """Leave NAME alone until it is resumed: it is looked at, and nothing is done.

    What AWS has begun goes on to its end. Needs no lease, and no commit.
    """
    from reconciler.cli.suspending import suspend

    return suspend(settings, name, region=region, reason=reason, path=path, home_region=home_region)


@cli.command()
@_of_a_topology
@click.option("--region", metavar="REGION", callback=_region, help="Only this Region.")
@click.option("--reason", required=True, help="Why it may go on; kept with the history.")
@common_options(formats=ALL_FORMATS)
@click.pass_obj
def resume(settings: Settings, name: str, region: str | None, reason: str, path: Path, home_region: str | None) -> int:
    """Let NAME go on where it was suspended."""
    from reconciler.cli.suspending import resume

    return resume(settings, name, region=region, reason=reason, path=path, home_region=home_region)


@cli.command()
@_of_a_topology
@click.option("--fingerprint", metavar="F", help="Of the plan that is approved, and of no other.")
@click.option("--expires", type=Duration(), default="24h", show_default=True, help="It has to begin within so long.")
@click.option("--reason", required=True, help="Why; kept beside the status.")
@click.option("--revoke", is_flag=True, help="Take the approval back; without --fingerprint, the last one.")
@common_options(formats=ALL_FORMATS)
@click.pass_obj
def approve(
    settings: Settings,
    name: str,
    fingerprint: str | None,
    expires: timedelta,
    reason: str,
    revoke: bool,
    path: Path,
    home_region: str | None,
) -> int:
    """Let a plan of NAME with hazards be carried out, where safety.approval asks for that.

    The plan goes on to its end then; another plan needs another approval. Opens no window.
    """
    from reconciler.cli.approving import approve

    return approve(
        settings,
        name,
        fingerprint=fingerprint,
        expires=expires,
        reason=reason,
        revoke=revoke,
        path=path,
        home_region=home_region,
    )


@cli.command()
@click.argument("name")
@click.option("--to", metavar="REGION", required=True, callback=_region, help="The Region that takes over.")
@click.option("--accept-data-loss", is_flag=True, help="Writes that have not reached REGION are lost.")
@click.option("--timeout", type=Duration(), default="1h", show_default=True, help="Stop waiting after so long.")
@common_options(formats=DATA_FORMATS)
@click.pass_obj
def failover(settings: Settings, name: str, to: str, accept_data_loss: bool, timeout: timedelta) -> int:
    """Make REGION the writer of NAME when the writer's Region is lost.

    Needs nothing but RDS and S3 in REGION. Where the writer's Region works, commit another database.writer instead.
    """
    from reconciler.cli.failover import failover

    return failover(settings, name, to=to, accept_data_loss=accept_data_loss, timeout=timeout)


@cli.command()
@click.argument("name")
@click.option("--confirm", metavar="NAME", required=True, help="The same name once more.")
@click.option(
    "--path", type=click.Path(path_type=Path), default=Path("desired_state"), help="Desired state that declares NAME."
)
@click.option("--timeout", type=Duration(), default="6h", show_default=True, help="Stop waiting after so long.")
@common_options(formats=DATA_FORMATS)
@click.pass_obj
def destroy(settings: Settings, name: str, confirm: str, path: Path, timeout: timedelta) -> int:
    """Take NAME off AWS, from the edge to the last Region.

    database.deletionPolicy says whether the data stays (retain) or goes after final snapshots (snapshot).
    """
    from reconciler.cli.destroying import destroy

    return destroy(settings, name, confirm=confirm, path=path, timeout=timeout)


@cli.command()
@click.argument("run")
@common_options(formats=ALL_FORMATS)
@click.pass_obj
def replay(settings: Settings, run: str) -> int:
    """Plan once more from what a pass recorded. No AWS access but for the record.

    RUN is a file, s3://bucket/key, or the key that `status --format json` names in its history; with MERIDIAN_BUCKET set.
    Exits 1 if this Meridian's plan is not the recorded one.
    """
    from reconciler.cli.replaying import replay

    return replay(settings, run)


@cli.command()
@path_argument
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="One folder per topology goes here."
)
@common_options()
@click.pass_obj
def synth(settings: Settings, path: Path, out: Path) -> int:
    """Write the CDK cloud assembly, for reading. No AWS access."""
    from reconciler.cli.synth import synth

    return synth(settings, path, out)


def _repository(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:  # noqa: ARG001
    from reconciler.model.control import REPOSITORY

    if value and not re.fullmatch(REPOSITORY, value):
        raise click.BadParameter(f"{value!r} is not a repository, such as example/orders or example@12/orders@34")
    return value


@cli.command()
@path_argument
@click.option(
    "--synth-image", metavar="URI", help="Image of the function that synthesises, in this account's registry."
)
@click.option(
    "--github",
    metavar="OWNER/REPO",
    callback=_repository,
    help="Let its workflows in: OWNER@ID/REPO@ID since July 2026.",
)
@click.option("--alarm-email", metavar="ADDRESS", help="Who gets the alarms; has to confirm it once.")
@click.option("--notify-email", metavar="ADDRESS", help="Who is told what passes come to; has to confirm it once.")
@click.option("--remove", is_flag=True, help="Take the control plane away; the topologies stay.")
@click.option("--timeout", type=Duration(), default="1h", show_default=True, help="Stop waiting after so long.")
@common_options(formats=DATA_FORMATS, detailed=True)
@click.pass_obj
def bootstrap(
    settings: Settings,
    path: Path,
    synth_image: str | None,
    github: str | None,
    alarm_email: str | None,
    notify_email: str | None,
    remove: bool,
    timeout: timedelta,
) -> int:
    """Make or update the control plane, which converges by itself.

    In the home Region and every Region in use of PATH. Options that are left out stay as they were.
    """
    from reconciler.cli.bootstrapping import bootstrap
    from reconciler.diff.control import Wishes

    wishes = Wishes(synth_image=synth_image, github=github, alarm_email=alarm_email, notify_email=notify_email)
    return bootstrap(settings, path, wishes, remove=remove, timeout=timeout)


@cli.command()
@path_argument
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/bundles"),
    show_default=True,
    help="Without --upload: the bundles go here.",
)
@click.option("--upload", is_flag=True, help="Into the revision bucket of the account, from where AWS converges to it.")
@click.option("--rollback", is_flag=True, help="With --upload: an older commit than the one that is there, on purpose.")
@click.option("--announce", is_flag=True, help="Say where the head is, so that the status shows a missing bundle.")
@common_options(formats=DATA_FORMATS)
@click.pass_obj
def bundle(settings: Settings, path: Path, out: Path, upload: bool, rollback: bool, announce: bool) -> int:
    """Make the commit at hand a revision bundle, one per topology.

    Needs a full clone in which the desired state and its code are committed. A topology that had a bundle and has no document any
    more is refused: `meridian destroy` takes it off AWS.
    """
    from reconciler.cli.bundling import bundle, warm

    return bundle(settings, path, out=out, upload=upload, rollback=rollback, announce=announce, publish_templates=warm)


cli.add_command(github)


@cli.command()
@click.argument("code", required=False)
@common_options(formats=ALL_FORMATS)
@click.pass_obj
def explain(settings: Settings, code: str | None) -> int:
    """Say what a CODE or number means and what to do; without one, list all. No AWS access."""
    from reconciler.cli.explaining import explain

    return explain(settings, code)


@cli.command()
@click.option("--port", type=click.IntRange(0, 65535), default=4566, show_default=True, help="0 picks a free one.")
@click.option(
    "--speed",
    type=click.FloatRange(0, 100_000, min_open=True),
    default=1.0,
    show_default=True,
    help="How much faster than the wall clock.",
)
@click.option(
    "--iam", is_flag=True, help="Enforce signatures and policies; root's key is the account, its secret `test`."
)
@common_options()
@click.pass_obj
def local(settings: Settings, port: int, speed: float, *, iam: bool) -> NoReturn:
    """Serve the embedded AWS on 127.0.0.1 until stopped."""
    arguments = ["--port", str(port), "--speed", f"{speed:g}"]
    arguments += [flag for flag, given in (("--iam", iam), ("--verbose", settings.verbose)) if given]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "local_aws", *arguments])  # noqa: S606  # becomes the server


def main() -> NoReturn:
    # Starting makes a hundred thousand objects and next to no garbage: looking for it as often as usual costs a sixth of a plan.
    gc.set_threshold(100_000, 50, 50)
    prepare_streams()
    code = run(sys.argv[1:])
    with suppress(BrokenPipeError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(
        code
    )  # all is said: no call that hangs in a thread keeps us, nor does taking the interpreter apart (0.2 s)


def prepare_streams() -> None:
    """A terminal that cannot show a character shows a question mark, and nothing breaks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def run(arguments: Sequence[str]) -> int:
    settings = Settings()
    exits.stop_on(signal.SIGINT, exits.INTERRUPTED, "interrupted")
    exits.stop_on(signal.SIGTERM, exits.TERMINATED, "terminated")
    try:
        code = cli.main(list(arguments), prog_name="meridian", standalone_mode=False, obj=settings)
        return code if isinstance(code, int) else exits.DONE
    except BrokenPipeError:  # whoever read our output has seen enough
        return exits.ERROR
    except (Exception, exits.Stopped) as error:  # noqa: BLE001  # the last place where it can be told in words
        return _failed(settings, arguments, error)


def _failed(settings: Settings, arguments: Sequence[str], error: BaseException) -> int:
    from reconciler.cli.output import show_error, tell

    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        tell(error.format_message())
        return exits.USAGE
    if "--format=json" in arguments or ("--format", "json") in pairwise(arguments):
        settings.format = Format.JSON  # it may stand behind the word that was wrong
    show_error(settings, error, line="converge" in arguments)
    if isinstance(error, click.UsageError) and error.ctx:
        tell(f"{error.ctx.get_usage()}\nsee `{error.ctx.command_path} --help`")
    return exits.of_error(error)


if __name__ == "__main__":
    main()
