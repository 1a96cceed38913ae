"""Reads everything a pass needs, in parallel: at most three calls after one another, whatever the number of Regions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any

from reconciler.aws import failures, read_global
from reconciler.aws.at_hand import TemplatesAtHand
from reconciler.aws.clients import Clients
from reconciler.aws.parallel import Reads, done
from reconciler.aws.read_details import start_roles
from reconciler.aws.read_fast import read_fast
from reconciler.aws.read_metrics import start_requests
from reconciler.aws.read_region import read_region
from reconciler.aws.read_serving import start_zone_details
from reconciler.aws.read_stacks import Known, Listed, known_structure, named, start_listing, start_resources_of
from reconciler.aws.recorded import answers
from reconciler.model.errors import CloudUnavailable, ReconcilerError
from reconciler.model.facts import LATER, Answer, Facts, Listing, RegionFacts, Series, Sweep
from reconciler.model.observed import Unknown, known
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import EDGE_REGION, Topology


def read_facts(
    clients: Clients,
    topology: Topology,
    at: datetime,
    sweep: Sweep = Sweep.PLAN,
    at_hand: TemplatesAtHand | None = None,
    asked: Callable[[], bool] | None = None,
) -> Facts:
    """Raises `ReconcilerError` where nothing can be known: no usable credentials, or AWS cannot be reached at all."""
    reads = Reads(clients, asked)
    with ThreadPoolExecutor(_WAITERS, thread_name_prefix="region") as waiters:
        try:
            return _read(clients, reads, waiters, topology, at, sweep, at_hand or TemplatesAtHand())
        finally:
            reads.close()  # before the waiters are waited for: what has not begun is not worth beginning


_WAITERS = 40
"""One thread per Region, which only waits; more Regions than that queue."""


def read_glance(clients: Clients, topology: Topology, at: datetime, account: str, at_hand: TemplatesAtHand) -> Facts:
    """What the fast sweep covers."""
    reads = Reads(clients)
    with ThreadPoolExecutor(_WAITERS, thread_name_prefix="region") as waiters:
        try:
            return read_fast(reads, waiters, topology, at, account, at_hand)
        finally:
            reads.close()


def _read(
    clients: Clients,
    reads: Reads,
    waiters: ThreadPoolExecutor,
    topology: Topology,
    at: datetime,
    sweep: Sweep,
    at_hand: TemplatesAtHand,
) -> Facts:
    recorded = read_global.start_recorded(reads, topology)
    approval = read_global.start_approval(reads, topology)
    known = Known(structure=waiters.submit(known_structure, topology, recorded, at_hand), at_hand=at_hand)
    checks = read_global.start_health_checks(reads, topology)
    records = read_global.start_records(reads, topology)
    cluster = read_global.start_global_cluster(reads, topology)
    listings = {region: start_listing(reads, region) for region in topology.deployment_regions}
    identity = waiters.submit(_caller, clients, topology, listings[topology.home_region])
    listed = waiters.submit(_edge_resources, reads, topology, listings[EDGE_REGION], known)

    def start(regions: Iterable[str], ours: Iterable[str]) -> dict[str, Future[RegionFacts]]:
        return {
            r: waiters.submit(
                read_region, reads, topology, r, at, listings.get(r), listed, cluster, known, sweep, whole=r in ours
            )
            for r in regions
        }

    regions = start(topology.deployment_regions, topology.region_names)
    full = sweep is Sweep.FULL
    zone = read_global.start_zone(reads, topology)
    roles: Future[Listing] = start_roles(reads, topology) if full else done(LATER)
    details = start_zone_details(reads, topology) if full else {}
    edge = waiters.submit(lambda: read_global.start_edge(reads, topology, listed.result(), full=full))
    caller = identity.result()  # first: what follows is worth nothing if this fails
    health = waiters.submit(read_global.read_health, reads, topology, checks.result(), at)
    status, suspension = answers(recorded.result())
    left = left_over(topology, cluster.result(), checks.result(), records.result(), status)
    regions |= start(sorted(left - set(topology.region_names)), left)
    requests = start_requests(reads, topology, checks.result(), tuple(regions), at)
    return Facts(
        at=at,
        account=caller,
        regions={region: _with_requests(future.result(), requests.get(region)) for region, future in regions.items()},
        zone=zone.result(),
        records=records.result(),
        health_checks=checks.result(),
        health=health.result(),
        global_cluster=cluster.result(),
        recorded=status,
        suspension=suspension,
        approval=approval.result(),
        roles=roles.result(),
        **{name: future.result() for name, future in (edge.result() | details).items()},
    )


def _edge_resources(reads: Reads, topology: Topology, listing: Future[Listing], known: Known) -> Listed:
    edge = StackRef(StackKind.EDGE, EDGE_REGION)
    return start_resources_of(reads, edge, named(listing.result(), edge.name(topology.name)), known).result()


def _caller(clients: Clients, topology: Topology, listing: Future[Listing]) -> str:
    """The account of the credentials. Each stack's id names it, and is read anyway; STS is asked where there is no stack."""
    stacks = listing.result()
    if isinstance(stacks, Unknown) or not stacks:
        return account(clients, topology.deployment_regions[:2])
    return str(stacks[0]["StackId"].split(":")[4])


def account(clients: Clients, regions: Iterable[str]) -> str:
    """The account of the credentials. A Region that is down does not decide; the next one is asked."""
    failed: ReconcilerError = CloudUnavailable("no Region to ask")
    for region in regions:
        try:
            return str(clients.reader("sts", region).get_caller_identity()["Account"])
        except failures.AwsError as error:
            failed = failures.translated(error, "sts:GetCallerIdentity", region)
            failed.__cause__ = error
        if not isinstance(failed, CloudUnavailable):
            break
    raise failed


def _with_requests(facts: RegionFacts, requests: Future[Series] | None) -> RegionFacts:
    return replace(facts, requests=requests.result()) if requests else facts


def left_over(topology: Topology, cluster: Answer, checks: Listing, records: Listing, recorded: Answer) -> set[str]:
    """Regions that AWS still holds something of and that the document may no longer name. One that was half made has neither
    a member nor a gate, but stands in the last status."""
    found = {member["DBClusterArn"].split(":")[3] for member in (known(cluster) or {}).get("GlobalClusterMembers", ())}
    prefix = topology.gate_reference_prefix("*").split("*")[0]
    for check in _known(checks):
        if check["CallerReference"].startswith(prefix):
            found.add(check["CallerReference"].removeprefix(prefix).split("/")[0])
    found |= {record["Region"] for record in _known(records) if record.get("Region")}
    return found | {region["name"] for region in (known(recorded) or {}).get("regions", ())}


def _known(listing: Listing) -> Iterable[Mapping[str, Any]]:
    return () if isinstance(listing, Unknown) else listing
