"""With signatures and policies enforced: who is let in by a Region's API.

What is replayed here is what the router signs, by its own code and with a session of its own role; CloudFront's part, to send it
on, is left out. The Region's side is the embedded AWS: it verifies as API Gateway does, by the wall clock.
"""

from __future__ import annotations

import copy
import hashlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from local_aws.dns import addresses
from local_aws.edge import events
from local_aws.edge.events import OriginRequest
from tests.embedded.conftest import running
from tests.embedded.converged import Converged, converged
from tests.embedded.edge_client import LONDON, Answer, Client
from tests.embedded.iam_world import ACCOUNT, Caller, World, allow, session, trusting
from tests.handlers.conftest import router

__all__ = ["router"]
IRELAND, JAPAN = "eu-west-1.origin.api.example.com", "ap-northeast-1.origin.api.example.com"
IN_IRELAND, IN_JAPAN = addresses.of_region("eu-west-1")[0], addresses.of_region("ap-northeast-1")[0]


@pytest.fixture(scope="module")
def enforcing() -> Iterator[Converged]:
    with running("--iam") as aws, converged(aws) as world:
        yield world


def test_only_the_edge_is_let_in_by_a_region(enforcing):
    """Its own name is no way around the edge: but for the health path, which every checker asks."""
    inside = Client(enforcing.aws, LONDON, host=IRELAND, address=IN_IRELAND)
    assert Client(enforcing.aws, LONDON).asks().status == 200
    assert inside.asks("GET", "/health").status == 200
    assert inside.asks().status == 403
    forged = {
        "X_Amz_Date": "20260101T000000Z",
        "Authorization": "AWS4-HMAC-SHA256 Credential=A/20260101/eu-west-1/execute-api/aws4_request",
    }
    assert inside.asks("GET", "/", **forged).status == 403
    assert Client(enforcing.aws, LONDON).asks("GET", "/", **forged).status == 200, "the edge signs anew"


# ---- a request that was changed after the edge had signed it --------------------------------------------------------------


@pytest.fixture(scope="module")
def edge(enforcing: Converged) -> Caller:
    """A session of the edge's role, which lets nobody but Lambda have one: its trust is widened for this."""
    world = World(enforcing.aws)
    role = enforcing.aws.client("iam").get_role(RoleName=f"meridian-{enforcing.topology.name}-edge")["Role"]
    trust = trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    enforcing.aws.client("iam").update_assume_role_policy(RoleName=role["RoleName"], PolicyDocument=trust)
    user = world.user("thief", allow("sts:AssumeRole", resource=role["Arn"]))
    world.propagated()
    return session(user, role["Arn"])


@dataclass(frozen=True)
class Signed:
    """A request as the router leaves it, and where it is sent."""

    method: str
    path: str
    query: str
    body: bytes
    headers: dict[str, str]
    address: str = IN_IRELAND

    def sent(self, world: Converged) -> Answer:
        target = self.path + (f"?{self.query}" if self.query else "")
        headers = {name.replace("-", "_"): value for name, value in self.headers.items() if name != "host"}
        return Client(world.aws, LONDON, host=self.headers["host"], address=self.address).asks(
            self.method, target, self.body or None, **headers
        )

    def with_header(self, name: str, value: str) -> Signed:
        return replace(self, headers={**self.headers, name: value})


@pytest.fixture
def sign(router, edge, monkeypatch):
    """What the router makes of a request of a client's: for Ireland, unless DNS says otherwise."""
    for name, value in edge.environment.items():
        monkeypatch.setenv(name, value)

    def signed(method="GET", path="/", query="", body=b"", *, host=IRELAND, now=None) -> Signed:
        monkeypatch.setattr(router, "resolve", lambda *_: router.Answer(host, 10))
        if now is not None:
            monkeypatch.setattr(router.time, "time", lambda: now)
        came = OriginRequest(
            method=method, uri=path, query=query, headers={"host": "origin.api.example.com", "x-own": "1"}, body=body,
            client="203.0.113.7", host="origin.api.example.com",
        )  # fmt: skip
        event = events.event(came, distribution="E1", domain="d1.cloudfront.net", number="n", with_body=True)
        left = events.applied(came, router.handler(copy.deepcopy(event), None))
        assert left.host == host
        return Signed(left.method, left.uri, left.query, left.body, left.headers)

    return signed


MISMATCH = b"The request signature we calculated does not match the signature you provided"
QUERY, BODY = "b=2&a=x+y&c=%C3%A9&flag", b'{"item": "\xc3\xa9"}'
"""Of the request that arrives: always GET /, so that without its signature it would be served."""


def arriving(signed: Signed) -> Signed:
    return replace(signed, method="GET", path="/", query="b=2&a=x%20y&c=%C3%A9&flag=", body=BODY)


def test_as_it_was_signed_it_is_let_in(sign, enforcing):
    """Also again and again: a signature is no one-time password."""
    request = sign("GET", "/", QUERY, BODY)
    assert arriving(request) == request
    for _ in range(3):
        answer = request.sent(enforcing)
        assert (answer.status, answer.region) == (200, "eu-west-1")


OTHERWISE: dict[str, dict[str, Any]] = {
    "method": {"method": "POST"},
    "path": {"path": "/orders"},
    "path, encoded": {"path": "/%2F"},
    "value in the query": {"query": QUERY.replace("x+y", "x+z")},
    "name in the query": {"query": QUERY.replace("b=", "B=")},
    "parameter more": {"query": f"{QUERY}&d"},
    "parameter less": {"query": QUERY.removesuffix("&flag")},
    "no query": {"query": ""},
    "body": {"body": b'{"item": "e"}'},
    "no body": {"body": b""},
    "bytes": {"body": bytes(range(256))},
}


@pytest.mark.parametrize("what", OTHERWISE)
def test_changed_after_it_was_signed_it_is_refused(what, sign, enforcing):
    signed = sign(**{"method": "GET", "path": "/", "query": QUERY, "body": BODY, **OTHERWISE[what]})
    answer = arriving(signed).sent(enforcing)
    assert answer.status == 403
    assert MISMATCH in answer.body


def header(name, change):
    return lambda r: r.with_header(name, change(r.headers[name]))


CHANGED = {
    "the signature": (header("authorization", lambda v: v[:-1] + ("0" if v[-1] != "0" else "1")), MISMATCH),
    "the date": (header("x-amz-date", lambda v: v[:-3] + ("1" if v[-3] != "1" else "2") + v[-2:]), MISMATCH),
    "the day": (header("authorization", lambda v: re.sub(r"/\d{8}/", "/20200101/", v)), b"Date in Credential scope"),
    "the token": (header("x-amz-security-token", lambda v: f"{v[:-4]}AAAA"), b"security token"),
    "the key": (header("authorization", lambda v: v.replace("Credential=", "Credential=A")), b"security token"),
    "the service": (header("authorization", lambda v: v.replace("/execute-api/", "/s3/")), b"correct service"),
    "what is signed": (header("authorization", lambda v: v.replace("x-amz-date;", "x-own;x-amz-date;")), MISMATCH),
    "the host": (lambda r: replace(r.with_header("host", JAPAN), address=IN_JAPAN), b"valid region"),
    "a hash is claimed": (
        lambda r: replace(r, body=b"").with_header("x-amz-content-sha256", hashlib.sha256(BODY).hexdigest()), MISMATCH,
    ),
    "none is claimed": (lambda r: replace(r, body=b"").with_header("x-amz-content-sha256", "UNSIGNED-PAYLOAD"), MISMATCH),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGED)
def test_with_another_header_it_is_refused(what, sign, enforcing):
    change, words = CHANGED[what]
    request = sign("GET", "/", QUERY, BODY)
    answer = change(request).sent(enforcing)
    assert answer.status == 403
    assert words in answer.body


def test_what_is_not_signed_may_change_on_the_way(sign, enforcing):
    """CloudFront and proxies add and rewrite headers: they are not covered."""
    request = sign(query="b=2&a=1")
    answer = replace(request.with_header("user-agent", "x").with_header("x-own", "2"), query="a=1&b=2").sent(enforcing)
    assert answer.status == 200


def test_signed_for_another_region_it_is_refused(router, edge, sign, enforcing):
    """For the other Region's name by DNS; and with the right name, but the other's scope."""
    japan = sign(host=JAPAN)
    assert replace(japan, address=IN_IRELAND).sent(enforcing).status == 403
    assert replace(japan, address=IN_JAPAN).sent(enforcing).region == "ap-northeast-1"
    request = {"method": "GET", "uri": "/", "querystring": "", "origin": {"custom": {}}}
    own = router.sign(request, IRELAND, edge.environment, time.time(), region="eu-west-1")
    other = router.sign(request, IRELAND, edge.environment, time.time(), region="ap-northeast-1")
    for headers, expected in ((own, 200), (other, 403)):
        plain = {name: value[0]["value"] for name, value in headers.items()}
        answer = Signed("GET", "/", "", b"", {"host": IRELAND, **plain}).sent(enforcing)
        assert answer.status == expected
    assert b"Credential should be scoped to a valid region" in answer.body


@pytest.mark.parametrize(
    ("seconds", "word"), [(-240, None), (-330, b"Signature expired"), (240, None), (330, b"Signature not yet current")]
)
def test_a_replay_of_more_than_five_minutes_ago_is_refused(seconds, word, sign, enforcing):
    """By the wall clock, however fast the virtual one runs. [V: see `local_aws.iam.invoking`]"""
    answer = sign(now=time.time() + seconds).sent(enforcing)
    assert answer.status == (403 if word else 200)
    assert word is None or word in answer.body
