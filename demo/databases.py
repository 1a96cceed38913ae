"""The invariants that are about the database: who writes, what stands alone, what may go. See `invariants` for the list."""

from __future__ import annotations

from collections.abc import Iterator

from demo.memory import Memory
from demo.snapshot import Region, Snapshot

# --- I4: the writer's Region is never taken away ------------------------------------------------------------------------------


def writer_stays(snapshot: Snapshot, memory: Memory) -> Iterator[str]:
    if memory.had_writer and len(snapshot.writers or ()) != 1:
        yield f"I4: the global cluster has {len(snapshot.writers or ())} writers"
    for writer in snapshot.writers or ():
        region = snapshot.regions.get(writer, Region())
        if region.cluster is None or region.cluster.startswith(("stop", "delet")):
            yield f"I4: the writer's cluster in {writer} is {region.cluster or 'gone'}"
        if writer in memory.published and not snapshot.latency("origin", writer):
            yield f"I4: the writer's Region {writer} lost its latency record"
        for stack, status in region.stacks.items():
            if status.startswith("DELETE_") and stack.startswith(f"meridian-{snapshot.topology}-"):
                yield f"I4: stack {stack} of the writer's Region {writer} is {status}"


# --- I7: a cluster that stands alone is out of use -----------------------------------------------------------------------------


def alone_and_unused(snapshot: Snapshot, memory: Memory) -> Iterator[str]:
    """Writes that reached it would be lost, and reads would tell of another world than the other Regions'."""
    for name, region in snapshot.regions.items():
        if name in memory.joined - snapshot.members and region.cluster:
            if api := region.stacks.get(f"meridian-{snapshot.topology}-api"):
                yield f"I7: the cluster in {name} stands alone, and stack api before it is {api}"
            if snapshot.latency("origin", name):
                yield f"I7: the cluster in {name} stands alone, and clients are sent there"


# --- I14: databases stay in their global cluster, nothing that holds data is replaced -----------------------------------------


def linked(snapshot: Snapshot) -> frozenset[tuple[str, str]]:
    return frozenset((name, item) for name, region in snapshot.regions.items() for item in region.linked)


def identities(snapshot: Snapshot) -> dict[tuple[str, str], str]:
    return {
        (name, item): identity
        for name, region in snapshot.regions.items()
        for item, identity in region.identities.items()
    }


def _data_stack(snapshot: Snapshot, region: str) -> str:
    """Status of the stack that holds a Region's data; empty where there is none."""
    return snapshot.regions[region].stacks.get(f"meridian-{snapshot.topology}-data", "")


def may_go(snapshot: Snapshot, memory: Memory, region: str, item: str) -> bool:
    """A part of the data of a Region that was in the global database and no longer is, and to which no client is sent."""
    of_data = item.startswith((f"meridian-{snapshot.topology}-data/", "cluster/"))
    apart = region in memory.joined and region not in snapshot.members
    # The cluster goes by a call of its own, before its stack.
    goes = item.startswith("cluster/") or _data_stack(snapshot, region) in {"", "DELETE_IN_PROGRESS", "DELETE_FAILED"}
    return of_data and apart and goes and not snapshot.latency("origin", region)


def gone(snapshot: Snapshot, memory: Memory, region: str, item: str) -> bool:
    """It went, rightly: the Region may come back with another one."""
    return may_go(snapshot, memory, region, item) and not _data_stack(snapshot, region)


def data_stays(snapshot: Snapshot, memory: Memory) -> Iterator[str]:
    for region, item in sorted(memory.linked - linked(snapshot)):
        if not may_go(snapshot, memory, region, item):
            yield f"I14: the template of {item} in {region} lost GlobalClusterIdentifier"
    now = identities(snapshot)
    for (region, item), identity in memory.identities.items():
        found = now.get((region, item))
        if found != identity and not may_go(snapshot, memory, region, item):
            yield f"I14: {item} in {region} was {identity} and is {found or 'gone'}"


# --- I19: data that goes leaves a snapshot ------------------------------------------------------------------------------------


def data_is_kept(snapshot: Snapshot, memory: Memory) -> Iterator[str]:
    for region in sorted(memory.joined):
        found = snapshot.regions.get(region, Region())
        if not found.cluster and not found.snapshot:
            yield f"I19: the cluster in {region} is gone, and no snapshot of it is left"
