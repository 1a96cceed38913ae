"""Answers of an account in which nothing stands in the way, with some of them changed; and topologies that are partly there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reconciler.model.change import Action, Change, Origin
from reconciler.model.observed import GlobalCluster, GlobalMember, Observed, StackState, TrafficGate
from reconciler.model.plan import Plan
from reconciler.model.preflight import Check, Preflight
from reconciler.model.stacks import StackKind, StackRef, stack_refs
from reconciler.model.survey import Answers, Question, Room, Topic
from reconciler.model.topology import Topology
from reconciler.observe.nothing import nothing_there
from reconciler.preflight import judged, questions

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SERVERS = ("ns-1.awsdns-1.com", "ns-2.awsdns-2.net")
TEMPLATES = Path(__file__).parents[1] / "golden" / "templates"
ROOMS = ("DBClusters", "DBInstances", "DBSubnetGroups", "DBClusterParameterGroups")


def plan(*paths: str) -> Plan:
    changes = tuple(Change(path=p, action=Action.UPDATE, origin=Origin.GIT) for p in paths)
    return Plan(topology="orders", revision="a1b2c3d", fingerprint="sha256:0", changes=changes)


def empty(topology: Topology, **more: Any) -> Observed:
    """An account in which nothing of it is there but the zone."""
    seen = nothing_there(topology, NOW)
    assert seen.zone
    return replace(seen, zone=replace(seen.zone, name_servers=SERVERS), **more)


def template(kind: StackKind, *, founder: bool = False) -> dict[str, Any]:
    """As it is synthesised for the worked example."""
    name = "data-founder" if founder else str(kind)
    found: dict[str, Any] = json.loads((TEMPLATES / f"{name}.json").read_text())
    return found


def standing(topology: Topology, **more: Any) -> Observed:
    """All of it is there, as the worked example's templates have it; the first Region founded it and writes."""
    founder = topology.region_names[0]
    stacks = {
        ref: StackState(
            ref=ref,
            status="CREATE_COMPLETE",
            changed_at=NOW - timedelta(days=1),
            template=template(ref.kind, founder=ref.region == founder and ref.kind is StackKind.DATA)
            if ref.kind in (StackKind.DATA, StackKind.API)
            else {},
        )
        for ref in stack_refs(topology)
    }
    members = tuple(
        GlobalMember(region=r, cluster_arn=r, is_writer=r == founder, synchronization=None)
        for r in topology.region_names
    )
    group = GlobalCluster(identifier="orders", status="available", engine_version="16.8", members=members)
    gates = {
        r: TrafficGate(id=r, reference=f"meridian/orders/{r}/gate/1", children=("p",), threshold=1, version=2)
        for r in topology.region_names
    }
    return replace(empty(topology), **{"stacks": stacks, "global_cluster": group, "gates": gates, **more})


def without(seen: Observed, region: str) -> Observed:
    """A Region of which nothing is there yet."""
    stacks = {ref: None if ref.region == region else state for ref, state in seen.stacks.items()}
    return replace(seen, stacks=stacks, gates={**seen.gates, region: None})


def state(seen: Observed, kind: StackKind, region: str, value: Any) -> Observed:
    return replace(seen, stacks={**seen.stacks, StackRef(kind, region): value})


def good(question: Question, topology: Topology) -> Any:
    """What an account with room answers."""
    match question.topic:
        case Topic.REGIONS:
            return dict.fromkeys(topology.deployment_regions, "opt-in-not-required")
        case Topic.QUOTA:
            return 5
        case Topic.NETWORKS:
            return 1
        case Topic.API_NAMES:
            return ()
        case Topic.DISTRIBUTIONS:
            return {}
        case Topic.DATABASES:
            return {name: Room(used=0, limit=40) for name in ROOMS}
        case Topic.HEALTH_CHECKS | Topic.RECORDS:
            return Room(used=2, limit=200)
        case Topic.CONCURRENCY:
            return 1000
        case Topic.ENGINE:
            return {"EngineVersion": topology.database.version, "SupportsGlobalDatabases": True}
        case Topic.CERTIFICATE:
            return {"Status": "ISSUED", "DomainName": topology.domain.name, "NotAfter": NOW + timedelta(days=90)}
        case Topic.ZONE_SERVERS:
            return SERVERS
        case Topic.DNS:
            return tuple(f"{server}." for server in SERVERS) if question.kind == "NS" else ()
        case _:
            return None


Fits = Callable[[Question], bool]


def answers(
    topology: Topology, seen: Observed, asked: Plan | None = None, changed: tuple[tuple[Fits, Any], ...] = ()
) -> Answers:
    def one(question: Question) -> Any:
        return next((value for fits, value in changed if fits(question)), good(question, topology))

    return {q: one(q) for q in questions(topology, seen, asked or plan())}


def on(topic: Topic, region: str = "", name: str = "", kind: str = "") -> Fits:
    """Questions of a topic, in a Region, about a name or of a kind, where those are given."""

    def fits(q: Question) -> bool:
        return q.topic is topic and region in ("", q.region) and name in ("", q.name) and kind in ("", q.kind)

    return fits


def looked(topology: Topology, seen: Observed, *changed: tuple[Fits, Any], asked: Plan | None = None) -> Preflight:
    """The preflight of an account that answers well but for what is changed."""
    return judged(topology, seen, asked or plan(), answers(topology, seen, asked, changed))


def found(preflight: Preflight, code: str, subject: str = "", region: str | None = None) -> list[Check]:
    return [
        c
        for c in preflight.checks
        if c.code == code and subject in c.subject and (region is None or c.region == region)
    ]
