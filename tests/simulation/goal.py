"""Where a run must end: AWS as the last commit says, and nothing left of what it does not name."""

from __future__ import annotations

from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Topology, Traffic
from tests.fakes.aws.account import Account


def reached(account: Account, topology: Topology) -> None:
    aurora, dns, stacks = account.aurora, account.route53, account.stacks.stacks
    names = set(topology.region_names)
    assert aurora.group
    assert aurora.group.writer == topology.database.writer
    assert set(aurora.group.members) == names
    assert set(aurora.clusters) == names, "a cluster is left behind, or missing"
    assert {c.version for c in aurora.clusters.values()} == {aurora.group.version} == {topology.database.version}
    for kind in (StackKind.DATA, StackKind.API):
        found = {ref.region for ref in stacks if ref.kind is kind}
        assert found == names, f"stacks {kind} in {found}"
    unfinished = {
        str(ref): s.status
        for ref, s in stacks.items()
        if ref.region in topology.deployment_regions and (s.applied is None or not s.status.endswith("_COMPLETE"))
    }
    assert not unfinished, unfinished
    assert {r["Region"] for r in dns.records.values() if "Region" in r} == names
    assert {c.reference.split("/")[2] for c in dns.checks.values() if c.is_gate} == names
    for region in topology.regions:
        gate = dns.gate(topology.gate_reference_prefix(region.name))
        assert gate
        assert gate.is_open == (region.traffic is Traffic.SERVING), f"the gate of {region.name}"
        function = account.regions[region.name].function
        assert function
        assert function["MemorySize"] == topology.api.memory_mb
        scaling = aurora.clusters[region.name].settings["ServerlessV2ScalingConfiguration"]
        assert scaling["MaxCapacity"] == topology.database.max_capacity
    route = {r["TTL"] for r in dns.spread.values() if r["Type"] == "CNAME"}
    assert route == {str(topology.routing.ttl_seconds)}
    assert account.cloudfront.config
    assert account.cloudfront.config["PriceClass"] == topology.edge.price_class
    assert set(account.cloudfront.copied) == {account.cloudfront.used}, "superseded versions of the router are left"
    assert StackRef(StackKind.GLOBAL, topology.home_region) in stacks
    missing = [m.name for m in topology.migrations if account.ledger.applied.get(m.name) != m.sha256]
    assert not missing, f"not applied: {missing}"


def destroyed(account: Account, topology: Topology) -> None:
    """Nothing is left but the foundations, and what the deletion policy keeps."""
    keeps = topology.database.deletion_policy == "retain"
    aurora, dns = account.aurora, account.route53
    left = {ref.kind for ref in account.stacks.stacks} - {StackKind.FOUNDATION}
    assert left == ({StackKind.DATA, StackKind.GLOBAL} if keeps else set()), f"stacks are left: {left}"
    assert not dns.records, "records are left"
    assert not dns.checks, "health checks are left"
    assert account.cloudfront.config is None
    assert bool(aurora.group) == bool(aurora.clusters) == keeps
    if keeps:
        assert set(aurora.clusters) == set(topology.region_names)
        assert all(c.member and c.protected for c in aurora.clusters.values())
    else:
        assert set(aurora.snapshots) >= set(topology.region_names), "data went without a snapshot"
