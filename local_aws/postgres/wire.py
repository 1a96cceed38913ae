"""PostgreSQL's protocol, version 3, as far as a proxy needs it: messages, and the few that are written here.

[V] PostgreSQL's documentation, "Frontend/Backend Protocol", message formats.
"""

import asyncio
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST, PROTOCOL = 80877103, 80877104, 80877102, 196608
CLEARTEXT_PASSWORD, AUTHENTICATED = 3, 0
LONGEST_STARTUP = 10_000  # as the server itself has it
LONGEST_PASSWORD = 65_536
IDLE = b"I"  # the state that ReadyForQuery tells outside a transaction block


@dataclass(frozen=True, slots=True)
class Message:
    """Its type, one byte, and what follows the length."""

    kind: bytes
    body: bytes = b""

    def encoded(self) -> bytes:
        return self.kind + struct.pack("!i", len(self.body) + 4) + self.body


class Malformed(Exception):
    """Not the protocol that was agreed on."""


async def read(reader: asyncio.StreamReader, longest: int = 1 << 30) -> Message:
    kind, length = struct.unpack("!ci", await reader.readexactly(5))
    if not 4 <= length <= longest:
        raise Malformed(f"a message of {length} bytes")
    return Message(kind, await reader.readexactly(length - 4))


async def read_startup(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The code of a packet without type, and the rest of it."""
    length, code = struct.unpack("!ii", await reader.readexactly(8))
    if not 8 <= length <= LONGEST_STARTUP:
        raise Malformed(f"a startup packet of {length} bytes")
    return code, await reader.readexactly(length - 8)


def texts(body: bytes) -> list[str]:
    return [part.decode("utf-8", "replace") for part in body.split(b"\0")]


def parameters(body: bytes) -> dict[str, str]:
    """What a StartupMessage names: pairs, and a zero at the end."""
    parts = texts(body)
    return {name: value for name, value in zip(parts[0::2], parts[1::2], strict=False) if name}


def startup(named: Mapping[str, str]) -> bytes:
    body = b"".join(f"{name}\0{value}\0".encode() for name, value in named.items()) + b"\0"
    return struct.pack("!ii", len(body) + 8, PROTOCOL) + body


def authentication(code: int) -> Message:
    return Message(b"R", struct.pack("!i", code))


def query(sql: str) -> Message:
    return Message(b"Q", sql.encode() + b"\0")


def ready(status: bytes = IDLE) -> Message:
    return Message(b"Z", status)


def error(severity: str, state: str, text: str) -> Message:
    fields = {"S": severity, "V": severity, "C": state, "M": text}
    return Message(b"E", b"".join(f"{key}{value}\0".encode() for key, value in fields.items()) + b"\0")


def fields(body: bytes) -> dict[str, str]:
    """Of an ErrorResponse or a NoticeResponse."""
    return {part[0]: part[1:] for part in texts(body) if part}


def row(body: bytes) -> list[str | None]:
    """Of a DataRow in text form."""
    (count,), at, found = struct.unpack_from("!h", body), 2, []
    for _ in range(count):
        (length,) = struct.unpack_from("!i", body, at)
        at += 4
        found.append(None if length < 0 else body[at : at + length].decode())
        at += max(length, 0)
    return found


def encoded(messages: Iterable[Message]) -> bytes:
    return b"".join(message.encoded() for message in messages)


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
