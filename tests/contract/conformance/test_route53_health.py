"""Route 53: health checks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conformance.claims import real, refusal, success
from tests.contract.conformance.conftest import Target, refused
from tests.contract.conformance.zone import CENTS, check, gate, zone

CREATE, UPDATE = "route53:CreateHealthCheck", "route53:UpdateHealthCheck"
CONFIG = "API reference, HealthCheckConfig [V]"
NONE = "01234567-89ab-cdef-0123-456789abcdef"
HTTPS = {"Type": "HTTPS", "FullyQualifiedDomainName": "conformance.example.net"}


@success(CREATE, source="API reference, CreateHealthCheck [V]")
@success("route53:GetHealthCheck", source="API reference, GetHealthCheck [V]")
@success("route53:ListHealthChecks", source="API reference, ListHealthChecks [V]")
@real(CENTS)
def test_a_check_has_aws_defaults_and_is_listed(aws: Target) -> None:
    route53, mine = aws.client("route53"), check(aws, **HTTPS)
    found = route53.get_health_check(HealthCheckId=mine)["HealthCheck"]
    assert found["HealthCheckVersion"] == 1
    defaults = {"RequestInterval": 30, "FailureThreshold": 3, "MeasureLatency": False, "Inverted": False}
    more = {"Disabled": False, "EnableSNI": True}
    config = found["HealthCheckConfig"]
    assert {k: config[k] for k in HTTPS | defaults | more} == HTTPS | defaults | more
    pages = route53.get_paginator("list_health_checks").paginate(PaginationConfig={"PageSize": 1})
    assert mine in [one["Id"] for page in pages for one in page["HealthChecks"]]


@success(CREATE, source="API reference, CreateHealthCheck: CallerReference [V]")
@refusal(CREATE, "HealthCheckAlreadyExists", source="API reference, CreateHealthCheck: CallerReference [V]")
@real(CENTS)
def test_a_reference_makes_one_check_and_stays_used_up(aws: Target) -> None:
    route53, reference = aws.client("route53"), aws.name("once")
    config = HTTPS | {"RequestInterval": 30, "FailureThreshold": 3}
    mine = check(aws, reference, **config)
    again = route53.create_health_check(CallerReference=reference, HealthCheckConfig=config)["HealthCheck"]
    assert again["Id"] == mine
    create = route53.create_health_check
    other = config | {"ResourcePath": "/other"}
    refused(create, "HealthCheckAlreadyExists", CallerReference=reference, HealthCheckConfig=other)
    route53.delete_health_check(HealthCheckId=mine)
    refused(create, "HealthCheckAlreadyExists", CallerReference=reference, HealthCheckConfig=config)


WRONG: dict[str, dict[str, Any]] = {
    "no endpoint": {"Type": "HTTPS"},
    "a private address": {"Type": "HTTPS", "IPAddress": "10.0.0.1"},
    "a loopback address": {"Type": "HTTPS", "IPAddress": "127.0.0.1"},
    "an interval of its own": HTTPS | {"RequestInterval": 20},
    "too many failures": HTTPS | {"FailureThreshold": 11},
    "a path that is too long": HTTPS | {"ResourcePath": "/" + "x" * 255},
    "two Regions": HTTPS | {"Regions": ["us-east-1", "eu-west-1", "eu-west-1"]},
    "nothing to search for": HTTPS | {"Type": "HTTPS_STR_MATCH"},
    "a search without the type": HTTPS | {"SearchString": "ok"},
    "TCP without a port": {"Type": "TCP", "FullyQualifiedDomainName": "conformance.example.net"},
    "children that are not there": {"Type": "CALCULATED", "ChildHealthChecks": [NONE], "HealthThreshold": 1},
    "an unknown type": {"Type": "GUESSED"},
}


@refusal(CREATE, "InvalidInput", source=CONFIG)
@real("nothing")
@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_configuration_is_refused(aws: Target, case: str) -> None:
    create = aws.client("route53").create_health_check
    refused(create, "InvalidInput", CallerReference=aws.name(case[:12]), HealthCheckConfig=WRONG[case])


@refusal(CREATE, "InvalidInput", source="[K]: that a calculated check cannot be a child, that the alarm must be there")
@refusal(UPDATE, "InvalidInput", source="[K]: that only a calculated check may be given children and a threshold")
def test_what_only_we_are_sure_to_refuse(aws: Target) -> None:
    inner = gate(aws, probe := check(aws))
    update = aws.client("route53").update_health_check
    refused(update, "InvalidInput", HealthCheckId=probe, HealthThreshold=1)
    refused(update, "InvalidInput", HealthCheckId=probe, ChildHealthChecks=[inner])
    create = aws.client("route53").create_health_check
    nested = {"Type": "CALCULATED", "ChildHealthChecks": [inner], "HealthThreshold": 1}
    refused(create, "InvalidInput", CallerReference="nested", HealthCheckConfig=nested)
    alarm = {"Type": "CLOUDWATCH_METRIC", "AlarmIdentifier": {"Region": "us-east-1", "Name": "none"}}
    refused(create, "InvalidInput", CallerReference="alarm", HealthCheckConfig=alarm)


@refusal(CREATE, "TooManyHealthChecks", source="API reference, CreateHealthCheck [V]; 200 by default [K]")
def test_an_account_has_room_for_two_hundred_checks(aws: Target) -> None:
    aws.control("clock", {"speed": 20_000})  # one every two seconds is allowed
    for i in range(200):
        check(aws, f"many-{i}", **HTTPS)
    create = aws.client("route53").create_health_check
    refused(create, "TooManyHealthChecks", CallerReference="one more", HealthCheckConfig=HTTPS)


@success(UPDATE, source="API reference, UpdateHealthCheck [V]")
@refusal(UPDATE, "HealthCheckVersionMismatch", source="API reference, UpdateHealthCheck [V]")
@refusal(UPDATE, "InvalidInput", source="API reference, UpdateHealthCheck [V]")
@refusal(UPDATE, "NoSuchHealthCheck", source="API reference, UpdateHealthCheck [V]")
@real(CENTS)
def test_an_update_goes_by_the_version(aws: Target) -> None:
    route53, probe = aws.client("route53"), check(aws)
    mine = gate(aws, probe, threshold=2)
    changed = route53.update_health_check(HealthCheckId=mine, HealthCheckVersion=1, HealthThreshold=1)["HealthCheck"]
    assert (changed["HealthCheckVersion"], changed["HealthCheckConfig"]["HealthThreshold"]) == (2, 1)
    update = route53.update_health_check
    refused(update, "HealthCheckVersionMismatch", HealthCheckId=mine, HealthCheckVersion=1, HealthThreshold=2)
    refused(update, "InvalidInput", HealthCheckId=mine, HealthThreshold=257)
    refused(update, "InvalidInput", HealthCheckId=probe, IPAddress="192.0.32.8")
    refused(update, "NoSuchHealthCheck", HealthCheckId=NONE, HealthThreshold=1)


@success("route53:DeleteHealthCheck", source="API reference, DeleteHealthCheck [V]: also while something names it")
@refusal("route53:DeleteHealthCheck", "NoSuchHealthCheck", source="API reference, DeleteHealthCheck [V]")
@refusal("route53:GetHealthCheck", "NoSuchHealthCheck", source="API reference, GetHealthCheck [V]")
@real(CENTS)
def test_a_check_can_be_deleted_while_a_record_names_it(aws: Target) -> None:
    route53, mine, probe = aws.client("route53"), zone(aws), check(aws)
    mine.create(mine.latency("eu-west-1", HealthCheckId=probe))
    route53.delete_health_check(HealthCheckId=probe)
    refused(route53.get_health_check, "NoSuchHealthCheck", HealthCheckId=probe)
    refused(route53.delete_health_check, "NoSuchHealthCheck", HealthCheckId=probe)
    assert mine.rows()[0]["HealthCheckId"] == probe


@success("route53:GetHealthCheckStatus", source="API reference, GetHealthCheckStatus [V]")
@refusal("route53:GetHealthCheckStatus", "NoSuchHealthCheck", source="API reference, GetHealthCheckStatus [V]")
@refusal("route53:GetHealthCheckStatus", "InvalidInput", source="API reference, GetHealthCheckStatus [V]")
@success("route53:GetHealthCheckLastFailureReason", source="API reference, GetHealthCheckLastFailureReason [V]")
@refusal("route53:GetHealthCheckLastFailureReason", "NoSuchHealthCheck", source="API reference [V]")
@refusal("route53:GetHealthCheckLastFailureReason", "InvalidInput", source="API reference [V]")
@real(CENTS)
def test_every_checker_reports_what_it_met(aws: Target) -> None:
    route53, probe = aws.client("route53"), check(aws)
    mine = gate(aws, probe)
    status, reason = route53.get_health_check_status, route53.get_health_check_last_failure_reason

    def failing() -> bool:
        found = status(HealthCheckId=probe)["HealthCheckObservations"]
        return len(found) >= 3 and all("Failure" in one["StatusReport"]["Status"] for one in found)

    aws.until(failing, minutes=10)
    assert "DNS" in reason(HealthCheckId=probe)["HealthCheckObservations"][0]["StatusReport"]["Status"]
    for call in (status, reason):
        refused(call, "NoSuchHealthCheck", HealthCheckId=NONE)
        refused(call, "InvalidInput", HealthCheckId=mine)
