"""How a global cluster is written in answers: its endpoint, and what the members say about themselves now."""

import hashlib
from typing import Any

from ministack.services import rds

from local_aws.resources.rds.forwarding import forwarding_status
from local_aws.resources.rds.members import members
from local_aws.resources.wrap import around

Record = dict[str, Any]


def endpoint(group: Record) -> str:
    """The writer endpoint: its name follows the global cluster's, and never changes otherwise."""
    unique = hashlib.sha256(group["GlobalClusterResourceId"].encode()).hexdigest()[:12]
    return f"{group['GlobalClusterIdentifier']}.global-{unique}.global.rds.amazonaws.com"


def connected(entry: Record) -> bool:
    """A member follows the primary unless it is being created or built anew."""
    cluster = rds._resolve_cluster(entry["DBClusterArn"])
    creating = cluster is not None and cluster["Status"] == "creating"
    return bool(entry["IsWriter"] or (not creating and entry["SynchronizationStatus"] == "connected"))


def _shown(group: Record) -> Record:
    return {**group, "GlobalClusterMembers": [{**entry, **_state(entry)} for entry in members(group)]}


def _state(entry: Record) -> Record:
    cluster = rds._resolve_cluster(entry["DBClusterArn"])
    return {
        "SynchronizationStatus": "connected" if connected(entry) else "pending-resync",
        "GlobalWriteForwardingStatus": (cluster and forwarding_status(cluster)) or "unknown",
    }


def _global_cluster_xml(stock: Any, group: Record) -> str:
    return str(stock(_shown(group))) + f"<Endpoint>{endpoint(group)}</Endpoint>"


def answer(operation: str, group: Record) -> Any:
    body = f"<{operation}Result><GlobalCluster>{rds._global_cluster_xml(group)}</GlobalCluster></{operation}Result>"
    return rds._xml(200, f"{operation}Response", body)


def install() -> None:
    around(rds, "_global_cluster_xml", _global_cluster_xml)
