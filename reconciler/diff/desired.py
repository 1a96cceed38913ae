"""Which template and parameters each stack should have, given what is there already.

Values cross stacks by observation: an output of `data` becomes a parameter of `api`, a traffic gate's id one of `routing`.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.diff.records import with_leaving
from reconciler.diff.rollout import held_back
from reconciler.model import client_keys
from reconciler.model.observed import Observed, Unknown, known
from reconciler.model.stacks import (
    CLIENT_KEYS,
    DesiredStack,
    StackKind,
    StackRef,
    Template,
    gate_parameter,
    stack_refs,
    template_key,
)
from reconciler.model.topology import Topology

DATA_OUTPUTS = ("SubnetIds", "FunctionGroupId", "WriterEndpoint", "ReaderEndpoint", "ClusterResourceId")


def founder(topology: Topology, observed: Observed) -> str | None:
    """The Region that makes the database, where none was made yet: the desired writer. None once it exists, or while that
    cannot be told: some Region is unreadable, or the global cluster has members or is unreadable."""
    states = [s for ref, s in observed.stacks.items() if ref.kind is StackKind.DATA]
    cluster = observed.global_cluster
    if isinstance(cluster, Unknown) or any(isinstance(state, Unknown) for state in states):
        return None
    alive = [state for state in map(known, states) if state and not state.beyond_update]
    made = any(state.template and _holds_master(state.template) for state in alive)
    return None if made or (cluster and cluster.members) else topology.database.writer


def template_keys(topology: Topology, observed: Observed) -> Mapping[StackRef, str]:
    first, heir = founder(topology, observed), _heir(topology, observed)
    data = {region: key for region in topology.region_names if (key := _data_key(observed, region, first, heir))}
    return {
        ref: data[ref.region]
        if ref.kind is StackKind.DATA and ref.region in data
        else template_key(ref, home_region=topology.home_region, founder=None)
        for ref in stack_refs(topology)
    }


def _data_key(observed: Observed, region: str, first: str | None, heir: str | None) -> str | None:
    state = observed.stack(StackKind.DATA, region)
    if state and not state.beyond_update and state.template and _holds_master(state.template):
        return "data-founder" if _names_master(state.template) else "data-heir"
    if region == first:
        return "data-founder"
    return "data-heir" if region == heir else None


def _heir(topology: Topology, observed: Observed) -> str | None:
    """The writer, once no remaining Region's stack holds the master credentials: the founder is leaving or gone.

    Only a writer that stands where it is declared inherits; every stack must have been read, for one may hold them.
    """
    cluster = known(observed.global_cluster)
    states = [observed.stacks.get(StackRef(StackKind.DATA, r)) for r in topology.region_names]
    if any(isinstance(state, Unknown) for state in states) or cluster is None or cluster.failover:
        return None
    held = any(
        state.template and _holds_master(state.template) for state in states if state and not isinstance(state, Unknown)
    )
    writer = cluster.writer
    stands = writer is not None and (data := observed.stack(StackKind.DATA, writer)) is not None and data.template
    return writer if not held and stands and writer == topology.database.writer else None


def _holds_master(template: Mapping[str, object]) -> bool:
    resources = template.get("Resources", {})
    return isinstance(resources, Mapping) and "Master" in resources


def _names_master(template: Mapping[str, object]) -> bool:
    """The founder's cluster names its master user, an heir's does not: naming it would replace the cluster."""
    resources = template.get("Resources", {})
    cluster = resources.get("Cluster", {}) if isinstance(resources, Mapping) else {}
    return "MasterUsername" in cluster.get("Properties", {})


def desired_stacks(
    topology: Topology, observed: Observed, templates: Mapping[str, Template]
) -> Mapping[StackRef, DesiredStack]:
    keys = template_keys(topology, observed)
    stacks = {
        ref: DesiredStack(ref=ref, template=templates[key], parameters=parameters(ref, topology, observed))
        for ref, key in keys.items()
    }
    routing = StackRef(StackKind.ROUTING, topology.home_region)
    return held_back({**stacks, routing: with_leaving(stacks[routing], topology, observed)}, observed)


def parameters(ref: StackRef, topology: Topology, observed: Observed) -> Mapping[str, str] | None:
    """Parameter values of one stack; None while one of them does not exist yet."""
    match ref.kind:
        case StackKind.DATA:
            return _data(ref, topology, observed)
        case StackKind.API:
            return _api(ref, topology, observed)
        case StackKind.ROUTING:
            gates = {r: known(observed.gates.get(r)) for r in topology.region_names}
            if not all(gates.values()):
                return None
            return {gate_parameter(r): gate.id for r, gate in gates.items() if gate}
        case _:
            return {}


def _api(ref: StackRef, topology: Topology, observed: Observed) -> Mapping[str, str] | None:
    data = observed.stack(StackKind.DATA, ref.region)
    if data is None or not all(name in data.outputs for name in DATA_OUTPUTS):
        return None
    outputs = {name: data.outputs[name] for name in DATA_OUTPUTS}
    if topology.api.client.mode == "none":
        return outputs
    keys = client_keys.keys_for(topology, observed, ref.region)
    return None if keys is None else {**outputs, CLIENT_KEYS: keys}


def _data(ref: StackRef, topology: Topology, observed: Observed) -> Mapping[str, str] | None:
    """The availability zones are read once, when the Region is created, and from the stack ever after: another zone
    would replace the subnets."""
    state = observed.stack(StackKind.DATA, ref.region)
    found = observed.zones.get(ref.region, ())
    fresh = () if isinstance(found, Unknown) else found[:2]
    zones = (state.parameters.get("Zones") if state else None) or ",".join(fresh)
    if "," not in zones:
        return None
    return {"Cidr": topology.region(ref.region).cidr, "Zones": zones}
