"""What the servers have to do next so that they fit the records: a pure function of what is wanted and what runs.

Whoever carries a move out asks again until there is none. So what happened meanwhile, or was missed at a high speed of the
clock, needs no memory: a switchover shows as another primary, a failover with data loss besides as another `volume`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from local_aws.postgres.estate import Cluster

Verb = Literal["create", "clone", "start", "stop", "kill", "promote", "demote", "follow", "remove", "password"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that there is. `killed`: it ended without an orderly shutdown. `succeeds`: it began to write when that one, whom it
    had followed, had stopped for good: both have the same, and can go on from there.
    """

    role: Literal["primary", "standby"]
    state: Literal["up", "stopped", "killed"] = "up"
    follows: str | None = None
    succeeds: str | None = None
    volume: int = 0
    password: str = field(default="", repr=False)  # the record's when it was last looked at

    @property
    def writes(self) -> bool:
        return self.role == "primary" and self.state == "up"


@dataclass(frozen=True, slots=True)
class Move:
    verb: Verb
    id: str
    of: str | None = None  # whom it copies or follows


def next_move(wanted: Mapping[str, Cluster], running: Mapping[str, Running]) -> Move | None:
    """The first that has to be done: nobody is promoted before everybody else has stopped writing."""
    rules = (_gone, _closed, _written, _followed, _passwords)
    return next((move for rule in rules for move in rule(wanted, running)), None)


def _gone(wanted: Mapping[str, Cluster], running: Mapping[str, Running]) -> Iterator[Move]:
    for identity in running:
        if identity not in wanted:
            yield Move("remove", identity)


def _closed(wanted: Mapping[str, Cluster], running: Mapping[str, Running]) -> Iterator[Move]:
    """Whoever must not run, and whoever must not write any more. A successor without a copy gets one first."""
    for identity, server in running.items():
        cluster = wanted[identity]
        if server.state != "up":
            continue
        if cluster.role == "lost":
            yield Move("kill", identity)
        elif server.writes and cluster.role == "stopped":
            yield Move("stop", identity)
        elif server.writes and cluster.role == "standby":
            if cluster.volume != server.volume:
                yield Move("kill", identity)
            elif cluster.follows in running:
                yield Move("stop", identity)
            elif cluster.follows in wanted:
                yield Move("clone", cluster.follows, identity)


def _written(wanted: Mapping[str, Cluster], running: Mapping[str, Running]) -> Iterator[Move]:
    for identity, cluster in wanted.items():
        if cluster.role != "primary":
            continue
        server = running.get(identity)
        if server is None:
            mates = [mate for mate in running if wanted[mate].follows == identity and running[mate].state == "up"]
            yield Move("clone", identity, mates[0]) if mates else Move("create", identity)
        elif server.state != "up":
            yield Move("start", identity)
        elif server.role == "standby":
            yield Move("promote", identity)


def _followed(wanted: Mapping[str, Cluster], running: Mapping[str, Running]) -> Iterator[Move]:
    """Followers of a primary that is there; the others wait for one, and can be read meanwhile."""
    for identity, cluster in wanted.items():
        primary = running.get(cluster.follows or "")
        if cluster.role != "standby" or primary is None or not primary.writes:
            continue
        if verb := _following(cluster, running.get(identity), identity, primary.succeeds):
            yield Move(verb, identity, cluster.follows)


def _following(cluster: Cluster, server: Running | None, identity: str, succeeded: str | None) -> Verb | None:
    """Whoever may have what the primary lacks is copied anew."""
    if server is None or server.volume != cluster.volume:
        return "clone"
    if server.role == "primary":
        return "demote" if server.state == "stopped" and succeeded == identity else "clone"
    if server.follows not in (cluster.follows, succeeded):
        return "clone"
    if server.state != "up":
        return "start"
    return "follow" if server.follows != cluster.follows else None


def _passwords(wanted: Mapping[str, Cluster], running: Mapping[str, Running]) -> Iterator[Move]:
    """The master's, when ModifyDBCluster gave another one. It is part of the data: only a primary can take it up."""
    for identity, server in running.items():
        if server.state == "up" and server.password != wanted[identity].password:
            yield Move("password", identity)
