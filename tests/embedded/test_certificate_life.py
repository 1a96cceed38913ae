"""Certificates over months, which no test can wait for: the rules by themselves."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.resources import acm, caa
from local_aws.resources.acm import DAY

NOW = 1_800_000_000.0


@pytest.fixture
def certificate(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(acm.CLOCK, "now", lambda: NOW)
    monkeypatch.setattr(acm, "in_use_by", lambda _: ["somebody"])
    monkeypatch.setattr(acm, "_validated", lambda _: True)
    return {
        "CertificateArn": "arn", "Status": "ISSUED", "Type": "AMAZON_ISSUED", "NotAfter": NOW + 90 * DAY,
        "DomainValidationOptions": [{"DomainName": "a.example.com"}],
    }  # fmt: skip


def test_nothing_happens_before_the_last_sixty_days(certificate: dict[str, Any]) -> None:
    acm._grow_old(certificate)
    assert "RenewalSummary" not in certificate


def test_it_is_renewed_in_the_last_sixty_days(certificate: dict[str, Any]) -> None:
    certificate["NotAfter"] = NOW + 59 * DAY
    acm._grow_old(certificate)
    assert certificate["RenewalSummary"]["RenewalStatus"] == "SUCCESS"
    assert isinstance(certificate["NotAfter"], str), "issued again"


def test_renewal_waits_for_the_record(certificate: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acm, "_validated", lambda _: False)
    certificate["NotAfter"] = NOW + 59 * DAY
    acm._grow_old(certificate)
    assert certificate["RenewalSummary"]["RenewalStatus"] == "PENDING_VALIDATION"
    certificate["NotAfter"] = NOW - 1
    acm._grow_old(certificate)
    assert certificate["Status"] == "EXPIRED"


def test_what_nobody_uses_is_not_renewed(certificate: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acm, "in_use_by", lambda _: [])
    certificate["NotAfter"] = NOW - 1
    acm._grow_old(certificate)
    assert certificate["Status"] == "EXPIRED"
    assert "RenewalSummary" not in certificate


@pytest.mark.parametrize(
    ("name", "records", "forbidden"),
    [
        ("a.example.com", [], False),
        ("a.example.com", [("example.com.", '0 issue "amazon.com"')], False),
        ("a.example.com", [("example.com.", '0 issue "letsencrypt.org"')], True),
        (
            "a.example.com",
            [("example.com.", '0 issue "letsencrypt.org"'), ("example.com.", '0 issue "amazontrust.com"')],
            False,
        ),
        ("a.example.com", [("example.com.", '0 issue ";"')], True),
        ("a.example.com", [("a.example.com.", '0 issue "amazon.com"'), ("example.com.", '0 issue ";"')], False),
        ("a.example.com", [("example.com.", '0 iodef "mailto:a@example.com"')], False),
        ("*.example.com", [("example.com.", '0 issue "amazon.com"'), ("example.com.", '0 issuewild ";"')], True),
        ("a.example.com", [("example.com.", '0 issue "amazon.com"'), ("example.com.", '0 issuewild ";"')], False),
    ],
)
def test_the_nearest_caa_records_decide(name: str, records: list[tuple[str, str]], forbidden: bool) -> None:
    assert caa.forbidden(name, records) is forbidden
