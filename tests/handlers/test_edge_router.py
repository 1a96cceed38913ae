"""The edge router's parts: clean, choose, rewrite, sign; and that it never stands in the way."""

from __future__ import annotations

import copy
import json
import time
from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

IRELAND, TOKYO = "eu-west-1.origin.api.example.com", "ap-northeast-1.origin.api.example.com"
PATHS = st.text(st.sampled_from("ab/.~-_%2F +:@é"), max_size=20).map(lambda text: "/" + text)
QUERIES = st.text(st.sampled_from("ab=&+%20%C3~/:é-"), max_size=30)


def event(request):
    return {"Records": [{"cf": {"config": {"eventType": "origin-request"}, "request": request}}]}


def answering(router, monkeypatch, *answers):
    """Lets DNS give these answers, one per question, the last one for ever; gives the list of questions."""
    asked, left = [], list(answers)

    def resolve(name, _transport):
        asked.append(name)
        return left.pop(0) if len(left) > 1 else left[0]

    monkeypatch.setattr(router, "resolve", resolve)
    return asked


def at(router, monkeypatch, now):
    monkeypatch.setattr(router.time, "monotonic", lambda: now)


def value(request, name):
    (header,) = request["headers"][name]
    return header["value"]


def test_request_goes_to_the_region_that_dns_names(router, request_, monkeypatch):
    asked = answering(router, monkeypatch, router.Answer(IRELAND, 10))
    sent = router.handler(event(copy.deepcopy(request_)), None)
    assert asked == ["route.api.example.com"]
    assert sent["origin"]["custom"] == {**request_["origin"]["custom"], "domainName": IRELAND}
    assert value(sent, "host") == IRELAND
    assert value(sent, "x-meridian-route") == "eu-west-1;src=dns"
    assert "/eu-west-1/execute-api/aws4_request" in value(sent, "authorization")
    assert (sent["method"], sent["uri"], sent["body"]) == (request_["method"], request_["uri"], request_["body"])


def test_client_cannot_forge_what_the_edge_says(router, request_):
    cleaned = router.clean(request_)
    assert set(cleaned["headers"]) == {"host", "via", "content-length", "x-amz-cf-id", "x-client-authorization"}
    assert value(cleaned, "x-client-authorization") == "Bearer client"


def test_headers_that_cloudfront_forbids_to_edit_are_left_alone(router, request_, monkeypatch):
    answering(router, monkeypatch, router.Answer(IRELAND, 10))
    sent = router.handler(event(copy.deepcopy(request_)), None)
    for name in ("via", "content-length", "x-amz-cf-id"):
        assert sent["headers"][name] == request_["headers"][name]
    for name, values in sent["headers"].items():
        assert all(item["key"].lower() == name for item in values)
        assert not name.startswith(("x-edge-", "proxy-")), "CloudFront answers 502 to these"


def test_answer_is_kept_for_its_ttl_and_not_longer(router, request_, monkeypatch):
    asked = answering(router, monkeypatch, router.Answer(IRELAND, 10), router.Answer(TOKYO, 10))
    monkeypatch.setattr(router.random, "uniform", lambda _low, high: high)
    seen = []
    for now in (100.0, 109.9, 110.0):
        at(router, monkeypatch, now)
        seen.append(value(router.handler(event(request_), None), "x-meridian-route"))
    assert seen == ["eu-west-1;src=dns", "eu-west-1;src=cache", "ap-northeast-1;src=dns"]
    assert len(asked) == 2


def test_stale_answer_serves_for_a_minute_then_requests_pass_through(router, request_, monkeypatch):
    asked = answering(router, monkeypatch, router.Answer(IRELAND, 5), None)
    monkeypatch.setattr(router.random, "uniform", lambda _low, high: high)
    hosts = {}
    for now in (100.0, 106.0, 107.0, 164.9, 165.0):
        at(router, monkeypatch, now)
        hosts[now] = router.handler(event(request_), None)["origin"]["custom"]["domainName"]
    assert hosts == {100.0: IRELAND, 106.0: IRELAND, 107.0: IRELAND, 164.9: IRELAND, 165.0: "origin.api.example.com"}
    assert len(asked) == 3, "a failed question is not asked again at once"


@pytest.mark.parametrize(("ttl", "kept"), [(0, 5), (10, 10), (86400, 60)])
def test_ttl_has_bounds(router, ttl, kept):
    memory = router.choose(router.Memory(), router.Answer(IRELAND, ttl), 100.0, jitter=1.0)
    assert memory == (IRELAND, 100.0 + kept, 100.0 + kept + 60)


def test_unknown_region_passes_through_without_what_a_client_could_forge(router, request_, monkeypatch):
    answering(router, monkeypatch, None)
    assert router.handler(event(request_), None) == router.clean(request_)


def test_body_that_was_cut_is_refused(router, request_):
    request_["body"]["inputTruncated"] = True
    assert router.handler(event(request_), None)["status"] == "413"


@pytest.mark.parametrize("broken", ["credentials", "headers", "origin", "body", "clock"])
def test_whatever_breaks_the_request_goes_on(broken, router, request_, monkeypatch, capsys):
    answering(router, monkeypatch, router.Answer(IRELAND, 10))
    if broken == "credentials":
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    elif broken == "body":
        request_["body"]["data"] = "é"
    elif broken == "clock":
        monkeypatch.setattr(router.time, "gmtime", lambda _: 1 / 0)
    else:
        request_[broken] = None
    sent = router.handler(event(request_), None)
    assert (sent["uri"], sent["origin"]) == (request_["uri"], request_["origin"])
    assert json.loads(capsys.readouterr().out)["level"] == "error"


@pytest.mark.parametrize("strange", [{}, {"Records": []}, {"Records": [{"cf": None}]}, None])
def test_event_of_another_kind_gets_an_answer(strange, router):
    assert router.handler(strange, None)["status"] == "502"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=PATHS,
    query=QUERIES,
    method=st.sampled_from(["GET", "POST", "DELETE"]),
    data=st.binary(max_size=40),
    host=st.sampled_from([IRELAND, TOKYO]),
    now=st.integers(0, 4_000_000_000),
)
def test_signature_is_the_one_that_botocore_makes(router, request_, path, query, method, data, host, now):
    request = {
        **request_,
        "uri": path,
        "querystring": query,
        "method": method,
        "body": {"data": data.decode("latin-1")},
    }
    routed = router.rewrite(request, host, "dns")
    keys = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}
    ours = {name: values[0]["value"] for name, values in router.sign(routed, host, keys, now).items()}
    assert ours["authorization"] == botocore_signature(routed, host, router.body(routed), now)
    assert ours["x-amz-date"] == time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))


def botocore_signature(request, host, body, now):
    url = f"https://{host}{request['uri']}" + (f"?{request['querystring']}" if request["querystring"] else "")
    theirs = AWSRequest(request["method"], url, data=body, headers={"X-Amz-Security-Token": "token"})
    theirs.context["timestamp"] = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    theirs.headers["X-Amz-Date"] = theirs.context["timestamp"]
    auth = SigV4Auth(Credentials("AKID", "secret", "token"), "execute-api", host.partition(".")[0])
    auth.payload = lambda _: __import__("hashlib").sha256(body).hexdigest()
    text = auth.string_to_sign(theirs, auth.canonical_request(theirs))
    scope = auth.scope(theirs)
    signed = "host;x-amz-date;x-amz-security-token"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={signed}, Signature={auth.signature(text, theirs)}"


@pytest.mark.parametrize(
    ("sent", "forwarded"),
    [
        ("", ""),
        ("a=1&b=2", "a=1&b=2"),
        ("flag", "flag="),
        ("q=x+y", "q=x%20y"),
        ("q=x%2By", "q=x%2By"),
        ("q=a:b/c@d", "q=a%3Ab%2Fc%40d"),
        ("q=%c3%a9", "q=%C3%A9"),
        ("q=%ff", "q=%FF"),
        ("a=b=c&&", "a=b%3Dc"),
    ],
)
def test_query_is_forwarded_in_one_spelling(sent, forwarded, router, request_):
    assert router.rewrite({**request_, "querystring": sent}, IRELAND, "dns")["querystring"] == forwarded


def test_query_that_would_grow_too_long_keeps_its_spelling(router, request_):
    long = "q=" + "+" * 5000
    assert router.rewrite({**request_, "querystring": long}, IRELAND, "dns")["querystring"] == long
