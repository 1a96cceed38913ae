"""Desired topologies for tests: the worked example and what is easily made of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from reconciler.load import load
from reconciler.model.topology import Region, Topology, Traffic

ROOT = Path(__file__).parents[2]
NAMES = (
    *("us-east-1", "eu-west-1", "ap-northeast-1", "sa-east-1", "eu-central-1", "us-west-2"),
    *(
        "us-east-2",
        "us-west-1",
        "eu-west-2",
        "eu-west-3",
        "eu-north-1",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
    ),
    *("ap-northeast-2", "ap-northeast-3", "ca-central-1", "eu-south-1", "eu-south-2", "eu-central-2", "af-south-1"),
    *("me-south-1", "me-central-1", "il-central-1", "ap-east-1", "ap-south-2", "ap-southeast-3", "ap-southeast-4"),
    *("ca-west-1", "mx-central-1"),
)


def orders() -> Topology:
    (topology,) = load(ROOT / "desired_state" / "orders.yaml")
    return topology


def cidr(region: str) -> str:
    """The same for a Region in every topology, as it has to be."""
    number = NAMES.index(region) if region in NAMES else 100 + sum(map(ord, region)) % 100
    return f"10.{number + 10}.0.0/16"


def with_regions(*names: str, writer: str | None = None, drained: tuple[str, ...] = ()) -> Topology:
    base = orders()
    regions = tuple(
        Region(name=n, cidr=cidr(n), traffic=Traffic.DRAINED if n in drained else Traffic.SERVING) for n in names
    )
    return replace(base, regions=regions, database=replace(base.database, writer=writer or names[0]))
