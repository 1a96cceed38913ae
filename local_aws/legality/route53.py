"""Route 53's records: what may stand beside what in a zone, and what a batch of changes may do."""

from typing import Any

from ministack.services import route53
from ministack.services.cloudformation import provisioners

from local_aws import models
from local_aws.drift.shape import plain_name
from local_aws.legality.aliases import check_alias
from local_aws.legality.guard import on_call, on_stack
from local_aws.legality.values import bad_batch, bad_request, check_values, named
from local_aws.refused import Refused
from local_aws.resources.wrap import Properties

PATCHED: tuple[str, ...] = (
    "ministack.services.route53._change_resource_record_sets",
    "ministack.services.route53._error_response",
    "ministack.services.route53._find",
    "ministack.services.route53._findall",
    "ministack.services.route53._health_checks",
    "ministack.services.route53._parse_body",
    "ministack.services.route53._parse_record_set",
    "ministack.services.route53._records",
    "ministack.services.route53._rs_key",
    "ministack.services.route53._rs_values",
    "ministack.services.route53._text",
    "ministack.services.route53._zones",
    "ministack.services.cloudformation.provisioners._r53_record_set_build_rs",
    "ministack.services.cloudformation.provisioners._r53_resolve_hosted_zone_id",
)

Record = dict[str, Any]
# What makes a record one of a routing policy; a name and type has one policy only.
_POLICIES = (
    "Weight",
    "Region",
    "Failover",
    "GeoLocation",
    "MultiValueAnswer",
    "CidrRoutingConfig",
    "GeoProximityLocation",
)
_LATENCY_REGIONS = models.enum("ResourceRecordSetRegion", "route53")
MOST_RECORDS, MOST_CHARACTERS = 1000, 32000  # of one batch


# ---- one record among others ---------------------------------------------------------------------------------------------


def check_record(zone: Record, others: list[Record], record: Record) -> None:
    """Every rule for one record that is created or changed; `others` are the zone's other records."""
    check_values(zone, record)
    _cname_stands_alone(zone, others, record)
    _policy_is_whole(record)
    _one_policy_per_name(others, record)
    _one_latency_record_per_region(others, record)
    _one_record_per_failover_role(others, record)
    _health_check_exists(record)
    check_alias(zone, others, record)


def _cname_stands_alone(zone: Record, others: list[Record], record: Record) -> None:
    """RFC 1034 3.6.2, as Route 53 words it: no CNAME at the apex or beside another type."""
    if record["Type"] == "CNAME" and plain_name(record["Name"]) == plain_name(zone["name"]):
        raise bad_batch(
            f"RRSet of type CNAME with DNS name {record['Name']} is not permitted at apex in zone {zone['name']}"
        )
    beside = {r["Type"] for r in others if plain_name(r["Name"]) == plain_name(record["Name"])}
    if (record["Type"] == "CNAME" and beside - {"CNAME"}) or (record["Type"] != "CNAME" and "CNAME" in beside):
        raise bad_batch(
            f"RRSet of type {record['Type']} with DNS name {record['Name']} is not permitted as it conflicts with other "
            f"records with the same DNS name in zone {zone['name']}"
        )


def _policies(record: Record) -> list[str]:
    return [name for name in _POLICIES if record.get(name) is not None]


def _policy_is_whole(record: Record) -> None:
    """ResourceRecordSet: a SetIdentifier and one policy belong together, each within its range [V]."""
    found = _policies(record)
    if len(found) > 1 or bool(found) != bool(record.get("SetIdentifier")):
        raise bad_request(f"{named(record)} needs both a SetIdentifier and exactly one routing policy")
    if len(record.get("SetIdentifier") or "") > 128:
        raise bad_request(f"the SetIdentifier of {named(record)} must have at most 128 characters")
    if found == ["Region"] and record["Region"] not in _LATENCY_REGIONS:
        raise bad_request(f"{record['Region']} is not a Region for latency records")
    if found == ["Weight"] and not 0 <= int(record["Weight"]) <= 255:
        raise bad_request(f"Weight {record['Weight']} of {named(record)} must be between 0 and 255")
    if found == ["Failover"] and record["Failover"] not in ("PRIMARY", "SECONDARY"):
        raise bad_request(f"Failover of {named(record)} must be PRIMARY or SECONDARY")
    if found == ["MultiValueAnswer"] and (record.get("AliasTarget") or record["Type"] in ("NS", "CNAME")):
        raise bad_request(f"MultiValueAnswer is not allowed for an alias, NS or CNAME: {named(record)}")


def _siblings(others: list[Record], record: Record) -> list[Record]:
    key = (plain_name(record["Name"]), record["Type"])
    return [r for r in others if (plain_name(r["Name"]), r["Type"]) == key]


def _one_policy_per_name(others: list[Record], record: Record) -> None:
    """aws-facts §5.1 (external-dns#4345): weighted, latency, simple ... cannot be mixed on one name and type."""
    policy = _policies(record)
    for other in _siblings(others, record):
        if _policies(other) != policy:
            kind = {"Weight": "non-weighted", "Region": "non-latency"}.get(policy[0] if policy else "", "conflicting")
            raise bad_batch(
                f"RRSet with DNS name {record['Name']}, type {record['Type']} cannot be created as a {kind} set exists "
                "with the same name and type"
            )


def _one_latency_record_per_region(others: list[Record], record: Record) -> None:
    """aws-facts §5.1 (tf#1668)."""
    if record.get("Region") and any(o.get("Region") == record["Region"] for o in _siblings(others, record)):
        raise bad_batch(
            f"Tried to create resource record set {named(record)} but a latency RRSet with the same name, type and region "
            "already exists"
        )


def _one_record_per_failover_role(others: list[Record], record: Record) -> None:
    """Failover: one PRIMARY and one SECONDARY per name and type [V]."""
    if record.get("Failover") and any(o.get("Failover") == record["Failover"] for o in _siblings(others, record)):
        raise bad_batch(
            f"Tried to create resource record set {named(record)} but a failover RRSet with the same name, type and role "
            "already exists"
        )


def _health_check_exists(record: Record) -> None:
    """ChangeResourceRecordSets: NoSuchHealthCheck [V botocore]."""
    wanted = record.get("HealthCheckId")
    if wanted and wanted not in route53._health_checks:
        raise Refused("NoSuchHealthCheck", f"No health check exists with the specified ID {wanted}.", 404)


# ---- a batch ---------------------------------------------------------------------------------------------------------------


def _check_batch(zone_id: str, body: bytes) -> None:
    """The batch is judged change by change on a copy; it is applied as a whole or not at all."""
    zone, root = route53._zones.get(zone_id), route53._parse_body(body)
    if zone is None or root is None:
        return  # ministack refuses those
    changes = _changes(root)
    _batch_is_not_too_large(changes)
    _each_record_once(changes)
    records = list(route53._records[zone_id])
    for action, record in changes:
        key = route53._rs_key(record)
        existing = next((r for r in records if route53._rs_key(r) == key), None)
        others = [r for r in records if r is not existing]
        if action == "DELETE":
            _is_there_exactly(record, existing)
            _apex_stays(zone, record)
            records = others
        else:
            _is_new(action, record, existing)
            check_record(zone, others, record)
            records = [*others, record]


def _changes(root: Any) -> list[tuple[str, Record]]:
    """Change: an action of the three, and a record set with a name and a type."""
    batch = route53._find(root, "ChangeBatch")
    listed = route53._find(batch, "Changes") if batch is not None else None
    found = []
    for change in route53._findall(listed, "Change") if listed is not None else []:
        action, element = route53._text(change, "Action"), route53._find(change, "ResourceRecordSet")
        record = route53._parse_record_set(element) if element is not None else {}
        if action not in ("CREATE", "DELETE", "UPSERT") or not record.get("Name") or not record.get("Type"):
            raise bad_request(
                "every Change needs an Action (CREATE, DELETE, UPSERT) and a ResourceRecordSet with Name and Type"
            )
        found.append((action, record))
    if not found:
        raise bad_request("the batch has no Changes")
    return found


def _batch_is_not_too_large(changes: list[tuple[str, Record]]) -> None:
    """ChangeResourceRecordSets: 1000 ResourceRecord elements and 32000 characters, twice for UPSERT [V]; the words [S]."""
    values = [v for action, r in changes for v in (r.get("ResourceRecords") or [""]) * (2 if action == "UPSERT" else 1)]
    if len(values) > MOST_RECORDS:
        raise bad_batch(f"Number of records limit of {MOST_RECORDS} exceeded.")
    if sum(map(len, values)) > MOST_CHARACTERS:
        raise bad_batch(f"RDATA character limit of {MOST_CHARACTERS} exceeded.")


def _each_record_once(changes: list[tuple[str, Record]]) -> None:
    """A record set may be deleted and created again in one batch, and nothing else twice [S]."""
    seen: dict[tuple[str, str, str], list[str]] = {}
    for action, record in changes:
        before = seen.setdefault(route53._rs_key(record), [])
        before.append(action)
        if len(before) > 1 and before != ["DELETE", "CREATE"]:
            raise bad_batch(f"The request contains an invalid set of changes for a resource record set {named(record)}")


def _is_there_exactly(record: Record, existing: Record | None) -> None:
    """DELETE: every value must be given as it is [V]."""
    told = f"Tried to delete resource record set {named(record)}"
    if existing is None:
        raise bad_batch(f"{told} but it was not found")
    if route53._rs_values(existing) != route53._rs_values(record):
        raise bad_batch(f"{told} but the values provided do not match the current values")


def _is_new(action: str, record: Record, existing: Record | None) -> None:
    """CREATE: there is no such record set yet [V: Change]; the words [S]."""
    if action == "CREATE" and existing is not None:
        raise bad_batch(f"Tried to create resource record set {named(record)} but it already exists")


def _apex_stays(zone: Record, record: Record) -> None:
    """The zone's own NS and SOA records cannot be deleted."""
    if record["Type"] in ("NS", "SOA") and plain_name(record["Name"]) == plain_name(zone["name"]):
        raise bad_batch(f"A HostedZone must contain at least one {record['Type']} record for the zone itself.")


# ---- a stack's record ------------------------------------------------------------------------------------------------------


def _check_stack_record(now: Properties, before: Properties | None) -> None:
    """AWS::Route53::RecordSet: each record is a change of its own; a new name, type or SetIdentifier is a CREATE."""
    zone_id = provisioners._r53_resolve_hosted_zone_id(now)
    zone = route53._zones.get(zone_id)
    if zone is None:
        raise Refused("NoSuchHostedZone", f"No hosted zone found with ID: {zone_id}", 404)
    record = provisioners._r53_record_set_build_rs(now)
    key = route53._rs_key(record)
    existing = next((r for r in route53._records[zone_id] if route53._rs_key(r) == key), None)
    if before is None or route53._rs_key(provisioners._r53_record_set_build_rs(before)) != key:
        _is_new("CREATE", record, existing)
    check_record(zone, [r for r in route53._records[zone_id] if r is not existing], record)


def install() -> None:
    on_call(route53, "_change_resource_record_sets", _check_batch, route53._error_response)
    on_stack("AWS::Route53::RecordSet", put=_check_stack_record)
