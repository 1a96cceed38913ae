"""Where all endpoints answer: one address for all, told apart by the name that a client's TLS asks for.

Without TLS a client is refused, as with `rds.force_ssl`. Whoever dials a name that does not answer now is hung up on, where on AWS
nobody would answer. Cancel requests are not passed on.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from local_aws.postgres import admission, authentication, tokens, wire
from local_aws.postgres.admission import Arrival
from local_aws.postgres.backend import Backend, Refused, administer
from local_aws.postgres.certificates import Certificates
from local_aws.postgres.estate import Endpoint, Estate
from local_aws.postgres.fleet import Fleet
from local_aws.postgres.forwarding import Forwarding
from local_aws.postgres.installation import Unusable
from local_aws.postgres.records import on_server
from local_aws.postgres.server import Server
from local_aws.postgres.sessions import CUT, Client, relay

ADMISSION = 60.0  # wall seconds, as authentication_timeout


class NobodyThere(Exception):
    """The name does not answer, or not any more."""


@dataclass(frozen=True, slots=True, eq=False)
class _Session:
    endpoint: Endpoint
    task: asyncio.Task | None


class Listener:
    """Lives on the loop of its own thread."""

    def __init__(self, fresh: Callable[[], Awaitable[None]]) -> None:
        """`fresh()` returns when `follow` was told of whatever has changed until now."""
        self._fresh = fresh
        self._sessions: set[_Session] = set()
        self._fleet = Fleet(self._cut)
        self._certificates: Certificates | None = None

    async def listen(self, endpoint: socket.socket) -> asyncio.Server:
        return await asyncio.start_server(self._accept, sock=endpoint)

    def follow(self, estate: Estate) -> str:
        """The records have changed: whose endpoint is gone, or has another role, is cut. The authority's certificate."""
        self._certificates = self._certificates or Certificates()
        for endpoint in estate.endpoints():
            self._certificates.offer(endpoint.name)
        for session in self._sessions:
            if session.task and not estate.still(session.endpoint):
                session.task.cancel()
        self._fleet.follow(estate)
        return self._certificates.pem

    def _cut(self, identity: str) -> None:
        for session in self._sessions:
            if session.task and session.endpoint.cluster.id == identity:
                session.task.cancel()

    # ---- one connection --------------------------------------------------------------------------------------------------------

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client, last = Client(reader, writer), None
        try:
            await self._welcome(client)
        except asyncio.CancelledError:
            last = CUT
        except (authentication.Rejected, Refused) as refused:
            last = refused.message
        except (NobodyThere, Unusable, wire.Malformed, OSError, EOFError):
            last = None  # the client has gone, or is none, or there is nobody to talk to
        finally:
            client.end(last)

    async def _welcome(self, client: Client) -> None:
        async with asyncio.timeout(ADMISSION):
            arrival = await admission.arrive(client, self._certificates) if self._certificates else None
            if arrival is None:
                return
            await self._fresh()
            endpoint = self._fleet.estate.endpoint(arrival.name)
            if endpoint is None:
                raise NobodyThere(arrival.name)
            server = await self._fleet.reach(endpoint.cluster.id)
        session = _Session(endpoint, asyncio.current_task())
        self._sessions.add(session)
        try:
            if not self._fleet.estate.still(endpoint):
                raise NobodyThere(arrival.name)
            await self._session(client, arrival, endpoint, server)
        finally:
            self._sessions.discard(session)

    async def _session(self, client: Client, arrival: Arrival, endpoint: Endpoint, server: Server) -> None:
        async with asyncio.timeout(ADMISSION):
            await self._authenticate(client, arrival.user, endpoint, server)
            named, mode = admission.settings(arrival, endpoint)
            backend, told = await Backend.connect(server.directory, named)
        try:
            welcome = [m for m in told if m.kind != b"R"]
            await client.send([wire.authentication(wire.AUTHENTICATED), *welcome])
            if endpoint.cluster.role == "primary":
                await relay(client, backend)
            else:
                await Forwarding(
                    client, backend, primary=partial(self._primary, endpoint, named), default=endpoint.cluster.consistency,
                    enabled=lambda: self._fleet.estate.clusters[endpoint.cluster.id].forwarding, mode=mode,
                    builtin=self._fleet.builtin,
                ).serve()  # fmt: skip
        finally:
            backend.close()

    async def _authenticate(self, client: Client, user: str, endpoint: Endpoint, server: Server) -> None:
        given = await admission.password(client)
        role = await administer(server.directory, authentication.role_query(user))
        if authentication.with_token(role):
            good = await on_server(lambda: tokens.is_good(given, user, endpoint))
            authentication.admit(user, good=good, method="PAM")
        else:
            authentication.admit(user, good=authentication.password_fits(role, given), method="password")

    async def _primary(self, endpoint: Endpoint, named: dict[str, str]) -> Backend:
        """A second connection of the same user, to whoever takes the writes now."""
        estate = self._fleet.estate
        writer = estate.clusters.get(estate.clusters[endpoint.cluster.id].follows or "")
        if writer is None or writer.role != "primary" or not writer.open or writer.region in estate.out:
            raise ConnectionRefusedError("no DB cluster takes writes now")
        try:
            server = await self._fleet.reach(writer.id)
        except Unusable as error:
            raise ConnectionRefusedError(str(error)) from error
        backend, _ = await Backend.connect(server.directory, named)
        return backend
