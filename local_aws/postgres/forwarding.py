"""A session at a secondary's reader endpoint: reads go to the standby, writes to the primary, as with global write forwarding.

On Aurora the secondary's engine does that; here two connections stand behind the client's one. What differs: a transaction that
is not READ ONLY runs as a whole on the primary, while Aurora reads locally until the first write; a SET inside a transaction
counts where that runs; COPY and Flush without Sync are not relayed. A way across Regions takes no time here: `_across` is the
place for it.

Consistency [V "Using write forwarding in an Aurora PostgreSQL global database"]: with `session` a read waits until the standby
has the session's own writes, with `global` until it has everything that was committed before the read, with `eventual` for
nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from local_aws.postgres import wire
from local_aws.postgres.backend import Backend, Refused
from local_aws.postgres.estate import Mode
from local_aws.postgres.extended import Batch, Prepared
from local_aws.postgres.sessions import Client
from local_aws.postgres.statements import NOT_SUPPORTED, Kind, Statement, classify
from local_aws.postgres.wire import Message

PATIENCE, LOOK = 30.0, 0.002  # wall seconds
_ABORT = "do $$begin raise exception 'a refused statement ends its transaction'; end$$"
_REMOTE = (Kind.WRITE, Kind.BEGIN)


class Unreachable(Exception):
    """Nobody takes writes now."""


class Forwarding:
    def __init__(
        self, client: Client, standby: Backend, *, primary: Callable[[], Awaitable[Backend]],
        enabled: Callable[[], bool], default: Mode, mode: Mode, builtin: frozenset[str],
    ) -> None:  # fmt: skip
        """`primary()` opens a connection as the same user, or raises; `enabled()`: whether the cluster forwards now."""
        self._client, self._standby, self._primary = client, standby, primary
        self._enabled, self._default, self._mode, self._builtin = enabled, default, mode, builtin
        self._remote: Backend | None = None
        self._block: Backend | None = None  # where the open transaction runs
        self._written = ""  # the primary's position after the last write of this session
        self._repeated: list[str] = []  # what a new connection to the primary has to hear first
        self._named: dict[str, Kind] = {}  # by PREPARE
        self._prepared: dict[str, Prepared] = {}  # by Parse
        self._portals: dict[str, Prepared] = {}

    async def serve(self) -> None:
        """Until the client leaves."""
        batch: list[Message] = []
        try:
            while (message := await self._client.read()).kind != b"X":
                if message.kind == b"Q":
                    await self._simple(message)
                elif message.kind in b"SPBDEC":
                    batch.append(message)
                    if message.kind == b"S":
                        await self._extended(batch)
                        batch = []
                elif message.kind == b"F":
                    await self._refuse(NOT_SUPPORTED, "a function call message is not supported with write forwarding")
        finally:
            if self._remote:
                self._remote.close()

    async def _simple(self, message: Message) -> None:
        statements = classify(wire.texts(message.body)[0], self._builtin, self._named)
        await self._run(statements, [message], executes=True)

    async def _extended(self, messages: Sequence[Message]) -> None:
        batch = Batch(messages, self._prepared, self._portals, lambda sql: classify(sql, self._builtin, self._named))
        await self._run(batch.statements, list(messages), executes=batch.executes, batch=batch)

    async def _run(
        self, statements: Sequence[Statement], messages: list[Message], *, executes: bool, batch: Batch | None = None
    ) -> None:
        """One exchange, up to ReadyForQuery."""
        if refused := next((s for s in statements if self._is_refused(s)), None):
            await self._refuse(refused.state, refused.refusal)
            return
        try:
            server = await self._server(statements, executes=executes)
        except Unreachable as error:
            await self._lost(error)
        except TimeoutError:
            await self._refuse("57014", "canceling statement: the standby does not catch up with the primary")
        else:
            await self._exchange(server, statements, messages, executes=executes, batch=batch)

    async def _exchange(
        self, server: Backend, statements: Sequence[Statement], messages: list[Message], *, executes: bool,
        batch: Batch | None,
    ) -> None:  # fmt: skip
        """Whatever breaks off on the primary's side outside a transaction, the session lives on."""
        first, unasked = batch.prepared_on(server) if batch else ([], [])
        try:
            await server.send([*first, *messages])
            await self._answers(server, statements if executes else [], unasked)
        except OSError as error:
            if server is self._standby or self._block:
                raise
            await self._lost(error)

    def _is_refused(self, statement: Statement) -> bool:
        return statement.kind is Kind.REFUSED and (statement.state != NOT_SUPPORTED or self._forwards())

    def _forwards(self) -> bool:
        return self._mode != "off" and self._enabled()

    # ---- where a statement runs ----------------------------------------------------------------------------------------------

    async def _server(self, statements: Sequence[Statement], *, executes: bool) -> Backend:
        if self._block:
            return self._block
        if self._forwards() and any(s.kind in _REMOTE for s in statements):
            return await self._across()
        if executes and self._forwards():
            await self._consistent()
        return self._standby

    async def _across(self) -> Backend:
        """The way to the primary's Region; what it would take has its place here."""
        if self._remote is None:
            try:
                self._remote = await self._primary()
                for sql in self._repeated:
                    await self._remote.rows(sql)
            except (Refused, OSError) as error:
                raise Unreachable(str(error)) from error
        return self._remote

    async def _consistent(self) -> None:
        if self._mode == "global":
            self._written = await self._position()
        if self._mode == "eventual" or not self._written:
            return
        reached = f"select pg_last_wal_replay_lsn() >= {wire.literal(self._written)}"
        looks = int(PATIENCE / LOOK)
        while await self._standby.rows(reached) != [["t"]]:
            await asyncio.sleep(LOOK)
            looks -= 1
            if not looks:
                raise TimeoutError
        self._written = ""

    async def _position(self) -> str:
        """Of what the primary has committed by now."""
        try:
            [[position]] = await (await self._across()).rows("select pg_current_wal_flush_lsn()")
        except OSError as error:
            raise Unreachable(str(error)) from error
        return position or ""

    # ---- what comes of it ------------------------------------------------------------------------------------------------------

    async def _answers(self, server: Backend, executed: Sequence[Statement], unasked: list[bytes]) -> None:
        """To the client, without those to what it did not send."""
        failed = False
        while (message := await server.read()).kind != b"Z":
            failed = failed or message.kind == b"E"
            if unasked and message.kind == unasked[0]:
                unasked.pop(0)
            else:
                await self._client.send([message])
        self._block = server if message.body != wire.IDLE else None
        if server is self._remote and self._block is None and executed:
            self._written = await self._position()
        if not failed:
            for statement in executed:
                await self._session(statement, server)
        await self._client.send([message])

    async def _session(self, statement: Statement, server: Backend) -> None:
        """What changes the session changes it on both connections."""
        if statement.kind is not Kind.SESSION:
            return
        if statement.mode or statement.resets:
            self._mode = statement.mode or self._default
        if statement.prepares:
            self._named.update([statement.prepares])
        if self._block or statement.local:
            return
        self._repeated.append(statement.sql)
        if other := self._remote if server is self._standby else self._standby:
            await other.rows(statement.sql)

    async def _refuse(self, state: str, text: str) -> None:
        """An error of our own ends the transaction that it falls into, as the server's would."""
        status = wire.IDLE
        if self._block:
            status = b"E"
            with suppress(Refused):
                await self._block.rows(_ABORT)
        await self._client.send([wire.error("ERROR", state, text), wire.ready(status)])

    async def _lost(self, error: Exception) -> None:
        """The primary's side is gone; what ran there is neither done nor undone for sure. The next write tries again."""
        if self._remote:
            self._remote.close()
        self._remote, self._written = None, ""
        text = f"the connection to the primary of the global database is lost: {error}"
        await self._client.send([wire.error("ERROR", "08006", text), wire.ready()])
