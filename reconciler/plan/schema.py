"""Whether anybody can bring the schema up to date yet."""

from __future__ import annotations

from reconciler.model.observed import Observed, known
from reconciler.model.stacks import StackKind
from reconciler.model.topology import Topology


def migrator_stands(topology: Topology, observed: Observed) -> bool:
    """The API's stack where the writer is holds the function; one deployed by an older version of this program does not."""
    cluster = known(observed.global_cluster)
    api = observed.stack(StackKind.API, cluster.writer) if cluster and cluster.writer else None
    if api is None or api.template is None or not api.stands:
        return False
    resources = api.template.get("Resources", {}).values()
    names = (r.get("Properties", {}).get("FunctionName") for r in resources if r.get("Type") == "AWS::Lambda::Function")
    return topology.migrator in names
