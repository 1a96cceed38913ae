"""What a month costs before the plan and after it, as far as the topology fixes it: what its use costs is unknown, and said to be.

Before is what the applied templates hold, after what the desired topology asks for. The control plane is not counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from reconciler.model.observed import Observed, Seen, StackState, Unknown
from reconciler.model.preflight import Cost, CostLine
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Topology
from reconciler.preflight.prices import HOURS, prices
from reconciler.preflight.scene import INSTANCE, of_type

ALARMS = 2
"""Of a Region's `api` stack."""
FAST = 10
"""Seconds; an interval that costs extra."""
NOTHING = Decimal()


def cost(topology: Topology, observed: Observed) -> Cost:
    named = topology.region_names
    regions = (*named, *observed.leaving(named))
    lines = [line for region in regions for line in _of_region(topology, observed, region)]
    lines += [_secret(observed, regions), _use()]
    return Cost(
        lines=tuple(line for line in lines if line.before != NOTHING or line.after != NOTHING), priced=prices().read
    )


def _of_region(topology: Topology, observed: Observed, region: str) -> Iterator[CostLine]:
    data = observed.stacks.get(StackRef(StackKind.DATA, region))
    api = observed.stacks.get(StackRef(StackKind.API, region))
    stays = region in topology.region_names
    yield _database(topology, data, region, stays=stays)
    yield _health(topology, observed, api, region, stays=stays)
    key = _each(data, "AWS::KMS::Key", prices().key)
    yield CostLine(
        what="KMS key",
        region=region,
        before=key,
        # A Region that leaves keeps its key: the final snapshot is encrypted with it.
        after=prices().key if stays else key,
        basis="1 key" if stays else "1 key, kept for the final snapshot",
    )
    yield CostLine(
        what="alarms",
        region=region,
        before=_each(api, "AWS::CloudWatch::Alarm", prices().alarm),
        after=ALARMS * prices().alarm if stays else NOTHING,
        basis=f"{ALARMS} alarms × {prices().alarm}",
    )


def _database(topology: Topology, seen: Seen[StackState], region: str, *, stays: bool) -> CostLine:
    """Capacity never goes below its minimum, so that much is certain."""
    wanted, price = topology.database, prices().acu_hour.get(region)
    after = (
        _capacity(Decimal(wanted.instances_per_region) * Decimal(str(wanted.min_capacity)), price) if stays else NOTHING
    )
    number = f"{wanted.instances_per_region} × {wanted.min_capacity:g} ACU × {HOURS} h"
    return CostLine(
        what="database at its minimum",
        region=region,
        before=_database_now(seen, price),
        after=after,
        basis=f"{number} × {price}" if price is not None else f"{number}, price not known",
    )


def _capacity(units: Decimal, price: Decimal | None) -> Decimal | None:
    if not units:
        return NOTHING
    return None if price is None else units * HOURS * price


def _database_now(seen: Seen[StackState], price: Decimal | None) -> Decimal | None:
    if isinstance(seen, Unknown):
        return None
    if seen is None or seen.template is None:
        return NOTHING
    instances = sum(1 for _ in of_type(seen, INSTANCE))
    scaling = [c.get("ServerlessV2ScalingConfiguration") or {} for c in of_type(seen, "AWS::RDS::DBCluster")]
    least = scaling[0].get("MinCapacity") if scaling else None
    if instances and not isinstance(least, int | float):
        return None
    return _capacity(instances * Decimal(str(least or 0)), price)


def _health(topology: Topology, observed: Observed, api: Seen[StackState], region: str, *, stays: bool) -> CostLine:
    """The probe, which asks by HTTPS, and the traffic gate."""
    table, gate = prices(), observed.gates.get(region)
    now: Decimal | None = None
    if not isinstance(api, Unknown) and not isinstance(gate, Unknown):
        probes = of_type(api, "AWS::Route53::HealthCheck") if api else iter(())
        intervals = [(p.get("HealthCheckConfig") or {}).get("RequestInterval") for p in probes]
        now = sum((_probe(i) for i in intervals), table.health_check if gate else NOTHING)
    after = _probe(topology.api.health.interval_seconds) + table.health_check if stays else NOTHING
    return CostLine(
        what="health checks",
        region=region,
        before=now,
        after=after,
        basis="a probe with its options, and a traffic gate",
    )


def _probe(interval: object) -> Decimal:
    table = prices()
    return table.health_check + table.health_check_option * (2 if str(interval) == str(FAST) else 1)


def _each(seen: Seen[StackState], kind: str, price: Decimal) -> Decimal | None:
    if isinstance(seen, Unknown):
        return None
    return price * sum(1 for _ in of_type(seen, kind)) if seen else NOTHING


def _secret(observed: Observed, regions: tuple[str, ...]) -> CostLine:
    """The master credentials are in one Region's stack, whichever that is."""
    found = [
        _each(observed.stacks.get(StackRef(StackKind.DATA, r)), "AWS::SecretsManager::Secret", prices().secret)
        for r in regions
    ]
    sure = [value for value in found if value is not None]
    before = sum(sure, NOTHING) if len(sure) == len(found) else None
    return CostLine(what="secret", region=None, before=before, after=prices().secret, basis="the master credentials")


def _use() -> CostLine:
    what = "use: requests, storage, I/O, backups, replication, transfer, logs"
    return CostLine(what=what, region=None, before=None, after=None, basis="depends on traffic and data")
