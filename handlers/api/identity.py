"""Who calls: the bearer token of a client, verified here in the Region.

The edge signs requests itself, so the client's own `Authorization` arrives as `X-Client-Authorization`; where Regions answer
callers that bypass the edge (`auth.origin: none`), it arrives as it was sent. Any other `Authorization` is the edge's signature.

The function has no way out of its network: the issuer's public keys come in its environment (`CLIENT_KEYS`), and a change of
them is a new deployment. Only RS256 is taken. PyJWT judges token and claims, by the wall clock; the signature is `rs256`'s.

A refusal tells a client no more than that: why is for the log, which has the subject of a token and never the token. (API
Gateway hands `WWW-Authenticate` to the client as `x-amzn-Remapped-WWW-Authenticate` [K].)
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import rs256

MODE = os.environ.get("CLIENT_MODE", "jwt")
"""`none` has to be said: a function that nobody told anything lets nobody in."""
ISSUER, AUDIENCE = os.environ.get("CLIENT_ISSUER", ""), os.environ.get("CLIENT_AUDIENCE", "")
LEEWAY_SECONDS = 60
LONGEST = 8192
_HEADERS = ("x-client-authorization", "authorization")
_BEARER = re.compile(r"bearer +([\w-]+\.[\w-]+\.[\w-]+)", re.IGNORECASE | re.ASCII)


class Claims(NamedTuple):
    """What the token says of its bearer; without tokens, of nobody."""

    subject: str | None
    all: Mapping[str, Any]


NOBODY = Claims(None, {})


class Refusal(NamedTuple):
    """The answer to a client that is not let in; `reason` is for the log."""

    headers: Mapping[str, str]
    reason: str
    status: int = 401
    message: str = "this needs a valid bearer token"


def check(headers: Mapping[str, str]) -> Claims | Refusal:
    """Whether a request with these headers may go on, and as whom. Never raises."""
    if VERIFIER is None:
        return NOBODY
    sent = _sent(headers)
    if not sent:
        return Refusal({"WWW-Authenticate": "Bearer"}, "no token")
    found = _BEARER.fullmatch(sent[0]) if len(sent) == 1 and len(sent[0]) <= LONGEST else None
    reason, claims = VERIFIER.claims(found[1]) if found else ("not one bearer token", None)
    if claims is None:
        return Refusal({"WWW-Authenticate": 'Bearer error="invalid_token"'}, reason)
    return Claims(claims["sub"], claims)


def _sent(headers: Mapping[str, str]) -> list[str]:
    """The client's credentials: of the first of the two headers that has any, in every spelling it was sent in."""
    for name in _HEADERS:
        values = [value for key, value in headers.items() if key.lower() == name]
        if name == "authorization":
            values = [value for value in values if not value.startswith("AWS4-")]
        if values:
            return values
    return []


class Verifier:
    """PyJWT with one algorithm, and the issuer's keys. It is loaded where tokens are asked for, since it takes its time."""

    def __init__(self, issuer: str, audience: str, keys: str) -> None:
        import jwt  # noqa: PLC0415

        self._issuer, self._audience, self._errors = issuer, audience, jwt.PyJWTError
        self._keys = {item.get("kid"): rs256.key(item) for item in json.loads(keys)}
        self._tokens, self._signed = jwt.PyJWT(), jwt.PyJWS(algorithms=[])
        self._signed.register_algorithm("RS256", _algorithm())
        self._tokens._jws = self._signed  # noqa: SLF001  # the module's functions share theirs with everybody

    def claims(self, token: str) -> tuple[str, dict[str, Any] | None]:
        """Why not, or what the token claims."""
        try:
            return "", self._verified(token)
        except (self._errors, ValueError, RecursionError) as error:
            return type(error).__name__, None

    def _verified(self, token: str) -> dict[str, Any]:
        header = self._signed.get_unverified_header(token)
        return self._tokens.decode(
            token,
            self._key(header.get("kid")),  # type: ignore[arg-type]  # its own algorithms take other keys
            algorithms=["RS256"],
            issuer=self._issuer,
            audience=self._audience,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )

    def _key(self, kid: str | None) -> rs256.Key:
        """The key that the token names. A token may leave that out where there is only one."""
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        if kid is None or kid not in self._keys:
            raise ValueError("unknown key")
        return self._keys[kid]


def _algorithm() -> Any:
    """`rs256` in the form that PyJWT wants."""
    from jwt.algorithms import Algorithm  # noqa: PLC0415

    class Rs256(Algorithm):
        def prepare_key(self, key: Any) -> rs256.Key:
            if not isinstance(key, rs256.Key):
                raise TypeError(key)
            return key

        def verify(self, msg: bytes, key: Any, sig: bytes) -> bool:
            return rs256.verified(msg, key, sig)

        def sign(self, msg: bytes, key: Any) -> bytes:
            raise NotImplementedError

        @staticmethod
        def to_jwk(key_obj: Any, as_dict: bool = False) -> Any:
            raise NotImplementedError

        @staticmethod
        def from_jwk(jwk: Any) -> Any:
            raise NotImplementedError

    return Rs256()


def _verifier() -> Verifier | None:
    """None where clients need no token. Keys that are no keys end the function here: better than to refuse everybody quietly."""
    vendor = str(Path(__file__).with_name("vendor"))
    if vendor not in sys.path:
        sys.path.insert(0, vendor)
    return None if MODE == "none" else Verifier(ISSUER, AUDIENCE, os.environ.get("CLIENT_KEYS", "[]"))


VERIFIER = _verifier()
