"""An issuer's two documents, its configuration and its keys, into public keys. Whatever they hold is taken for hostile.

OpenID Connect Discovery 1.0 names the documents, RFC 7517 and RFC 7518 (6.3) the form of a key. What is no RSA signature key
is passed over: an issuer may have others beside them. No text of the issuer's gets into a message.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from reconciler.model.issuer import PublicKey, address_problem

WELL_KNOWN = "/.well-known/openid-configuration"
MOST_KEYS = 10
_BITS = range(2048, 8193)
_EXPONENTS = range(3, 2**32, 2)
_BASE64URL = re.compile(r"[A-Za-z0-9_-]{1,2000}")
_KID = re.compile(r"[!-~]{1,128}")


class Unusable(Exception):
    """What the issuer answered is no use. Its keys are Unknown then."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def configuration_address(issuer: str) -> str:
    """A slash at the issuer's end goes (Discovery 1.0, section 4)."""
    return issuer.removesuffix("/") + WELL_KNOWN


def keys_address(document: bytes, issuer: str) -> str:
    """Where the issuer's keys are, by its own configuration, which must be that of exactly this issuer (section 4.3)."""
    found = _mapping(document, "configuration")
    if found.get("issuer") != issuer:
        raise Unusable("AnotherIssuer", f"the configuration below {issuer} names another issuer")
    address = found.get("jwks_uri")
    if not isinstance(address, str):
        raise Unusable("NoKeysAddress", "its configuration has no jwks_uri")
    if wrong := address_problem(address):
        raise Unusable("BadKeysAddress", f"its jwks_uri {wrong}")
    return address


def public_keys(document: bytes) -> tuple[PublicKey, ...]:
    """The RSA signature keys. Among several, one without an id could never be meant by a token."""
    listed = _mapping(document, "keys").get("keys")
    if not isinstance(listed, list):
        raise Unusable("NoKeys", "its document of keys has no list of them")
    found = [key for item in listed if (key := _key(item))]
    keys = found if len(found) == 1 else [key for key in found if key.kid is not None]
    if len(keys) > MOST_KEYS:
        raise Unusable("TooManyKeys", f"it publishes {len(keys)} keys; at most {MOST_KEYS} are taken")
    if any(n > 1 for n in Counter(key.kid for key in keys).values()):
        raise Unusable("AmbiguousKeys", "two of its keys have the same id")
    return tuple(keys)


def _key(item: Any) -> PublicKey | None:
    if not isinstance(item, dict) or not _is_for_signatures(item):
        return None
    n, e, kid = _number(item.get("n")), _number(item.get("e")), item.get("kid")
    if n.bit_length() not in _BITS or n % 2 == 0 or e not in _EXPONENTS:
        return None
    if kid is not None and not (isinstance(kid, str) and _KID.fullmatch(kid)):
        return None
    return PublicKey(kid=kid, n=_text(n), e=_text(e))


def _is_for_signatures(item: Mapping[str, Any]) -> bool:
    """With RS256. A key whose private part is published is anybody's."""
    return (
        item.get("kty") == "RSA"
        and item.get("use", "sig") == "sig"
        and item.get("alg", "RS256") == "RS256"
        and "d" not in item
    )


def _number(value: Any) -> int:
    """0 where it is none."""
    if not isinstance(value, str) or not _BASE64URL.fullmatch(value) or len(value) % 4 == 1:
        return 0
    return int.from_bytes(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)), "big")


def _text(number: int) -> str:
    octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _mapping(document: bytes, what: str) -> Mapping[str, Any]:
    try:
        found = json.loads(document)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Unusable("NotJson", f"its {what} is no JSON object")
    return found
