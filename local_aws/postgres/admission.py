"""How a client comes in: TLS for the name that it dials, then who it is and what it wants. No database is asked for that."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import cast

from local_aws.postgres import wire
from local_aws.postgres.authentication import Rejected
from local_aws.postgres.certificates import Certificates
from local_aws.postgres.estate import MODES, Endpoint, Mode
from local_aws.postgres.sessions import Client
from local_aws.postgres.statements import NO_SUCH_VALUE, PARAMETER


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The endpoint's name, and what the StartupMessage says."""

    name: str
    named: dict[str, str]

    @property
    def user(self) -> str:
        return self.named.get("user", "")


async def arrive(client: Client, certificates: Certificates) -> Arrival | None:
    """None: it wants nothing that is answered. Raises Rejected."""
    name = ""
    while True:
        code, body = await wire.read_startup(client.reader)
        if code == wire.SSL_REQUEST and not name:
            name = await _secured(client.writer, certificates)
        elif code == wire.GSS_REQUEST:
            client.writer.write(b"N")
        elif code >> 16 == wire.PROTOCOL >> 16:
            return _arrival(name, wire.parameters(body))
        else:
            return None  # a cancel request, or another protocol


async def _secured(writer: asyncio.StreamWriter, certificates: Certificates) -> str:
    writer.write(b"S")
    await writer.drain()
    await writer.start_tls(certificates.listening)
    return certificates.asked_for(cast("ssl.SSLObject", writer.get_extra_info("ssl_object")))


def _arrival(name: str, named: dict[str, str]) -> Arrival:
    user = named.get("user", "")
    database = named.setdefault("database", user)
    if not name:
        who = f'host "127.0.0.1", user "{user}", database "{database}"'
        raise Rejected("28000", f"no pg_hba.conf entry for {who}, no encryption")
    if named.pop("replication", "false").lower() not in ("false", "off", "no", "0"):
        raise Rejected("28000", f'no pg_hba.conf entry for replication connection from host "127.0.0.1", user "{user}"')
    return Arrival(name=name, named=named)


async def password(client: Client) -> str:
    await client.send([wire.authentication(wire.CLEARTEXT_PASSWORD)])
    message = await client.read(wire.LONGEST_PASSWORD)
    if message.kind != b"p":
        raise wire.Malformed(f"{message.kind!r} instead of a password")
    return wire.texts(message.body)[0]


def settings(arrival: Arrival, endpoint: Endpoint) -> tuple[dict[str, str], Mode]:
    """What the server is told, and the consistency mode: the client's if it names one, else the cluster's."""
    named, cluster = dict(arrival.named), endpoint.cluster
    asked = named.pop("options", "")
    mode = named.pop(PARAMETER, "") or _option(asked) or cluster.consistency
    if mode.lower() not in MODES:
        raise Rejected(NO_SUCH_VALUE, f'invalid value for parameter "{PARAMETER}": "{mode}"')
    ours = f"{asked} -c {PARAMETER}={mode.lower()}"
    if endpoint.kind == "reader" and cluster.role == "primary":
        ours += " -c default_transaction_read_only=on"  # stands in for a reader instance
    return {**named, "options": ours.strip()}, cast("Mode", mode.lower())


def _option(options: str) -> str:
    found = [word.rpartition("=")[2] for word in options.split() if word.removeprefix("-c").startswith(f"{PARAMETER}=")]
    return found[-1] if found else ""
