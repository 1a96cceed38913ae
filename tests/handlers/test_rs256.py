"""RS256 in Python, held against `cryptography`, and against the forgeries that lax verifiers have fallen for."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.handlers.conftest import HANDLERS, imported

MESSAGE = b"header.payload"
SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")


RS256 = imported(HANDLERS / "api" / "rs256.py")
PRIVATE = rsa.generate_private_key(65537, 2048)
CUBIC = rsa.generate_private_key(3, 2048)
ODD = rsa.generate_private_key(65537, 2050)
"""Its modulus has two bits in its first byte."""


def public(private: rsa.RSAPrivateKey) -> tuple[int, int]:
    numbers = private.public_key().public_numbers()
    return RS256.Key(numbers.n, numbers.e)


def signed(message: bytes, private: rsa.RSAPrivateKey = PRIVATE) -> bytes:
    return private.sign(message, padding.PKCS1v15(), hashes.SHA256())


def reference(message: bytes, private: rsa.RSAPrivateKey, signature: bytes) -> bool:
    try:
        private.public_key().verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize("private", [PRIVATE, CUBIC, ODD, rsa.generate_private_key(65537, 3072)])
def test_what_the_owner_signed_is_verified(private):
    for message in (b"", MESSAGE, bytes(range(256)) * 100):
        assert RS256.verified(message, public(private), signed(message, private))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_verdicts_are_those_of_cryptography(data):
    """Over bits that flip, bytes that come and go, and other messages and keys."""
    private = data.draw(st.sampled_from([PRIVATE, CUBIC, ODD]))
    message = data.draw(st.binary(max_size=40))
    signature = bytearray(signed(message, private))
    for place in data.draw(st.lists(st.integers(0, len(signature) * 8 - 1), max_size=2)):
        signature[place // 8] ^= 1 << place % 8
    signature = (
        bytearray(data.draw(st.sampled_from([b"", b"\0"]))) + signature + data.draw(st.sampled_from([b"", b"\0"]))
    )
    if data.draw(st.booleans()):
        message += data.draw(st.binary(max_size=1))
    verifier = data.draw(st.sampled_from([private, private, PRIVATE]))
    found = RS256.verified(message, public(verifier), bytes(signature))
    assert found == reference(message, verifier, bytes(signature))


def whole(front: bytes, info: bytes, size: int = 256, fill: bytes = b"\xff") -> bytes:
    """Padding that fills the modulus, whatever is in front of it and behind."""
    return front + fill * (size - len(front) - 1 - len(info)) + b"\0" + info


HASH = hashlib.sha256(MESSAGE).digest()
GOOD = whole(b"\0\1", SHA256 + HASH)
FORGED: dict[str, bytes] = {
    "garbage after a hash that follows short padding": (b"\0\1" + b"\xff" * 8 + b"\0" + SHA256 + HASH).ljust(
        256, b"\xaa"
    ),
    "zeros after it": (b"\0\1" + b"\xff" * 8 + b"\0" + SHA256 + HASH).ljust(256, b"\0"),
    "no padding at all": (b"\0\1\0" + SHA256 + HASH).ljust(256, b"\xaa"),
    "one byte of garbage": whole(b"\0\1", SHA256 + HASH + b"\xaa"),
    "garbage in the parameters": whole(
        b"\0\1", b"\x30\x39\x30\x15" + SHA256[4:15] + b"\x05\x08" + b"\xaa" * 8 + b"\x04\x20" + HASH
    ),
    "no parameters": whole(b"\0\1", b"\x30\x2f\x30\x0b" + SHA256[4:15] + b"\x04\x20" + HASH),
    "a length in its long form": whole(b"\0\1", b"\x30\x81\x31" + SHA256[2:] + HASH),
    "a length without end": whole(b"\0\1", b"\x30\x80" + SHA256[2:] + HASH + b"\0\0"),
    "SHA-1's name before a SHA-256 hash": whole(b"\0\1", SHA256[:12] + b"\x01" + SHA256[13:] + HASH),
    "SHA-512's name": whole(b"\0\1", SHA256[:14] + b"\x03" + SHA256[15:] + HASH),
    "a hash alone": whole(b"\0\1", HASH),
    "a shorter hash": whole(b"\0\1", SHA256 + HASH[:-1]),
    "another hash": whole(b"\0\1", SHA256 + hashlib.sha256(b"other").digest()),
    "block type 0": whole(b"\0\0", SHA256 + HASH),
    "block type 2": whole(b"\0\2", SHA256 + HASH, fill=b"\xaa"),
    "padding of other bytes": whole(b"\0\1", SHA256 + HASH, fill=b"\xfe"),
    "one wrong byte of padding": GOOD[:50] + b"\xfe" + GOOD[51:],
    "an early end of the padding": GOOD[:50] + b"\0" + GOOD[51:],
    "no zero before the hash": GOOD.replace(b"\0" + SHA256, b"\xff" + SHA256),
    "the message itself": MESSAGE.rjust(256, b"\0"),
    "nothing": bytes(256),
    "one": bytes(255) + b"\1",
}


@pytest.mark.parametrize("opened", FORGED.values(), ids=FORGED)
def test_what_opens_to_anything_but_the_one_message_is_refused(opened):
    """Made with the private key, so that only what stands inside is wrong."""
    numbers = PRIVATE.private_numbers()
    signature = pow(int.from_bytes(opened, "big"), numbers.d, numbers.public_numbers.n).to_bytes(256, "big")
    assert not RS256.verified(MESSAGE, public(PRIVATE), signature)
    assert not reference(MESSAGE, PRIVATE, signature)


def test_the_same_way_made_the_right_one_is_accepted():
    numbers = PRIVATE.private_numbers()
    signature = pow(int.from_bytes(GOOD, "big"), numbers.d, numbers.public_numbers.n).to_bytes(256, "big")
    assert RS256.encoded(MESSAGE, 256) == GOOD
    assert RS256.verified(MESSAGE, public(PRIVATE), signature)


def root(number: int) -> int:
    """The least whole number whose cube is not below this one."""
    low, high = 0, 1 << (number.bit_length() // 3 + 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if middle**3 >= number else (middle + 1, high)
    return low


def test_a_cube_root_is_no_signature():
    """Bleichenbacher 2006: with exponent 3 anybody finds a number whose cube begins like a signed message."""
    front = b"\0\1" + b"\xff" * 8 + b"\0" + SHA256 + HASH
    forged = root(int.from_bytes(front.ljust(256, b"\0"), "big"))
    assert (forged**3).to_bytes(256, "big").startswith(front), "the forgery would pass who looks at the front alone"
    assert not RS256.verified(MESSAGE, public(CUBIC), forged.to_bytes(256, "big"))


@pytest.mark.parametrize("size", [0, 1, 255, 257, 512])
def test_another_length_than_the_key_has_is_refused(size):
    right = signed(MESSAGE)
    assert not RS256.verified(MESSAGE, public(PRIVATE), right[:size].rjust(size, b"\0"))


def test_a_number_beyond_the_modulus_is_refused_though_it_opens_alike():
    n, e = public(ODD)
    size = 257
    number = int.from_bytes(signed(MESSAGE, ODD), "big") + n
    assert number < 1 << size * 8, "it has the key's length"
    assert pow(number, e, n).to_bytes(size, "big") == RS256.encoded(MESSAGE, size)
    assert not RS256.verified(MESSAGE, RS256.Key(n, e), number.to_bytes(size, "big"))


def test_another_key_is_refused():
    assert not RS256.verified(MESSAGE, public(PRIVATE), signed(MESSAGE, CUBIC))


def b64(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()


N = PRIVATE.public_key().public_numbers().n
WEAK: dict[str, Callable[[], dict]] = {
    "1024 bits": lambda: {"n": b64(1 << 1023 | 1), "e": "AQAB"},
    "an even modulus": lambda: {"n": b64(1 << 2047), "e": "AQAB"},
    "exponent 1": lambda: {"n": b64(N), "e": "AQ"},
    "an even exponent": lambda: {"n": b64(N), "e": "Ag"},
    "an exponent beyond the modulus": lambda: {"n": b64(N), "e": b64(N + 2)},
    "padding": lambda: {"n": b64(N) + "==", "e": "AQAB"},
    "standard base64": lambda: {"n": "+/" + b64(N)[2:], "e": "AQAB"},
}


@pytest.mark.parametrize("jwk", WEAK.values(), ids=WEAK)
def test_a_key_that_is_none_or_weak_is_not_taken(jwk):
    with pytest.raises(ValueError, match=r"modulus|exponent|base64url"):
        RS256.key(jwk())
    assert RS256.key({"n": b64(N), "e": "AQAB"}) == public(PRIVATE)
