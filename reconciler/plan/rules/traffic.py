"""Invariants of traffic: who serves, where names lead, what is deleted, and how much happens at once."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.plan import StepAction
from reconciler.model.stacks import StackKind
from reconciler.plan.picture import Place
from reconciler.plan.rules.moment import Moment

OF_A_REGION = (StackKind.API, StackKind.DATA)
MOVES = (StepAction.OPEN_GATE, StepAction.CLOSE_GATE, StepAction.MEND_GATE, StepAction.DELETE_GATE)
REMOVES = (StepAction.UNROUTE, StepAction.DELETE, StepAction.DETACH, StepAction.DELETE_GATE)


def enough_regions_serve(m: Moment) -> Iterator[str]:
    """At least `minServing` Regions serve: records, open gate, healthy probe, an API that stands, be it updating.

    Fewer after an incident is not the plan's doing; one fewer still would be. Where a Region that works is broken by its update,
    the soak and the rollout's order keep it alone (I15), and nothing here foresees it.
    """
    least = m.topology.safety.min_serving
    first = m.after.edge and not m.before.served
    if m.leads and (m.stopped or first):
        left = sum(p.serves for p in m.after.places.values())
        if left < least:
            yield f"leaves {left} Regions serving, at least {least} must"


def records_lead_somewhere(m: Moment) -> Iterator[str]:
    """No answer of DNS, not even an old one that somebody may still hold, names a Region without an API."""
    for then, now in m.changed:
        if _leads_nowhere(m, now) and not _leads_nowhere(m, then):
            yield f"leaves answers of DNS that lead to {now.region}, whose API is {now.api}"


def _leads_nowhere(m: Moment, place: Place) -> bool:
    return (place.records != "none" or (place.echo and not m.cut)) and place.api in {"absent", "broken"}


def open_regions_have_both_records(m: Moment) -> Iterator[str]:
    """A Region whose gate is open answers under both latency names, so that edge router and origin agree."""
    for then, now in m.changed:
        if _is_lopsided(now) and not _is_lopsided(then) and not m.cut:
            yield f"leaves {now.region} open with {now.records} of its two records"


def _is_lopsided(place: Place) -> bool:
    return place.gate == "open" and place.records != "all"


def drained_before_deleted(m: Moment) -> Iterator[str]:
    """Nothing of a Region goes while clients may still be led there: its gate is closed, old answers have died out, nobody asks.

    The gate itself goes last: it is how the rest is found. With the edge gone, a destroy leads nobody anywhere.
    """
    for place in _going(m):
        if not m.cut and (place.gate == "open" or not place.drained):
            yield f"while clients are still led to {place.region} (gate {place.gate}, not drained)"
        elif not m.cut and not place.quiet:
            yield f"while {place.region} still gets requests"
        if m.action is StepAction.DELETE_GATE and (left := _left(m, place)):
            yield f"while {', '.join(left)} of {place.region} is still there"


def _going(m: Moment) -> tuple[Place, ...]:
    """Regions of which this step takes something away."""
    if m.deletes(StackKind.ROUTING):
        return tuple(p for p in m.before.places.values() if p.records != "none")
    regional = m.kind in OF_A_REGION or m.action in {StepAction.UNROUTE, StepAction.DELETE_GATE}
    return (m.place,) if m.action in REMOVES and regional else ()


def _left(m: Moment, place: Place) -> list[str]:
    stays = m.destroys and m.topology.database.deletion_policy == "retain"
    there = {
        "the records": place.records != "none",
        "the API": place.api != "absent",
        "the data": place.data != "absent" and not stays,
    }
    return [what for what, here in there.items() if here]


def domain_leads_to_the_edge(m: Moment) -> Iterator[str]:
    """The domain leads to an enabled distribution from the first serving until a destroy. That it is Deployed once and has a
    certificate, CloudFormation and a gate see to."""
    if m.before.edge and not m.after.edge and not m.destroys:
        yield "takes the domain off the edge"


def origin_resolves(m: Moment) -> Iterator[str]:
    """CloudFront resolves its origin's name before it runs the router: some record of it always stands."""
    first = m.after.edge and not m.before.served
    lost = any(then.records != "none" and now.records == "none" for then, now in m.changed)
    if m.leads and (first or lost) and all(p.records == "none" for p in m.after.places.values()):
        yield "leaves the origin's name without a record"


def certificates_outlive_their_use(m: Moment) -> Iterator[str]:
    """A Region's certificate goes with its API, so after the records that lead clients to it; the edge's with its distribution.

    Validation records are never deleted. AWS itself refuses to delete a certificate that is in use.
    """
    if m.deletes(StackKind.API) and m.place.records != "none":
        yield f"while records still send clients to the certificate of {m.place.region}"


def used_versions_stay(m: Moment) -> Iterator[str]:
    """A version of the edge's function goes only when the distribution does not name it.

    That its replicas are gone, hours later, AWS says by refusing until then.
    """
    if m.action is StepAction.DELETE_VERSION and m.step and m.step.subject.rsplit(":", 1)[-1] in m.before.versions:
        yield "while the distribution may use it"


def proven_before_the_next(m: Moment) -> Iterator[str]:
    """A change in the path of requests is proved before the next: a soak between Regions that serve, an API only where its
    database is, and a gate opens only before an API, a probe and a database that are well."""
    limit = m.topology.safety.max_concurrent_regions
    if m.action is StepAction.DEPLOY and m.place.serves and m.kind in OF_A_REGION:
        fresh = [p.region for p in m.before.places.values() if p.fresh and p.region != m.place.region]
        if len(fresh) >= limit:
            yield f"while {', '.join(fresh)} has not proved itself after its own change"
    if m.deploys(StackKind.API) and m.place.data in {"absent", "shell", "parting", "apart"}:
        yield f"while the database of {m.place.region} is {m.place.data}"
    if m.action is StepAction.OPEN_GATE and (wrong := _unfit(m.place)):
        yield f"while {', '.join(wrong)} in {m.place.region}"


def _unfit(place: Place) -> list[str]:
    wrong = {
        f"the API is {place.api}": place.api != "up",
        "the probe is not known to be healthy": not place.healthy,
        f"the database is {place.data}": place.data != "member",
        "the database is not available": not place.available,
        "the replica is not connected": not place.connected,
        "the replica lags": not place.near,
    }
    return [text for text, so in wrong.items() if so]


def few_leave_at_once(m: Moment) -> Iterator[str]:
    """At most `maxConcurrentRegions` leave service in one wave. Who joins, or is drained already, serves nobody to begin with."""
    limit = m.topology.safety.max_concurrent_regions
    out = m.out.union(m.stopped)
    if m.leads and m.stopped and len(out) > limit:
        yield f"takes {', '.join(sorted(out))} out of service in one wave, {limit} at most"


def moved_only_as_observed(m: Moment) -> Iterator[str]:
    """A gate is moved from the version that was read, so it has to have been read. (Change sets, stack ids and Route 53's own
    compare-and-swap are the adapters' part.)"""
    if m.action in MOVES and m.place.gate == "unknown":
        yield f"though the gate of {m.place.region} could not be read"
    elif m.action in MOVES and m.place.gate == "absent":
        yield f"though {m.place.region} has no gate"
    elif m.action is StepAction.CREATE_GATE and m.place.gate != "absent":
        yield f"though the gate of {m.place.region} is {m.place.gate}"


def nothing_is_done_blindly(m: Moment) -> Iterator[str]:
    """While us-east-1 does not answer, nothing that it steers is touched or taken away; nor anything in a Region that does not.

    What may go on is what needs neither: a failover asked in its own Region is no part of a plan.
    """
    names = (
        m.kind is StackKind.ROUTING
        or m.kind is StackKind.EDGE
        or m.action is StepAction.CLOSE_GATE
        or m.action in REMOVES
    )
    if names and "dns" in m.before.blind:
        yield "though the zone could not be read"
    if m.kind is StackKind.EDGE and "edge" in m.before.blind:
        yield "though the distribution could not be read"
    regional = m.kind in OF_A_REGION or m.action in {StepAction.DETACH, StepAction.SWITCHOVER}
    if regional and m.place.unknown:
        yield f"though {m.place.region} could not be read"
