"""Gates: conditions between waves, judged from what was observed. Each says what it waits for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.model.observed import GlobalMember, StackState, Unknown, known
from reconciler.model.plan import Gate, Goal, Hazard
from reconciler.model.stacks import StackKind, StackRef
from reconciler.plan.picture import QUIET
from reconciler.plan.scene import Scene

BROKEN = ("failed", "inaccessible-encryption-credentials", "cloning-failed", "migration-failed")
"""Statuses, or their beginnings, that an Aurora cluster does not leave by itself (Aurora user guide, status of a cluster)."""
STEADY_SAMPLES = 2
"""A probe counts as healthy after so many healthy minutes in a row."""
EDGE_STALE = timedelta(seconds=60)
"""So long the edge router may go on with an answer that DNS has taken back."""
PROPAGATION = timedelta(seconds=60)
"""Route 53 propagates a change within this; aliases have this TTL."""


def one_writer(scene: Scene) -> Gate:
    """No deployment may touch a database while the writer moves or is in doubt (I5)."""
    cluster = scene.observed.global_cluster
    if isinstance(cluster, Unknown):
        return fact_readable("the global cluster", cluster)
    writers = [m.region for m in cluster.members if m.is_writer] if cluster else []
    moving = cluster.failover if cluster else None
    met = cluster is None or not cluster.members or (len(writers) == 1 and not moving)
    detail = f"the writer is moving ({moving})" if moving else f"writers now: {', '.join(writers) or 'none'}"
    return Gate(name="one-writer", region=None, met=met, detail=detail)


def database_available(scene: Scene, region: str) -> Gate:
    cluster = known(scene.observed.clusters.get(region))
    states = {cluster.status, *cluster.instance_statuses.values()} if cluster else {"absent"}
    return Gate(
        name="database-available",
        region=region,
        met=cluster is not None and cluster.available,
        detail=f"cluster and instances are {', '.join(sorted(states))}",
    )


def replica_connected(scene: Scene, region: str) -> Gate:
    whole = known(scene.observed.global_cluster)
    member = whole.member(region) if whole else None
    state = "not a member yet" if member is None else (member.synchronization or "connected")
    met = member is not None and (member.is_writer or state == "connected")
    return Gate(name="replica-connected", region=region, met=met, detail=f"replication is {state}")


def replica_lag(scene: Scene, region: str) -> Gate:
    limit = scene.topology.database.max_replica_lag_ms
    cluster = known(scene.observed.clusters.get(region))
    whole = known(scene.observed.global_cluster)
    lag = cluster.lag_ms if cluster else None
    writes = whole is not None and whole.writer == region
    text = "no measurement yet" if lag is None else f"{lag:.0f} ms"
    return Gate(
        name="replica-lag",
        region=region,
        met=writes or (lag is not None and lag <= limit),
        detail=f"lag is {text}, must be at most {limit} ms",
    )


def probe_healthy(scene: Scene, region: str) -> Gate:
    """What a commit takes away waits for what it adds; of a Region that does not come to life, the way out is said."""
    probe = known(scene.observed.probes.get(region))
    samples = probe.samples[-STEADY_SAMPLES:] if probe else ()
    healthy = sum(1 for _, ok in samples if ok)
    joins = region in scene.joining and scene.established
    way_out = f"; the rest of the commit waits for it: without {region} in the document it goes on" if joins else ""
    return Gate(
        name="probe-healthy",
        region=region,
        met=healthy == STEADY_SAMPLES,
        detail=f"https://{scene.topology.region_origin(region)}{scene.topology.api.health.path} "
        f"healthy in {healthy} of the last {STEADY_SAMPLES} minutes{way_out}",
    )


def alarms_quiet(scene: Scene, region: str) -> Gate:
    """None of the Region's alarms rings (requests that fail or take too long)."""
    ringing = scene.observed.alarms.get(region, ())
    if isinstance(ringing, Unknown):
        return Gate(name="alarms", region=region, detail=f"its alarms cannot be read: {ringing}")
    return Gate(name="alarms", region=region, met=not ringing, detail=f"in alarm: {', '.join(ringing) or 'none'}")


def gate_healthy(scene: Scene, region: str) -> Gate:
    """The open gate counts its Region as healthy, so DNS answers with it."""
    gate = scene.gate(region)
    healthy = gate.healthy if gate else None
    detail = {True: "healthy", False: "unhealthy", None: "no data yet"}[healthy]
    return Gate(name="traffic-gate", region=region, met=healthy is True, detail=f"traffic gate is {detail}")


def drained(scene: Scene, region: str) -> Gate:
    """No resolver, edge cache or kept connection leads there any more (I8, aws-facts §5.3).

    The last minutes' metric says since when DNS has left the Region out; who died meanwhile finds the same.
    """
    passed, wanted = scene.drained_for(region), scene.drain_span
    gone = scene.goal is Goal.DESTROY and not scene.open_edge  # nobody is led anywhere once the edge is gone
    detail = f"closed, {_seconds(min(passed, wanted))} of {_seconds(wanted)}" if passed else "not out of DNS yet"
    return Gate(name="drained", region=region, met=gone or passed >= wanted, detail=detail)


def quiet(scene: Scene, region: str) -> Gate:
    """The Region gets no requests but health checks: somebody may still use it past DNS. Strangers may do so for ever, so it is
    for people to say that they do not count."""
    if region in scene.disregarded:
        return Gate(name="quiet", region=region, met=True, detail=f"{Hazard.REQUESTS_PAST_DNS} is allowed")
    series = scene.observed.requests.get(region, ())
    if isinstance(series, Unknown):
        return Gate(name="quiet", region=region, detail=f"its requests cannot be read: {series}")
    busy = [count for at, count in series if at > scene.observed.at - QUIET and count > 0]
    busiest, name = round(max(busy or [0])), scene.topology.region_origin(region)
    told = (
        f"still {busiest} requests in a minute, past DNS: find who calls {name}, or cut them off: add {{hazard: "
        f"{Hazard.REQUESTS_PAST_DNS}, region: {region}, fingerprint: this plan's, expires: …}} to safety.allow"
    )
    detail = told if busy else "no requests for 3 minutes"
    return Gate(name="quiet", region=region, met=not busy, detail=detail)


def interfaces_gone(scene: Scene, region: str) -> Gate:
    """Lambda keeps a function's network interfaces for up to 40 minutes; subnets and groups cannot go before them."""
    if scene.observed.stacks.get(StackRef(StackKind.API, region)) is not None:
        return Gate(name="interfaces", region=region, detail="its functions are there")
    left = scene.observed.interfaces.get(region, 0)
    told = (
        f"cannot be read: {left}" if isinstance(left, Unknown) else f"{left} network interfaces of functions are left"
    )
    return Gate(name="interfaces", region=region, met=left == 0, detail=told)


def replicas_gone(scene: Scene, version: str, due: str) -> Gate:
    """CloudFront deletes the replicas of a version some hours after the last distribution let go of it; until then AWS
    refuses to delete it."""
    left = datetime.fromisoformat(due) - scene.observed.at
    minutes = max(0, round(left.total_seconds() / 60))
    return Gate(
        name="replicas", region=None, met=left <= timedelta(), detail=f"{version} is tried again in {minutes} min"
    )


def cluster_at_rest(scene: Scene, region: str) -> Gate:
    """AWS lets no cluster go that is being made or changed: a Region may leave before it had quite joined."""
    cluster, stack = scene.cluster(region), scene.observed.stack(StackKind.DATA, region)
    status = cluster.status if cluster else "gone"
    busy = stack is not None and stack.in_progress
    rests = status in {"available", "promoting"} and not busy
    detail = f"cluster is {status}" + (f", its stack {stack.status}" if stack and busy else "")
    if status.startswith(BROKEN):
        detail += ", which does not pass by itself: repair it, or save what can be saved and delete it by hand"
    return Gate(name="database-available", region=region, met=rests, detail=detail)


def member_gone(scene: Scene, region: str) -> Gate:
    """The cluster stands alone and at rest: only then may it be deleted. Its instances go first, so they do not count."""
    whole, cluster = scene.observed.global_cluster, scene.observed.clusters.get(region)
    member = known(whole).member(region) if known(whole) else None  # type: ignore[union-attr]
    alone = not isinstance(whole, Unknown) and member is None
    rests = cluster is None or (not isinstance(cluster, Unknown) and cluster.status in {"available", "deleting"})
    state = "unreadable" if isinstance(cluster, Unknown) else cluster.status if cluster else "gone"
    detail = f"cluster is {state}, " + ("no member any more" if alone else "still a member")
    return Gate(name="member-gone", region=region, met=alone and rests, detail=detail)


def master_kept(scene: Scene) -> Gate:
    """A Region that stays holds the master credentials, before the one that made them goes."""
    detail = (
        "a remaining Region holds the master secret"
        if scene.master_stays
        else "no remaining Region holds the master secret"
    )
    return Gate(name="master-kept", region=None, met=scene.master_stays, detail=detail)


def members_at_rest(scene: Scene) -> Gate:
    """Every member is connected, available, and nothing about it is pending (I6): AWS moves the writer only then."""
    whole = scene.observed.global_cluster
    if isinstance(whole, Unknown):
        return fact_readable("the global cluster", whole)
    restless = [told for m in (whole.members if whole else ()) if (told := _unrest(scene, m))]
    return Gate(
        name="members-at-rest",
        region=None,
        met=whole is not None and not restless and whole.status == "available",
        detail="; ".join(restless) or "every member is available and connected",
    )


def _unrest(scene: Scene, member: GlobalMember) -> str:
    cluster = scene.observed.clusters.get(member.region)
    if isinstance(cluster, Unknown):
        return f"{member.region} cannot be read: {cluster}"
    if cluster is None or not cluster.available:
        return f"{member.region} is {cluster.status if cluster else 'absent'}"
    if cluster.pending:
        return f"{member.region} has a modification pending"
    connected = member.is_writer or member.synchronization in (None, "connected")
    return "" if connected else f"{member.region} is {member.synchronization}"


def versions_equal(scene: Scene) -> Gate:
    """All clusters run one version of the engine (I6)."""
    clusters = [scene.cluster(m.region) for m in (scene.database.members if scene.database else ())]
    versions = {c.engine_version for c in clusters if c}
    return Gate(
        name="versions-equal",
        region=None,
        met=len(versions) == 1 and None not in clusters,
        detail=f"engine versions: {', '.join(sorted(versions)) or 'unknown'}",
    )


def members_upgraded(scene: Scene, *, but_for: str | None = None) -> Gate:
    """Every member runs the desired version, but for the writer where it is its turn: readers first, then the writer, and the
    global cluster's own version follows theirs. What cannot be read does not."""
    whole, wanted = scene.observed.global_cluster, scene.topology.database.version
    if isinstance(whole, Unknown):
        return fact_readable("the global cluster", whole)
    others = [m.region for m in (whole.members if whole else ()) if m.region != but_for]
    behind = [r for r in others if (c := scene.cluster(r)) is None or c.engine_version != wanted]
    detail = f"{', '.join(behind)} not known to run {wanted}" if behind else f"all run {wanted}"
    return Gate(name="members-upgraded", region=None, met=not behind, detail=detail)


def release_proven(scene: Scene, ref: StackRef) -> Gate:
    """What is rolled out here does well in some Region that has it already, though nobody may be sent there: the first has to
    try. Regions that serve have gates of their own."""
    refs = [StackRef(ref.kind, r) for r in scene.established if r != ref.region]
    holders = [r.region for r in refs if not scene.pending(r)]
    healthy = [r for r in holders if (p := known(scene.observed.probes.get(r))) and p.healthy]
    drained = [] if healthy else [r for r in holders if r not in scene.open_regions]
    told = f"{', '.join(drained)} not healthy with it: take the change back, or {' and '.join(drained)} out of the document"
    detail = told if drained else "healthy where it is already"
    return Gate(name="release-proven", region=ref.region, met=not drained, detail=detail)


def others_settled(scene: Scene, region: str) -> Gate:
    """Regions that serve are changed one after another, also when a newer commit came while one was being changed, or that
    one fell silent (I16)."""
    busy = [
        f"{ref} in progress"
        for ref in scene.observed.stacks
        if ref.kind in (StackKind.DATA, StackKind.API) and ref.region in scene.open_regions and ref.region != region
        if (state := scene.state(ref)) and state.in_progress
    ]
    begun = scene.motion.changing if scene.motion else ()
    busy += [
        f"{r} was being changed and cannot be read" for r in sorted(begun) if r != region and not scene.readable(r)
    ]
    detail = ", ".join(busy) if busy else "no other Region that serves is being changed"
    return Gate(name="others-settled", region=region, met=not busy, detail=detail)


def writer_at(scene: Scene, region: str) -> Gate:
    """The writer has arrived, and nothing moves any more."""
    gate = one_writer(scene)
    return replace(gate, met=gate.met and scene.writer == region)


def gate_soaked(scene: Scene, region: str) -> Gate:
    """A Region that just joined serves well for a while before the next one follows (I15).

    Judged by the gate's healthy minutes; the metric is sure to reach back 15 minutes, so longer soaks count as that.
    """
    gate = scene.gate(region)
    samples = gate.samples if gate else ()
    since: datetime | None = None
    for at, healthy in samples:
        since = (since or at) if healthy else None
    wanted = timedelta(seconds=min(scene.topology.safety.soak_seconds, 780))
    return _until(scene, "soak", region, since, wanted)


def stack_soaked(scene: Scene, ref: StackRef) -> Gate:
    """Some time passes after a deployment before the next one in the serving path (I15): at least until the Region's health
    was measured for some whole minutes after it. CloudWatch tells of a minute when it is long over."""
    state, gate = scene.state(ref), scene.gate(ref.region)
    wanted = timedelta(seconds=scene.topology.safety.soak_seconds)
    since = _settled(state)
    soak = _until(scene, "soak", ref.region, since, wanted)
    watched = gate if gate and gate.is_open else known(scene.observed.probes.get(ref.region))
    if soak.met and since and watched and ref.kind is StackKind.API:
        measured = sum(1 for at, _ in watched.samples if at >= since)
        detail = f"health measured in {min(measured, STEADY_SAMPLES)} of {STEADY_SAMPLES} minutes since it is in place"
        return replace(soak, met=measured >= STEADY_SAMPLES, detail=detail)
    return soak


def dns_propagated(scene: Scene, beyond: timedelta = timedelta()) -> Gate:
    """Route 53 has spread the records, and the old answers' TTL has passed; then so much `beyond`."""
    state = scene.state(StackRef(StackKind.ROUTING, scene.topology.home_region))
    ttl = timedelta(seconds=scene.topology.routing.ttl_seconds)
    return _until(scene, "dns", None, _settled(state), PROPAGATION + max(ttl, PROPAGATION) + beyond)


def edge_deployed(scene: Scene) -> Gate:
    distribution = scene.observed.distribution
    if isinstance(distribution, Unknown):
        return fact_readable("the distribution", distribution)
    status = distribution.status if distribution else "absent"
    return Gate(name="edge-deployed", region=None, met=status == "Deployed", detail=f"distribution is {status}")


def stack_read(ref: StackRef) -> Gate:
    """Drift is judged only from values that were read after the stack had settled."""
    return Gate(
        name="settled", region=ref.region, met=False, detail=f"{ref} settled just now, its values are read once more"
    )


def region_readable(scene: Scene, region: str) -> Gate:
    return Gate(name="readable", region=region, detail=f"cannot be read: {scene.unreadable[region]}")


def facts_readable(scene: Scene) -> tuple[Gate, ...]:
    """What exists once and cannot be read: nothing may rest on it."""
    return tuple(fact_readable(name, reason) for name, reason in scene.observed.unknown_facts().items())


def founding(scene: Scene) -> Gate:
    """A Region founds the global database, and its cluster cannot be seen yet: nobody knows what the others would join."""
    makers = [
        f"{ref} is {state.status}"
        for ref in scene.observed.stacks
        if ref.kind is StackKind.DATA and (state := scene.state(ref)) and scene.holds_master(ref.region)
    ]
    return Gate(
        name="readable", region=None, detail=f"no member of the global database is seen yet: {', '.join(makers)}"
    )


def fact_readable(name: str, reason: Unknown) -> Gate:
    return Gate(name="readable", region=None, detail=f"{name} cannot be read: {reason}")


def _settled(state: StackState | None) -> datetime | None:
    return (state.settled_at or state.changed_at) if state and not state.in_progress else None


def _until(scene: Scene, name: str, region: str | None, since: datetime | None, wanted: timedelta) -> Gate:
    if since is None:
        return Gate(name=name, region=region, detail=f"{_seconds(wanted)} after it is in place")
    left = since + wanted - scene.observed.at
    met = left <= timedelta()
    detail = f"{_seconds(wanted)} passed" if met else f"{_seconds(left)} of {_seconds(wanted)} left"
    return Gate(name=name, region=region, met=met, detail=detail)


def _seconds(span: timedelta) -> str:
    return f"{max(0, round(span.total_seconds()))} s"
