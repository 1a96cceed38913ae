"""The DNS server: UDP and TCP on one free port of 127.0.0.1, on the event loop of the embedded AWS.

Each Region has a resolver, UDP on 127.0.N.53 with the same port: whoever asks there stands in that Region.
"""

import asyncio
import logging
import socket
from contextlib import suppress
from typing import Any

from local_aws.dns import locations, wire
from local_aws.dns.answering import Healthy
from local_aws.gateway.control import STARTED, TOLD

logger = logging.getLogger("local_aws.dns")
HOST = "127.0.0.1"
IDLE_SECONDS, MOST_CONNECTIONS = 10.0, 200


class Server:
    """One for the process; machinery, no part of the world."""

    def __init__(self) -> None:
        self.address = ""
        self._connections = 0
        self._healthy: Healthy = lambda _: True
        self._kept: tuple[Any, ...] = ()

    async def start(self, healthy: Healthy) -> None:
        self._healthy = healthy
        udp, tcp = _bind()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=udp)
        self._kept = (transport, await asyncio.start_server(self._stream, sock=tcp))
        self.address = "{}:{}".format(*udp.getsockname())
        for region in locations.REGIONS:
            await self._resolve_from(region, udp.getsockname()[1])

    def resolver(self, region: str) -> str:
        """host:port of the Region's resolver."""
        return f"{_resolver(region)}:{self.address.rpartition(':')[2]}"

    async def _resolve_from(self, region: str, port: int) -> None:
        """A machine that has no such loopback address goes without, as with the addresses of the edge and the Regions."""
        loop, place = asyncio.get_running_loop(), f"127.0.{locations.number(region)}.1"
        with suppress(OSError):
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(self, place), local_addr=(_resolver(region), port)
            )
            self._kept += (transport,)

    def respond(self, packet: bytes, source: str, *, udp: bool) -> bytes | None:
        return wire.respond(packet, source, self._healthy, udp=udp)

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """RFC 7766: any number of questions, each with its length in front."""
        self._connections += 1
        try:
            while self._connections <= MOST_CONNECTIONS and await self._one(reader, writer):
                pass
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._connections -= 1
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        async with asyncio.timeout(IDLE_SECONDS):
            packet = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
        source = writer.get_extra_info("peername")
        answer = self.respond(packet, source[0], udp=False) if source else None
        if answer is None:
            return False
        writer.write(len(answer).to_bytes(2) + answer)
        await writer.drain()
        return True


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: Server, place: str = "") -> None:
        self._server, self._place = server, place
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._server.respond(data, self._place or addr[0], udp=True)
        if answer is not None and self._transport:
            self._transport.sendto(answer, addr)


def _resolver(region: str) -> str:
    return f"127.0.{locations.number(region)}.53"


def _bind() -> tuple[socket.socket, socket.socket]:
    """The same free port for both: a resolver that is told to ask by TCP asks where it asked before."""
    for _ in range(50):
        udp, tcp = socket.socket(type=socket.SOCK_DGRAM), socket.socket()
        udp.bind((HOST, 0))
        try:
            tcp.bind(udp.getsockname())
        except OSError:
            udp.close()
            tcp.close()
        else:
            udp.setblocking(False)
            tcp.setblocking(False)
            return udp, tcp
    raise OSError("no port of 127.0.0.1 is free for both UDP and TCP")


SERVER = Server()


def install(healthy: Healthy) -> None:
    STARTED.append(lambda: SERVER.start(healthy))
    TOLD["dns"] = lambda: SERVER.address
