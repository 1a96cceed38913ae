"""The servers, and carrying out what `moves` says, one move after the other.

Nothing starts before somebody connects; from then on the whole global database runs and follows the records. Lives on the loop of
the listener's thread; what blocks runs in threads beside it.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from local_aws.postgres import wire
from local_aws.postgres.backend import Refused, administer
from local_aws.postgres.estate import Cluster, Estate
from local_aws.postgres.installation import Installation, Unusable
from local_aws.postgres.moves import Move, Running, next_move
from local_aws.postgres.server import Server

logger = logging.getLogger("local_aws.postgres")
_ROLES = """
create role rds_superuser; create role rds_iam; create role rds_replication; create role rds_password;
grant pg_monitor, pg_signal_backend, pg_checkpoint to rds_superuser with admin option;
grant rds_iam, rds_replication, rds_password to rds_superuser with admin true, inherit false, set false;
"""
_FUNCTIONS = "select distinct proname from pg_proc where pronamespace = 'pg_catalog'::regnamespace"
LOOKS = 500  # ten seconds of wall time, then without the follower that does not come
_STREAMS = "select count(*) from pg_stat_wal_receiver where status = 'streaming'"
_CAUGHT_UP = "select count(*) from pg_stat_replication where state = 'streaming' and replay_lsn = pg_current_wal_lsn()"


def founding(cluster: Cluster) -> list[str]:
    """The roles that RDS has; the master user is no superuser, but may grant them, and owns the databases."""
    master, password = wire.identifier(cluster.master), wire.literal(cluster.password)
    founded = [
        _ROLES,
        f"create role {master} login createrole createdb in role rds_superuser password {password}",
        f"alter database postgres owner to {master}",
    ]
    if cluster.database not in ("", "postgres"):
        founded.append(f"create database {wire.identifier(cluster.database)} owner {master}")
    return founded


class Fleet:
    def __init__(self, cut: Callable[[str], None]) -> None:
        """`cut(id)` ends the sessions of a cluster, before its server changes under them."""
        self.estate, self.builtin = Estate(), frozenset[str]()
        self._cut, self._numbers = cut, itertools.count(1)
        self._installation: Installation | None = None
        self._awake: set[str] = set()
        self._servers: dict[str, Server] = {}
        self._known: dict[str, Running] = {}
        self._one_at_a_time = asyncio.Lock()
        self._tasks: set[asyncio.Task] = set()

    def follow(self, estate: Estate) -> None:
        """The records have changed."""
        self.estate = estate
        if self._awake:
            self._settling()

    def _settling(self) -> asyncio.Task:
        """A task of its own: no client's end breaks a move off."""
        task = asyncio.get_running_loop().create_task(self._settle())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def reach(self, identity: str) -> Server:
        """The server of a cluster, once everything fits the records; raises Unusable."""
        self._awake |= self.estate.group(identity)
        await asyncio.shield(self._settling())
        if not self._running().get(identity, Running(role="standby", state="killed")).state == "up":
            raise Unusable(f"no server for {identity}")
        return self._servers[identity]

    async def _settle(self) -> None:
        async with self._one_at_a_time:
            try:
                while move := next_move(self._wanted(), self._running()):
                    self._cut_for(move)
                    await self._carry_out(move)
            except (Unusable, Refused, OSError):
                logger.exception("a database does not follow its record")

    def _wanted(self) -> dict[str, Cluster]:
        """What was woken, and whoever has joined it since."""
        for identity in list(self._awake):
            self._awake |= self.estate.group(identity)
        return {identity: c for identity, c in self.estate.clusters.items() if identity in self._awake}

    def _running(self) -> dict[str, Running]:
        """As the processes are: one that ended by itself was killed, as far as its data goes."""
        for identity, known in self._known.items():
            if known.state == "up" and not self._servers[identity].runs:
                self._known[identity] = replace(known, state="killed")
        return self._known

    # ---- moves ---------------------------------------------------------------------------------------------------------------

    def _cut_for(self, move: Move) -> None:
        """A change of role ends every session [V: "you must reconnect" after a switchover]; another primary to follow does not."""
        if move.verb not in ("follow", "password", "start"):
            self._cut(move.id)

    async def _carry_out(self, move: Move) -> None:
        logger.info("%s", move)
        cluster = self.estate.clusters.get(move.id)
        done: Any = getattr(self, f"_{move.verb}")
        await done(move.id, cluster, move.of)

    async def _create(self, identity: str, cluster: Cluster, _of: str | None) -> None:
        server = await self._new(identity)
        try:
            await asyncio.to_thread(server.create)
            functions = await administer(server.directory, *founding(cluster), _FUNCTIONS)
        except BaseException:
            await asyncio.to_thread(server.remove)
            raise
        self.builtin = frozenset(str(name) for [name] in functions)
        self._known[identity] = Running(role="primary", volume=cluster.volume, password=cluster.password)

    async def _clone(self, identity: str, cluster: Cluster, of: str) -> None:
        server = self._servers.get(identity) or await self._new(identity)
        self._known.pop(identity, None)
        await asyncio.to_thread(server.clone, self._servers[of])
        self._known[identity] = Running(role="standby", follows=of, volume=cluster.volume, password=cluster.password)

    async def _start(self, identity: str, _cluster: Cluster, _of: str | None) -> None:
        await asyncio.to_thread(self._servers[identity].start)
        self._now(identity, state="up")
        if self._known[identity].writes:
            self._parted_from(identity)

    async def _stop(self, identity: str, _cluster: Cluster, _of: str | None) -> None:
        """Not before its followers have everything: whoever is not connected yet would miss the end."""
        followers = [i for i, known in self._known.items() if known.follows == identity and known.state == "up"]
        whole = await self._comes_to(len(followers), self._servers[identity], _CAUGHT_UP)
        await asyncio.to_thread(self._servers[identity].stop)
        # Whoever has what its successor lacks cannot follow that one: it is copied anew.
        self._now(identity, state="stopped" if whole else "killed")

    async def _comes_to(self, number: int, server: Server, count: str) -> bool:
        for _ in range(LOOKS):
            with suppress(Refused, OSError):
                [[found]] = await administer(server.directory, count)
                if int(found or 0) >= number:
                    return True
            await asyncio.sleep(0.02)
        return False

    async def _streams(self, identity: str, cluster: Cluster, of: str) -> None:
        """Who was to follow and does not is copied anew: its history is another one."""
        if not await self._comes_to(1, self._servers[identity], _STREAMS):
            logger.warning("%s does not follow %s, and is copied anew", identity, of)
            await self._clone(identity, cluster, of)

    async def _kill(self, identity: str, _cluster: Cluster, _of: str | None) -> None:
        await asyncio.to_thread(self._servers[identity].kill)
        self._now(identity, state="killed")

    async def _promote(self, identity: str, cluster: Cluster, _of: str | None) -> None:
        await administer(self._servers[identity].directory, "select pg_promote(true, 60)")
        followed = self._known[identity].follows or ""
        orderly = followed in self._known and self._known[followed].state == "stopped"
        succeeds = followed if orderly else None
        self._parted_from(identity)
        self._now(identity, role="primary", follows=None, succeeds=succeeds, volume=cluster.volume)

    def _parted_from(self, identity: str) -> None:
        """It writes again: nobody goes on any more from where it had stopped."""
        for other, known in self._known.items():
            if known.succeeds == identity:
                self._now(other, succeeds=None)

    async def _demote(self, identity: str, cluster: Cluster, of: str) -> None:
        await asyncio.to_thread(self._servers[identity].demote, self._servers[of])
        self._now(identity, role="standby", state="up", follows=of, succeeds=None)
        await self._streams(identity, cluster, of)

    async def _follow(self, identity: str, cluster: Cluster, of: str) -> None:
        await asyncio.to_thread(self._servers[identity].follow, self._servers[of])
        self._now(identity, follows=of)
        await self._streams(identity, cluster, of)

    async def _remove(self, identity: str, _cluster: None, _of: str | None) -> None:
        await asyncio.to_thread(self._servers[identity].remove)
        del self._servers[identity], self._known[identity]
        self._awake.discard(identity)

    async def _password(self, identity: str, cluster: Cluster, _of: str | None) -> None:
        if self._known[identity].role == "primary":
            sql = f"alter role {wire.identifier(cluster.master)} password {wire.literal(cluster.password)}"
            await administer(self._servers[identity].directory, sql)
        self._now(identity, password=cluster.password)

    def _now(self, identity: str, **changed: Any) -> None:
        self._known[identity] = replace(self._known[identity], **changed)

    async def _new(self, identity: str) -> Server:
        if self._installation is None:
            self._installation = await asyncio.to_thread(Installation.make)
            await asyncio.to_thread(lambda: self._installation.template)
        server = Server(self._installation, self._installation.root / str(next(self._numbers)))
        self._servers[identity] = server
        return server
