"""Who is asked for the account, and which Regions are looked at besides those of the document."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from reconciler.aws.clients import Clients
from reconciler.aws.parallel import Reads
from reconciler.aws.read_global import read_health
from reconciler.aws.read_stacks import Resources, start_resources
from reconciler.aws.reading import account, left_over
from reconciler.model.errors import CloudUnavailable, CredentialsMissing
from reconciler.model.observed import Unknown
from tests.fakes.topologies import orders

DOWN = EndpointConnectionError(endpoint_url="https://sts")


@dataclass
class Sts:
    """Clients whose calls fail in some Regions."""

    failing: dict[str, Exception]
    asked: list[str] = field(default_factory=list)

    def reader(self, _service: str, region: str) -> Any:
        self.asked.append(region)
        return self

    def get_caller_identity(self) -> dict[str, str]:
        if error := self.failing.get(self.asked[-1]):
            raise error
        return {"Account": "111111111111"}


def test_a_home_region_that_is_down_does_not_hide_the_account() -> None:
    sts = Sts({"us-east-1": DOWN})
    assert account(cast("Clients", sts), ("us-east-1", "eu-west-1", "sa-east-1")) == "111111111111"
    assert sts.asked == ["us-east-1", "eu-west-1"]


@pytest.mark.parametrize(
    ("failing", "kind", "asked"),
    [
        ({"a": DOWN, "b": DOWN}, CloudUnavailable, ["a", "b"]),
        ({"a": NoCredentialsError()}, CredentialsMissing, ["a"]),
    ],
)
def test_nobody_else_is_asked_about_bad_credentials(
    failing: dict[str, Exception], kind: type[Exception], asked: list[str]
) -> None:
    sts = Sts(failing)
    with pytest.raises(kind):
        account(cast("Clients", sts), ("a", "b"))
    assert sts.asked == asked


def test_regions_with_leftovers_are_looked_at() -> None:
    cluster = {"GlobalClusterMembers": [{"DBClusterArn": "arn:aws:rds:sa-east-1:1:cluster:orders-sa-east-1"}]}
    checks = [
        {"CallerReference": "meridian/orders/eu-central-1/gate/1"},
        {"CallerReference": "meridian/other/us-west-2/gate/1"},
    ]
    records = [{"Name": "route.api.example.com.", "Region": "ap-south-1"}, {"Name": "api.example.com."}]
    recorded = {"regions": [{"name": "ca-central-1"}]}
    leftover = {"sa-east-1", "eu-central-1", "ap-south-1", "ca-central-1"}
    assert left_over(orders(), cluster, checks, records, recorded) == leftover
    nothing = Unknown("AccessDenied", "")
    assert left_over(orders(), nothing, nothing, nothing, nothing) == set()


class Stack:
    """Answers for one stack, as a paginated listing."""

    def reader(self, _service: str, _region: str) -> Any:
        return self

    def get_paginator(self, _operation: str) -> Any:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        def item(name: str, status: str, minute: int) -> dict[str, Any]:
            moved = {"LastUpdatedTimestamp": datetime(2026, 1, 1, 0, minute, tzinfo=UTC)}
            return {"LogicalResourceId": name, "PhysicalResourceId": f"id-{name}", "ResourceStatus": status, **moved}

        listed = [
            item("Stage", "UPDATE_COMPLETE", 7),
            item("Old", "DELETE_COMPLETE", 9),
            item("Api", "CREATE_COMPLETE", 1),
        ]
        return [{"StackResourceSummaries": [one]} for one in listed]


def test_a_stack_settled_when_the_last_of_its_resources_did() -> None:
    """Not when its update began: a soak counts from the end."""
    reads = Reads(cast("Clients", Stack()))
    found = start_resources(reads, "eu-west-1", "any").result()
    reads.close()
    assert isinstance(found, Resources)
    assert found.ids == {"Stage": "id-Stage", "Api": "id-Api"}
    assert found.settled_at == datetime(2026, 1, 1, 0, 9, tzinfo=UTC)


@dataclass
class Metrics:
    """CloudWatch that has nothing, and keeps how far back it was asked."""

    asked: list[Any] = field(default_factory=list)

    def reader(self, _service: str, _region: str) -> Any:
        return self

    def get_paginator(self, _operation: str) -> Any:
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        self.asked.append(asked)
        return []


@pytest.mark.parametrize(("drain_seconds", "minutes"), [(300, 15), (3600, 65)])
def test_health_is_read_as_far_back_as_a_drain_takes_in_one_call(drain_seconds: int, minutes: int) -> None:
    cloudwatch, at = Metrics(), datetime(2026, 1, 1, 12, tzinfo=UTC)
    topology = orders()
    topology = replace(topology, routing=replace(topology.routing, drain_seconds=drain_seconds))
    reads = Reads(cast("Clients", cloudwatch))
    read_health(reads, topology, [{"Id": "a"}, {"Id": "b"}], at)
    reads.close()
    [asked] = cloudwatch.asked
    assert at - asked["StartTime"] == timedelta(minutes=minutes)
