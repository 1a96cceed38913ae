"""A connection to an RDS database: who we are (a token or a password), whom we trust (RDS's own authorities), the driver.

Knows nothing of orders or roles. The migrations runner ships with a copy of this file.

The token is a request for `rds-db:connect`, presigned with the function's own credentials and used as the password: SigV4 in
the query, service `rds-db`, valid for 15 minutes. It counts only while a connection is made [V: Aurora User Guide, "IAM database
authentication"]. botocore makes the same (the tests compare); importing it would cost more than everything else here.
"""

from __future__ import annotations

import hashlib
import hmac
import socket
import ssl
import struct
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).with_name("vendor")))

from pg8000.native import Connection, DatabaseError, InterfaceError

__all__ = [
    "BROKEN",
    "DatabaseError",
    "InterfaceError",
    "Link",
    "Place",
    "connect",
    "connect_with_password",
    "message",
    "sqlstate",
    "token",
]

PORT = 5432
AUTHORITIES = Path(__file__).with_name("rds-global-bundle.pem")
BROKEN = (InterfaceError, OSError, struct.error)
"""What the driver raises when the other side or the network goes away, also in the middle of a message."""
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A database, and who wants to get in: as which user, called how in the database's list of sessions."""

    host: str
    database: str
    user: str
    application: str


@dataclass(frozen=True, kw_only=True)
class Link:
    """A connection with its socket, whose timeout is set anew for each statement."""

    connection: Connection
    socket: ssl.SSLSocket

    def close(self) -> None:
        """Never waits and never fails: whoever closes has given up on the other side already."""
        with suppress(*BROKEN):
            self.socket.settimeout(0.1)
            self.connection.close()
        with suppress(OSError):
            self.socket.close()


def connect(
    place: Place, settings: Mapping[str, str], *, region: str, credentials: Mapping[str, str], timeout: float
) -> Link:
    """As the token says who we are. Raises DatabaseError if the server refuses, one of BROKEN if there is none."""
    password = token(place.host, place.user, region=region, credentials=credentials, now=time.time())
    return connect_with_password(place, password, settings, timeout=timeout)


def connect_with_password(place: Place, password: str, settings: Mapping[str, str], *, timeout: float) -> Link:
    plain = socket.create_connection((place.host, PORT), timeout)
    plain.setsockopt(
        socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
    )  # the driver sends a statement in pieces; else each waits 40 ms
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    try:
        secure = _secure(plain, place.host)
    except BaseException:
        plain.close()
        raise
    try:
        connection = Connection(
            place.user,
            database=place.database,
            password=password,
            application_name=place.application,
            startup_params=dict(settings),
            sock=secure,
            ssl_context=False,
        )
    except BaseException:
        secure.close()
        raise
    return Link(connection=connection, socket=secure)


def sqlstate(error: DatabaseError) -> str:
    """The five characters by which PostgreSQL tells errors apart."""
    told = error.args[0] if error.args else None
    return str(told.get("C", "")) if isinstance(told, dict) else ""


def message(error: DatabaseError) -> str:
    """PostgreSQL's own words, without detail and statement: those may quote data."""
    told = error.args[0] if error.args else None
    return str(told.get("M", "")) if isinstance(told, dict) else "unknown"


def _secure(plain: socket.socket, host: str) -> ssl.SSLSocket:
    """PostgreSQL's own way to start TLS: ask first, then shake hands."""
    plain.sendall(_SSL_REQUEST)
    if plain.recv(1) != b"S":
        raise ConnectionRefusedError(f"{host} does not speak TLS")
    return _trust().wrap_socket(plain, server_hostname=host)


@cache
def _trust() -> ssl.SSLContext:
    """RDS's authorities and nobody else; certificate and name are verified, as is the default of a client.

    Not `create_default_context`: since Python 3.13 that asks of certificates what RFC 5280 says and few issuers keep to.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=str(AUTHORITIES))
    return context


def token(host: str, user: str, *, region: str, credentials: Mapping[str, str], now: float) -> str:
    """`credentials` are the environment's: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, of a role, AWS_SESSION_TOKEN."""
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    scope = f"{moment[:8]}/{region}/rds-db/aws4_request"
    asked = {
        "Action": "connect",
        "DBUser": user,
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{credentials['AWS_ACCESS_KEY_ID']}/{scope}",
        "X-Amz-Date": moment,
        "X-Amz-Expires": "900",
        "X-Amz-SignedHeaders": "host",
    }
    if session := credentials.get("AWS_SESSION_TOKEN"):
        asked["X-Amz-Security-Token"] = session
    query = [f"{_quoted(name)}={_quoted(value)}" for name, value in asked.items()]
    nothing = hashlib.sha256(b"").hexdigest()
    request = f"GET\n/\n{'&'.join(sorted(query))}\nhost:{host}:{PORT}\n\nhost\n{nothing}"
    to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{credentials['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    return f"{host}:{PORT}/?{'&'.join(query)}&X-Amz-Signature={signature}"


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
