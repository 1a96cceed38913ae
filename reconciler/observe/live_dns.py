"""Record sets and health checks in template shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from reconciler.model.facts import Answer
from reconciler.model.observed import known
from reconciler.observe.names import dns


def find(
    records: Iterable[Mapping[str, Any]], name: str, kind: str, identifier: str | None
) -> Mapping[str, Any] | None:
    """The record set of this name, type and set identifier: together they name it."""
    wanted = (dns(name), kind, identifier)
    return next((r for r in records if (dns(r["Name"]), r["Type"], r.get("SetIdentifier")) == wanted), None)


def record_set(zone: Answer) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Names and alias targets end in a dot, as in our templates; values of records do not."""
    zone_id = (known(zone) or {}).get("Id", "").removeprefix("/hostedzone/")

    def shape(found: Mapping[str, Any]) -> Mapping[str, Any]:
        alias = found.get("AliasTarget")
        properties = {
            "HostedZoneId": zone_id or None,
            "Name": f"{dns(found['Name'])}.",
            "Type": found["Type"],
            "TTL": found.get("TTL"),
            "Region": found.get("Region"),
            "SetIdentifier": found.get("SetIdentifier"),
            "HealthCheckId": found.get("HealthCheckId"),
            "ResourceRecords": [r["Value"].rstrip(".") for r in found.get("ResourceRecords", ())] or None,
            "AliasTarget": alias
            and {
                "DNSName": f"{dns(alias['DNSName'])}.",
                "HostedZoneId": alias["HostedZoneId"],
                "EvaluateTargetHealth": alias["EvaluateTargetHealth"],
            },
        }
        if not zone_id:
            del properties["HostedZoneId"]
        return properties

    return shape


def health_check(found: Mapping[str, Any]) -> Mapping[str, Any]:
    config = dict(found["HealthCheckConfig"])
    # AWS leaves flags out that are off.
    flags = {name: config.get(name, False) for name in ("Inverted", "Disabled", "MeasureLatency", "EnableSNI")}
    return {"HealthCheckConfig": {**config, **flags}}
