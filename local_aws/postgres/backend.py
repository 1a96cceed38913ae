"""One connection to a PostgreSQL server of ours, over the socket in its directory; whoever may enter there is trusted."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from local_aws.postgres import wire
from local_aws.postgres.wire import Message

SUPERUSER = "rdsadmin"  # as on RDS, where nobody else is one
SOCKET = ".s.PGSQL.5432"


class Refused(Exception):
    """The server answered with an error: `message` is that answer."""

    def __init__(self, message: Message) -> None:
        told = wire.fields(message.body)
        super().__init__(f"{told.get('M')} ({told.get('C')})")
        self.message = message


class Backend:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def connect(cls, directory: Path, named: Mapping[str, str]) -> tuple["Backend", list[Message]]:
        """With everything that the server tells a client at the start; raises Refused, or OSError when nobody is there."""
        backend = cls(*await asyncio.open_unix_connection(directory / SOCKET))
        backend._writer.write(wire.startup(named))
        told: list[Message] = []
        try:
            while not told or told[-1].kind not in (b"Z", b"E"):
                told.append(await backend.read())
        except BaseException:
            backend.close()
            raise
        if told[-1].kind == b"E":
            backend.close()
            raise Refused(told[-1])
        return backend, told

    async def read(self) -> Message:
        """Raises ConnectionError when the server has hung up."""
        try:
            return await wire.read(self._reader)
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError("the server closed the connection") from error

    async def send(self, messages: Iterable[Message]) -> None:
        await self.send_raw(wire.encoded(messages))

    async def send_raw(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def rows(self, sql: str) -> list[list[str | None]]:
        """A query of our own, outside whatever the client is doing."""
        await self.send([wire.query(sql)])
        found, refusal = [], None
        while (message := await self.read()).kind != b"Z":
            if message.kind == b"D":
                found.append(wire.row(message.body))
            elif message.kind == b"E":
                refusal = message
        if refusal:
            raise Refused(refusal)
        return found

    def close(self) -> None:
        with suppress(OSError, RuntimeError):
            self._writer.close()


async def administer(directory: Path, *statements: str, database: str = "postgres") -> list[list[str | None]]:
    """Run them as the superuser, one by one; the rows of the last one."""
    backend, _ = await Backend.connect(directory, {"user": SUPERUSER, "database": database})
    try:
        found: list[list[str | None]] = []
        for sql in statements:
            found = await backend.rows(sql)
        return found
    finally:
        backend.close()
