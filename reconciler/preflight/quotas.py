"""Quotas that what the plan makes would exceed.

Only those that an ordinary account comes near: networks (5 in a Region unless raised), RDS's (40 clusters, 40 instances), custom
domain names (120), health checks (200), distributions and records. The stacks make no NAT gateway, address or endpoint; of
interfaces (5,000), security groups (2,500), regional APIs (600) and keys (100,000) there are more than a Region's few could use up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.model.observed import Unknown
from reconciler.model.preflight import Check
from reconciler.model.survey import Question, Room, Topic
from reconciler.model.topology import EDGE_REGION
from reconciler.preflight.scene import Scene
from reconciler.preflight.verdicts import failed, passed, unread, warned

TOO_SMALL, CONCURRENCY_LOW = "QuotaTooSmall", "ConcurrencyLow"
NETWORKS, API_NAMES, DISTRIBUTIONS = "vpc/L-F678F1CE", "apigateway/L-A93447B8", "cloudfront/L-24B04930"
OF_RDS: Mapping[str, tuple[str, str]] = {
    "DBClusters": ("database clusters", "L-952B80B8"),
    "DBInstances": ("database instances", "L-7B6409FD"),
    "DBSubnetGroups": ("database subnet groups", "L-48C6BF61"),
    "DBClusterParameterGroups": ("database cluster parameter groups", "L-E4C808A8"),
}
DOMAINS_OF_A_REGION, RECORDS_OF_A_REGION = 2, 5
"""A Region's two custom domains; its three records (own name, route, origin) and those that validate two names."""
_RECORDS_OF_THE_EDGE = 3
LEAST_SECONDS = 0.1
"""What a request of an API with a database may take: an account that allows less at the declared rate throttles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A quota of Service Quotas, and the listing whose length says how much of it is in use."""

    subject: str
    quota: str
    listing: Topic
    right: str
    more: int


_NETWORK = Counted(subject="VPCs", quota=NETWORKS, listing=Topic.NETWORKS, right="ec2:DescribeVpcs", more=1)
_DOMAINS = Counted(
    subject="custom domain names",
    quota=API_NAMES,
    listing=Topic.API_NAMES,
    right="apigateway:GET",
    more=DOMAINS_OF_A_REGION,
)
_DISTRIBUTION = Counted(
    subject="CloudFront distributions",
    quota=DISTRIBUTIONS,
    listing=Topic.DISTRIBUTIONS,
    right="cloudfront:ListDistributions",
    more=1,
)


def _counted(scene: Scene) -> Iterator[tuple[Counted, str]]:
    yield from ((_NETWORK, r) for r in scene.databases)
    yield from ((_DOMAINS, r) for r in scene.apis)
    if scene.edge:
        yield _DISTRIBUTION, EDGE_REGION


def _limit(of: Counted, region: str) -> Question:
    return Question(topic=Topic.QUOTA, region=region, name=of.quota)


def _listing(of: Counted, region: str) -> Question:
    return Question(topic=of.listing, region=region)


def ask_counted(scene: Scene) -> Iterator[Question]:
    for of, region in _counted(scene):
        yield from (_limit(of, region), _listing(of, region))


def judge_counted(scene: Scene) -> Iterator[Check]:
    for of, region in _counted(scene):
        limit, there = scene.answer(_limit(of, region)), scene.answer(_listing(of, region))
        place = None if of.listing is Topic.DISTRIBUTIONS else region
        if isinstance(there, Unknown):
            yield unread(TOO_SMALL, of.subject, place, there, of.right)
        elif isinstance(limit, Unknown):
            rights = ("servicequotas:GetServiceQuota", "servicequotas:GetAWSDefaultServiceQuota")
            yield unread(TOO_SMALL, of.subject, place, limit, *rights)
        else:
            used = there if isinstance(there, int) else len(there)
            yield _room(of.subject, place, Room(used=used, limit=limit), of.more, of.quota)


def _room(subject: str, region: str | None, room: Room, more: int, quota: str = "") -> Check:
    detail = f"{room.used} of {room.limit} in use, {more} more needed"
    if room.used + more <= room.limit:
        return passed(TOO_SMALL, subject, region, detail)
    service, _, code = quota.partition("/")
    asking = f"aws service-quotas request-service-quota-increase --service-code {service} --quota-code {code}"
    asking += f" --desired-value {room.used + more} --region {region or EDGE_REGION}"
    way_out = (
        f"remove {subject} that nobody needs, or ask for more: {asking if quota else 'open a case with AWS Support'}"
    )
    return failed(TOO_SMALL, subject, region, detail, way_out)


# ---- services that tell limit and use in one answer ------------------------------------------------------------------------


def _growing(scene: Scene) -> tuple[str, ...]:
    """Regions that get a database or more instances."""
    new = (r for r in scene.topology.region_names if r in scene.databases or _adds(scene, r))
    return tuple(new)


def _adds(scene: Scene, region: str) -> bool:
    return scene.changes("database/instancesPerRegion") and scene.more_instances(region) > 0


def _databases(region: str) -> Question:
    return Question(topic=Topic.DATABASES, region=region)


def ask_databases(scene: Scene) -> Iterator[Question]:
    yield from map(_databases, _growing(scene))


def judge_databases(scene: Scene) -> Iterator[Check]:
    for region in _growing(scene):
        rooms: Any = scene.answer(_databases(region))
        if isinstance(rooms, Unknown):
            yield unread(TOO_SMALL, "databases", region, rooms, "rds:DescribeAccountAttributes")
            continue
        for name, (subject, code) in OF_RDS.items():
            more = scene.more_instances(region) if name == "DBInstances" else int(region in scene.databases)
            if more and name in rooms:
                yield _room(subject, region, rooms[name], more, f"rds/{code}")


def _dns(scene: Scene) -> Iterator[tuple[str, Question, str, int, str]]:
    """What the plan adds to Route 53: subject, question, right, how many, and the quota's name."""
    checks = len(scene.apis) + len(scene.gates)
    records = len(scene.apis) * RECORDS_OF_A_REGION + (_RECORDS_OF_THE_EDGE if scene.edge else 0)
    zone = scene.topology.domain.zone_id
    if checks:
        question = Question(topic=Topic.HEALTH_CHECKS, region=EDGE_REGION)
        yield "health checks", question, "route53:GetAccountLimit", checks, "route53/L-ACB674F3"
    if records:
        question = Question(topic=Topic.RECORDS, region=EDGE_REGION, name=zone)
        yield f"records in zone {zone}", question, "route53:GetHostedZoneLimit", records, ""


def ask_dns(scene: Scene) -> Iterator[Question]:
    yield from (question for _, question, *_ in _dns(scene))


def judge_dns(scene: Scene) -> Iterator[Check]:
    for subject, question, right, more, quota in _dns(scene):
        room = scene.answer(question)
        if room is None:
            continue  # no such zone, which a rule of the plan refuses
        if isinstance(room, Unknown):
            yield unread(TOO_SMALL, subject, None, room, right)
        else:
            yield _room(subject, None, room, more, quota)


def _concurrency(region: str) -> Question:
    return Question(topic=Topic.CONCURRENCY, region=region)


def ask_concurrency(scene: Scene) -> Iterator[Question]:
    yield from map(_concurrency, scene.apis)


def judge_concurrency(scene: Scene) -> Iterator[Check]:
    """Young accounts run ten functions at once: an API made there works, and throttles its first hundred clients."""
    rate = scene.topology.api.throttle_rate
    for region in scene.apis:
        free = scene.answer(_concurrency(region))
        if isinstance(free, Unknown):
            yield unread(CONCURRENCY_LOW, "Lambda concurrency", region, free, "lambda:GetAccountSettings")
            continue
        most = free / rate
        detail = f"{free} executions at once: at {rate} requests a second each may take {most * 1000:.0f} ms"
        if most >= LEAST_SECONDS:
            yield passed(CONCURRENCY_LOW, "Lambda concurrency", region, detail)
            continue
        wanted = max(1000, round(rate * LEAST_SECONDS))
        way_out = "ask for more (aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384"
        way_out += f" --desired-value {wanted} --region {region}), or lower spec.api.throttle.rate"
        yield warned(CONCURRENCY_LOW, "Lambda concurrency", region, detail, way_out)
