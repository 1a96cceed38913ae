"""What Route 53 really holds: records and health checks."""

from typing import Any

from ministack.services import route53

from local_aws.drift.shape import plain_name, spelled

_DIRECT = (
    "SetIdentifier",
    "Weight",
    "Region",
    "Failover",
    "MultiValueAnswer",
    "TTL",
    "HealthCheckId",
    "GeoLocation",
    "ResourceRecords",
)


def record_set(_physical_id: str, props: dict[str, Any]) -> dict[str, Any] | None:
    """Found by name, type and set identifier: that is a record's identity."""
    zone = str(props.get("HostedZoneId", "")).removeprefix("/hostedzone/")
    found = next((r for r in route53._records.get(zone, []) if _identity(r) == _identity(props)), None)
    if found is None:
        return None
    live = {key: found.get(key) for key in (*_DIRECT, "AliasTarget")}
    live |= {"Name": props["Name"], "Type": found["Type"], "HostedZoneId": props["HostedZoneId"]}
    if found.get("AliasTarget"):
        desired = props.get("AliasTarget") or {}
        live["AliasTarget"] = found["AliasTarget"] | {
            "DNSName": spelled(desired.get("DNSName"), found["AliasTarget"].get("DNSName"))
        }
    if props.get("Type") == "CNAME":
        live["ResourceRecords"] = _spelled_list(props.get("ResourceRecords") or [], found.get("ResourceRecords") or [])
    return live


def _identity(record: dict[str, Any]) -> tuple[str, str, str]:
    return plain_name(str(record.get("Name", ""))), str(record.get("Type", "")), str(record.get("SetIdentifier") or "")


def _spelled_list(desired: list[str], live: list[str]) -> list[str]:
    by_name = {plain_name(name): name for name in desired}
    return [by_name.get(plain_name(name), name) for name in live]


def health_check(physical_id: str, _props: dict[str, Any]) -> dict[str, Any] | None:
    found = route53._health_checks.get(physical_id)
    if found is None:
        return None
    tags = route53._tags.get(("healthcheck", physical_id), {})
    # Booleans that nobody set are false on AWS, and the threshold has a default.
    config = {"Inverted": False, "Disabled": False, "MeasureLatency": False} | found["config"]
    return {"HealthCheckConfig": config, "HealthCheckTags": tags}
