"""The databases as the records have them, as frozen values: what the listener and the servers go by."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

# primary: takes writes. standby: follows one. stopped: shut down in an orderly way, nobody writes meanwhile.
# lost: killed, and whatever it had that nobody else has is gone.
Role = Literal["primary", "standby", "stopped", "lost"]
Mode = Literal["session", "eventual", "global", "off"]
MODES: tuple[Mode, ...] = ("session", "eventual", "global", "off")
PORT = 5432


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One DB cluster; `id` is its DbClusterResourceId, which a name that is used again does not share."""

    id: str
    account: str
    region: str
    endpoint: str
    reader: str
    role: Role
    follows: str | None = None  # the primary of its global cluster, when it is not that itself
    volume: int = 0  # how often it got a new one, after a failover with data loss
    open: bool = False  # its status and its instances allow connections
    iam: bool = False
    forwarding: bool = False
    consistency: Mode = "session"
    master: str = "postgres"
    password: str = field(default="", repr=False)
    database: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A name that leads to a database now."""

    name: str
    cluster: Cluster
    kind: Literal["writer", "reader"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    clusters: Mapping[str, Cluster] = field(default_factory=dict)
    out: frozenset[str] = frozenset()  # Regions whose data plane is out

    def endpoint(self, name: str) -> Endpoint | None:
        """Where a name leads, if anybody answers there now."""
        return next((e for e in self.endpoints() if e.name == name and self.answers(e)), None)

    def endpoints(self) -> Iterator[Endpoint]:
        """The names that resolve. A secondary's cluster endpoint is inactive: its name leads nowhere [K]."""
        for cluster in self.clusters.values():
            yield Endpoint(name=cluster.reader, cluster=cluster, kind="reader")
            if cluster.follows is None:
                yield Endpoint(name=cluster.endpoint, cluster=cluster, kind="writer")

    def answers(self, endpoint: Endpoint) -> bool:
        cluster = endpoint.cluster
        return cluster.open and cluster.role in ("primary", "standby") and cluster.region not in self.out

    def still(self, endpoint: Endpoint) -> bool:
        """Whether a session that began at this endpoint may go on: the endpoint is there, and its role is the same."""
        now = self.endpoint(endpoint.name)
        return now is not None and (now.cluster.id, now.cluster.role) == (endpoint.cluster.id, endpoint.cluster.role)

    def group(self, identity: str) -> set[str]:
        """The ids of all members of a cluster's global cluster; its own when it is alone."""
        cluster = self.clusters.get(identity)
        if cluster is None:
            return set()
        primary = cluster.follows or cluster.id
        return {identity, primary} | {c.id for c in self.clusters.values() if c.follows == primary}
