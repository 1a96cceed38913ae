"""Live properties of the resources that stacks hold, in the shape of their templates, so that drift is a comparison.

Each reader gives the properties it can read whole, under the template's names, and normalised as this project's templates
write them. What it leaves out counts as unchecked. A resource that the applied template declares and AWS does not have is
`Missing`. One module per part of AWS has the shapes; this one says which resource is read from which fact.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reconciler.model.facts import LATER, Facts, Listing, RegionFacts
from reconciler.model.observed import Live, Missing, Seen, StackState, Unknown, known
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Topology
from reconciler.observe import live_api, live_data, live_dns, live_edge, live_functions, live_network, live_roles

Shape = Callable[[Mapping[str, Any]], Mapping[str, Any]]
Readings = Iterator[tuple[str, Live]]
DEPLOYMENT = "AWS::ApiGateway::Deployment"


def live(
    facts: Facts, topology: Topology, stacks: Mapping[StackRef, Seen[StackState]]
) -> Mapping[tuple[StackRef, str], Live]:
    """(stack, logical id) to what AWS reports, for the resources that the applied templates declare."""
    found: dict[tuple[StackRef, str], Live] = {}
    for ref, state in stacks.items():
        reader = _READERS.get(ref.kind)
        if reader is None or state is None or isinstance(state, Unknown):
            continue
        declared = (state.template or {}).get("Resources", {})
        for logical_id, properties in reader(facts, topology, facts.regions[ref.region], state):
            if logical_id in declared:
                found[ref, logical_id] = properties
    return found


def _shaped(answer: Mapping[str, Any] | Unknown | None, shape: Shape) -> Live:
    if isinstance(answer, Unknown):
        return answer
    return Missing() if answer is None else shape(answer)


def _picked(listing: Listing, key: str, value: str | None, shape: Shape) -> Live:
    """The item of a listing whose `key` is `value`; what has no name yet cannot be missed."""
    if isinstance(listing, Unknown):
        return listing
    if value is None:
        return Unknown("NotListed", "its stack does not tell which one it is")
    return _shaped(next((item for item in listing if item.get(key) == value), None), shape)


def _global(facts: Facts, _topology: Topology, _region: RegionFacts, state: StackState) -> Readings:
    yield "GlobalCluster", _shaped(facts.global_cluster, live_data.global_cluster)
    declared = (state.template or {}).get("Resources", {})
    for logical in ("EdgeRole", "ProbeRole"):
        name = declared.get(logical, {}).get("Properties", {}).get("RoleName")
        yield logical, _picked(facts.roles, "RoleName", name, live_roles.role)


def _data(facts: Facts, topology: Topology, region: RegionFacts, state: StackState) -> Readings:
    def member(found: Mapping[str, Any]) -> Mapping[str, Any]:
        return live_data.cluster(found, facts.global_cluster)

    def key(found: Mapping[str, Any]) -> Mapping[str, Any]:
        return live_data.key(found, region.key_rotation)

    name = topology.cluster(state.ref.region)
    yield "Cluster", _shaped(region.cluster, member)
    yield "Key", _shaped(region.key, key)
    yield "Master", _shaped(region.secret, live_data.secret)
    yield "Parameters", _shaped(region.parameters, live_data.parameters)
    for logical_id in (state.template or {}).get("Resources", {}):
        if logical_id.startswith("Instance"):
            identifier = f"{name}-{logical_id.removeprefix('Instance')}"
            yield logical_id, _picked(region.instances, "DBInstanceIdentifier", identifier, live_data.instance)
    yield from _network(region, state)


def _network(region: RegionFacts, state: StackState) -> Readings:
    ids, tables, instances = state.resources, region.route_tables, region.instances
    for logical in ("FunctionGroup", "DatabaseGroup"):
        yield logical, _picked(region.security_groups, "GroupId", ids.get(logical), live_network.security_group)
    yield "Routes", _picked(tables, "RouteTableId", ids.get("Routes"), live_network.route_table)
    yield "Vpc", tables if isinstance(tables, Unknown) else live_network.network(tables)
    group = None if isinstance(instances, Unknown) else next((i.get("DBSubnetGroup") for i in instances), None)
    yield "SubnetGroup", live_network.subnet_group(group)
    for logical_id in (state.template or {}).get("Resources", {}):
        if logical_id.startswith("SubnetRoute"):
            found = tables if isinstance(tables, Unknown) else live_network.association(tables, ids.get(logical_id))
            yield logical_id, found
        elif re.fullmatch(r"Subnet\d+", logical_id):
            yield logical_id, live_network.subnet(group, ids.get(logical_id))


def _api(facts: Facts, topology: Topology, region: RegionFacts, state: StackState) -> Readings:
    yield from _functions(facts, topology, region, state)
    regional, shared = topology.region_origin(state.ref.region), topology.origin_name
    ids = state.resources
    for logical in ("Role", "MigrateRole"):
        yield logical, _picked(facts.roles, "RoleName", ids.get(logical), live_roles.role)
    yield "AccessLogs", _log_group(region, f"/meridian/{topology.name}/access")
    yield "Api", _shaped(region.rest_api, lambda found: live_api.rest_api(found, region.methods))
    yield "Stage", _shaped(region.stage, lambda found: live_api.stage(found, ids.get("Api")))
    yield from _deployment(region, state)
    yield "Certificate", _shaped(region.certificate, live_edge.certificate(facts))
    for logical, name in (("Regional", regional), ("Shared", shared)):
        yield f"{logical}Domain", _shaped(region.domain_names.get(name), live_api.domain_name)
        mapping = _picked(region.mappings.get(name, ()), "basePath", live_api.ROOT, live_api.mapping)
        yield f"{logical}Mapping", {"DomainName": name, **mapping} if isinstance(mapping, Mapping) else mapping
    yield "Record", _record(facts, regional, "A", None)
    yield "Probe", _picked(facts.health_checks, "Id", state.outputs.get("ProbeId"), live_dns.health_check)
    for logical, metric in (("Errors", "5xxerror"), ("Slow", "latency")):
        alarm = f"meridian-{topology.name}-api-{metric}"
        yield f"{logical}Alarm", _picked(region.alarms, "AlarmName", alarm, live_api.alarm)


def _functions(facts: Facts, topology: Topology, region: RegionFacts, state: StackState) -> Readings:
    shape = _function(facts, state.ref.region)
    yield "Function", _shaped(region.function, shape)
    for logical, suffix in (("FunctionLogs", "api"), ("MigrateLogs", "migrate")):
        yield logical, _log_group(region, f"/meridian/{topology.name}/{suffix}")
    if physical_id := state.resources.get("Invoke"):
        declared, name = _declared(state, "Invoke"), f"meridian-{topology.name}-api"
        yield "Invoke", live_functions.permission(region.function_policy, declared, physical_id, name)


def _deployment(region: RegionFacts, state: StackState) -> Readings:
    """It cannot be deleted while the stage points to it, so it is there if the stage does; else nobody looked."""
    stage = known(region.stage) or {}
    for logical_id, resource in (state.template or {}).get("Resources", {}).items():
        served = resource["Type"] == DEPLOYMENT and stage.get("deploymentId") == state.resources.get(logical_id)
        if served and stage:
            yield logical_id, {"RestApiId": state.resources.get("Api")}


def _declared(state: StackState, logical_id: str) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = (
        (state.template or {}).get("Resources", {}).get(logical_id, {}).get("Properties", {})
    )
    return properties


def _function(facts: Facts, region: str) -> Shape:
    return lambda found: live_functions.function(found, f"meridian-assets-{facts.account}-{region}")


def _routing(facts: Facts, topology: Topology, _region: RegionFacts, state: StackState) -> Readings:
    for logical_id, resource in (state.template or {}).get("Resources", {}).items():
        region = resource.get("Properties", {}).get("SetIdentifier")
        if logical_id.startswith("Route"):
            yield logical_id, _record(facts, topology.route_name, "CNAME", region)
        elif logical_id.startswith("Origin"):
            yield logical_id, _record(facts, topology.origin_name, "A", region)


def _edge(facts: Facts, topology: Topology, _region: RegionFacts, state: StackState) -> Readings:
    ids = state.resources
    full = facts.edge_versions is not LATER
    router = live_functions.unpublished(facts.edge_versions) if full else facts.edge_function
    yield "Distribution", _shaped(facts.distribution, live_edge.distribution)
    yield "Certificate", _shaped(facts.edge_certificate, live_edge.certificate(facts))
    yield "Headers", _shaped(facts.headers_policy, live_edge.headers)
    yield "Router", _shaped(router, _function(facts, state.ref.region))
    for logical_id in (state.template or {}).get("Resources", {}):
        if logical_id.startswith("RouterVersion"):
            yield logical_id, live_functions.version(facts.edge_versions, ids.get(logical_id))
    yield "LogDelivery", _picked(facts.deliveries, "id", ids.get("LogDelivery"), live_edge.delivery)
    yield "A", _record(facts, topology.domain.name, "A", None)
    yield "Aaaa", _record(facts, topology.domain.name, "AAAA", None)


def _log_group(region: RegionFacts, name: str) -> Live:
    return _picked(region.log_groups, "logGroupName", name, live_api.log_group)


def _record(facts: Facts, name: str, kind: str, identifier: str | None) -> Live:
    if isinstance(facts.records, Unknown):
        return facts.records
    return _shaped(live_dns.find(facts.records, name, kind, identifier), live_dns.record_set(facts.zone))


_READERS: Mapping[StackKind, Callable[[Facts, Topology, RegionFacts, StackState], Readings]] = {
    StackKind.GLOBAL: _global,
    StackKind.DATA: _data,
    StackKind.API: _api,
    StackKind.ROUTING: _routing,
    StackKind.EDGE: _edge,
}
