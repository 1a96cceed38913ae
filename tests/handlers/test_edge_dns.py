"""The edge router's resolver: right on well-formed packets, silent on every other."""

from __future__ import annotations

import socket
import struct
import threading
import time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

NAME, IRELAND = "route.api.example.com", "eu-west-1.origin.api.example.com"
ANY_SANDBOX = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def wire(name: str) -> bytes:
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def record(owner: bytes, target: bytes, *, kind: int = 5, group: int = 1, ttl: int = 10) -> bytes:
    return owner + struct.pack(">HHIH", kind, group, ttl, len(target)) + target


def response(question: bytes, *records: bytes, flags: int = 0x8180, number: bytes | None = None) -> bytes:
    """The answer that a resolver gives to `question`: same number, same question, then the records."""
    return (
        (number or question[:2])
        + struct.pack(">HHHHH", flags, 1, len(records), 0, 0)
        + question[12:]
        + b"".join(records)
    )


OWNER = b"\xc0\x0c"  # a pointer to the question's name
PARENT = b"\xc0\x12"  # a pointer to its `api.example.com`


@pytest.mark.parametrize(
    "records",
    [
        [record(wire(NAME), wire(IRELAND))],
        [record(OWNER, wire(IRELAND))],
        [record(OWNER, b"\x09eu-west-1\x06origin" + PARENT)],
        [record(OWNER, wire(IRELAND.upper()))],
        [record(OWNER, b"\x01\x02\x03\x04", kind=1), record(OWNER, wire(IRELAND))],
        [record(wire("other.example.com"), wire("us-east-1.origin.api.example.com")), record(OWNER, wire(IRELAND))],
    ],
    ids=["plain", "compressed owner", "compressed target", "upper case", "after another type", "after another name"],
)
def test_answer_is_understood(records, router):
    assert router.resolve(NAME, lambda question: response(question, *records)) == (IRELAND, 10)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.com",
        f"{IRELAND}.evil.com",
        f"x.{IRELAND}",
        "eu-west-1xorigin.api.example.com",
        "origin.api.example.com",
        "eu-west-1.origin.api.example.com\n",
        "169.254.169.254",
    ],
)
def test_host_of_another_deployment_is_never_used(host, router):
    assert router.resolve(NAME, lambda question: response(question, record(OWNER, wire(host)))) is None


@pytest.mark.parametrize(
    "wrong",
    [
        lambda _: None,
        lambda _: b"",
        lambda q: q,
        lambda q: response(q, *()),
        lambda q: response(q, record(OWNER, wire(IRELAND)), flags=0x8183),
        lambda q: response(q, record(OWNER, wire(IRELAND)), flags=0x8380),
        lambda q: response(q, record(OWNER, wire(IRELAND)), flags=0x0180),
        lambda q: response(q, record(OWNER, wire(IRELAND)), number=bytes([q[0] ^ 1, q[1]])),
        lambda q: response(q, record(OWNER, wire(IRELAND), group=3)),
        lambda q: response(q[:12] + wire("other.example.com") + q[-4:], record(wire(NAME), wire(IRELAND))),
        lambda q: response(q, record(OWNER, b"\xc0\x32")),
        lambda q: response(q, record(b"\xc0\xff", wire(IRELAND))),
        lambda q: response(q, record(OWNER, b"\x40")),
        lambda q: response(q, record(OWNER, wire(IRELAND)))[:-9],
    ],
    ids=range(14),
)
def test_any_other_packet_is_no_answer(wrong, router):
    assert router.resolve(NAME, wrong) is None


@ANY_SANDBOX
@given(st.binary(max_size=200), st.booleans())
@example(b"\xc0" * 200, True)
def test_no_packet_breaks_the_resolver(router, noise, is_framed):
    def transport(question):
        return response(question, noise) if is_framed else noise

    answer = router.resolve(NAME, transport)
    assert answer is None or router.HOSTS.fullmatch(answer.host)


def test_pointers_cannot_keep_it_busy(router):
    chain = b"".join(struct.pack(">H", 0xC000 | (12 + 2 * i)) for i in range(2000))
    started = time.perf_counter()
    assert router.resolve(NAME, lambda q: response(q, record(chain[:62], chain))) is None
    assert time.perf_counter() - started < 1


class Resolver:
    """A resolver on loopback that stays silent for the first `deaf` questions."""

    def __init__(self, deaf: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.deaf, self.questions = deaf, []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                question, client = self.socket.recvfrom(512)
            except OSError:
                return
            self.questions.append(question)
            if len(self.questions) > self.deaf:
                self.socket.sendto(response(question, record(OWNER, wire(IRELAND))), client)


@pytest.mark.parametrize(("deaf", "expected"), [(0, (IRELAND, 10)), (1, (IRELAND, 10)), (2, None)])
def test_asks_twice_at_most(deaf, expected, router, monkeypatch):
    resolver = Resolver(deaf)
    monkeypatch.setenv("DNS_RESOLVER", f"127.0.0.1:{resolver.socket.getsockname()[1]}")
    assert router.resolve(NAME, router.exchange) == expected
    assert len(resolver.questions) == min(deaf + 1, 2)
    assert resolver.questions[0][2:] == b"\1\0\0\1\0\0\0\0\0\0" + wire(NAME) + b"\0\5\0\1"
    resolver.socket.close()


def test_resolver_that_is_not_there_is_silence(router, monkeypatch):
    monkeypatch.setenv("DNS_RESOLVER", "127.0.0.1:9")
    assert router.exchange(b"question") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("search x\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n", ("10.0.0.2", 53)),
        ("nameserver fd00::2", ("fd00::2", 53)),
    ],
)
def test_nameserver_of_the_machine(text, expected, router, monkeypatch):
    monkeypatch.delenv("DNS_RESOLVER", raising=False)
    monkeypatch.setattr(router.Path, "read_text", lambda *_, **__: text)
    assert router.nameserver() == expected
