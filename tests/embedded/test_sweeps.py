"""A glance at a topology at rest is cheap, true, and takes nothing that it did not read for absence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.glancing import unchanged
from reconciler.hosted import GLANCED, Again, reconcile
from reconciler.loop import Looking, Run, look, run_pass
from reconciler.model.facts import Sweep
from reconciler.model.message import Message
from reconciler.model.observed import Missing
from reconciler.model.outcome import Result
from reconciler.observe import observe
from tests.embedded.conftest import Aws
from tests.embedded.converged import Converged, converged
from tests.embedded.test_live_readers import inverted_probe, memory, price_class, record_ttl, throttle
from tests.embedded.test_structure import called

RESYNC = Message(topology="orders", reason="Scheduled Event", routine=True)


@pytest.fixture(scope="module")
def rested(server: Aws) -> Iterator[tuple[Converged, str]]:
    """Some time after the last pass: nothing settles any more, health is steady, and a full sweep has been. None is due for long,
    as a minute of this machine is half a day of AWS's."""
    with converged(server) as found:
        seldom = replace(found.topology.drift, schedule="rate(900 days)")
        world = replace(found, topology=replace(found.topology, drift=seldom))
        world.restore()
        world.passes(600)
        run_pass(world.ports, world.topology, Run(), looking=Looking(sweep=Sweep.FULL))
        yield world, str(world.aws.until(world.snapshot_at_rest))


@pytest.fixture
def world(rested: tuple[Converged, str]) -> Converged:
    world, snapshot = rested
    world.restore(snapshot)
    return world


def ask(world: Converged, message: Message = RESYNC) -> Again:
    return reconcile(world.ports, world.topology, message=message, chance=lambda: 0.5)


def full_sweep_is_due(world: Converged) -> None:
    found, last = status(world), (world.ports.clock.now() - timedelta(days=1000)).isoformat()
    with world.ports.journal.lease(world.topology):
        world.ports.journal.record(world.topology, {**found, "looks": {**found["looks"], "fullAt": last}})


def status(world: Converged) -> dict[str, Any]:
    return dict(world.ports.journal.recorded(world.topology) or {})


def test_a_glance_costs_seven_calls_and_five_for_each_region(world: Converged) -> None:
    world.ports.cloud.account(world.topology)
    found = called(world.aws, lambda: world.ports.cloud.facts(world.topology, Sweep.FAST))
    assert sum(found.values()) <= 7 + 5 * len(world.topology.regions), found


def test_it_takes_nothing_for_gone_and_finds_nothing(world: Converged) -> None:
    facts = world.ports.cloud.facts(world.topology, Sweep.FAST)
    live = observe(facts, world.topology).live
    assert not [where for where, seen in live.items() if isinstance(seen, Missing)]
    assert [str(ref) for (ref, name), seen in live.items() if name == "Stage" and isinstance(seen, dict)]
    assert unchanged(world.ports, world.topology, status(world))


def test_every_sweep_has_the_same_glance(world: Converged) -> None:
    found = {look(world.ports, world.topology, sweep=sweep).observed.glance for sweep in Sweep}
    assert len(found) == 1
    assert "" not in found


def test_a_resync_at_rest_is_a_glance_and_the_status_says_so(world: Converged) -> None:
    before = status(world)
    again = ask(world)
    assert (again.result, again.outcome, again.after, again.redeliver) == (GLANCED, None, None, False)
    assert [line.level for line in again.lines] == ["info"]
    after = status(world)
    assert after["looks"]["lookedAt"] > before["looks"]["lookedAt"]
    assert after["looks"]["fullAt"] == before["looks"]["fullAt"]
    assert after["looks"]["coverage"] == before["looks"]["coverage"]
    assert after["conditions"] == before["conditions"]


def test_an_event_is_a_whole_look(world: Converged) -> None:
    again = ask(world, Message(topology="orders", reason="AWS API Call via CloudTrail: PutRetentionPolicy"))
    assert again.outcome is not None
    assert (again.outcome.result, again.outcome.sweep) == (Result.CONVERGED, Sweep.PLAN)


def capacity(aws: Aws) -> None:
    scaling = {"MinCapacity": 8, "MaxCapacity": 128}
    aws.client("rds", "eu-west-1").modify_db_cluster(
        DBClusterIdentifier="orders-eu-west-1", ServerlessV2ScalingConfiguration=scaling, ApplyImmediately=True
    )


def foreign_record(aws: Aws) -> None:
    record = {"Name": "new.api.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    change = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    aws.client("route53").change_resource_record_sets(HostedZoneId="Z0123456789EXAMPLE", ChangeBatch=change)


def closed_gate(aws: Aws) -> None:
    route53 = aws.client("route53")
    gate = next(c for c in route53.list_health_checks()["HealthChecks"] if "/eu-west-1/gate/" in c["CallerReference"])
    route53.update_health_check(HealthCheckId=gate["Id"], HealthThreshold=2)


def domain_deleted(aws: Aws) -> None:
    client = aws.client("apigateway", "eu-west-1")
    name = "eu-west-1.origin.api.example.com"
    client.delete_base_path_mapping(domainName=name, basePath="(none)")
    client.delete_domain_name(domainName=name)


@pytest.mark.parametrize(
    "change",
    [
        *(record_ttl, price_class, memory, throttle, inverted_probe),
        *(capacity, foreign_record, closed_gate, domain_deleted),
    ],
)
def test_what_serves_and_was_changed_calls_for_a_whole_look(world: Converged, change: Callable[[Aws], None]) -> None:
    change(world.aws)
    world.aws.until(lambda: not unchanged(world.ports, world.topology, status(world)))


BRAKE = "regions/eu-west-1/api/Function/ReservedConcurrentExecutions"


def test_a_full_sweep_comes_when_it_is_due_and_sees_what_a_glance_does_not(world: Converged) -> None:
    world.aws.client("lambda", "eu-west-1").put_function_concurrency(
        FunctionName="meridian-orders-api", ReservedConcurrentExecutions=90
    )
    assert ask(world).result == GLANCED
    full_sweep_is_due(world)
    again = ask(world)
    assert again.outcome is not None
    assert again.outcome.sweep is Sweep.FULL
    assert [f.path for f in again.outcome.diff.findings] == [BRAKE]
    drifted = [c for c in status(world)["conditions"] if c["type"] == "DriftDetected"]
    assert [c["status"] for c in drifted] == ["True"]
    again = ask(world)
    assert again.outcome is not None
    assert again.outcome.sweep is Sweep.FULL, "what was found does not come and go with what is read"
    kept = [c for c in status(world)["conditions"] if c["type"] == "DriftDetected"]
    assert kept == drifted


def test_a_sweep_gives_way_to_whoever_asks(world: Converged) -> None:
    full_sweep_is_due(world)
    before = status(world)
    asked = world.ports.cloud.facts
    with pytest.MonkeyPatch.context() as patch:

        def facts(topology: Any, sweep: Sweep, yields: Callable[[], bool] | None = None) -> Any:
            assert yields is not None
            return asked(topology, sweep, lambda: True)

        patch.setattr(world.ports.cloud, "facts", facts)
        again = ask(world)
    assert (again.result, again.after, again.redeliver) == ("GaveWay", timedelta(), False)
    assert status(world) == before
