"""Route 53: what may stand in a zone, and how health checks may be set."""

from typing import Any

from botocore.session import get_session
from ministack.services import route53
from ministack.services.cloudformation import provisioners

from local_aws.drift.shape import plain_name
from local_aws.legality.guard import Refused, on_call, on_stack
from local_aws.resources.wrap import Properties

PATCHED: tuple[str, ...] = (
    "ministack.services.route53._change_resource_record_sets",
    "ministack.services.route53._create_health_check",
    "ministack.services.route53._delete_health_check",
    "ministack.services.route53._error_response",
    "ministack.services.route53._find",
    "ministack.services.route53._findall",
    "ministack.services.route53._hc_caller_refs",
    "ministack.services.route53._health_checks",
    "ministack.services.route53._parse_body",
    "ministack.services.route53._parse_health_check_config",
    "ministack.services.route53._parse_record_set",
    "ministack.services.route53._records",
    "ministack.services.route53._rs_key",
    "ministack.services.route53._text",
    "ministack.services.route53._update_health_check",
    "ministack.services.route53._zones",
    "ministack.services.cloudformation.provisioners._r53_record_set_build_rs",
    "ministack.services.cloudformation.provisioners._r53_resolve_hosted_zone_id",
)

Record = dict[str, Any]
CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"
# CallerReferences of deleted health checks: they stay used up.
used_references: dict[str, str] = {}
# What makes a record one of a routing policy; a name and type has one policy only.
_POLICIES = ("Weight", "Region", "Failover", "GeoLocation", "MultiValueAnswer", "CidrRoutingConfig")
_LATENCY_REGIONS = frozenset(get_session().get_service_model("route53").shape_for("ResourceRecordSetRegion").enum)


# ---- records -------------------------------------------------------------------------------------------------------------


def check_record(zone: Record, others: list[Record], record: Record) -> None:
    """Every rule for one record that is created or changed; `others` are the zone's other records."""
    _name_in_zone(zone, record)
    _one_kind_of_value(record)
    _cname_stands_alone(zone, others, record)
    _one_policy_per_name(others, record)
    _one_latency_record_per_region(others, record)
    _health_check_exists(record)
    _alias_target_exists(zone, others, record)


def _batch(message: str) -> Refused:
    return Refused("InvalidChangeBatch", f"[{message}]")


def _named(record: Record) -> str:
    identifier = f", set identifier='{record['SetIdentifier']}'" if record.get("SetIdentifier") else ""
    return f"[name='{record['Name']}', type='{record['Type']}'{identifier}]"


def _name_in_zone(zone: Record, record: Record) -> None:
    """ChangeResourceRecordSets: a zone holds its own name and names below it."""
    name, apex = plain_name(record["Name"]), plain_name(zone["name"])
    if name != apex and not name.endswith("." + apex):
        raise _batch(f"RRSet with DNS name {record['Name']} is not permitted in zone {zone['name']}")


def _one_kind_of_value(record: Record) -> None:
    """ResourceRecordSet: an alias has no TTL of its own; other records need a TTL and values; a CNAME has one value."""
    if record.get("AliasTarget"):
        if record.get("TTL") is not None or record.get("ResourceRecords"):
            raise Refused(
                "InvalidInput", f"Invalid request: {_named(record)} is an alias: TTL and values are not allowed"
            )
        return
    if record.get("TTL") is None or not record.get("ResourceRecords"):
        raise Refused("InvalidInput", f"Invalid request: Expected TTL and ResourceRecords for {_named(record)}")
    if not 0 <= int(record["TTL"]) <= 2147483647:
        raise Refused("InvalidInput", f"Invalid request: TTL {record['TTL']} must be between 0 and 2147483647")
    if record["Type"] == "CNAME" and len(record["ResourceRecords"]) != 1:
        raise _batch(f"Invalid Resource Record: {_named(record)} may have only one value")


def _cname_stands_alone(zone: Record, others: list[Record], record: Record) -> None:
    """RFC 1034 3.6.2, as Route 53 words it: no CNAME at the apex or beside another type."""
    if record["Type"] == "CNAME" and plain_name(record["Name"]) == plain_name(zone["name"]):
        raise _batch(
            f"RRSet of type CNAME with DNS name {record['Name']} is not permitted at apex in zone {zone['name']}"
        )
    beside = {r["Type"] for r in others if plain_name(r["Name"]) == plain_name(record["Name"])}
    if (record["Type"] == "CNAME" and beside - {"CNAME"}) or (record["Type"] != "CNAME" and "CNAME" in beside):
        raise _batch(
            f"RRSet of type {record['Type']} with DNS name {record['Name']} is not permitted as it conflicts with other "
            f"records with the same DNS name in zone {zone['name']}"
        )


def _policy(record: Record) -> str:
    return next((name for name in _POLICIES if record.get(name) is not None), "simple")


def _siblings(others: list[Record], record: Record) -> list[Record]:
    key = (plain_name(record["Name"]), record["Type"])
    return [r for r in others if (plain_name(r["Name"]), r["Type"]) == key]


def _one_policy_per_name(others: list[Record], record: Record) -> None:
    """aws-facts §5.1 (external-dns#4345): weighted, latency, simple ... cannot be mixed on one name and type."""
    policy = _policy(record)
    if (policy == "simple") == bool(record.get("SetIdentifier")):
        raise Refused(
            "InvalidInput", f"Invalid request: {_named(record)} needs both a SetIdentifier and a routing policy"
        )
    if policy == "Region" and record["Region"] not in _LATENCY_REGIONS:
        raise Refused("InvalidInput", f"Invalid request: {record['Region']} is not a Region for latency records")
    for other in _siblings(others, record):
        if _policy(other) != policy:
            kind = {"Weight": "non-weighted", "Region": "non-latency"}.get(policy, "conflicting")
            raise _batch(
                f"RRSet with DNS name {record['Name']}, type {record['Type']} cannot be created as a {kind} set exists "
                "with the same name and type"
            )


def _one_latency_record_per_region(others: list[Record], record: Record) -> None:
    """aws-facts §5.1 (tf#1668)."""
    if record.get("Region") and any(o.get("Region") == record["Region"] for o in _siblings(others, record)):
        raise _batch(
            f"Tried to create resource record set {_named(record)} but a latency RRSet with the same name, type and region "
            "already exists"
        )


def _health_check_exists(record: Record) -> None:
    """ChangeResourceRecordSets: NoSuchHealthCheck."""
    wanted = record.get("HealthCheckId")
    if wanted and wanted not in route53._health_checks:
        raise Refused("NoSuchHealthCheck", f"No health check exists with the specified ID {wanted}.", 404)


def _alias_target_exists(zone: Record, others: list[Record], record: Record) -> None:
    """AliasTarget: inside a zone of Route 53 the record must be there with the same type; CloudFront is never evaluated."""
    target = record.get("AliasTarget")
    if not target:
        return
    told = f"Tried to create an alias that targets {target['DNSName']}, type {record['Type']} in zone {target['HostedZoneId']}"
    if target["HostedZoneId"] == CLOUDFRONT_ZONE:
        if not plain_name(target["DNSName"]).endswith(".cloudfront.net"):
            raise _batch(f"{told}, but the alias target name does not lie within the target zone")
        if target.get("EvaluateTargetHealth"):
            raise _batch(f"{told}, but EvaluateTargetHealth cannot be true for a CloudFront distribution")
        return
    other_zone = route53._zones.get(target["HostedZoneId"])
    if other_zone is None:
        return  # a zone of an AWS service
    _name_in_target_zone(other_zone, target, told)
    records = others if target["HostedZoneId"] == zone["id"] else route53._records.get(target["HostedZoneId"], [])
    wanted = (plain_name(target["DNSName"]), record["Type"])
    if wanted not in {(plain_name(r["Name"]), r["Type"]) for r in records}:
        raise _batch(f"{told}, but that target was not found")


def _name_in_target_zone(zone: Record, target: Record, told: str) -> None:
    name, apex = plain_name(target["DNSName"]), plain_name(zone["name"])
    if name != apex and not name.endswith("." + apex):
        raise _batch(f"{told}, but the alias target name does not lie within the target zone")


def _check_batch(zone_id: str, body: bytes) -> None:
    """The batch is judged change by change on a copy; it is applied as a whole or not at all."""
    zone, root = route53._zones.get(zone_id), route53._parse_body(body)
    if zone is None or root is None:
        return  # ministack refuses those
    records = list(route53._records[zone_id])
    batch = route53._find(root, "ChangeBatch")
    for change in route53._findall(route53._find(batch, "Changes"), "Change"):
        action = route53._text(change, "Action")
        record = route53._parse_record_set(route53._find(change, "ResourceRecordSet"))
        key = route53._rs_key(record)
        others = [r for r in records if route53._rs_key(r) != key]
        if action == "DELETE":
            _apex_stays(zone, record)
            records = others
        else:
            check_record(zone, others, record)
            records = [*others, record]


def _apex_stays(zone: Record, record: Record) -> None:
    """The zone's own NS and SOA records cannot be deleted."""
    if record["Type"] in ("NS", "SOA") and plain_name(record["Name"]) == plain_name(zone["name"]):
        raise _batch(f"A HostedZone must contain at least one {record['Type']} record for the zone itself.")


def _check_stack_record(now: Properties, _before: Properties | None) -> None:
    zone_id = provisioners._r53_resolve_hosted_zone_id(now)
    zone = route53._zones.get(zone_id)
    if zone is None:
        raise Refused("NoSuchHostedZone", f"No hosted zone found with ID: {zone_id}", 404)
    record = provisioners._r53_record_set_build_rs(now)
    key = route53._rs_key(record)
    check_record(zone, [r for r in route53._records[zone_id] if route53._rs_key(r) != key], record)


# ---- health checks -------------------------------------------------------------------------------------------------------

_RANGES = {"HealthThreshold": (0, 256), "FailureThreshold": (1, 10), "Port": (1, 65535)}
_ENDPOINT_TYPES = ("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP")


def check_health_check(config: Record) -> None:
    """CreateHealthCheck and UpdateHealthCheck: the limits of HealthCheckConfig."""
    for name, (low, high) in _RANGES.items():
        if name in config and not low <= int(config[name]) <= high:
            raise Refused("InvalidInput", f"Invalid {name}: {config[name]} must be between {low} and {high}")
    if "RequestInterval" in config and int(config["RequestInterval"]) not in (10, 30):
        raise Refused("InvalidInput", f"Invalid RequestInterval: {config['RequestInterval']} must be 10 or 30")
    children = config.get("ChildHealthChecks") or []
    if len(children) > 256:
        raise Refused("InvalidInput", f"Invalid ChildHealthChecks: {len(children)} are given, at most 256 are allowed")
    unknown = [child for child in children if child not in route53._health_checks]
    if unknown:
        raise Refused("InvalidInput", f"Child health check ids are invalid: {', '.join(unknown)}")
    if config.get("Type") in _ENDPOINT_TYPES and not (
        config.get("FullyQualifiedDomainName") or config.get("IPAddress")
    ):
        raise Refused("InvalidInput", "An IP address or a fully qualified domain name is needed")


def _check_create(body: bytes) -> None:
    """CreateHealthCheck: the CallerReference of a deleted check stays used up. (The others: `resources.route53`.)"""
    root = route53._parse_body(body)
    if root is None:
        return
    reference = route53._text(root, "CallerReference")
    config = route53._parse_health_check_config(route53._find(root, "HealthCheckConfig"))
    if reference not in route53._hc_caller_refs and reference in used_references:
        raise Refused(
            "HealthCheckAlreadyExists", f"The health check with the caller reference {reference} was deleted.", 409
        )
    check_health_check(config)


def _check_update(check_id: str, body: bytes) -> None:
    found, root = route53._health_checks.get(check_id), route53._parse_body(body)
    if found and root is not None:
        check_health_check(found["config"] | route53._parse_health_check_config(root))


def _remember_reference(check_id: str) -> None:
    found = route53._health_checks.get(check_id)
    if found:
        used_references[found["caller_reference"]] = check_id


def install() -> None:
    on_call(route53, "_change_resource_record_sets", _check_batch, route53._error_response)
    on_call(route53, "_create_health_check", _check_create, route53._error_response)
    on_call(route53, "_update_health_check", _check_update, route53._error_response)
    on_call(route53, "_delete_health_check", _remember_reference, route53._error_response)
    on_stack("AWS::Route53::RecordSet", put=_check_stack_record)
    on_stack("AWS::Route53::HealthCheck", put=lambda now, _: check_health_check(now.get("HealthCheckConfig") or {}))
