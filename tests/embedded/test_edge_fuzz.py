"""The edge router under anything: packets for DNS answers, clocks that jump, requests of clients and events of nobody.

Whatever comes, `handler` gives an answer that CloudFront carries out (`local_aws.edge.rules`, which shares no code with the
router), leads nowhere but to this deployment's hosts, touches no header that is not its own, and goes on with an old answer
for no longer than it may. `make soak` tries more.
"""

from __future__ import annotations

import copy
import json
import os
import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from local_aws.edge import events, rules
from tests.embedded.test_edge_rules import CLOCK, REQUESTS, SENT, shown
from tests.handlers.conftest import router
from tests.handlers.test_edge_dns import IRELAND, NAME, OWNER, record, response, wire

__all__ = ["router"]
EXAMPLES = 10_000 if os.environ.get("MERIDIAN_SOAK") else 300
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
ALLOWED = re.compile(r"([a-z]{2}(-[a-z]+)+-[0-9]\.)?origin\.api\.example\.com")
"""Written anew, so that the router's own pattern is not its judge."""
OWN = {"host", "authorization", "x-client-authorization", "x-meridian-route", "x-amz-date", "x-amz-security-token"}
LONGEST = 60 + 60

# ---- what DNS says --------------------------------------------------------------------------------------------------------

HOSTILE = [
    "evil.example.com", f"{IRELAND}.evil.com", f"x.{IRELAND}", "169.254.169.254", "localhost", "", "origin.api.example.com",
    "EU-WEST-1.ORIGIN.API.EXAMPLE.COM", "eu-west-1.origin.api.example.com\n", "eu-west-1/.origin.api.example.com",
    "eu-west-11.origin.api.example.com", "sa-east-1.origin.api.example.com", IRELAND, IRELAND, IRELAND, IRELAND,
]  # fmt: skip
LABELS = st.one_of(st.binary(min_size=1, max_size=20), st.sampled_from([b"\xc3\xa9", b"xn--9ca", b"a.b", b"\0", b"*"]))
POINTERS = st.integers(0, 0x3FFF).map(lambda at: (0xC000 | at).to_bytes(2, "big"))
NAMES = st.one_of(
    st.sampled_from(HOSTILE).map(
        lambda name: b"".join(bytes([len(p)]) + p.encode() for p in name.split(".") if p) + b"\0"
    ),
    POINTERS,
    st.integers(8, 60).map(lambda at: (0xC000 | at).to_bytes(2, "big")),
    st.lists(LABELS, max_size=130).map(lambda parts: b"".join(bytes([len(p)]) + p for p in parts) + b"\0"),
    st.tuples(LABELS, POINTERS).map(lambda parts: bytes([len(parts[0])]) + b"".join(parts)),
    st.binary(max_size=40),
)
OWNERS = st.one_of(st.just(OWNER), st.just(OWNER), st.just(wire(NAME)), NAMES)
RECORDS = st.builds(
    lambda owner, target, kind, group, ttl: record(owner, target, kind=kind, group=group, ttl=ttl),
    OWNERS,
    NAMES,
    st.sampled_from([5, 5, 5, 1, 28, 41, 46]),
    st.sampled_from([1, 1, 1, 3, 255]),
    st.sampled_from([0, 1, 10, 300, 0x7FFFFFFF, 0xFFFFFFFF]),
)


@st.composite
def packets(draw) -> bytes:
    """What is sent back to a question with the number 0; `numbered` gives it the number of the question, or not."""
    question = b"\0\0\1\0\0\1\0\0\0\0\0\0" + wire(NAME) + b"\0\5\0\1"
    flags = draw(st.one_of(st.just(0x8180), st.integers(0, 0xFFFF)))
    packet = bytearray(response(question, *draw(st.lists(RECORDS, max_size=5)), flags=flags))
    for at in draw(st.lists(st.integers(2, len(packet) - 1), max_size=2)):
        packet[at] = draw(st.integers(0, 255))
    cut = draw(st.one_of(st.none(), st.integers(0, len(packet))))
    filled = draw(st.sampled_from([0, 0, 0, 4096, 65_507]))
    return bytes(packet[:cut]).ljust(filled, draw(st.sampled_from([b"\0", b"\xff", b"\xc0"])))


DNS = st.one_of(
    st.none(),
    st.just(response(b"\0\0\1\0\0\1\0\0\0\0\0\0" + wire(NAME) + b"\0\5\0\1", record(OWNER, wire(IRELAND)))),
    packets(),
    st.binary(max_size=600),
    st.just(OSError("network is unreachable")),
)


def answering(router, patch, said, *, is_ours: bool):
    """Lets the network give this packet, with the number of the question if it is said to be an answer to it."""
    asked = []

    def exchange(question: bytes) -> bytes | None:
        asked.append(question)
        if isinstance(said, OSError):
            raise said
        return said if said is None or not is_ours else question[:2] + said[2:]

    patch.setattr(router, "exchange", exchange)
    return asked


# ---- the proofs -----------------------------------------------------------------------------------------------------------

JUMPS = st.one_of(
    st.sampled_from([0.0, 0.1, 4.9, 61.0, 119.0, 121.0, 3600.0, -1.0, -3600.0, -1e9, 1e9]), st.floats(-200, 200)
)
STEPS = st.lists(st.tuples(DNS, st.booleans(), JUMPS, JUMPS), min_size=1, max_size=5)


def left_alone(given_headers, headers) -> None:
    """Every header that the router does not own is as it came, or was a client's to forge."""
    for name, values in given_headers.items():
        assert name in OWN or headers.get(name, values) == values, name
        is_forgery = re.match(r"x-amz-(?!cf-)|x-edge-|x-meridian-|x-client-authorization$|authorization$", name)
        assert name in headers or is_forgery, name
    assert set(headers) - set(given_headers) <= OWN


@FUZZ
@given(request=REQUESTS, steps=STEPS, start=CLOCK, wall=CLOCK)
def test_whatever_dns_and_the_clocks_do(router, request, steps, start, wall):
    """Model: the moments of the last packet that named a Region; by the clock that went further, its time is limited."""
    router._memory, known = router.Memory(), None
    monotonic = start
    event = events.event(request, distribution="E1", domain="d1.cloudfront.net", number="n", with_body=True)
    given_request = event["Records"][0]["cf"]["request"]
    for said, is_ours, further, later in steps:
        monotonic, wall = monotonic + further, wall + later
        with pytest.MonkeyPatch.context() as patch:
            asked = answering(router, patch, said, is_ours=is_ours)
            patch.setattr(router.time, "monotonic", lambda at=monotonic: at)
            patch.setattr(router.time, "time", lambda at=wall: at)
            answer = json.loads(json.dumps(router.handler(copy.deepcopy(event), None)))
        assert list(rules.problems(given_request, answer)) == []
        host, route = answer["origin"]["custom"]["domainName"], answer["headers"]["x-meridian-route"][0]["value"]
        assert ALLOWED.fullmatch(host)
        assert answer["headers"]["host"][0]["value"] == host or route == "none;src=passthrough"
        left_alone(given_request["headers"], answer["headers"])
        assert len(asked) <= 1
        if route.endswith("src=dns"):
            known = (monotonic, wall)
        elif host != SENT.host:
            assert 0 <= max(monotonic - known[0], wall - known[1]) < LONGEST
            assert re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d;src=(cache|stale)", route)


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)
STRANGE = st.one_of(
    ANYTHING,
    st.sampled_from(
        ["", "\ud800", "\0\r\n", "é" * 300, "x" * 9000, "/" * 9000, "=" * 4000, [{}], [{"key": "A"}], {"s3": {}}]
    ),
)


def places(value, path=()):
    """The way to every place in an event, its own included."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*path, key))


def damaged(event, path, strange):
    if not path:
        return strange
    broken = copy.deepcopy(event)
    inside = broken
    for key in path[:-1]:
        inside = inside[key]
    if strange == "missing":
        del inside[path[-1]]
    else:
        inside[path[-1]] = strange
    return broken


WHOLE = {"Records": [{"cf": {"config": {"eventType": "origin-request"}, "request": shown()}}]}
WHOLE["Records"][0]["cf"]["request"]["headers"] |= {
    "authorization": [{"key": "Authorization", "value": "Bearer t"}],
    "x-amz-date": [{"key": "X-Amz-Date", "value": "forged"}],
}


@FUZZ
@given(path=st.sampled_from(list(places(WHOLE))), strange=st.one_of(STRANGE, st.just("missing")), now=CLOCK)
@example(("Records", 0, "cf", "request", "headers", "authorization"), [{"key": "Authorization"}], 0.0)
@example(("Records", 0, "cf", "request", "uri"), "/a\r\nb", 0.0)
def test_no_event_makes_it_throw_or_lead_elsewhere(router, path, strange, now):
    """Any part of an event, replaced by anything or missing. Where it cannot be CloudFront's, CloudFront's rules do not count."""
    event = damaged(WHOLE, path, strange) if path or strange != "missing" else {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(router, "resolve", lambda *_: router.Answer(IRELAND, 10))
        patch.setattr(router.time, "time", lambda: now)
        answer = router.handler(copy.deepcopy(event), None)
    assert isinstance(answer, dict)
    json.dumps(answer)
    if "uri" not in answer or "status" in answer:
        return
    given_request = event["Records"][0]["cf"]["request"]
    origin, before = answer.get("origin"), given_request.get("origin")
    assert origin == before or ALLOWED.fullmatch(origin["custom"]["domainName"])
    assert answer["uri"] == given_request["uri"]
    assert answer.get("body") == given_request.get("body")
    assert answer["headers"].get("x-amz-date", [{}])[0].get("value") != "forged"
    assert "Bearer t" not in json.dumps(answer["headers"].get("authorization"))
    left_alone(given_request["headers"], answer["headers"])


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE", "POST", "PUT", "PATCH"])
def test_every_method_is_signed_and_passes(method, router, monkeypatch):
    """Without a body, too: an OPTIONS that was not signed would be refused where a browser's preflight needs an answer."""
    monkeypatch.setattr(router, "resolve", lambda *_: router.Answer(IRELAND, 10))
    event = copy.deepcopy(WHOLE)
    request = event["Records"][0]["cf"]["request"]
    request.update(
        method=method, body={"action": "read-only", "data": "", "encoding": "base64", "inputTruncated": False}
    )
    answer = router.handler(copy.deepcopy(event), None)
    assert list(rules.problems(request, answer)) == []
    assert answer["headers"]["authorization"][0]["value"].startswith("AWS4-HMAC-SHA256 ")
