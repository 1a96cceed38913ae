"""The fast sweep: what serves, in seven calls and five for each Region, two after one another.

It rests on what the last whole look remembered: ids of resources, and the templates of stacks that show the same mark. Where that
does not hold, something has happened, and reading on is of no use: the part is `LATER`, and so is all that is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields
from datetime import datetime
from typing import Any

from reconciler.aws import read_global
from reconciler.aws.at_hand import TemplatesAtHand
from reconciler.aws.parallel import Reads, body, done
from reconciler.aws.read_serving import named as by_name
from reconciler.aws.read_serving import start_domains, start_function
from reconciler.aws.read_stacks import STAGE, Known, known_structure, stack_names, start_listing
from reconciler.aws.recorded import answers
from reconciler.model.facts import LATER, Answer, Facts, Listing, RegionFacts, StackFacts
from reconciler.model.observed import Unknown
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import EDGE_REGION, Topology

_BY_NAME = ("domain_names", "mappings")


def read_fast(
    reads: Reads,
    waiters: ThreadPoolExecutor,
    topology: Topology,
    at: datetime,
    account: str,
    at_hand: TemplatesAtHand,
) -> Facts:
    """`account` is known already: whoever holds a lease has asked for it."""
    recorded = read_global.start_recorded(reads, topology)
    known = Known(structure=waiters.submit(known_structure, topology, recorded, at_hand), at_hand=at_hand)
    checks = read_global.start_health_checks(reads, topology)
    records = read_global.start_records(reads, topology)
    cluster = read_global.start_global_cluster(reads, topology)
    listings = {region: start_listing(reads, region) for region in topology.deployment_regions}
    named = {region: _by_name(reads, topology, region) for region in topology.region_names}
    distribution = _start_distribution(reads, known)
    stages = {region: _start_stage(reads, region, known) for region in topology.region_names}
    health = waiters.submit(read_global.read_health, reads, topology, checks.result(), at)
    status, suspension = answers(recorded.result())
    left = _left_out(Facts)
    return Facts(
        **{
            **left,
            "at": at,
            "account": account,
            "regions": {
                region: _region(topology, region, listings[region], named.get(region, {}), stages.get(region), known)
                for region in topology.deployment_regions
            },
            "records": records.result(),
            "health_checks": checks.result(),
            "health": health.result(),
            "global_cluster": cluster.result(),
            "distribution": distribution.result(),
            "recorded": status,
            "suspension": suspension,
        }
    )


def _left_out(kind: Any) -> dict[str, Any]:
    """Every field of these facts as not read, also those that are yet to be thought of."""
    return {field.name: LATER for field in fields(kind)}


def _by_name(reads: Reads, topology: Topology, region: str) -> dict[str, Future[Any]]:
    identifier, function = topology.cluster(region), f"meridian-{topology.name}-api"
    return {
        "cluster": reads.one(
            "rds", region, lambda c: c.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"][0]
        ),
        "function": start_function(reads, region, function, full=False),
        "domain_names": start_domains(reads, region),
    }


def _start_distribution(reads: Reads, known: Known) -> Future[Answer]:
    identifier = known.id(StackRef(StackKind.EDGE, EDGE_REGION), "Distribution")
    if identifier is None:
        return done(LATER)
    return reads.one("cloudfront", read_global.GLOBAL, lambda c: c.get_distribution(Id=identifier)["Distribution"])


def _start_stage(reads: Reads, region: str, known: Known) -> Future[Answer]:
    api = known.id(StackRef(StackKind.API, region), "Api")
    if api is None:
        return done(LATER)
    return reads.one("apigateway", region, lambda c: body(c.get_stage(restApiId=api, stageName=STAGE)))


def _region(
    topology: Topology,
    region: str,
    listing: Future[Listing],
    named: Mapping[str, Future[Any]],
    stage: Future[Answer] | None,
    known: Known,
) -> RegionFacts:
    names = (topology.region_origin(region), topology.origin_name)
    found = {name: future.result() for name, future in named.items()}
    domains = found.pop("domain_names", LATER)
    return RegionFacts(
        **{
            **_left_out(RegionFacts),
            **found,
            "stacks": _stacks(topology, region, listing.result(), known),
            "stage": stage.result() if stage else LATER,
            "domain_names": by_name(domains, names),
            "mappings": dict.fromkeys(names, LATER),
        }
    )


def _stacks(topology: Topology, region: str, listing: Listing, known: Known) -> Mapping[str, StackFacts] | Unknown:
    if isinstance(listing, Unknown):
        return listing
    kinds = {name: StackRef(kind, region) for kind, name in stack_names(topology, region).items()}
    return {s["StackName"]: _stack(s, kinds[s["StackName"]], known) for s in listing if s["StackName"] in kinds}


def _stack(stack: Mapping[str, Any], ref: StackRef, known: Known) -> StackFacts:
    remembered = known.of(ref, stack)
    template = known.at_hand.get(remembered.template) if remembered else None
    if remembered is None or template is None:
        return StackFacts(stack=stack, template=LATER, resources=LATER)
    return StackFacts(
        stack=stack, template=template, resources=remembered.ids or LATER, settled_at=remembered.settled_at
    )
