"""Which template and parameters each stack should have, given what is there already.

Values cross stacks by observation: an output of `data` becomes a parameter of `api`, a traffic gate's id one of `routing`.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.observed import Observed, Unknown, known
from reconciler.model.stacks import (
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
    """The Region whose data stack carries the master credentials; None while that cannot be told.

    It is the first writer and stays the founder wherever the writer moves. Before any data stack holds a template, it is
    the desired writer; but not while some Region is unreadable or the global cluster has members, since then it exists.
    """
    unsure = isinstance(observed.global_cluster, Unknown)
    for region in observed.clusters:
        state = observed.stacks.get(StackRef(StackKind.DATA, region))
        if isinstance(state, Unknown):
            unsure = True
        elif state and state.template and "Master" in state.template.get("Resources", {}):
            return region
    cluster = known(observed.global_cluster)
    if unsure or (cluster and cluster.members):
        return None
    return topology.database.writer


def template_keys(topology: Topology, observed: Observed) -> Mapping[StackRef, str]:
    first = founder(topology, observed)
    return {ref: template_key(ref, home_region=topology.home_region, founder=first) for ref in stack_refs(topology)}


def desired_stacks(
    topology: Topology, observed: Observed, templates: Mapping[str, Template]
) -> Mapping[StackRef, DesiredStack]:
    keys = template_keys(topology, observed)
    return {
        ref: DesiredStack(ref=ref, template=templates[key], parameters=parameters(ref, topology, observed))
        for ref, key in keys.items()
    }


def parameters(ref: StackRef, topology: Topology, observed: Observed) -> Mapping[str, str] | None:
    """Parameter values of one stack; None while one of them does not exist yet."""
    match ref.kind:
        case StackKind.DATA:
            return _data(ref, topology, observed)
        case StackKind.API:
            data = observed.stack(StackKind.DATA, ref.region)
            if data is None or not all(name in data.outputs for name in DATA_OUTPUTS):
                return None
            return {name: data.outputs[name] for name in DATA_OUTPUTS}
        case StackKind.ROUTING:
            gates = {r: known(observed.gates.get(r)) for r in topology.region_names}
            if not all(gates.values()):
                return None
            return {gate_parameter(r): gate.id for r, gate in gates.items() if gate}
        case _:
            return {}


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
