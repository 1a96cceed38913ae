"""The issuer of clients' tokens: what its address may look like, and its public keys as the Regions get them.

An address is judged by its letters alone, without a parser of URLs: what two parsers read differently is refused.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

_SCHEME = "https://"
_HOST = re.compile(r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")
"""A name with a dot whose last label begins with a letter: no number in any spelling, no brackets, no single label."""
_PATH = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:%-]*)*")
_PRIVATE = (
    "localhost",
    "local",
    "internal",
    "home.arpa",
    "test",
    "invalid",
    "onion",
    "corp",
    "home",
    "lan",
    "intranet",
)
"""Names that lead nowhere, or into somebody's own network (RFC 6761, 6762, 7686, 8375; `internal` by ICANN, the last four by
custom)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """An RSA key for RS256: modulus and exponent in base64url, without padding and leading zeros, as in a JWK."""

    kid: str | None
    n: str
    e: str


def address_problem(address: str) -> str | None:
    """What is wrong with an issuer's address, or with one that it names; None: nothing."""
    if not address.startswith(_SCHEME):
        return "is not an https address"
    if "?" in address or "#" in address:
        return "has a query or a fragment; leave that out"
    authority, slash, path = address.removeprefix(_SCHEME).partition("/")
    if "@" in authority:
        return "has a user name in front of its host; leave that out"
    host, colon, port = authority.partition(":")
    if not _HOST.fullmatch(host):
        return "does not name its host in full and in lower case; write a name such as login.example.com, and no IP address"
    if any(host == name or host.endswith(f".{name}") for name in _PRIVATE):
        return "is a name of a private network; clients and Meridian must both reach it"
    if colon and not (re.fullmatch(r"[1-9]\d{0,4}", port, re.ASCII) and int(port) < 65536):
        return "has a port that is none; use 1 to 65535, or leave it out"
    if not _PATH.fullmatch(slash + path):
        return "has characters in its path that must be percent-encoded"
    return None


def split(address: str) -> tuple[str, int, str]:
    """Host, port and path of an address that has no problem."""
    authority, _, path = address.removeprefix(_SCHEME).partition("/")
    host, _, port = authority.partition(":")
    return host, int(port or 443), f"/{path}"


def shipped(keys: Iterable[PublicKey]) -> str:
    """The keys as the functions get them: the same text for the same keys, in whatever order the issuer lists them."""
    listed = sorted(keys, key=lambda key: (key.kid or "", key.n))
    plain = [{"kid": k.kid, "n": k.n, "e": k.e} if k.kid else {"n": k.n, "e": k.e} for k in listed]
    return json.dumps(plain, separators=(",", ":"))


def named(text: str) -> tuple[str, ...]:
    """Shipped keys as people read them: their ids, each with the beginning of its modulus' hash. Text that is none: itself."""
    try:
        return tuple(
            f"{k.get('kid', '(no id)')} sha256:{hashlib.sha256(k['n'].encode()).hexdigest()[:12]}"
            for k in json.loads(text)
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return (text,)
