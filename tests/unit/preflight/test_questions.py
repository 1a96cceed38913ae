"""What is asked: only about what the plan makes, each thing once."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from fnmatch import fnmatchcase

import pytest

from reconciler.model.observed import Unknown
from reconciler.model.preflight import Verdict
from reconciler.model.stacks import StackKind
from reconciler.model.survey import Topic
from reconciler.preflight import judged, questions, unchecked
from tests.fakes.surveys import TEMPLATES, answers, empty, looked, plan, standing, state, without
from tests.fakes.topologies import orders


def test_a_first_plan_asks_about_everything_once():
    topology = orders()
    asked = questions(topology, empty(topology), plan())
    assert len(asked) == len(set(asked)) == 45
    of_topic = Counter(q.topic for q in asked)
    assert {topic for topic in Topic if topic not in of_topic} == {Topic.CERTIFICATE}
    assert of_topic[Topic.NETWORKS] == of_topic[Topic.DATABASES] == of_topic[Topic.ENGINE] == 3


def test_nothing_is_asked_where_everything_is_there():
    topology = orders()
    assert questions(topology, standing(topology), plan("api/memoryMb", "traffic")) == ()
    assert looked(topology, standing(topology)).checks == ()


def test_a_new_region_is_asked_about_alone():
    topology = orders()
    seen = without(standing(topology), "eu-west-1")
    asked = questions(topology, seen, plan())
    assert {q.region for q in asked if q.topic is not Topic.DNS} == {"eu-west-1", "us-east-1"}
    here = {q.topic for q in asked if q.region == "us-east-1"}
    assert here == {Topic.REGIONS, Topic.HEALTH_CHECKS, Topic.RECORDS, Topic.ZONE_SERVERS, Topic.DNS}
    assert Topic.DISTRIBUTIONS not in {q.topic for q in asked}


def test_a_stack_that_never_came_to_life_is_asked_about_again_but_for_its_names():
    topology = orders()
    seen = standing(topology)
    (dead,) = [s for ref, s in seen.stacks.items() if ref.kind is StackKind.DATA and ref.region == "eu-west-1"]
    seen = state(seen, StackKind.DATA, "eu-west-1", replace(dead, status="ROLLBACK_COMPLETE"))
    assert {q.topic for q in questions(topology, seen, plan())} == {
        Topic.REGIONS,
        Topic.ENGINE,
        Topic.QUOTA,
        Topic.NETWORKS,
        Topic.DATABASES,
    }


def test_a_region_that_cannot_be_read_is_asked_whether_it_is_enabled():
    topology = orders()
    seen = standing(topology)
    for kind in (StackKind.FOUNDATION, StackKind.DATA, StackKind.API):
        seen = state(seen, kind, "eu-west-1", Unknown("InvalidClientTokenId", "invalid token"))
    assert [q.topic for q in questions(topology, seen, plan())] == [Topic.REGIONS]


@pytest.mark.parametrize(
    ("path", "topics"),
    [
        ("database/version", {Topic.ENGINE}),
        ("edge/certificateArn", {Topic.CERTIFICATE}),
        ("api/memoryMb", set()),
    ],
)
def test_a_change_is_asked_about_where_aws_may_not_have_it(path, topics):
    base = orders()
    arn = "arn:aws:acm:us-east-1:111111111111:certificate/1"
    topology = replace(base, edge=replace(base.edge, certificate_arn=arn))
    assert {q.topic for q in questions(topology, standing(topology), plan(path))} == topics


def test_a_good_account_passes_and_the_worst_comes_first():
    topology = orders()
    seen = empty(topology)
    assert {c.verdict for c in looked(topology, seen).checks} == {Verdict.PASSED}
    mixed = looked(
        topology,
        seen,
        (lambda q: q.topic is Topic.NETWORKS and q.region == "eu-west-1", 5),
        (lambda q: q.topic is Topic.CONCURRENCY, 10),
        (lambda q: q.topic is Topic.ROLE, Unknown("AccessDenied", "no")),
    )
    order = [c.verdict for c in mixed.checks]
    assert order == sorted(order, key=[Verdict.FAILED, Verdict.WARNED, Verdict.UNKNOWN, Verdict.PASSED].index)
    assert len(mixed.failed) == 1


def test_every_way_out_of_a_failure_is_said():
    """Whatever is answered: `Unknown` everywhere is never a pass and never a failure."""
    topology = orders()
    dark = looked(topology, empty(topology), (lambda _: True, Unknown("AccessDenied", "no")))
    asked = [c for c in dark.checks if c.code != "RecordInTheWay"]  # read with the zone's records, not asked
    assert {c.verdict for c in asked} == {Verdict.UNKNOWN}
    assert all(c.way_out for c in asked)


def test_whoever_looks_has_every_right_that_a_check_names():
    topology = orders()
    dark = looked(topology, empty(topology), (lambda _: True, Unknown("AccessDenied", "no")))
    named = {right for c in dark.checks for right in re.findall(r"\b[a-z0-9]+:[A-Z]\w+", c.way_out)}
    assert len(named) > 10
    template = (TEMPLATES / "control.json").read_text()
    statements = [
        s
        for body in json.loads(template)["Resources"].values()
        if body["Type"] == "AWS::IAM::ManagedPolicy"
        for s in body["Properties"]["PolicyDocument"]["Statement"]
    ]
    granted = [a for s in statements for a in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])]
    assert [right for right in named if not any(fnmatchcase(right, pattern) for pattern in granted)] == []


def test_without_questions_there_are_costs_and_losses_alone():
    topology = orders()
    told = unchecked(topology, empty(topology))
    assert told.checks == ()
    assert told.cost
    assert told.objectives


def test_answers_that_are_missing_are_not_known():
    topology = orders()
    told = judged(topology, empty(topology), plan(), {})
    assert not told.failed
    assert answers(topology, empty(topology))
