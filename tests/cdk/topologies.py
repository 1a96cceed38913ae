"""The worked example as a value, and what its neighbours look like."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

from reconciler.model.topology import (
    Api,
    ClientAuth,
    Database,
    Domain,
    DriftPolicy,
    Edge,
    Health,
    Region,
    Routing,
    Safety,
    Topology,
)

ROOT = Path(__file__).parents[2]

ORDERS = Topology(
    name="orders",
    account="111111111111",
    home_region="us-east-1",
    domain=Domain(name="api.example.com", zone_id="Z0123456789EXAMPLE", zone_name="example.com"),
    regions=(
        Region(name="us-east-1", cidr="10.10.0.0/16"),
        Region(name="eu-west-1", cidr="10.20.0.0/16"),
        Region(name="ap-northeast-1", cidr="10.30.0.0/16"),
    ),
    database=Database(
        engine="aurora-postgresql",
        version="16.8",
        name="orders",
        writer="us-east-1",
        min_capacity=8,
        max_capacity=64,
        instances_per_region=2,
        write_forwarding="session",
        migrations="handlers/api/migrations",
        deletion_policy="retain",
        max_replica_lag_ms=1000,
    ),
    api=Api(
        code="handlers/api",
        handler="app.handler",
        runtime="python3.13",
        memory_mb=512,
        timeout_seconds=10,
        origin_auth="edge-sigv4",
        client=ClientAuth(),
        throttle_rate=1000,
        throttle_burst=2000,
        health=Health(path="/health", interval_seconds=10, failure_threshold=3),
    ),
    routing=Routing(policy="latency", ttl_seconds=10, drain_seconds=300),
    edge=Edge(
        price_class="PriceClass_100",
        http_version="http2and3",
        minimum_tls="TLSv1.2_2021",
        web_acl_arn=None,
        certificate_arn=None,
    ),
    safety=Safety(min_serving=1, soak_seconds=120, max_concurrent_regions=1),
    drift=DriftPolicy(mode="heal"),
    root=ROOT,
    source="desired_state/orders.yaml",
)


def public_origin(topology: Topology = ORDERS) -> Topology:
    return replace(topology, api=replace(topology.api, origin_auth="none"))


def shipped_with(assembly: Path, name: str) -> ZipFile:
    """The one package that holds this file."""
    (found,) = [z for z in map(ZipFile, assembly.glob("asset.*.zip")) if name in z.namelist()]
    return found
