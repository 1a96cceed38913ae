"""RS256 signatures in Python alone: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2.2; RFC 7518, section 3.3).

The library that verifies tokens would take `cryptography` for this, which is machine code and another package for each kind
of machine. Verifying needs no secret, so there is nothing to leak by timing, and it is short. The padding is never parsed:
the one message that may stand there is built and compared whole, which is what section 8.2.2 says and what forgeries by
Bleichenbacher's method live on when it is not done.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

BITS = 2048
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
"""DigestInfo of a SHA-256 hash, up to the hash (RFC 8017, section 9.2, note 1)."""
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


class Key(NamedTuple):
    """A public key: modulus and exponent."""

    n: int
    e: int


def key(jwk: Mapping[str, Any]) -> Key:
    """From the two numbers of a JWK. Raises ValueError for what is no key, or a weak one."""
    found = Key(_number(jwk["n"]), _number(jwk["e"]))
    if found.n.bit_length() < BITS or found.n % 2 == 0:
        raise ValueError(f"a modulus must be odd and have {BITS} bits or more")
    if found.e < 3 or found.e % 2 == 0 or found.e >= found.n:
        raise ValueError("an exponent must be odd, 3 or more, and below the modulus")
    return found


def verified(message: bytes, public: Key, signature: bytes) -> bool:
    """Whether the owner of this key signed this message."""
    size = (public.n.bit_length() + 7) // 8
    number = int.from_bytes(signature, "big")
    if len(signature) != size or number >= public.n:
        return False
    opened = pow(number, public.e, public.n).to_bytes(size, "big")
    return hmac.compare_digest(opened, encoded(message, size))


def encoded(message: bytes, size: int) -> bytes:
    """The message as it is signed: EMSA-PKCS1-v1_5, in so many bytes."""
    digest = _SHA256 + hashlib.sha256(message).digest()
    return b"\0\1" + b"\xff" * (size - len(digest) - 3) + b"\0" + digest


def _number(text: str) -> int:
    if not _BASE64URL.fullmatch(text):
        raise ValueError("a number of a key is base64url without padding")
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
