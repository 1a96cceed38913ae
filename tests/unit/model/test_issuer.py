"""An issuer's address, judged by its letters, and its keys as text."""

import json

import pytest

from reconciler.model.issuer import PublicKey, address_problem, named, shipped, split

GOOD = (
    ("https://login.example.com", ("login.example.com", 443, "/")),
    ("https://login.example.com/", ("login.example.com", 443, "/")),
    ("https://login.example.com:8443/a/b%20c", ("login.example.com", 8443, "/a/b%20c")),
    (
        "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC",
        ("cognito-idp.eu-west-1.amazonaws.com", 443, "/eu-west-1_AbC"),
    ),
    ("https://xn--bcher-kva.example/v2.0", ("xn--bcher-kva.example", 443, "/v2.0")),
)
BAD = (
    ("http://login.example.com/", "https"),
    ("HTTPS://login.example.com/", "https"),
    ("https://login.example.com/?a=b", "query"),
    ("https://login.example.com/#a", "fragment"),
    ("https://user@login.example.com/", "user name"),
    ("https://user:word@login.example.com/", "user name"),
    ("https://", "host"),
    ("https:///a", "host"),
    ("https://login", "host"),
    ("https://Login.example.com/", "host"),
    ("https://login.example.com./", "host"),
    ("https://login..example.com/", "host"),
    ("https://-login.example.com/", "host"),
    ("https://bücher.example/", "host"),
    ("https://127.0.0.1/", "host"),
    ("https://127.1/", "host"),
    ("https://2130706433/", "host"),
    ("https://0x7f.0x0.0x0.0x1/", "host"),
    ("https://169.254.169.254/latest/meta-data", "host"),
    ("https://[::1]/", "host"),
    ("https://example.com\\@evil.example.org/", "user name"),
    ("https://example.com\\evil.example.org/", "host"),
    ("https://example.com%2f.evil.example.org/", "host"),
    ("https://example.com\n/", "host"),
    (f"https://{'a' * 64}.example.com/", "host"),
    (f"https://{'.'.join(['a' * 60] * 5)}.com/", "host"),
    ("https://localhost/", "host"),
    ("https://login.localhost/", "private"),
    ("https://login.internal/", "private"),
    ("https://printer.local/", "private"),
    ("https://router.home.arpa/", "private"),
    ("https://login.example.com:0/", "port"),
    ("https://login.example.com:65536/", "port"),
    ("https://login.example.com:٤٤٣/", "port"),
    ("https://login.example.com:/", "port"),
    ("https://login.example.com/a b", "path"),
    ("https://login.example.com/\r\nHost: evil", "path"),
    ("https://login.example.com/a\n", "path"),
)


@pytest.mark.parametrize(("address", "parts"), GOOD)
def test_a_public_https_address_is_taken_apart(address, parts):
    assert address_problem(address) is None
    assert split(address) == parts


@pytest.mark.parametrize(("address", "word"), BAD)
def test_anything_else_is_refused_with_its_reason(address, word):
    assert word in (address_problem(address) or "")


def test_the_same_keys_are_the_same_text_in_any_order():
    keys = [PublicKey(kid=kid, n=n, e="AQAB") for kid, n in (("b", "2"), ("a", "1"), ("a-", "0"))]
    assert shipped(keys) == shipped(reversed(keys))
    assert json.loads(shipped(keys))[0] == {"kid": "a", "n": "1", "e": "AQAB"}
    assert json.loads(shipped([PublicKey(kid=None, n="1", e="Aw")])) == [{"n": "1", "e": "Aw"}]


def test_people_read_ids_and_tell_two_keys_of_one_id_apart():
    one, other = (named(shipped([PublicKey(kid="a", n=n, e="AQAB")])) for n in "12")
    assert one[0].startswith("a sha256:")
    assert one != other
    assert named("not JSON") == ("not JSON",)
    assert named('[{"kid": "a"}]') == ('[{"kid": "a"}]',)
