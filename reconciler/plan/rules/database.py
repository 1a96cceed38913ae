"""Invariants of the database: one writer, who may take over, who may leave, and whose data may go."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.plan import StepAction
from reconciler.model.stacks import StackKind, record_ids
from reconciler.plan.picture import Place, ordinal
from reconciler.plan.rules.moment import Moment

_OF_THE_DATABASE = {StepAction.SWITCHOVER, StepAction.DETACH, StepAction.DELETE_GLOBAL, StepAction.MIGRATE}
APART = {"absent", "shell", "parting", "apart"}


def writer_stays(m: Moment) -> Iterator[str]:
    """The Region that writes is neither drained for removal, nor detached, nor deleted: the writer moves first.

    Draining it for a while is allowed: that is about requests to its API only. A destroy takes the writer last.
    """
    writes = m.step is not None and m.before.writer == m.step.region
    leaves = not m.place.wanted and (
        m.action in {StepAction.CLOSE_GATE, StepAction.UNROUTE} or m.deletes(StackKind.API)
    )
    if writes and not m.destroys and (leaves or m.action is StepAction.DETACH or m.deletes(StackKind.DATA)):
        yield f"while {m.place.region} writes"


def one_writer_at_rest(m: Moment) -> Iterator[str]:
    """No stack `data` is touched, and nothing asked of the global database, unless exactly one Region writes and stays where it
    is. Before the first cluster there is no writer; it founds the database alone."""
    asks = m.kind is StackKind.DATA or m.action in _OF_THE_DATABASE
    if not asks:
        return
    before = m.before
    joins = m.action is StepAction.DEPLOY and m.place.data in {"absent", "shell"}
    if before.moving:
        yield "while the writer moves"
    elif "database" in before.blind:
        yield "though nobody can tell who writes"
    elif joins and not before.global_cluster:
        yield "before there is a global database to join"
    elif before.writer is None:
        if any(before.members):
            yield "though no Region, or more than one, writes"
    elif joins and not before.at(before.writer).connected:
        yield f"while the cluster that it joins, in {before.writer}, is not ready"


def writer_moves_to_an_equal(m: Moment) -> Iterator[str]:
    """The writer moves only while every member is available and connected, all run one version, and the target lags little.

    Versions stay fit for that: members are upgraded before their writer, and stack `global` after them all. (Pending
    modifications are part of available; maintenance that AWS plans, its own preconditions see.)
    """
    if m.action is StepAction.SWITCHOVER and m.place.region != m.before.writer:
        yield from _unequal(m)
    if m.deploys(StackKind.DATA) and m.place.region == m.before.writer:
        behind = [
            p.region for p in m.before.members if _older(p.version, m.before.engine) and p.region != m.place.region
        ]
        if behind and _older(m.place.version, m.before.engine):
            yield f"while {', '.join(behind)} still runs an older version than the writer would"
    if m.deploys(StackKind.GLOBAL):
        behind = [p.region for p in m.before.members if _older(p.version, m.before.engine)]
        if behind:
            yield f"which would upgrade {', '.join(behind)} at once"


def _unequal(m: Moment) -> Iterator[str]:
    members = tuple(m.before.members)
    restless = [p.region for p in members if not p.at_rest]
    versions = {p.version for p in members}
    if m.place.data != "member":
        yield f"though the database of {m.place.region} is {m.place.data}"
    if restless:
        yield f"while {', '.join(restless)} is not available and connected"
    if len(versions) > 1:
        yield f"while versions differ: {', '.join(sorted(versions))}"
    if not m.place.near:
        yield f"while {m.place.region} lags too far behind"


def _older(version: str, than: str) -> bool:
    return bool(version) and ordinal(version) < ordinal(than)


def cut_off_before_detached(m: Moment) -> Iterator[str]:
    """A cluster that leaves the global database becomes writable: by then no function may reach it, or two Regions would write.

    Deleting the stack of a member would detach it along the way, so that is no way either.
    """
    detaches = m.action is StepAction.DETACH
    if detaches and m.place.linked:
        yield f"while functions in {m.place.region} may still reach the database"
    led = m.place.gate in {"open", "unknown"} and not m.cut
    if detaches and (led or m.place.api != "absent"):
        yield f"while {m.place.region} may still answer (gate {m.place.gate}, API {m.place.api})"
    if m.deletes(StackKind.DATA) and m.place.in_global:
        yield f"while the cluster of {m.place.region} may still be a member"


def credentials_survive(m: Moment) -> Iterator[str]:
    """Who calls is known before and after: the edge's role (stack `global`) stands before any API names it and goes after the
    last; and the master credentials of the database are held by a Region that stays before their keeper goes."""
    if m.deploys(StackKind.API) and not m.before.global_stack:
        yield "before the role of the edge exists"
    if m.deletes(StackKind.GLOBAL):
        users = [p.region for p in m.before.places.values() if p.api != "absent"]
        if users:
            yield f"while the API of {', '.join(users)} names the role of the edge"
    goes = m.action is StepAction.DETACH or m.deletes(StackKind.DATA)
    if goes and m.place.master and not m.destroys:
        heirs = (p for p in m.before.places.values() if p.master and p.wanted and p.region != m.place.region)
        if next(heirs, None) is None:
            yield f"while {m.place.region} alone holds the master credentials"


def membership_is_never_lost(m: Moment) -> Iterator[str]:
    """A cluster leaves the global database by its own step only, never by a template; what left cannot come back; and the global
    cluster goes only when it is empty. A deployment removes nothing but a Region's records. (What a template would replace is
    refused before there is a plan, and again when the change set is read.)"""
    detaches = m.step is not None and m.step.action is StepAction.DETACH
    for then, now in m.changed:
        if then.data == "member" and now.data in APART and not detaches:
            yield f"takes the cluster of {now.region} out of the global database along the way"
    if m.deploys(StackKind.DATA) and m.place.data in {"apart", "parting"}:
        yield f"though the cluster of {m.place.region} has left the global database"
    if m.action is StepAction.DELETE_GLOBAL and any(m.before.members):
        yield f"while {', '.join(p.region for p in m.before.members)} is a member"
    if m.step and m.action and m.step.removes:
        records = frozenset(record_ids(m.step.region or "")) if m.action is StepAction.UNROUTE else frozenset()
        if m.step.removes - records:
            yield f"would remove {', '.join(sorted(m.step.removes - records))}"


def no_loss_without_word(m: Moment) -> Iterator[str]:
    """A plan never fails over: the writer moves from a Region that can be asked. Losing writes takes a person's word, given to
    `meridian failover`."""
    if m.action is StepAction.SWITCHOVER and m.before.writer and m.before.writer != m.place.region:
        source = m.before.at(m.before.writer)
        if source.unknown or source.data != "member":
            yield f"though {source.region}, which writes, cannot hand over: that would be a failover"


def data_goes_only_where_told(m: Moment) -> Iterator[str]:
    """Data is deleted only of a Region that left the document, or by a destroy with `snapshot`; and a final snapshot is left.

    A copy that left its global database halfway is of no use to a Region that comes back, so that may go too.
    """
    told = m.topology.database.deletion_policy == "snapshot" if m.destroys else not m.place.wanted
    goes = m.action is StepAction.DETACH or m.deletes(StackKind.DATA)
    if goes and not told and m.place.data in {"member", "unknown", "unread"}:
        yield f"though nobody asked for the data of {m.place.region} to go"
    for then, now in m.changed:
        if _holds_data(then) and not _holds_data(now) and not now.snapshot:
            yield f"leaves no final snapshot of the data of {now.region}"


def schema_first(m: Moment) -> Iterator[str]:
    """The schema is brought up to date where the writer is and its function stands, before a Region that serves gets code that may
    rest on it, and before a Region is opened."""
    if m.action is StepAction.MIGRATE and m.place.region != m.before.writer:
        yield f"though {m.place.region} does not write"
    if m.action is StepAction.MIGRATE and m.place.api not in {"up", "stuck"}:
        yield f"though no function stands in {m.place.region}"
    if m.action is StepAction.OPEN_GATE and m.before.schema != "applied":
        yield f"while the schema is {m.before.schema}"
    if m.deploys(StackKind.API) and m.place.serves and m.before.schema == "behind":
        yield "before the schema that it may rest on"


def _holds_data(place: Place) -> bool:
    return place.data not in {"absent", "shell", "unknown", "unread"}
