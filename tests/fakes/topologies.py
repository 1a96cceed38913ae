"""Desired topologies for tests: the worked example and what is easily made of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from reconciler.load import load
from reconciler.model.topology import Region, Topology, Traffic

ROOT = Path(__file__).parents[2]
NAMES = ("us-east-1", "eu-west-1", "ap-northeast-1", "sa-east-1", "eu-central-1", "us-west-2")


def orders() -> Topology:
    (topology,) = load(ROOT / "desired_state" / "orders.yaml")
    return topology


def with_regions(*names: str, writer: str | None = None, drained: tuple[str, ...] = ()) -> Topology:
    base = orders()
    regions = tuple(
        Region(name=n, cidr=f"10.{i + 10}.0.0/16", traffic=Traffic.DRAINED if n in drained else Traffic.SERVING)
        for i, n in enumerate(names)
    )
    return replace(base, regions=regions, database=replace(base.database, writer=writer or names[0]))
