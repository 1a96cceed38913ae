"""The `Issuers` port: an issuer's keys over HTTPS, within seconds and kilobytes, from public addresses only.

The issuer's address comes from the desired state, the second one from the issuer: neither may lead the reconciler, which has
credentials and may stand in a private network, to anything there. No redirect is followed, no proxy is used.

On the embedded AWS a name means what its DNS server says, and plain HTTP on its port counts as HTTPS, as for all names there.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from reconciler.aws.clock import PATH, loopback_endpoint
from reconciler.aws.jwks import Unusable, configuration_address, keys_address, public_keys
from reconciler.model.issuer import PublicKey, split
from reconciler.model.observed import Unknown

SECONDS = 5.0
"""For both documents together, name lookups included."""
BYTES = 64 * 1024
_HEADERS = 16 * 1024
KEPT = 60.0
"""Seconds of wall time that an answer, or its absence, is good for: passes may follow one another every few seconds."""

Fetch = Callable[[str, float], bytes]
"""A document by its address, until a moment of the monotonic clock. Raises `Unusable`, OSError, HTTPException, ValueError."""
Keys = tuple[PublicKey, ...] | Unknown


class HttpsIssuers:
    def __init__(self, fetch: Fetch | None = None) -> None:
        self._fetch = fetch or _fetch
        self._kept: dict[str, tuple[float, Keys]] = {}

    def keys(self, issuer: str) -> Keys:
        now = time.monotonic()
        asked, keys = self._kept.get(issuer, (now - KEPT, ()))
        if now - asked >= KEPT:
            keys = self._read(issuer)
            self._kept[issuer] = (time.monotonic(), keys)
        return keys

    def _read(self, issuer: str) -> Keys:
        """In a thread of its own: a name lookup has no time limit, and is left to itself when ours is over."""
        answer: Future[Keys] = Future()

        def ask() -> None:
            try:
                answer.set_result(self._asked(issuer))
            except Exception as error:  # noqa: BLE001  # a bug, and the caller's to see
                answer.set_exception(error)

        threading.Thread(target=ask, name="issuer", daemon=True).start()
        try:
            return answer.result(SECONDS)
        except TimeoutError:
            return Unknown("Unreachable", f"no answer within {SECONDS:.0f} seconds")

    def _asked(self, issuer: str) -> Keys:
        until = time.monotonic() + SECONDS
        try:
            address = keys_address(self._fetch(configuration_address(issuer), until), issuer)
            return public_keys(self._fetch(address, until))
        except Unusable as error:
            return Unknown(error.code, str(error))
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Unknown("Unreachable", f"no whole answer ({type(error).__name__})")


def _fetch(address: str, until: float) -> bytes:
    host, port, path = split(address)
    with _connected(host, port, until) as connection:
        head = f"GET {path} HTTP/1.1\r\nHost: {host}{'' if port == 443 else f':{port}'}\r\n"
        head += (
            "Accept: application/json\r\nAccept-Encoding: identity\r\nUser-Agent: meridian\r\nConnection: close\r\n\r\n"
        )
        connection.sendall(head.encode("ascii"))
        response: Any = http.client.HTTPResponse(_Source(_Bounded(connection, until)))  # type: ignore[arg-type]
        response.begin()
        if response.status != http.client.OK:
            raise Unusable("BadStatus", f"it answers with status {response.status}")
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Unusable("Encoded", "it answers compressed, though it was asked not to")
        document: bytes = response.read(BYTES + 1)
    if len(document) > BYTES:
        raise Unusable("TooLarge", f"it answers with more than {BYTES} bytes")
    return document


class _Bounded(io.RawIOBase):
    """What arrives on a connection, in so much time and no more bytes than these: an answer may come one byte at a time."""

    def __init__(self, connection: socket.socket, until: float) -> None:
        self._connection, self._until, self._left = connection, until, BYTES + _HEADERS

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left <= 0:
            raise Unusable("TooLarge", f"it answers with more than {BYTES} bytes")
        self._connection.settimeout(_left(self._until))
        count = self._connection.recv_into(memoryview(buffer)[: self._left])
        self._left -= count
        return count


@dataclass(frozen=True, slots=True)
class _Source:
    """As much of a socket as HTTPResponse looks at."""

    stream: _Bounded

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self.stream)


def _connected(host: str, port: int, until: float) -> socket.socket:
    embedded = _embedded(host, until)
    if embedded:
        return socket.create_connection(embedded, timeout=_left(until))
    failed: OSError = OSError("no address")
    for address in _public(host, port):
        try:
            plain = socket.create_connection((address, port), timeout=_left(until))
            try:
                return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
            except BaseException:
                plain.close()
                raise
        except OSError as error:
            failed = error
    raise failed


def _public(host: str, port: int) -> list[str]:
    """The host's addresses, without those of private networks, this machine and the cloud's metadata."""
    found = dict.fromkeys(str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    public = [address for address in found if is_public(address)]
    if not public:
        raise Unusable("PrivateAddress", f"{host} leads to no public address")
    return public


def is_public(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # with a zone: an address of one link
        return False
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return bool(mapped.is_global and not mapped.is_multicast)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _embedded(host: str, until: float) -> tuple[str, int] | None:
    """Where the host is on the embedded AWS: the loopback address that its DNS server gives, and its own port. None elsewhere."""
    endpoint = loopback_endpoint()
    server = name_server(*endpoint, until) if endpoint else None
    if endpoint is None or server is None:
        return None
    import dns.resolver  # noqa: PLC0415  # used nowhere but here

    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [server[0]], server[1]
    try:
        found = [item.to_text() for item in resolver.resolve(f"{host}.", "A", lifetime=_left(until))]
    except dns.exception.DNSException as error:
        raise OSError(f"{host} is not known") from error
    local = [address for address in found if ipaddress.ip_address(address).is_loopback]
    if not local:
        raise Unusable("NotLocal", f"{host} leads away from this machine")
    return local[0], endpoint[1]


def name_server(host: str, port: int, until: float) -> tuple[str, int] | None:
    """Address and port of the embedded AWS's; None from another server on loopback. `until`: of the monotonic clock."""
    connection = http.client.HTTPConnection(host, port, timeout=_left(until))
    try:
        connection.request("GET", PATH)
        address, _, number = json.loads(connection.getresponse().read(BYTES))["dns"].rpartition(":")
        return address, int(number)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    finally:
        connection.close()
