"""Reads what answers requests: functions, REST API and domain names of a Region; the edge's function, headers and logs; the zone.

What only a full sweep reads is begun only there (`full`); elsewhere its fact keeps the value `LATER`.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from reconciler.aws.parallel import Reads, body
from reconciler.model.facts import Answer, Listing
from reconciler.model.observed import Unknown
from reconciler.model.topology import EDGE_REGION, Topology

_PAGE = {"PageSize": 500}
"""API Gateway gives 25 items a page unless asked, and 500 at most [V: GetResources, GetDomainNames]."""


def start_function(reads: Reads, region: str, name: str, *, full: bool) -> Future[Answer]:
    """A full sweep learns tags and reserved concurrency by the same call."""
    if full:
        return reads.one("lambda", region, lambda c: _function(c.get_function(FunctionName=name)))
    return reads.one("lambda", region, lambda c: body(c.get_function_configuration(FunctionName=name)))


def _function(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """`Code` is left out: its location is a signed address, whose holder may fetch the code."""
    return {**answer["Configuration"], "Tags": answer.get("Tags", {}), "Concurrency": answer.get("Concurrency", {})}


def start_domains(reads: Reads, region: str) -> Future[Listing]:
    """All of the Region's custom domains, each as GetDomainName gives it: one call, however many of them are ours."""
    return reads.many("apigateway", region, "get_domain_names", "items", PaginationConfig=_PAGE)


def named(listing: Listing, names: tuple[str, ...]) -> dict[str, Answer]:
    if isinstance(listing, Unknown):
        return dict.fromkeys(names, listing)
    found = {item["domainName"]: item for item in listing}
    return {name: found.get(name) for name in names}


def start_details(reads: Reads, topology: Topology, region: str, api: Mapping[str, str]) -> dict[str, Future[Any]]:
    """Of a Region, in a full sweep. `api`: ids of the stack's resources."""
    function = f"meridian-{topology.name}-api"
    found: dict[str, Future[Any]] = {
        "function_policy": reads.one("lambda", region, lambda c: body(c.get_policy(FunctionName=function))),
    }
    if rest_api := api.get("Api"):
        found["methods"] = reads.many(
            "apigateway",
            region,
            "get_resources",
            "items",
            restApiId=rest_api,
            embed=["methods"],
            PaginationConfig=_PAGE,
        )
    return found


def start_edge_details(reads: Reads, ids: Mapping[str, str]) -> dict[str, Future[Any]]:
    """Of the edge, in a full sweep; the versions' listing also has what is unpublished."""
    found: dict[str, Future[Any]] = {"deliveries": reads.many("logs", EDGE_REGION, "describe_deliveries", "deliveries")}
    if router := ids.get("Router"):
        found["edge_versions"] = reads.many(
            "lambda", EDGE_REGION, "list_versions_by_function", "Versions", FunctionName=router
        )
    if headers := ids.get("Headers"):
        found["headers_policy"] = reads.one(
            "cloudfront",
            EDGE_REGION,
            lambda c: c.get_response_headers_policy(Id=headers)["ResponseHeadersPolicy"],
        )
    return found


def start_zone_details(reads: Reads, topology: Topology) -> dict[str, Future[Any]]:
    """Which name servers the zone names for itself, and whether its signatures are sound."""
    zone, name = topology.domain.zone_id, topology.domain.zone_name
    return {
        "zone_servers": reads.one(
            "route53",
            EDGE_REGION,
            lambda c: body(c.test_dns_answer(HostedZoneId=zone, RecordName=name, RecordType="NS")),
        ),
        "dnssec": reads.one("route53", EDGE_REGION, lambda c: body(c.get_dnssec(HostedZoneId=zone))),
    }
