"""The edge router's parts: clean, choose, rewrite; and that it never stands in the way."""

from __future__ import annotations

import copy
import json

import pytest

IRELAND, TOKYO = "eu-west-1.origin.api.example.com", "ap-northeast-1.origin.api.example.com"


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


def at(router, monkeypatch, now, wall=1_800_000_000.0):
    monkeypatch.setattr(router.time, "monotonic", lambda: now)
    monkeypatch.setattr(router.time, "time", lambda: wall)


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
    del request_["headers"]["authorization"]
    assert "x-client-authorization" not in router.clean(request_)["headers"]


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
    now = router.Moment(100.0, 1e9)
    memory = router.choose(router.Memory(), router.Answer(IRELAND, ttl), now, jitter=1.0)
    assert memory == (IRELAND, now, kept, kept + 60)


def test_unknown_region_passes_through_without_what_a_client_could_forge(router, request_, monkeypatch):
    answering(router, monkeypatch, None)
    sent = router.handler(event(request_), None)
    assert value(sent, "x-meridian-route") == "none;src=passthrough"
    del sent["headers"]["x-meridian-route"]
    assert sent == router.clean(request_)


@pytest.mark.parametrize(
    ("monotonic", "wall", "still"),
    [
        (101.0, 1_001.0, True),
        (101.0, 1_071.0, False),
        (171.0, 1_001.0, False),
        (101.0, -1e9, True),
        (-1e9, 1_001.0, True),
        (-1e9, 1_071.0, False),
        (-1e9, -1e9, False),
    ],
    ids=["a second", "frozen", "a minute", "wall back", "monotonic back", "monotonic back, a minute", "both back"],
)
def test_no_clock_alone_keeps_an_answer_alive(monotonic, wall, still, router, request_, monkeypatch):
    """The sandbox of a function may be frozen for hours between two requests, with a monotonic clock that does not tell."""
    answering(router, monkeypatch, router.Answer(IRELAND, 10), None)
    at(router, monkeypatch, 100.0, 1_000.0)
    router.handler(event(request_), None)
    at(router, monkeypatch, monotonic, wall)
    host = router.handler(event(request_), None)["origin"]["custom"]["domainName"]
    assert host == (IRELAND if still else "origin.api.example.com")


@pytest.mark.parametrize(
    "origin",
    [
        {"s3": {"domainName": "files.s3.us-east-1.amazonaws.com", "path": "", "region": "us-east-1"}},
        {"custom": {"domainName": "files.example.com", "path": ""}},
    ],
    ids=["S3", "another name"],
)
def test_request_for_another_origin_is_left_there(origin, router, request_, monkeypatch, capsys):
    asked = answering(router, monkeypatch, router.Answer(IRELAND, 10))
    sent = router.handler(event({**request_, "origin": origin}), None)
    assert (sent["origin"], value(sent, "host"), asked) == (origin, "origin.api.example.com", [])
    assert "authorization" not in sent["headers"]
    assert capsys.readouterr().out == ""


def test_body_that_was_cut_is_refused(router, request_):
    request_["body"]["inputTruncated"] = True
    assert router.handler(event(request_), None)["status"] == "413"


@pytest.mark.parametrize("broken", ["credentials", "querystring", "origin", "body", "clock"])
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
    assert value(sent, "x-meridian-route") == "none;src=passthrough"
    assert json.loads(capsys.readouterr().out)["level"] == "error"


def test_log_is_short_and_says_nothing_of_the_request(router, request_, monkeypatch, capsys):
    """One line for each request that failed, whatever the error has to say."""
    monkeypatch.setattr(router, "resolve", lambda *_: {}["x" * 5000 + "\n"])
    router.handler(event(request_), None)
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert len(line) < 300
    secrets = ("tok/en==", "secret", "Bearer", "eyJhIjoxfQ==", "x%20y", "orders")
    for field in ("method", "uri", "querystring", "body", "origin"):
        for damage in (None, 7, [], "\ud800", {"data": "é", "encoding": "base64"}, {"custom": 3}):
            answering(router, monkeypatch, router.Answer(IRELAND, 10))
            router.handler(event({**request_, field: damage}), None)
    told = capsys.readouterr().out
    assert told
    assert not [secret for secret in secrets if secret in told]


def test_request_that_is_served_leaves_no_line(router, request_, monkeypatch, capsys):
    answering(router, monkeypatch, router.Answer(IRELAND, 10))
    router.handler(event(request_), None)
    assert capsys.readouterr() == ("", "")


STRANGE = [{}, {"Records": []}, {"Records": [{"cf": None}]}, None, 3, "x", {"Records": 1}, {"Records": {0: 1}}]


@pytest.mark.parametrize("strange", [*STRANGE, *(event({"headers": headers}) for headers in (None, 3, [], {1: []}))])
def test_event_of_another_kind_gets_an_answer(strange, router):
    assert router.handler(strange, None)["status"] == "502"


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
    assert router.rewrite({**request_, "querystring": sent}, IRELAND)["querystring"] == forwarded


def test_query_that_would_grow_too_long_keeps_its_spelling(router, request_):
    long = "q=" + "+" * 5000
    assert router.rewrite({**request_, "querystring": long}, IRELAND)["querystring"] == long
