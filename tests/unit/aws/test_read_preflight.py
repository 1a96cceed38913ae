"""Answers to a preflight's questions where AWS does not answer as it should."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from reconciler.aws.read_preflight import AwsSurveyor
from reconciler.model.observed import Unknown
from reconciler.model.survey import Question, Topic


def raising(code):
    def call(**_):
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "call")

    return call


class Clients:
    """Each client answers what it is told, whatever it is asked."""

    def __init__(self, **answers):
        self.answers = answers

    def reader(self, _service, _region):
        return type("Client", (), {name: staticmethod(value) for name, value in self.answers.items()})


def answer(topic, name="", **answers):
    question = Question(topic=topic, region="eu-west-1", name=name)
    return AwsSurveyor(Clients(**answers)).answers([question])[question]


def quota(value):
    return lambda **_: {"Quota": {"Value": value}}


@pytest.mark.parametrize(
    ("applied", "default", "expected"),
    [
        (quota(7.0), raising("Never"), 7),
        (raising("NoSuchResourceException"), quota(5.0), 5),
        (raising("AccessDeniedException"), quota(5.0), "AccessDeniedException"),
        (raising("NoSuchResourceException"), raising("NoSuchResourceException"), "NoSuchResourceException"),
    ],
)
def test_a_quota_that_was_never_changed_has_its_default(applied, default, expected):
    found = answer(Topic.QUOTA, "vpc/L-1", get_service_quota=applied, get_aws_default_service_quota=default)
    assert (found.code if isinstance(found, Unknown) else found) == expected


@pytest.mark.parametrize("told", [{}, {"AccountLimit": {}}, {"AccountLimit": {"UnreservedConcurrentExecutions": "x"}}])
def test_an_answer_that_is_none_is_unknown(told):
    found = answer(Topic.CONCURRENCY, get_account_settings=lambda: told)
    assert isinstance(found, Unknown)
    assert found.code == "Garbled"


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([], None),
        ([{"EngineVersion": "16.8-limitless"}], None),
        ([{"EngineVersion": "16.8"}], {"EngineVersion": "16.8"}),
    ],
)
def test_the_very_version_is_offered_or_not(versions, expected):
    told = {"DBEngineVersions": versions}
    assert answer(Topic.ENGINE, "aurora-postgresql/16.8", describe_db_engine_versions=lambda **_: told) == expected


@pytest.mark.parametrize(
    ("code", "expected"), [("NoSuchEntity", None), ("AccessDenied", "AccessDenied"), ("Throttling", "Throttling")]
)
def test_a_role_is_there_or_free_or_not_known(code, expected):
    found = answer(Topic.ROLE, "meridian-orders-edge", get_role=raising(code))
    assert (found.code if isinstance(found, Unknown) else found) == expected
