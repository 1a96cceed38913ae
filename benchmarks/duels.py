"""What is compared: from nothing, nothing to change, a small change, drift. Each side begins with the same world, brought back."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3

from benchmarks import peer
from benchmarks.goals import WORKED_EXAMPLE
from benchmarks.measure import CommandFailed, Cost, run
from benchmarks.sides import Duel, Subject, compare, theirs
from benchmarks.text import REASONS
from benchmarks.world import FOLDER, SPEED, World

PACE = 60
"""Of AWS's time where much of it passes: at 600 a second of either tool would count as ten minutes of AWS's."""
FUNCTION = "meridian-orders-api"
DRIFTED = "eu-west-1"
DECLARED, CHANGED, BY_HAND = 512, 1024, 256
REGIONS = ("us-east-1", "eu-west-1", "ap-northeast-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How often each is run. Deployments from nothing take a minute a time."""

    ours: int
    """Of what only looks, as the next."""
    theirs: int
    deployments: int
    from_nothing: int


def duels(world: World, times: Times, *, with_peer: bool, tell: Callable[[str], None]) -> list[Duel]:
    found = []
    for prepared in (from_nothing, nothing_to_do, noticing, carrying_out, repair):
        question, conditions, subjects = prepared(times)
        tell(f"{question}, {conditions}")
        sides = compare(world, [subject for subject in subjects if with_peer or not theirs(subject.name)])
        for side in sides:
            tell(f"  {side.name}: " + (f"{side.cost.wall:.1f} s" if side.cost else f"failed: {side.failed}"))
        found.append(Duel(question=question, conditions=conditions, sides=sides, reason=REASONS[question]))
    return found


Prepared = tuple[str, str, list[Subject]]


def from_nothing(times: Times) -> Prepared:
    named = partial(Subject, runs=times.from_nothing)
    return (
        "from nothing",
        f"{WORKED_EXAMPLE} Regions, AWS's time {PACE} times as fast",
        [
            named(
                name="`meridian converge`", before=_empty, act=partial(_ours, "converge", cache="fresh"), after=_keep
            ),
            named(
                name="`cdk deploy --all --concurrency 12`",
                before=_empty_but_for_gates,
                act=peer.deploy_from_nothing,
                after=partial(_hold_memory, DECLARED),
            ),
        ],
    )


def nothing_to_do(times: Times) -> Prepared:
    named = partial(Subject, before=_converged)
    return (
        "nothing to do",
        f"{WORKED_EXAMPLE} Regions, converged, AWS's time {SPEED} times as fast",
        [
            named(name="`meridian plan`", act=plan, runs=times.ours),
            named(name="`meridian drift`", act=partial(_ours, "drift", says="No drift found"), runs=times.ours),
            named(
                name="`cdk diff --all`, `cdk drift`: one synthesis, `--method=template`",
                act=peer.quickest,
                runs=times.theirs,
            ),
            named(name="`cdk diff --all`, `cdk drift`", act=peer.typed, runs=1),
            named(
                name="`cdk diff --all`, `cdk drift`: one synthesis, `--method=template`, sleeps as they are",
                act=partial(peer.quickest, waits_as_they_are=True),
                runs=1,
            ),
        ],
    )


def noticing(times: Times) -> Prepared:
    named = partial(Subject, before=_changed)
    return (
        "what a small change would do",
        f"{WORKED_EXAMPLE} Regions, `memoryMb` of every Region's function, templates of before in the cache",
        [
            named(name="`meridian plan`", act=partial(_ours, "plan", cache="fresh"), runs=times.ours),
            named(name="`cdk diff --all --method=template`", act=peer.differs, runs=times.theirs),
        ],
    )


def carrying_out(times: Times) -> Prepared:
    named = partial(Subject, before=_changed_slowly, after=partial(_hold_memory, CHANGED), runs=times.deployments)
    return (
        "a small change",
        f"{WORKED_EXAMPLE} Regions, `memoryMb` of every Region's function, AWS's time {PACE} times as fast",
        [
            named(name="`meridian converge`", act=partial(_ours, "converge", cache="fresh")),
            named(name="`cdk deploy --all --concurrency 12`", act=peer.deploy),
            named(name="`cdk deploy --all --revert-drift --concurrency 12`", act=_reverting),
        ],
    )


def repair(times: Times) -> Prepared:
    named = partial(Subject, before=_drifted, after=partial(_hold_memory, DECLARED), runs=times.deployments)
    return (
        "drift repaired",
        f"{WORKED_EXAMPLE} Regions, the function's memory set by hand in {DRIFTED}, AWS's time {PACE} times as fast",
        [
            named(name="`meridian converge`", act=partial(_ours, "converge")),
            named(name="`cdk deploy --all --revert-drift --concurrency 12`", act=_reverting),
        ],
    )


def plan(world: World) -> Cost:
    return _ours("plan", world, says="is converged")


def _ours(command: str, world: World, *, says: str = "", cache: str = "cache") -> Cost:
    environment = world.environment | {"MERIDIAN_CACHE": str(FOLDER / cache)}
    return run(["meridian", command], world.repository, environment, says=says)


def _reverting(world: World) -> Cost:
    return peer.deploy(world, "--revert-drift")


# --- worlds to begin with ---------------------------------------------------------------------------------------------


def _empty(world: World) -> None:
    world.bring_back(0)
    world.declare(WORKED_EXAMPLE)
    shutil.rmtree(FOLDER / "fresh", ignore_errors=True)
    world.pace(PACE)


def _empty_but_for_gates(world: World) -> None:
    """The traffic gates, which no template describes, are handed to the peer."""
    _empty(world)
    client = _client(world, "route53", "us-east-1")
    for region in REGIONS:
        probe = {"Type": "HTTPS", "FullyQualifiedDomainName": f"{region}.origin.api.example.com"}
        child = client.create_health_check(CallerReference=f"probe/{region}", HealthCheckConfig=probe)
        gate = {"Type": "CALCULATED", "HealthThreshold": 1, "ChildHealthChecks": [child["HealthCheck"]["Id"]]}
        made = client.create_health_check(CallerReference=f"gate/{region}", HealthCheckConfig=gate)
        world.gates[region] = made["HealthCheck"]["Id"]


def _converged(world: World) -> None:
    world.bring_back(WORKED_EXAMPLE)


def _changed(world: World) -> None:
    """The templates of the commit before are in the cache, as they are where somebody works on a topology."""
    world.bring_back(WORKED_EXAMPLE)
    world.declare(WORKED_EXAMPLE, memory=f"memoryMb: {CHANGED}")
    shutil.rmtree(FOLDER / "fresh", ignore_errors=True)
    shutil.copytree(FOLDER / "cache", FOLDER / "fresh")


def _changed_slowly(world: World) -> None:
    _changed(world)
    world.pace(PACE)


def _drifted(world: World) -> None:
    world.bring_back(WORKED_EXAMPLE)
    client = _client(world, "lambda", DRIFTED)
    client.update_function_configuration(FunctionName=FUNCTION, MemorySize=BY_HAND)
    client.get_waiter("function_updated_v2").wait(FunctionName=FUNCTION)
    world.pace(PACE)


# --- and what has to be true at the end ---------------------------------------------------------------------------------


def _keep(world: World) -> None:
    """What is made from nothing is the world that the others begin with."""
    world.pace(SPEED)
    world.keep(WORKED_EXAMPLE)
    shutil.copytree(FOLDER / "fresh", FOLDER / "cache", dirs_exist_ok=True)


def _hold_memory(megabytes: int, world: World) -> None:
    for region in REGIONS:
        found = _client(world, "lambda", region).get_function_configuration(FunctionName=FUNCTION)["MemorySize"]
        if found != megabytes:
            raise CommandFailed(f"it ended well, but {FUNCTION} in {region} has {found} MB, not {megabytes}")


def _client(world: World, service: str, region: str) -> Any:
    keys = {"aws_access_key_id": "111111111111", "aws_secret_access_key": "benchmark"}
    return boto3.client(service, region_name=region, endpoint_url=world.endpoint, **keys)
