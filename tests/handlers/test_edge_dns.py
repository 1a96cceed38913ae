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
        lambda q: response(q[:-4] + b"\0\1\0\1", record(OWNER, wire(IRELAND))),
        lambda q: response(q, record(OWNER, b"\x09\xe9u-west-1\x06origin" + PARENT)),
        lambda q: response(q, record(OWNER, b"\1a" * 127 + b"\0")),
        lambda q: response(q, record(OWNER, b"\xc0\x32")),
        lambda q: response(q, record(b"\xc0\xff", wire(IRELAND))),
        lambda q: response(q, record(OWNER, b"\x40")),
        lambda q: response(q, record(OWNER, wire(IRELAND)))[:-9],
    ],
    ids=range(17),
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


START = 12 + len(wire(NAME)) + 4 + 12
"""Where the target of the first record begins, if its owner is a pointer."""
LADDER = b"".join(struct.pack(">H", 0xC000 | at) for at in (12, *range(START, START + 4000, 2)))
"""Pointers, each to the one before it."""
AT_THE_TOP, IN_A_CIRCLE = (struct.pack(">H", 0xC000 | at) + b"\0\1\0\1\0\0\0\1\0\0" for at in (START + 4000, START))


@pytest.mark.parametrize(
    "records",
    [
        [record(OWNER, LADDER, kind=1), *[AT_THE_TOP] * 5000],
        [record(OWNER, struct.pack(">HH", 0xC002 + START, 0xC000 + START), kind=1), *[IN_A_CIRCLE] * 5000],
        [record(OWNER, wire(".".join(["a" * 63] * 200)))] * 5,
        [record(OWNER, b"\1\2\3\4", kind=1)] * 4000,
    ],
    ids=["a ladder for each", "a circle for each", "names without end", "many records"],
)
def test_no_packet_keeps_it_busy(records, router):
    """Up to 64 KB, of which `exchange` reads 4 KB only."""
    packet = []
    worked = time.thread_time()
    assert router.resolve(NAME, lambda q: packet.append(response(q, *records)) or packet[0]) is None
    assert time.thread_time() - worked < 1
    assert len(packet[0]) > 500


class Resolver:
    """A resolver on loopback: each question gets the packets that `say` makes of it and of what was asked before."""

    def __init__(self, say) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.say, self.questions = say, []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        while True:
            question, client = self.socket.recvfrom(512)
            if not question:
                return
            self.questions.append((question, client))
            for packet, to in self.say(self.questions):
                self.socket.sendto(packet, to)

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self.socket.getsockname())
        self.thread.join(5)
        self.socket.close()


@pytest.fixture
def listening(monkeypatch):
    """Starts a resolver, which the router then asks."""
    started = []

    def start(say) -> Resolver:
        started.append(Resolver(say))
        monkeypatch.setenv("DNS_RESOLVER", f"127.0.0.1:{started[0].socket.getsockname()[1]}")
        return started[0]

    yield start
    for resolver in started:
        resolver.close()


def good(question: bytes, host: str = IRELAND, **more) -> bytes:
    return response(question, record(OWNER, wire(host)), **more)


def other(question: bytes) -> bytes:
    return good(question, number=bytes([question[0] ^ 255, question[1]]))


@pytest.mark.parametrize(("deaf", "expected"), [(0, (IRELAND, 10)), (1, (IRELAND, 10)), (2, None)])
def test_asks_twice_at_most(deaf, expected, router, listening):
    resolver = listening(lambda asked: [(good(asked[-1][0]), asked[-1][1])] if len(asked) > deaf else [])
    started = time.perf_counter()
    assert router.resolve(NAME, router.exchange) == expected
    assert time.perf_counter() - started < 10
    assert len(resolver.questions) == min(deaf + 1, 2)
    assert resolver.questions[0][0][2:] == b"\1\0\0\1\0\0\0\0\0\0" + wire(NAME) + b"\0\5\0\1"


def test_late_answer_to_the_first_question_is_not_taken_for_the_second(router, listening):
    """The second question comes from another port: what is sent to the first arrives nowhere."""

    def say(asked):
        if len(asked) == 1:
            return []
        (first, then), (second, now) = asked
        return [(good(first, "sa-east-1.origin.api.example.com"), then), (good(second), now)]

    resolver = listening(say)
    assert router.resolve(NAME, router.exchange) == (IRELAND, 10)
    (_, first), (_, second) = resolver.questions
    assert first != second


def test_answer_to_another_question_costs_one_try(router, listening):
    resolver = listening(lambda asked: [((good, other)[len(asked) == 1](asked[-1][0]), asked[-1][1])])
    assert router.resolve(NAME, router.exchange) == (IRELAND, 10)
    assert len(resolver.questions) == 2


@pytest.mark.parametrize("size", [4096, 4097, 60_000])
def test_of_a_long_answer_the_beginning_is_read(size, router, listening):
    listening(lambda asked: [(good(asked[-1][0]).ljust(size, b"\xff"), asked[-1][1])])
    assert router.resolve(NAME, router.exchange) == (IRELAND, 10)


def test_long_answer_whose_record_is_cut_is_none(router, listening):
    def say(asked):
        question, client = asked[-1]
        return [(response(question, record(OWNER, b"\1a" * 20_000, kind=16), record(OWNER, wire(IRELAND))), client)]

    listening(say)
    assert router.resolve(NAME, router.exchange) is None


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
