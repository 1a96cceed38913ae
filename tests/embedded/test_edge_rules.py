"""What CloudFront lets a function at the edge answer: what it refuses, and that our router stays inside it whatever comes."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_aws.edge import events, rules
from local_aws.edge.events import OriginRequest
from tests.handlers.conftest import router

__all__ = ["router"]
SENT = OriginRequest(
    method="POST",
    uri="/orders",
    query="a=1",
    headers={
        "host": "origin.api.example.com",
        "via": "2.0 x",
        "accept-encoding": "br",
        "x-amz-cf-id": "abc",
        "x-own": "1",
    },
    body=b"{}",
    client="203.0.113.7",
    host="origin.api.example.com",
    custom_headers=(("X-Origin-Role", "primary"),),
)


def shown(request: OriginRequest = SENT) -> dict:
    given = events.event(request, distribution="E1", domain="d1.cloudfront.net", number="n", with_body=True)
    return given["Records"][0]["cf"]["request"]


def header(name: str, value: str) -> list[dict[str, str]]:
    return [{"key": name, "value": value}]


def test_a_function_sees_the_request_without_what_is_cloudfronts_own():
    request = shown()
    assert set(request["headers"]) == {"host", "via", "accept-encoding", "x-own"}
    assert request["body"] == {"action": "read-only", "data": "e30=", "encoding": "base64", "inputTruncated": False}
    assert request["origin"]["custom"]["customHeaders"]["x-origin-role"] == header("X-Origin-Role", "primary")


def test_of_a_long_body_it_sees_a_megabyte_and_the_origin_gets_it_all():
    long = events.replace(SENT, body=b"x" * (rules.BODY_BYTES + 1))
    request = shown(long)
    assert request["body"]["inputTruncated"]
    assert events.applied(long, request).body == long.body


def test_a_request_as_it_came_is_carried_out_as_it_came():
    assert not list(rules.problems(shown(), shown()))
    assert events.applied(SENT, shown()) == events.replace(SENT, custom_headers=(("x-origin-role", "primary"),))


def changed(**changes):
    return lambda request: {**request, **changes}


def with_header(name, value):
    return lambda request: {**request, "headers": {**request["headers"], name: value}}


def with_custom(**changes):
    def at(request):
        return {**request, "origin": {"custom": {**request["origin"]["custom"], **changes}}}

    return at


REFUSED = {
    "nothing": lambda _: None,
    "no headers": changed(headers=None),
    "a hidden header": with_header("x-edge-anything", header("X-Edge-Anything", "1")),
    "CloudFront's header": with_header("x-amz-cf-id", header("X-Amz-Cf-Id", "1")),
    "the protocol": with_header("x-forwarded-proto", header("X-Forwarded-Proto", "http")),
    "a read-only header changed": with_header("via", header("Via", "1.1 me")),
    "a read-only header added": with_header("content-length", header("Content-Length", "3")),
    "a read-only header removed": lambda r: {**r, "headers": {k: v for k, v in r["headers"].items() if k != "via"}},
    "a name in capitals": with_header("X-Own", header("X-Own", "1")),
    "a key of another name": with_header("x-own", header("X-Other", "1")),
    "a value that is no text": with_header("x-own", [{"key": "X-Own", "value": 1}]),
    "a value with a line break": with_header("x-own", header("X-Own", "a\r\nb: c")),
    "a uri without a slash": changed(uri="orders"),
    "a uri with a query": changed(uri="/orders?x"),
    "a uri with a space": changed(uri="/or ders"),
    "path and query too long": changed(querystring="x" * 8186),
    "another method": changed(method="GET"),
    "two origins": changed(origin={"custom": {}, "s3": {}}),
    "no origin": changed(origin={}),
    "half an origin": changed(origin={"custom": {"domainName": "a.example.com"}}),
    "an address as a host": with_custom(domainName="[::1]"),
    "no host": with_custom(domainName=""),
    "a privileged port": with_custom(port=22),
    "another protocol": with_custom(protocol="ftp"),
    "a path that ends with a slash": with_custom(path="/a/"),
    "a custom header twice": with_custom(customHeaders={"x-own": header("X-Own", "2")}),
    "a body that is no base64": changed(body={"action": "replace", "encoding": "base64", "data": "é"}),
    "a status that is none": lambda _: {"status": "99"},
    "a long answer": lambda _: {"status": "200", "body": "x" * (rules.BODY_BYTES + 1)},
    "a hidden header in an answer": lambda _: {"status": "200", "headers": {"x-cache": header("X-Cache", "Hit")}},
}


@pytest.mark.parametrize("what", REFUSED)
def test_cloudfront_refuses(what):
    assert list(rules.problems(shown(), REFUSED[what](copy.deepcopy(shown()))))


# ---- the router -----------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(
    [
        "Authorization",
        "X-Amz-Date",
        "X-Edge-Thing",
        "X-Client-Authorization",
        "X-Meridian-Route",
        "Host",
        "Via",
        "X-Own",
        "TE",
        "Cookie",
    ]
)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
LINES = st.text(st.sampled_from("abz/.~-_%2F+:@&=;"), max_size=40)
REQUESTS = st.builds(
    lambda method, uri, query, headers, body: OriginRequest(
        method=method,
        uri=f"/{uri}",
        query=query,
        headers={"host": SENT.host, **{name.lower(): value for name, value in headers.items()}},
        body=body,
        client=SENT.client,
        host=SENT.host,
    ),
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    LINES,
    LINES,
    st.dictionaries(NAMES, VALUES, max_size=6),
    st.binary(max_size=50),
)
ANSWERS = st.one_of(
    st.none(), st.just(("eu-west-1.origin.api.example.com", 10)), st.just(("sa-east-1.origin.api.example.com", 0))
)
CLOCK = st.floats(min_value=-1e9, max_value=1e12, allow_nan=False)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    request=REQUESTS,
    dns=ANSWERS,
    moments=st.lists(CLOCK, min_size=1, max_size=3),
    wall=st.one_of(CLOCK, st.just(float("nan"))),
)
def test_whatever_comes_the_routers_answer_is_one_that_cloudfront_carries_out(router, request, dns, moments, wall):
    """Whatever clients send, DNS says and the clocks do: the host is this deployment's, and what is not ours is as it was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(router, "resolve", lambda *_: router.Answer(*dns) if dns else None)
        patch.setattr(router.time, "time", lambda: wall)
        for now in moments:
            patch.setattr(router.time, "monotonic", lambda now=now: now)
            given = events.event(request, distribution="E1", domain="d1.cloudfront.net", number="n", with_body=True)
            answer = json.loads(json.dumps(router.handler(copy.deepcopy(given), None)))
            assert list(rules.problems(given["Records"][0]["cf"]["request"], answer)) == []
            host = answer["origin"]["custom"]["domainName"]
            assert host == SENT.host or router.HOSTS.fullmatch(host)
            assert events.applied(request, answer).body == request.body


@pytest.mark.parametrize("damage", [None, 3, "", [], {"custom": None}])
@pytest.mark.parametrize("field", ["method", "uri", "querystring", "headers", "origin", "body", "clientIp"])
def test_no_event_makes_the_router_throw(router, field, damage, capsys):
    event = events.event(SENT, distribution="E1", domain="d1.cloudfront.net", number="n", with_body=True)
    event["Records"][0]["cf"]["request"][field] = damage
    assert isinstance(router.handler(event, None), dict)
