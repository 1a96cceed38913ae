"""Who is let in: tokens of an issuer, good ones and every kind of bad one, and what a refusal says to whom."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdk_app.code import stage
from tests.handlers.conftest import HANDLERS, told

ISSUER, AUDIENCE = "https://login.example.com/", "orders"
ONE, OTHER, STRANGE = (rsa.generate_private_key(65537, 2048) for _ in range(3))


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk(private: rsa.RSAPrivateKey, kid: str | None) -> dict[str, str]:
    numbers = private.public_key().public_numbers()
    found = {"n": b64(numbers.n.to_bytes(256, "big")), "e": "AQAB"}
    return found if kid is None else {"kid": kid, **found}


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    given = {"iss": ISSUER, "aud": AUDIENCE, "sub": "client-1", "iat": now, "nbf": now, "exp": now + 600, **changed}
    return {name: value for name, value in given.items() if value is not ...}


def token(private: rsa.RSAPrivateKey = ONE, header: Any = None, body: Any = None, **changed: Any) -> str:
    """`...` for a claim leaves it out."""
    head = {"typ": "JWT", "alg": "RS256", "kid": "one"} if header is None else header
    parts = [b64(json.dumps(part).encode()) for part in (head, claims(**changed) if body is None else body)]
    signature = private.sign(".".join(parts).encode(), padding.PKCS1v15(), hashes.SHA256())
    return ".".join([*parts, b64(signature)])


ENVIRONMENT = {
    "CLIENT_MODE": "jwt",
    "CLIENT_ISSUER": ISSUER,
    "CLIENT_AUDIENCE": AUDIENCE,
    "CLIENT_KEYS": json.dumps([jwk(ONE, "one"), jwk(OTHER, "other")]),
}


@pytest.fixture(scope="module")
def shipped(tmp_path_factory) -> ModuleType:
    return told(tmp_path_factory.mktemp("shipped"), **ENVIRONMENT)


@pytest.fixture
def app(shipped) -> ModuleType:
    """Nothing remembered of the test before: a verifier is all that lasts."""
    reconfigured(shipped.identity, *json.loads(ENVIRONMENT["CLIENT_KEYS"]))
    return shipped


@pytest.fixture
def identity(app) -> ModuleType:
    return app.identity


def reconfigured(identity: ModuleType, *keys: dict[str, str]) -> None:
    identity.VERIFIER = identity.Verifier(ISSUER, AUDIENCE, json.dumps(keys))


def bearing(text: str) -> dict[str, str]:
    return {"X-Client-Authorization": f"Bearer {text}"}


GOOD: dict[str, Callable[[], str]] = {
    "plain": token,
    "of the other key": lambda: token(OTHER, {"alg": "RS256", "kid": "other"}),
    "an access token by RFC 9068": lambda: token(header={"alg": "RS256", "kid": "one", "typ": "at+jwt"}),
    "for several": lambda: token(aud=["parcels", AUDIENCE]),
    "without nbf and iat": lambda: token(nbf=..., iat=...),
    "expired within the leeway": lambda: token(exp=time.time() - 40),
    "from a clock that is ahead": lambda: token(iat=time.time() + 40, nbf=time.time() + 40),
    "with claims nobody knows": lambda: token(roles=["a"], nested={"b": 1}),
}


@pytest.mark.parametrize("made", GOOD.values(), ids=GOOD)
def test_a_token_of_the_issuer_for_us_is_let_in(identity, made):
    found = identity.check(bearing(made()))
    assert isinstance(found, identity.Claims)
    assert found.subject == found.all["sub"] == "client-1"


def hmac_signed(secret: bytes, algorithm: str = "HS256") -> str:
    parts = [b64(json.dumps(p).encode()) for p in ({"alg": algorithm, "kid": "one"}, claims())]
    return ".".join([*parts, b64(hmac.digest(secret, ".".join(parts).encode(), hashlib.sha256))])


PEM = ONE.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
DER = ONE.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)


def header(**changed: Any) -> dict[str, Any]:
    given = {"alg": "RS256", "kid": "one", **changed}
    return {name: value for name, value in given.items() if value is not ...}


def unsigned(algorithm: str) -> str:
    return ".".join([b64(json.dumps(p).encode()) for p in ({"alg": algorithm, "kid": "one"}, claims())])


def resigned(place: int) -> str:
    """One bit of the token turned, in its header, payload or signature."""
    parts = token().split(".")
    parts[place] = b64(bytes([*base64.urlsafe_b64decode(parts[place] + "==")[:-2], 0x7D, 0x7D]))
    return ".".join(parts)


def respelled(text: str) -> str:
    """The last character of 342 holds two bits of the signature; the four others count for nothing."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


BAD: dict[str, Callable[[], str]] = {
    "expired": lambda: token(exp=time.time() - 61),
    "without exp": lambda: token(exp=...),
    "exp null": lambda: token(exp=None),
    "exp text": lambda: token(exp="soon"),
    "exp of infinity": lambda: token(exp=float("inf")),
    "exp a list": lambda: token(exp=[time.time() + 60]),
    "not yet valid": lambda: token(nbf=time.time() + 90),
    "issued in the future": lambda: token(iat=time.time() + 90),
    "another issuer": lambda: token(iss="https://evil.example.org/"),
    "the issuer without its slash": lambda: token(iss=ISSUER.rstrip("/")),
    "issuers in a list": lambda: token(iss=[ISSUER]),
    "without issuer": lambda: token(iss=...),
    "another audience": lambda: token(aud="parcels"),
    "an audience that contains ours": lambda: token(aud="orders-admin"),
    "other audiences": lambda: token(aud=["parcels", "order"]),
    "an audience that is a mapping": lambda: token(aud={AUDIENCE: 1}),
    "audiences that are no text": lambda: token(aud=[AUDIENCE, 1]),
    "without audience": lambda: token(aud=...),
    "no audience": lambda: token(aud=[]),
    "without subject": lambda: token(sub=...),
    "a subject that is a number": lambda: token(sub=7),
    "unknown key id": lambda: token(header=header(kid="three")),
    "no key id among several keys": lambda: token(header=header(kid=...)),
    "a key id that is a number": lambda: token(header=header(kid=1)),
    "a key id that is a list": lambda: token(header=header(kid=["one"])),
    "a key id null": lambda: token(header=header(kid=None)),
    "another's key under a known id": lambda: token(STRANGE),
    "one key's token under the other's id": lambda: token(header=header(kid="other")),
    "a key of its own": lambda: token(STRANGE, header(jwk=jwk(STRANGE, "one"))),
    "a key from elsewhere": lambda: token(
        STRANGE, header(jku="https://evil.example.org/", x5u="https://evil.example.org/")
    ),
    "alg none, unsigned": lambda: unsigned("none") + ".",
    "alg None": lambda: unsigned("None") + ".",
    "alg none with a signature": lambda: token(header=header(alg="none")),
    "alg left out": lambda: token(header=header(alg=...)),
    "alg null": lambda: token(header=header(alg=None)),
    "alg a list": lambda: token(header=header(alg=["RS256"])),
    "alg in lower case": lambda: token(header=header(alg="rs256")),
    "alg RS512": lambda: token(header=header(alg="RS512")),
    "alg PS256": lambda: token(header=header(alg="PS256")),
    "HS256 with the public key as its secret": lambda: hmac_signed(PEM),
    "HS256 with the key in DER": lambda: hmac_signed(DER),
    "HS256 with nothing": lambda: hmac_signed(b""),
    "RS256 that is an HMAC": lambda: hmac_signed(PEM, "RS256"),
    "something critical that nobody knows": lambda: token(header=header(crit=["exp"], exp=1)),
    "an unencoded payload": lambda: token(header=header(b64=False, crit=["b64"])),
    "a header that is a list": lambda: token(header=["RS256"]),
    "a payload that is a list": lambda: token(body=[claims()]),
    "a payload that is text": lambda: token(body="client-1"),
    "a payload of many brackets": lambda: token(body=json.loads("[" * 400 + "]" * 400)),
    "a signature cut short": lambda: token()[:-4],
    "no signature": lambda: token().rpartition(".")[0] + ".",
    "two parts": lambda: token().rpartition(".")[0],
    "four parts": lambda: token() + ".AAAA",
    "five parts, as if encrypted": lambda: ".".join(["AAAA"] * 5),
    "another payload": lambda: resigned(1),
    "another header": lambda: resigned(0),
    "another signature": lambda: resigned(2),
    "base64 with padding": lambda: token() + "==",
    "a signature in another spelling": lambda: respelled(token()),
    "a space in it": lambda: token().replace(".", ". ", 1),
    "bytes that are no ASCII": lambda: token() + "é",
    "digits of another script": lambda: "١.٢.٣",
    "too long": lambda: token(filler="x" * 8000),
    "nothing": lambda: "",
    "dots": lambda: "..",
}


@pytest.mark.parametrize("made", BAD.values(), ids=BAD)
def test_any_other_token_is_refused_and_all_refusals_are_alike(identity, made):
    found = identity.check(bearing(made()))
    assert isinstance(found, identity.Refusal)
    assert found.status == 401
    assert found.headers == {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    assert found.message == identity.check(bearing("a.b.c")).message


def test_a_token_of_nearly_eight_kilobytes_is_let_in(identity):
    """So that it is the length that the longer one is refused for."""
    assert isinstance(identity.check(bearing(token(filler="x" * 5000))), identity.Claims)


def test_one_key_needs_no_id_but_a_wrong_one_is_still_unknown(identity):
    for kid in ("one", None):
        reconfigured(identity, jwk(ONE, kid))
        assert isinstance(identity.check(bearing(token(header=header(kid=...)))), identity.Claims)
        assert isinstance(identity.check(bearing(token(header=header(kid="two")))), identity.Refusal)


def test_keys_turn_over(identity):
    """The issuer publishes a new key before it signs with it, and takes the old one back when its tokens are over."""
    old, new = token(), token(STRANGE, header(kid="new"))
    published = (jwk(ONE, "one")), (jwk(STRANGE, "new"))
    for keys, let_in in (
        (published[:1], (True, False)),
        (published, (True, True)),
        (published[1:], (False, True)),
    ):
        reconfigured(identity, *keys)
        assert tuple(isinstance(identity.check(bearing(t)), identity.Claims) for t in (old, new)) == let_in


SIGNATURE = (
    "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/execute-api/aws4_request, SignedHeaders=host, Signature=ab"
)


def test_the_token_is_where_the_edge_put_it_else_where_the_client_did(identity):
    good, bad = f"Bearer {token()}", f"Bearer {token(STRANGE)}"
    for headers, let_in in (
        ({"X-Client-Authorization": good, "Authorization": SIGNATURE}, True),
        ({"x-client-authorization": good}, True),
        ({"authorization": good}, True),
        ({"Authorization": good.replace("Bearer", "bearer")}, True),
        ({"X-Client-Authorization": bad, "Authorization": good}, False),
        ({"X-Client-Authorization": good, "x-client-authorization": bad}, False),
        ({"X-Client-Authorization": good.replace("Bearer", "Basic")}, False),
        ({"X-Client-Authorization": f"{good}, {good}"}, False),
        ({"X-Client-Authorization": good.removeprefix("Bearer ")}, False),
        ({"Cookie": good}, False),
    ):
        assert isinstance(identity.check(headers), identity.Claims) is let_in, headers.keys()


def test_without_credentials_the_challenge_names_no_error(identity):
    """RFC 6750, section 3.1."""
    for headers in ({}, {"Authorization": SIGNATURE}):
        found = identity.check(headers)
        assert (found.status, found.headers) == (401, {"WWW-Authenticate": "Bearer"})


WORDS = st.text(alphabet='abcXYZ019-_.=+/ \n{}[]":,é\0', max_size=80)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(["X-Client-Authorization", "authorization", "Other"]) | WORDS,
        WORDS | st.binary(max_size=60).map(b64),
    ),
    st.lists(st.binary(max_size=40).map(b64) | WORDS, min_size=3, max_size=3),
)
def test_whatever_is_sent_there_is_an_answer_and_nobody_gets_in(identity, headers, parts):
    for sent in (headers, bearing(".".join(parts)), bearing(f"{b64(b'{')}.{parts[0]}.{parts[1]}")):
        assert isinstance(identity.check(sent), identity.Refusal)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_character_of_a_token_can_be_changed(identity, data):
    good = list(token())
    place = data.draw(st.integers(0, len(good) - 1))
    other = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
    changed = "".join([*good[:place], other, *good[place + 1 :]])
    assert isinstance(identity.check(bearing(changed)), identity.Claims) == (changed == "".join(good))


# ---- in the service ----


def ask(app: ModuleType, path: str, headers: dict[str, str] | None) -> dict[str, Any]:
    event = {"httpMethod": "GET", "path": path, "headers": headers, "requestContext": {"requestId": "r-1"}}
    return app.handler(event, None)


def test_the_service_asks_for_a_token_everywhere_but_on_its_health_path(app, capsys):
    assert ask(app, "/health", None)["statusCode"] == 200
    refused = ask(app, "/", None)
    assert (refused["statusCode"], refused["headers"]["WWW-Authenticate"]) == (401, "Bearer")
    assert refused["headers"]["X-Region"] == "eu-west-1"
    expired = ask(app, "/", bearing(token(exp=1)))
    assert expired["statusCode"] == 401
    assert "xpired" not in json.dumps(expired)
    assert ask(app, "/", bearing(token()))["statusCode"] == 200


def test_the_log_has_the_subject_and_never_a_token(app, capsys):
    sent = [token(), token(exp=1)]
    for text in sent:
        ask(app, "/", bearing(text))
    logged = capsys.readouterr().out
    lines = [json.loads(line) for line in logged.splitlines()]
    assert [line.get("sub") for line in lines] == ["client-1", None]
    assert not any(part in logged for text in sent for part in text.split("."))


def test_without_tokens_everybody_is_let_in(tmp_path, monkeypatch):
    app = told(tmp_path, CLIENT_MODE="none")
    assert ask(app, "/", None)["statusCode"] == 200
    assert ask(app, "/", bearing("nonsense"))["statusCode"] == 200


@pytest.mark.parametrize("mode", [None, "", "None", "off"])
def test_a_function_that_nobody_told_to_be_public_is_not(tmp_path, monkeypatch, mode):
    monkeypatch.delenv("CLIENT_MODE", raising=False)
    app = told(tmp_path, **({} if mode is None else {"CLIENT_MODE": mode}))
    assert ask(app, "/", bearing(token()))["statusCode"] == 401


@pytest.mark.parametrize("keys", ["", "{", "{}x", '[{"kid": "a"}]', '[{"n": "AQAB", "e": "AQAB"}]', "[7]"])
def test_keys_that_are_none_end_the_function_at_its_start(tmp_path, monkeypatch, keys):
    """So that the deployment shows it: health checks fail, and the rollout goes no further."""
    with pytest.raises((ValueError, KeyError, AttributeError)):
        told(tmp_path, **{**ENVIRONMENT, "CLIENT_KEYS": keys})


def test_the_function_needs_nothing_that_is_not_in_its_folder(tmp_path):
    """In a Python without site-packages, as on Lambda: no `cryptography` is there."""
    folder = stage(HANDLERS / "api", tmp_path / "api")
    code = (
        "import sys, json; sys.path.insert(0, sys.argv[1]); import app, identity, jwt;"
        "assert not jwt.algorithms.has_crypto and jwt.__file__.startswith(sys.argv[1]);"
        "print(type(identity.check({'X-Client-Authorization': 'Bearer ' + sys.argv[2]})).__name__)"
    )
    for sent, found in ((token(), "Claims"), (token(STRANGE), "Refusal")):
        command = [sys.executable, "-I", "-S", "-c", code, str(folder), sent]
        ran = subprocess.run(command, check=False, env=ENVIRONMENT, capture_output=True, text=True)
        assert ran.stdout.strip() == found, ran.stderr


def test_the_library_is_the_one_that_was_published():
    """What ships is a copy of what the tests and the lock file have, unchanged, with its licence."""
    published = distribution("pyjwt")
    vendored = HANDLERS / "api" / "vendor"
    files = [Path(str(f)) for f in published.files if str(f).startswith("jwt/") and "__pycache__" not in str(f)]
    shipped = {
        p.relative_to(vendored) for p in (vendored / "jwt").rglob("*") if p.is_file() and "__pycache__" not in p.parts
    }
    assert shipped == set(files)
    for file in files:
        assert (vendored / file).read_bytes() == Path(published.locate_file(file)).read_bytes(), file
    info = vendored / f"pyjwt-{published.version}.dist-info"
    assert "MIT" in (info / "LICENSE").read_text()
