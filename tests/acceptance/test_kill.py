"""Whoever stops `converge`, at whatever moment: the next run goes on from there and makes nothing twice."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import Counter

import pytest

from tests.acceptance.world import REGIONS, Project, World, conditions
from tests.embedded.dead_holder import KEY, lease_runs_out

# Mutating calls after which the run is killed: asset, change set, execution, gate, record, edge. A run from nothing makes 37.
MOMENTS = (1, 3, 6, 9, 13, 17, 22, 27, 31, 35)


def stop_after(world: World, process: subprocess.Popen[str], calls: int, how: signal.Signals) -> int:
    """Send the signal as soon as so many mutating calls were made; gives the exit code."""
    while world.mutating() < calls and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(how)
    process.communicate(timeout=60)
    return process.returncode


def makes_nothing_twice(world: World) -> bool:
    world.stacks()  # refuses two stacks of one name
    for region in REGIONS:
        clusters = world.client("rds", region).describe_db_clusters()["DBClusters"]
        assert [c["DBClusterIdentifier"] for c in clusters] == [f"orders-{region}"]
        apis = world.client("apigateway", region).get_rest_apis()["items"]
        assert [a["name"] for a in apis] == ["orders"]
    assert len(world.client("rds").describe_global_clusters()["GlobalClusters"]) == 1
    assert [reference.split("/")[:4] for reference in sorted(world.gates())] == [
        ["meridian", "orders", region, "gate"] for region in sorted(REGIONS)
    ]
    records = Counter((r["Name"], r["Type"], r.get("SetIdentifier")) for r in world.records())
    assert set(records.values()) == {1}
    assert len(world.client("cloudfront").list_distributions()["DistributionList"]["Items"]) == 1
    return True


@pytest.mark.timeout(300)
def test_sigkill_at_ten_moments(nothing: World, project: Project) -> None:
    """One world, ten kills, each later than the last: every run but the last starts from what a dead one left."""
    killed = []
    for calls in MOMENTS:
        with nothing.start(project, "converge") as process:
            killed.append(stop_after(nothing, process, calls, signal.SIGKILL))
        lease_runs_out(nothing.client("dynamodb"))
    assert killed == [-signal.SIGKILL] * len(MOMENTS)
    status = nothing.converges(project).lines[-1]
    assert conditions(status) == {"Ready": "True", "Serving": "True", "DriftDetected": "False"}
    assert makes_nothing_twice(nothing)
    nothing.forget_calls()
    assert nothing.meridian(project, "converge").code == 0
    assert nothing.mutating() == 0


def test_signals_and_timeout_lose_nothing(world: World, project: Project) -> None:
    """In the middle of a rollout: each has its own exit code, and the rollout still ends everywhere."""
    project.edit(("memoryMb: 512", "memoryMb: 1024"), ("priceClass: PriceClass_100", "priceClass: PriceClass_200"))
    world.forget_calls()
    for calls, how, code in ((1, signal.SIGINT, 130), (3, signal.SIGTERM, 143)):
        with world.start(project, "converge") as process:
            assert stop_after(world, process, calls, how) == code
    ran = world.meridian(project, "converge", "--timeout", "1s", "--format", "json")
    assert ran.code == 124, ran.said
    (error,) = [line for line in ran.lines if line["kind"] == "Error"]  # the status follows, if a pass was done by then
    assert error["errors"][0]["code"] == "Stopped"
    world.converges(project)
    assert makes_nothing_twice(world)
    for region in REGIONS:
        function = world.client("lambda", region).get_function_configuration(FunctionName="meridian-orders-api")
        assert function["MemorySize"] == 1024


def lease(holder: str, until: float) -> dict:
    return {**KEY, "holder": {"S": holder}, "until": {"N": repr(until)}}


def test_a_living_holder_of_the_lease_is_left_alone(world: World, project: Project) -> None:
    table = world.client("dynamodb")
    with world.start(project, "converge", "--format", "json") as process:
        while process.poll() is None:
            table.put_item(TableName="meridian-state", Item=lease("somebody", time.time() + 3))
            time.sleep(0.1)
        out, err = process.communicate()
    assert process.returncode == 3, out + err
    assert "somebody works on orders" in err
    assert table.get_item(TableName="meridian-state", Key=KEY)["Item"]["holder"] == {"S": "somebody"}


def test_a_dead_holder_of_the_lease_is_taken_over(world: World, project: Project) -> None:
    world.client("dynamodb").put_item(TableName="meridian-state", Item=lease("a dead process", time.time() + 3))
    assert conditions(world.converges(project).lines[-1])["Ready"] == "True"
