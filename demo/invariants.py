"""The invariants that the observer holds a run to, as a pure function of one snapshot and of what was seen before.

I1   at least one Region serves                      from the first serving on
I2   no record leads to an endpoint that is not there
I4   the writer's Region is never taken away
I9   the public name leads to a working distribution from the first serving on
I10  the origin that CloudFront resolves has a record from the first one on
I14  databases stay in their global cluster, and nothing that holds data is replaced

A violation is one line without times or counts in it, so that two snapshots that show the same thing say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from demo.snapshot import Distribution, Record, Region, Snapshot

CHECKED = ("I1", "I2", "I4", "I9", "I10", "I14")


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What earlier snapshots showed; the invariants speak of what may never change back."""

    serving_since: datetime | None = None
    origin_known: bool = False
    deployed: frozenset[str] = frozenset()
    """Distributions that were Deployed once."""
    had_writer: bool = False
    published: frozenset[str] = frozenset()
    """Regions that had a latency record."""
    linked: frozenset[tuple[str, str]] = frozenset()
    identities: Mapping[tuple[str, str], str] = field(default_factory=dict)


def remember(snapshot: Snapshot, memory: Memory) -> Memory:
    """What the next snapshot is compared with."""
    memory = replace(
        memory,
        origin_known=memory.origin_known or _has_origin(snapshot),
        deployed=memory.deployed | {d.id for d in snapshot.distributions if d.deployed},
        had_writer=memory.had_writer or bool(snapshot.writers),
        published=memory.published | {r.region for r in snapshot.records if r.region},
        linked=memory.linked | _linked(snapshot),
        identities={**_identities(snapshot), **memory.identities},
    )
    if memory.serving_since is None and serving(snapshot) and not any(_public_name(snapshot, memory)):
        memory = replace(memory, serving_since=snapshot.at)
    return memory


def violations(snapshot: Snapshot, memory: Memory) -> list[str]:
    """Every invariant that this snapshot breaks, each line beginning with its name."""
    return [
        *(_one_serves(snapshot) if memory.serving_since else ()),
        *_no_dead_ends(snapshot),
        *_writer_stays(snapshot, memory),
        *(_public_name(snapshot, memory) if memory.serving_since else ()),
        *_origin_resolves(snapshot, memory),
        *_data_stays(snapshot, memory),
    ]


# --- I1: at least one Region serves -----------------------------------------------------------------------------------------


def serving(snapshot: Snapshot) -> tuple[str, ...]:
    """Regions to which clients are sent and which answer them."""
    return tuple(region for region in snapshot.regions if not not_serving(snapshot, region))


def not_serving(snapshot: Snapshot, region: str) -> str:
    """Why a Region does not serve; empty if it does."""
    records = [snapshot.latency(name, region) for name in ("route", "origin")]
    gates = [snapshot.checks.get((r and r.check) or "") for r in records]
    names = (f"origin.{snapshot.domain}", f"{region}.origin.{snapshot.domain}")
    domains = [snapshot.custom_domain(name, region) for name in names]
    probes = {child for gate in gates if gate for child in gate.children}
    stack = snapshot.regions[region].stacks.get(f"meridian-{snapshot.topology}-api", "absent")
    if not all(records):
        return "no latency record"
    if not all(gate and gate.open for gate in gates):
        return "gate not open"
    if not all(snapshot.healthy.get(probe, False) for probe in probes):
        return "probe not healthy"
    if not all(domain and domain.available and domain.mapped for domain in domains):
        return "custom domain not available"
    return "" if stack == "CREATE_COMPLETE" or stack.startswith("UPDATE_") else f"stack api is {stack}"


def _one_serves(snapshot: Snapshot) -> Iterator[str]:
    if not serving(snapshot):
        why = "; ".join(f"{region}: {not_serving(snapshot, region)}" for region in snapshot.regions)
        yield f"I1: no Region serves: {why}"


# --- I2: no record leads to an endpoint that is not there ---------------------------------------------------------------------


def _no_dead_ends(snapshot: Snapshot) -> Iterator[str]:
    for record in snapshot.records:
        if record.region:
            yield from _dead_ends_of_latency(snapshot, record)
        elif record.name.endswith(f".origin.{snapshot.domain}"):
            region = record.name.removesuffix(f".origin.{snapshot.domain}")
            found = snapshot.custom_domain(record.name, region)
            if not found or not found.mapped or found.target != record.target:
                yield f"I2: {record} leads to {record.target}, which is no mapped custom domain of {region}"


def _dead_ends_of_latency(snapshot: Snapshot, record: Record) -> Iterator[str]:
    """A latency record leads to its Region's own name; clients of the shared name need that domain there, too."""
    region = record.region or ""
    own = f"{region}.origin.{snapshot.domain}"
    if record.target != own or not any(r.name == own for r in snapshot.records):
        yield f"I2: {record} leads to {record.target}, which has no record or is another Region's"
    needed = {own, record.name} if record.name == f"origin.{snapshot.domain}" else {own}
    for name in sorted(needed):
        found = snapshot.custom_domain(name, region)
        if not found or not found.mapped:
            yield f"I2: {record} needs custom domain {name} in {region}, which is absent or not mapped to a stage"


# --- I4: the writer's Region is never taken away ------------------------------------------------------------------------------


def _writer_stays(snapshot: Snapshot, memory: Memory) -> Iterator[str]:
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


# --- I9: the public name leads to a working distribution ----------------------------------------------------------------------


def _public_name(snapshot: Snapshot, memory: Memory) -> Iterator[str]:
    by_domain = {d.domain: d for d in snapshot.distributions}
    for kind in ("A", "AAAA"):
        alias = next((r for r in snapshot.records if r.name == snapshot.domain and r.type == kind), None)
        distribution = by_domain.get(alias.target) if alias else None
        if distribution is None:
            yield f"I9: {kind} {snapshot.domain} leads to {alias.target if alias else 'nothing'}, which is no distribution"
        else:
            yield from _unusable(distribution, snapshot.domain, memory)


def _unusable(distribution: Distribution, domain: str, memory: Memory) -> Iterator[str]:
    if not distribution.enabled:
        yield f"I9: distribution {distribution.id} is disabled"
    if distribution.id not in memory.deployed:
        yield f"I9: distribution {distribution.id} was never Deployed"
    if domain not in distribution.aliases:
        yield f"I9: distribution {distribution.id} does not answer to {domain}"
    if not distribution.certificate_good:
        yield f"I9: the certificate of distribution {distribution.id} is not issued, or expired"


# --- I10: the origin that CloudFront resolves has a record --------------------------------------------------------------------


def _has_origin(snapshot: Snapshot) -> bool:
    return any(r.name == f"origin.{snapshot.domain}" for r in snapshot.records)


def _origin_resolves(snapshot: Snapshot, memory: Memory) -> Iterator[str]:
    if memory.origin_known and not _has_origin(snapshot):
        yield f"I10: origin.{snapshot.domain} has no record"


# --- I14: databases stay in their global cluster, nothing that holds data is replaced -----------------------------------------


def _linked(snapshot: Snapshot) -> frozenset[tuple[str, str]]:
    return frozenset((name, item) for name, region in snapshot.regions.items() for item in region.linked)


def _identities(snapshot: Snapshot) -> dict[tuple[str, str], str]:
    return {
        (name, item): identity
        for name, region in snapshot.regions.items()
        for item, identity in region.identities.items()
    }


def _data_stays(snapshot: Snapshot, memory: Memory) -> Iterator[str]:
    for region, item in sorted(memory.linked - _linked(snapshot)):
        yield f"I14: the template of {item} in {region} lost GlobalClusterIdentifier"
    now = _identities(snapshot)
    for (region, item), identity in memory.identities.items():
        found = now.get((region, item))
        if found != identity:
            yield f"I14: {item} in {region} was {identity} and is {found or 'gone'}"
