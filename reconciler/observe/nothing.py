"""The observed topology of an account in which nothing is there yet: what `plan --offline` plans from."""

from __future__ import annotations

from datetime import datetime

from reconciler.model.observed import Observed, Unknown, Zone
from reconciler.model.stacks import stack_refs
from reconciler.model.topology import Topology


def nothing_there(topology: Topology, at: datetime) -> Observed:
    regions = topology.region_names
    return Observed(
        at=at,
        account=topology.account,
        zone=Zone(id=topology.domain.zone_id, name=topology.domain.zone_name, private=False),
        stacks=dict.fromkeys(stack_refs(topology)),
        global_cluster=None,
        clusters=dict.fromkeys(regions),
        zones={r: (f"{r}a", f"{r}b") for r in regions},
        gates=dict.fromkeys(regions),
        probes=dict.fromkeys(regions),
        records=(),
        distribution=None,
        issuer_keys=Unknown("Offline", "it was not asked") if topology.api.client.issuer else (),
    )
