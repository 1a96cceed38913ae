"""The invariants that the observer holds a run to, as a pure function of one snapshot and of what was seen before.

I1   at least one Region serves                      from the first serving on
I2   no record leads to an endpoint that is not there
I4   there is one writer, and its Region is never taken away
I7   a cluster that left the global database, and can be written to by itself, has no API before it
I8   a Region loses its records only after it has been out of DNS for the whole drain
I9   the public name leads to a working distribution from the first serving on
I10  the origin that CloudFront resolves has a record from the first one on
I14  databases stay in their global cluster, and nothing that holds data is replaced, unless its Region leaves
I19  where data is deleted, a final snapshot is left

A violation is one line without times or counts in it, so that two snapshots that show the same thing say the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from demo.databases import alone_and_unused, data_is_kept, data_stays, gone, identities, linked, writer_stays
from demo.memory import Memory
from demo.snapshot import Distribution, Record, Snapshot

CHECKED = ("I1", "I2", "I4", "I7", "I8", "I9", "I10", "I14", "I19")
DRAIN = timedelta(seconds=300)
"""`routing.drainSeconds` of the worked example."""
TOLD = timedelta(minutes=20)
"""So long after a change of the records the gate's metric, which is read half an hour back, tells how it was before."""


def remember(snapshot: Snapshot, memory: Memory) -> Memory:
    """What the next snapshot is compared with."""
    named = {**identities(snapshot), **memory.identities}
    memory = replace(
        memory,
        origin_known=memory.origin_known or _has_origin(snapshot),
        deployed=memory.deployed | {d.id for d in snapshot.distributions if d.deployed},
        had_writer=memory.had_writer or bool(snapshot.writers),
        published=memory.published | {r.region for r in snapshot.records if r.region},
        gates=memory.gates | {r.region: r.check for r in snapshot.records if r.region and r.check},
        joined=memory.joined | snapshot.members,
        linked=frozenset(item for item in memory.linked | linked(snapshot) if not gone(snapshot, memory, *item)),
        identities={item: name for item, name in named.items() if not gone(snapshot, memory, *item)},
    )
    if memory.serving_since is None and serving(snapshot) and not any(_public_name(snapshot, memory)):
        memory = replace(memory, serving_since=snapshot.at)
    return memory


def violations(snapshot: Snapshot, memory: Memory) -> list[str]:
    """Every invariant that this snapshot breaks, each line beginning with its name."""
    return [
        *(_one_serves(snapshot) if memory.serving_since else ()),
        *_no_dead_ends(snapshot),
        *writer_stays(snapshot, memory),
        *alone_and_unused(snapshot, memory),
        *_drained_first(snapshot, memory),
        *(_public_name(snapshot, memory) if memory.serving_since else ()),
        *_origin_resolves(snapshot, memory),
        *data_stays(snapshot, memory),
        *data_is_kept(snapshot, memory),
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


# --- I8: a Region is drained before it is taken out of DNS -----------------------------------------------------------------------


def _drained_first(snapshot: Snapshot, memory: Memory) -> Iterator[str]:
    """Told from AWS's own times: since when the gate's metric says unhealthy, and when the change of the records began."""
    for region in sorted(memory.published & memory.gates.keys()):
        gate = snapshot.checks.get(memory.gates[region])
        routed_at = snapshot.routed_at or snapshot.at - TOLD
        if snapshot.latency("origin", region) or gate is None or snapshot.at - routed_at >= TOLD:
            continue
        if gate.unhealthy_since is None or routed_at - gate.unhealthy_since < DRAIN:
            yield f"I8: {region} lost its records before it had been out of DNS for {DRAIN.total_seconds():.0f} s"


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
