"""The DNS server on the wire: UDP and TCP, EDNS, what does not fit, and packets that mean no good."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import pytest

from tests.embedded.conftest import Aws, start
from tests.embedded.dns_client import Dns, length, row


@pytest.fixture
def servers(aws: Aws) -> Dns:
    aws.control("clock", {"speed": 2000})
    return Dns(aws)


def question(name: str = "example.com", kind: str = "SOA", **more: Any) -> dns.message.Message:
    return dns.message.make_query(name, kind, **more)


def alive(servers: Dns) -> bool:
    return servers.rcode("example.com", "SOA") == "NOERROR"


def test_the_address_is_told_and_on_loopback_only(servers: Dns) -> None:
    address = servers.aws.control("clock")[1]["dns"]
    assert address == f"127.0.0.1:{servers.port}"
    with pytest.raises(OSError), socket.create_connection(("127.0.0.2", servers.port), timeout=1):
        pass


def test_nothing_listens_but_on_loopback_and_one_line_is_printed() -> None:
    process, line = start("--port", "0")
    try:
        assert line.startswith("AWS_ENDPOINT_URL=http://127.0.0.1:")
        addresses = list(listening(process.pid))
        assert addresses.count("0100007F") == 4, "127.0.0.1: HTTP, DNS by UDP and TCP, databases"
        assert {address[-2:] for address in addresses} == {"7F"}, "the edge, Regions and resolvers: 127.x.x.x"
    finally:
        process.terminate()
        rest = process.communicate(timeout=10)[0]
    assert rest == ""


def listening(pid: int) -> Iterator[str]:
    """The local addresses, as the kernel writes them, of the sockets on which a process listens."""
    links = (str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink())
    inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
    for protocol, waits in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        for entry in Path(f"/proc/{pid}/net/{protocol}").read_text().splitlines()[1:]:
            fields = entry.split()
            if fields[9] in inodes and fields[3] == waits:
                yield fields[1].partition(":")[0]


@pytest.mark.parametrize("tcp", [False, True])
def test_an_answer_is_authoritative_and_offers_no_recursion(servers: Dns, tcp: bool) -> None:
    answer = servers.send(question(), tcp=tcp)
    assert answer.flags & dns.flags.AA
    assert not answer.flags & dns.flags.RA
    assert answer.answer


def test_what_does_not_fit_into_a_datagram_comes_by_tcp(servers: Dns) -> None:
    servers.create(row("big", *(f'"{i:0>200}"' for i in range(12)), kind="TXT"))
    plain = servers.send(question("big.example.com", "TXT"))
    assert plain.flags & dns.flags.TC
    assert not plain.answer
    assert len(plain.to_wire()) <= 512
    assert len(servers.send(question("big.example.com", "TXT"), tcp=True).answer[0]) == 12
    roomy = servers.send(question("big.example.com", "TXT", use_edns=0, payload=4096))
    assert not roomy.flags & dns.flags.TC
    assert len(roomy.answer[0]) == 12


def test_edns_is_answered_with_edns_and_a_subnet_with_its_scope(servers: Dns) -> None:
    assert servers.send(question()).edns == -1
    assert servers.send(question(use_edns=0)).edns == 0
    asked = dns.edns.ECSOption("198.18.107.0", 24)
    [told] = servers.send(question(use_edns=0, options=[asked])).options
    assert (told.address, told.srclen, told.scopelen) == ("198.18.107.0", 24, 24)
    assert servers.send(question(use_edns=1)).rcode() == dns.rcode.BADVERS


def test_a_subnet_of_ipv6_is_understood(servers: Dns) -> None:
    option = dns.edns.ECSOption("2001:db8:107::", 48)
    assert servers.send(question(use_edns=0, options=[option])).rcode() == dns.rcode.NOERROR


@pytest.mark.parametrize(
    ("change", "rcode"),
    [
        ({"kind": "ANY"}, "NOTIMP"),
        ({"kind": "AXFR"}, "REFUSED"),
        ({"rdclass": "CH"}, "REFUSED"),
    ],
)
def test_questions_that_are_not_answered(servers: Dns, change: dict, rcode: str) -> None:
    answer = servers.send(question(**{"kind": "SOA", **change}))
    assert dns.rcode.to_text(answer.rcode()) == rcode


def test_other_requests_than_questions_are_not_implemented(servers: Dns) -> None:
    query = question()
    query.set_opcode(dns.opcode.NOTIFY)
    raw = servers.raw(query.to_wire(), timeout=5)
    assert raw is not None
    assert dns.message.from_wire(raw).rcode() == dns.rcode.NOTIMP


GOOD = question().to_wire()
HOSTILE = {
    "nothing": b"",
    "one byte": b"\x00",
    "less than a header": GOOD[:11],
    "only a header": GOOD[:12],
    "half a question": GOOD[:-3],
    "an answer": GOOD[:2] + b"\x81\x80" + GOOD[4:],
    "no question": GOOD[:4] + b"\x00\x00" + GOOD[6:],
    "two questions": GOOD[:4] + b"\x00\x02" + GOOD[6:] + GOOD[12:],
    "more records than there are": GOOD[:6] + b"\xff\xff\xff\xff\xff\xff" + GOOD[12:],
    "a name that points at itself": GOOD[:12] + b"\xc0\x0c\x00\x01\x00\x01",
    "a label of a reserved kind": GOOD[:12] + b"\x80abc\x00\x00\x01\x00\x01",
    "a name that is too long": GOOD[:12] + b"\x3f" + b"a" * 63 + (b"\x3f" + b"a" * 63) * 5 + b"\x00\x00\x01\x00\x01",
    "a name of strange bytes": GOOD[:12] + b"\x04\x00\xff.\\\x07example\x03com\x00\x00\x01\x00\x01",
    "an unknown type": GOOD[:-4] + b"\xfe\xdc\x00\x01",
    "an update": GOOD[:2] + b"\x28\x00" + GOOD[4:],
    "rubbish after it": GOOD + b"\xff" * 100,
    "a broken option": question(use_edns=0).to_wire()[:-2] + b"\x00\x05\x00\x08\x00",
    "much": b"\xff" * 60000,
}


@pytest.mark.parametrize("packet", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_packet_does_no_harm(servers: Dns, packet: bytes) -> None:
    answer = servers.raw(packet, timeout=0.1)
    if answer is not None:
        assert answer[:2] == packet[:2]
        assert answer[2] & 0x80
    servers.stream(length(packet))
    assert alive(servers)


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x00", b"\xff\xff" + b"x" * 10, length(b"\x00") * 50, b""])
def test_a_hostile_stream_does_no_harm(servers: Dns, data: bytes) -> None:
    servers.stream(data)
    assert alive(servers)


def test_any_bytes_do_no_harm(servers: Dns) -> None:
    chance = random.Random(53)
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        for _ in range(2000):
            changed = bytearray(GOOD)
            for _ in range(chance.randint(1, 6)):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            client.sendto(bytes(changed)[: chance.randint(0, len(changed) + 5)], ("127.0.0.1", servers.port))
    assert alive(servers)


def test_many_questions_on_one_connection(servers: Dns) -> None:
    found = servers.stream(length(GOOD) * 20)
    assert found.count(GOOD[:2]) >= 20


def test_idle_connections_do_not_keep_others_out(servers: Dns) -> None:
    idle = [socket.create_connection(("127.0.0.1", servers.port)) for _ in range(50)]
    try:
        assert servers.send(question(), tcp=True).answer
    finally:
        for connection in idle:
            connection.close()


def test_questions_in_parallel(servers: Dns) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: bool(servers.send(question()).answer), range(200)))
