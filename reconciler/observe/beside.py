"""What AWS shows of our resources that no template sets: a brake, a canary, a stranger who may call, a certificate's life.

Each reader gives a value for every resource that was read, also the usual one; `diff` knows what is usual.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.model.facts import Answer, Facts, RegionFacts
from reconciler.model.observed import Beside, Record, Seen, StackState, Unknown, known
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Topology
from reconciler.observe import live_api, live_functions
from reconciler.observe.names import dns, items
from reconciler.observe.routing import record

_STEERING = frozenset({"A", "AAAA", "CNAME", "HTTPS", "NS", "SVCB"})
"""Types of records that decide where clients go; TXT, CAA and the like are anybody's."""
Values = Iterator[tuple[str, str, Any]]
"""Logical id, property, value."""


def beside(facts: Facts, topology: Topology, stacks: Mapping[StackRef, Seen[StackState]]) -> Beside:
    found: dict[tuple[StackRef, str, str], Any] = {}
    for ref, state in stacks.items():
        if state is None or isinstance(state, Unknown):
            continue
        if ref.kind is StackKind.API:
            values = _api(facts, topology, facts.regions[ref.region], state)
        elif ref.kind is StackKind.EDGE:
            values = _edge(facts)
        else:
            continue
        found |= {(ref, logical_id, prop): value for logical_id, prop, value in values}
    return found


def _api(facts: Facts, topology: Topology, region: RegionFacts, state: StackState) -> Values:
    yield from _function("Function", region.function)
    if policy := known(region.function_policy):
        ours = (state.template or {}).get("Resources", {}).get("Invoke", {}).get("Properties", {})
        strangers = live_functions.foreign(policy, ours, state.resources.get("Invoke", ""))
        yield "Function", "Policy", [dict(one) for one in strangers]
    yield from _stage(region.stage)
    yield from _certificate(region.certificate)
    names = {"Regional": topology.region_origin(state.ref.region), "Shared": topology.origin_name}
    for logical, name in names.items():
        yield from _domain(f"{logical}Domain", region.domain_names.get(name))
        listed = known(region.mappings.get(name, ())) or ()
        yield f"{logical}Mapping", "Others", sorted(m["basePath"] for m in listed if m["basePath"] != live_api.ROOT)
    probe = next((c for c in known(facts.health_checks) or () if c["Id"] == state.outputs.get("ProbeId")), None)
    if probe:
        yield "Probe", "Disabled", probe["HealthCheckConfig"].get("Disabled", False)


def _function(logical_id: str, answer: Answer) -> Values:
    found = known(answer)
    if found:
        yield logical_id, "Layers", [layer["Arn"] for layer in found.get("Layers") or ()]
    if found and "Concurrency" in found:
        yield logical_id, "ReservedConcurrentExecutions", found["Concurrency"].get("ReservedConcurrentExecutions")


def _stage(answer: Answer) -> Values:
    if found := known(answer):
        yield "Stage", "CanarySetting", found.get("canarySettings") or None
        yield "Stage", "CacheClusterEnabled", found.get("cacheClusterEnabled", False)
        yield "Stage", "ClientCertificateId", found.get("clientCertificateId") or None
        yield "Stage", "WebAclArn", found.get("webAclArn") or None


def _domain(logical_id: str, answer: Answer) -> Values:
    if found := known(answer):
        yield logical_id, "Status", found.get("domainNameStatus")
        yield logical_id, "EndpointAccessMode", found.get("endpointAccessMode") or None
        yield logical_id, "MutualTlsAuthentication", found.get("mutualTlsAuthentication") or None


def _certificate(answer: Answer) -> Values:
    if found := known(answer):
        yield "Certificate", "Status", found.get("Status")
        yield "Certificate", "RenewalStatus", (found.get("RenewalSummary") or {}).get("RenewalStatus")
        yield "Certificate", "NotAfter", found.get("NotAfter")


def _edge(facts: Facts) -> Values:
    yield from _certificate(facts.edge_certificate)
    if found := known(facts.distribution):
        config = found["DistributionConfig"]
        behavior = config.get("DefaultCacheBehavior") or {}
        yield "Distribution", "DistributionConfig.WebACLId", config.get("WebACLId") or None
        yield "Distribution", "DistributionConfig.DefaultRootObject", config.get("DefaultRootObject") or None
        yield (
            "Distribution",
            "DistributionConfig.ContinuousDeploymentPolicyId",
            (config.get("ContinuousDeploymentPolicyId") or None),
        )
        others = [b["PathPattern"] for b in items(config.get("CacheBehaviors"))]
        yield "Distribution", "DistributionConfig.CacheBehaviors", others
        functions = [f["FunctionARN"] for f in items(behavior.get("FunctionAssociations"))]
        yield "Distribution", "DistributionConfig.DefaultCacheBehavior.FunctionAssociations", functions
        place = (config.get("Restrictions") or {}).get("GeoRestriction") or {}
        kind = place.get("RestrictionType", "none")
        yield "Distribution", "DistributionConfig.Restrictions", None if kind == "none" else {kind: items(place)}
    if headers := known(facts.headers_policy):
        config = headers["ResponseHeadersPolicyConfig"]
        yield "Headers", "CorsConfig", config.get("CorsConfig") or None
        for name in ("CustomHeadersConfig", "RemoveHeadersConfig"):
            yield "Headers", name, [h["Header"] for h in items(config.get(name))]


def strangers(facts: Facts, topology: Topology, stacks: Mapping[StackRef, Seen[StackState]]) -> tuple[Record, ...]:
    """Records on the names that we answer for, and that no stack of ours declares. Route 53 answers with all of a name's."""
    if isinstance(facts.records, Unknown):
        return ()
    declared = {identity for state in map(known, stacks.values()) if state for identity in _declared(state)}
    names = {
        topology.domain.name,
        topology.route_name,
        topology.origin_name,
        *map(topology.region_origin, facts.regions),
    }
    steering = (one for one in map(record, facts.records) if one.type in _STEERING and one.name in map(dns, names))
    return tuple(one for one in steering if (one.name, one.type, one.set_identifier or "") not in declared)


def _declared(state: StackState) -> Iterator[tuple[str, str, str]]:
    for resource in (state.template or {}).get("Resources", {}).values():
        if resource["Type"] == "AWS::Route53::RecordSet":
            properties = resource.get("Properties", {})
            name = properties.get("Name", "")
            text = name["Fn::Sub"].replace("${AWS::Region}", state.ref.region) if isinstance(name, Mapping) else name
            yield dns(text), properties.get("Type", ""), properties.get("SetIdentifier", "")
