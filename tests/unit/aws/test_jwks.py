"""What an issuer may publish, and what is taken of it."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.aws.jwks import Unusable, configuration_address, keys_address, public_keys

ISSUER = "https://login.example.com/"


def number(bits: int, *, odd: bool = True) -> str:
    return text(((1 << bits - 1) | 1) if odd else 1 << bits - 1)


def text(value: int, *, zeros: int = 0) -> str:
    octets = value.to_bytes((value.bit_length() + 7) // 8 + zeros, "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


GOOD = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "a", "n": number(2048), "e": "AQAB"}


def without(*names: str, **changed: object) -> dict:
    return {k: v for k, v in {**GOOD, **changed}.items() if k not in names}


def published(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


@pytest.mark.parametrize(
    "key",
    [
        GOOD,
        without("use"),
        without("alg"),
        without("kid"),
        without(n=number(8192)),
        without(e="Aw"),
        without(x5c=["…"], whatever={"a": 1}),
    ],
)
def test_an_rsa_signature_key_is_taken(key):
    [found] = public_keys(published(key))
    assert (found.kid, found.n, found.e) == (key.get("kid"), key["n"], key["e"])


@pytest.mark.parametrize(
    "key",
    [
        without("kty"),
        without(kty="oct", k="c2VjcmV0"),
        without(kty="EC"),
        without(use="enc"),
        without(use=["sig"]),
        without(alg="HS256"),
        without(alg="none"),
        without(alg="RS512"),
        without(d="AQAB"),
        without("n"),
        without("e"),
        without(n=number(2047)),
        without(n=number(1024)),
        without(n=number(8193)),
        without(n=number(2048, odd=False)),
        without(n=GOOD["n"] + "=="),
        without(n=GOOD["n"].replace("A", "+")),
        without(n=GOOD["n"] + "\n"),
        without(n=GOOD["n"][:-1]),
        without(n=5),
        without(n="A" * 2001),
        without(e="AQ"),
        without(e="AA"),
        without(e="Ag"),
        without(e=text(2**32 + 1)),
        without(kid=7),
        without(kid=""),
        without(kid="a b"),
        without(kid="a\n"),
        without(kid="é"),
        without(kid="k" * 129),
        "a",
        None,
        [],
    ],
)
def test_any_other_key_is_passed_over_and_the_good_one_beside_it_stays(key):
    good = without(kid="good")
    assert [k.kid for k in public_keys(published(key, good))] == ["good"]
    assert public_keys(published(key)) == ()


def test_leading_zeros_do_not_make_another_key():
    value = (1 << 2047) | 1
    assert public_keys(published(without(n=text(value, zeros=1)))) == public_keys(published(GOOD))


def test_among_several_keys_one_without_an_id_is_never_meant():
    assert [k.kid for k in public_keys(published(GOOD, without("kid")))] == ["a"]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (published(GOOD, GOOD), "AmbiguousKeys"),
        (published(*(without(kid=str(n)) for n in range(11))), "TooManyKeys"),
        (b'{"keys": {}}', "NoKeys"),
        (b"{}", "NoKeys"),
        (b"[]", "NotJson"),
        (b"", "NotJson"),
        (b"\xff\xfe\x00", "NotJson"),
        (b"[" * 60_000, "NotJson"),
        (b'{"keys": ' + b"9" * 60_000 + b"}", "NotJson"),
    ],
)
def test_a_document_that_is_no_use_says_why(document, code):
    with pytest.raises(Unusable) as raised:
        public_keys(document)
    assert raised.value.code == code


def configuration(**changed: object) -> bytes:
    return json.dumps({"issuer": ISSUER, "jwks_uri": "https://keys.example.com/certs", **changed}).encode()


def test_the_configuration_is_below_the_issuer_and_leads_to_its_keys():
    below = "https://login.example.com/.well-known/openid-configuration"
    assert configuration_address(ISSUER) == configuration_address(ISSUER.rstrip("/")) == below
    assert (
        configuration_address("https://login.example.com/t/")
        == "https://login.example.com/t/.well-known/openid-configuration"
    )
    assert keys_address(configuration(), ISSUER) == "https://keys.example.com/certs"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (configuration(issuer=ISSUER.rstrip("/")), "AnotherIssuer"),
        (configuration(issuer="https://evil.example.org/"), "AnotherIssuer"),
        (configuration(issuer=None), "AnotherIssuer"),
        (configuration(jwks_uri=None), "NoKeysAddress"),
        (configuration(jwks_uri=["https://keys.example.com/"]), "NoKeysAddress"),
        (configuration(jwks_uri="http://keys.example.com/"), "BadKeysAddress"),
        (configuration(jwks_uri="https://169.254.169.254/latest/meta-data"), "BadKeysAddress"),
        (configuration(jwks_uri="https://localhost/"), "BadKeysAddress"),
        (configuration(jwks_uri="https://keys.example.com/ HTTP/1.1\r\nX: y"), "BadKeysAddress"),
        (configuration(jwks_uri="file:///etc/passwd"), "BadKeysAddress"),
    ],
)
def test_a_configuration_that_leads_elsewhere_is_no_use(document, code):
    with pytest.raises(Unusable) as raised:
        keys_address(document, ISSUER)
    assert raised.value.code == code
    assert "evil" not in str(raised.value)
    assert "\r" not in str(raised.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["keys", *GOOD, "d"]) | st.text(), inner),
)
KEY = st.fixed_dictionaries({}, optional={name: JSON | st.just(GOOD.get(name)) for name in (*GOOD, "d")})


@settings(max_examples=60, deadline=None)
@given(st.binary() | JSON.map(lambda v: json.dumps(v).encode()) | st.lists(KEY | JSON).map(lambda ks: published(*ks)))
def test_whatever_is_published_keys_are_sound_or_there_are_none(document):
    try:
        keys = public_keys(document)
    except Unusable:
        return
    assert all(len(base64.urlsafe_b64decode(k.n + "==")) >= 256 for k in keys)
    assert len({k.kid for k in keys}) == len(keys)
