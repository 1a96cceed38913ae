"""A hosted zone and health checks of a test's own, which clean up after themselves."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from tests.contract.conformance.conftest import Target

CHANGES = "API reference, ChangeResourceRecordSets [V]"
COST = "nothing: a zone that lives under 12 hours is free"
CENTS = "less than a cent: a health check of HTTPS costs 2.75 USD a month and lives for minutes"
GATE = {"Type": "CALCULATED", "HealthThreshold": 1}


@dataclass(slots=True)
class Zone:
    aws: Target
    id: str
    name: str  # with a dot

    @property
    def client(self) -> Any:
        return self.aws.client("route53")

    def at(self, label: str = "x") -> str:
        return f"{label}.{self.name}" if label else self.name

    def row(self, label: str = "x", *values: str, kind: str = "A", ttl: int = 60, **more: Any) -> dict[str, Any]:
        records = [{"Value": value} for value in values or ("192.0.2.1",)]
        return {"Name": self.at(label), "Type": kind, "TTL": ttl, "ResourceRecords": records, **more}

    def latency(self, region: str, label: str = "x", **more: Any) -> dict[str, Any]:
        return self.row(label, **{"SetIdentifier": region, "Region": region, **more})

    def alias(self, label: str, target: str, *, zone: str = "", kind: str = "A", **more: Any) -> dict[str, Any]:
        pointed = {"HostedZoneId": zone or self.id, "DNSName": target, "EvaluateTargetHealth": False, **more}
        return {"Name": self.at(label), "Type": kind, "AliasTarget": pointed}

    def change(self, *changes: tuple[str, dict[str, Any]]) -> str:
        """The id of the change."""
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": row} for action, row in changes]}
        made = self.client.change_resource_record_sets(HostedZoneId=self.id, ChangeBatch=batch)["ChangeInfo"]
        return str(made["Id"])

    def create(self, *rows: dict[str, Any]) -> str:
        return self.change(*(("CREATE", row) for row in rows))

    def insync(self, change: str) -> None:
        status = lambda: self.client.get_change(Id=change)["ChangeInfo"]["Status"]  # noqa: E731
        self.aws.until(lambda: status() == "INSYNC", minutes=5)

    def rows(self) -> list[dict[str, Any]]:
        """Without those that every zone has."""
        pages = self.client.get_paginator("list_resource_record_sets").paginate(HostedZoneId=self.id)
        return [r for page in pages for r in page["ResourceRecordSets"] if r["Type"] not in ("NS", "SOA")]

    def empty(self) -> None:
        aliases_first = sorted(self.rows(), key=lambda row: "AliasTarget" not in row)
        if aliases_first:
            self.change(*(("DELETE", row) for row in aliases_first))


def zone(aws: Target) -> Zone:
    made = Zone(aws, *aws.zone())
    aws.later(made.empty)
    return made


def check(aws: Target, reference: str = "", **config: Any) -> str:
    """A health check; by default a probe of a name that is not there."""
    probe = {"Type": "HTTPS", "FullyQualifiedDomainName": "conformance.example.net", "RequestInterval": 30}
    route53 = aws.client("route53")
    made = route53.create_health_check(
        CallerReference=reference or aws.name(uuid.uuid4().hex[:8]), HealthCheckConfig=config or probe
    )["HealthCheck"]
    aws.later(route53.delete_health_check, HealthCheckId=made["Id"])
    aws.tag_in_route53("healthcheck", made["Id"])
    return str(made["Id"])


def gate(aws: Target, *children: str, threshold: int = 1) -> str:
    return check(aws, Type="CALCULATED", ChildHealthChecks=list(children), HealthThreshold=threshold)
