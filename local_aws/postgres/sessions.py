"""A client's end of a connection, and the plain session: what the client sends goes to one server, and its answers come back."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from local_aws.postgres import wire
from local_aws.postgres.backend import Backend
from local_aws.postgres.wire import Message

CUT = wire.error("FATAL", "57P01", "terminating connection due to administrator command")


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def read(self, longest: int = 1 << 30) -> Message:
        return await wire.read(self.reader, longest)

    async def send(self, messages: Iterable[Message]) -> None:
        self.writer.write(wire.encoded(messages))
        await self.writer.drain()

    def end(self, last: Message | None = None) -> None:
        with suppress(OSError, RuntimeError):
            if last:
                self.writer.write(last.encoded())
            self.writer.close()


async def relay(client: Client, server: Backend) -> None:
    """Until one of them hangs up. Answers go on message by message, so that a cut never falls into one."""
    ways = [asyncio.create_task(_asked(client, server)), asyncio.create_task(_answered(client, server))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _asked(client: Client, server: Backend) -> None:
    while data := await client.reader.read(65536):
        await server.send_raw(data)


async def _answered(client: Client, server: Backend) -> None:
    while True:
        await client.send([await server.read()])
