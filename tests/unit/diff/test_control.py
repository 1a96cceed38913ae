"""What the control plane's stacks are given: what was asked for, what they have, what there is to use."""

from __future__ import annotations

import pytest

from reconciler.diff.control import Wishes, github_provider, of_home, of_remote, usable_trail
from reconciler.model.control import home_parameters

TRAIL = "arn:aws:cloudtrail:us-east-1:111111111111:trail/all"
PROVIDER = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"


def home(wishes=None, applied=None, *, region="us-east-1", trail=None, provider=None):
    return of_home(region, wishes or Wishes(), applied or {}, trail=trail, provider=provider)


def test_without_a_wish_nothing_is_made_but_the_trail_that_is_missing():
    assert home() == {**home_parameters(), "MakeTrail": "yes"}
    assert home(trail=TRAIL)["MakeTrail"] == "no"


def test_the_trail_is_made_in_us_east_1_wherever_home_is():
    assert home(region="eu-west-1")["MakeTrail"] == "no"
    assert of_remote("us-east-1", "eu-west-1", {}, trail=None) == {"HomeRegion": "eu-west-1", "MakeTrail": "yes"}
    assert of_remote("eu-central-1", "eu-west-1", {}, trail=None)["MakeTrail"] == "no"


def test_a_trail_of_ours_is_not_taken_for_a_strangers():
    assert home(applied={"MakeTrail": "yes"}, trail=TRAIL)["MakeTrail"] == "yes"


def test_what_is_not_said_stays_as_it_was():
    before = home(Wishes(synth_image="image", github="a/b", alarm_email="x@example.com"))
    assert home(applied=before) == before
    assert home(Wishes(alarm_email=""), before)["AlarmEmail"] == ""
    assert home(Wishes(github="c/d"), before)["GithubRepository"] == "c/d"


def test_a_provider_that_is_there_is_used_unless_it_is_ours():
    asked = Wishes(github="a/b")
    assert home(asked, provider=PROVIDER)["GithubProvider"] == PROVIDER
    ours = home(asked)
    assert ours["GithubProvider"] == ""
    assert home(applied=ours, provider=PROVIDER)["GithubProvider"] == ""
    assert home(provider=PROVIDER)["GithubProvider"] == ""  # nobody asked to let GitHub in


def test_platform_is_what_the_code_was_put_together_for():
    before = home(Wishes(runtime="python3.11", architecture="x86_64"))
    assert (before["Runtime"], before["Architecture"]) == ("python3.11", "x86_64")
    assert home(applied=before)["Runtime"] == home_parameters()["Runtime"]


BASIC = {"ReadWriteType": "All", "IncludeManagementEvents": True}
ADVANCED = {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}


@pytest.mark.parametrize(
    ("selector", "logging", "usable"),
    [
        (BASIC, True, True),
        (BASIC, False, False),
        (BASIC | {"ReadWriteType": "WriteOnly"}, True, True),
        (BASIC | {"ReadWriteType": "ReadOnly"}, True, False),
        (BASIC | {"IncludeManagementEvents": False}, True, False),
        (ADVANCED, True, True),
        ({"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]}, True, False),
        (
            {"FieldSelectors": [*ADVANCED["FieldSelectors"], {"Field": "readOnly", "Equals": ["true"]}]},
            True,
            False,
        ),
    ],
)
def test_a_trail_is_of_use_if_it_records_writes_now(selector, logging, usable):
    trail = {"TrailARN": TRAIL, "IsLogging": logging, "IsMultiRegionTrail": True, "Selectors": [selector]}
    assert usable_trail([trail]) == (TRAIL if usable else None)


def test_a_trail_of_every_region_comes_first():
    one = {"TrailARN": "a", "IsLogging": True, "IsMultiRegionTrail": False, "Selectors": [BASIC]}
    every = {"TrailARN": "b", "IsLogging": True, "IsMultiRegionTrail": True, "Selectors": [BASIC]}
    assert usable_trail([one, every]) == "b"
    assert usable_trail([]) is None


def test_the_provider_is_githubs():
    assert github_provider(["arn:aws:iam::1:oidc-provider/oidc.example.com", PROVIDER]) == PROVIDER
    assert github_provider(["arn:aws:iam::1:oidc-provider/oidc.example.com"]) is None
