"""DNS messages: from a packet to the question, from the answer to a packet. Nothing that arrives may raise."""

import logging
from dataclasses import dataclass

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from local_aws.dns import locations
from local_aws.dns.answering import Answer, Healthy, RRset, answer
from local_aws.drift.shape import plain_name

logger = logging.getLogger("local_aws.dns")
HEADER, PLAIN_UDP, LARGEST_UDP, LARGEST = 12, 512, 4096, 65535
# Transfers and questions for whatever there is: Route 53 refuses the first and does not implement the second [K].
_REFUSED = {dns.rdatatype.AXFR, dns.rdatatype.IXFR}


@dataclass(frozen=True, slots=True)
class Where:
    """Who asks, and how far an answer depends on that."""

    place: str
    subnet: dns.edns.ECSOption | None = None


def respond(packet: bytes, source: str, healthy: Healthy, *, udp: bool) -> bytes | None:
    """The packet to send back; None for what deserves no answer."""
    try:
        return _respond(packet, source, healthy, udp=udp)
    except Exception:
        logger.exception("a question could not be answered")
        return _bare(packet, dns.rcode.SERVFAIL)


def _respond(packet: bytes, source: str, healthy: Healthy, *, udp: bool) -> bytes | None:
    if len(packet) < HEADER or packet[2] & 0x80:  # too short to answer, or an answer itself
        return None
    try:
        query = dns.message.from_wire(packet, ignore_trailing=True)
    except dns.message.UnknownTSIGKey:
        return _bare(packet, dns.rcode.NOTAUTH)
    except dns.exception.DNSException:
        return _bare(packet, dns.rcode.FORMERR)
    response = dns.message.make_response(query, our_payload=LARGEST_UDP)
    response.flags &= ~dns.flags.RA
    code = _refusal(query)
    if code is None:
        _fill(response, query, _where(query, source), healthy)
    else:
        response.set_rcode(code)
    return _packed(response, _room(query) if udp else LARGEST)


def _bare(packet: bytes, code: int) -> bytes | None:
    """Only a header, with the question's id."""
    if len(packet) < HEADER:
        return None
    return packet[:2] + bytes([0x80 | (packet[2] & 0x79), code]) + bytes(8)


def _refusal(query: dns.message.Message) -> dns.rcode.Rcode | None:
    if query.opcode() != dns.opcode.QUERY:
        return dns.rcode.NOTIMP
    if query.edns > 0:
        return dns.rcode.BADVERS
    if len(query.question) != 1:
        return dns.rcode.FORMERR
    question = query.question[0]
    if question.rdclass != dns.rdataclass.IN or question.rdtype in _REFUSED:
        return dns.rcode.REFUSED
    return dns.rcode.NOTIMP if question.rdtype == dns.rdatatype.ANY else None


def _where(query: dns.message.Message, source: str) -> Where:
    """The client's subnet (RFC 7871) says more than the resolver's address."""
    for option in query.options:
        if isinstance(option, dns.edns.ECSOption) and option.srclen:
            return Where(locations.of_subnet(option.address), option)
    return Where(locations.of_source(source))


def _fill(response: dns.message.Message, query: dns.message.Message, where: Where, healthy: Healthy) -> None:
    question = query.question[0]
    kind = dns.rdatatype.to_text(question.rdtype)
    found: Answer = answer(plain_name(question.name.to_text()), kind, where.place, healthy)
    response.set_rcode(dns.rcode.from_text(found.rcode))
    if found.authoritative:
        response.flags |= dns.flags.AA
    response.answer = [_rrset(part, question.name) for part in found.answers]
    response.authority = [_rrset(part, question.name) for part in found.authority]
    if where.subnet:
        echoed = dns.edns.ECSOption(where.subnet.address, where.subnet.srclen, where.subnet.srclen)
        response.use_edns(0, 0, LARGEST_UDP, options=[echoed])


def _rrset(found: RRset, asked: dns.name.Name) -> dns.rrset.RRset:
    """With the question's own spelling of its name: resolvers check that it comes back."""
    name = asked if plain_name(asked.to_text()) == found.name else dns.name.from_text(found.name)
    kind = dns.rdatatype.from_text(found.type)
    values = [dns.rdata.from_text("IN", kind, value, dns.name.root, relativize=False) for value in found.values]
    return dns.rrset.from_rdata_list(name, found.ttl, values)


def _room(query: dns.message.Message) -> int:
    return min(max(query.payload, PLAIN_UDP), LARGEST_UDP) if query.edns >= 0 else PLAIN_UDP


def _packed(response: dns.message.Message, room: int) -> bytes:
    """What does not fit is left out, and the client told to ask by TCP."""
    try:
        return response.to_wire(max_size=room)
    except dns.exception.TooBig:
        response.answer, response.authority = [], []
        response.flags |= dns.flags.TC
        return response.to_wire(max_size=max(room, PLAIN_UDP))
