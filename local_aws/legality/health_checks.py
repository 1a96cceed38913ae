"""Route 53: how health checks may be made and changed."""

from ipaddress import ip_address
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import cloudwatch, route53

from local_aws import models
from local_aws.legality.guard import on_call, on_stack
from local_aws.refused import Refused
from local_aws.resources import service_quotas
from local_aws.resources.route53 import ENDPOINTS, FIXED
from local_aws.resources.wrap import Properties

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudwatch._alarms",
    "ministack.services.route53._create_health_check",
    "ministack.services.route53._delete_health_check",
    "ministack.services.route53._error_response",
    "ministack.services.route53._find",
    "ministack.services.route53._hc_caller_refs",
    "ministack.services.route53._health_checks",
    "ministack.services.route53._parse_body",
    "ministack.services.route53._parse_health_check_config",
    "ministack.services.route53._text",
    "ministack.services.route53._update_health_check",
)

Record = dict[str, Any]
# CallerReferences of deleted health checks: they stay used up.
used_references: dict[str, str] = {}
_RANGES = {"HealthThreshold": (0, 256), "FailureThreshold": (1, 10), "Port": (1, 65535)}
_LENGTHS = {"ResourcePath": 255, "FullyQualifiedDomainName": 255, "SearchString": 255}
_REGIONS = frozenset(models.enum("HealthCheckRegion", "route53"))
MOST_CHILDREN = 256  # per calculated check [V]
_ENDPOINT_ONLY = ("IPAddress", "Port", "FullyQualifiedDomainName", "ResourcePath", "SearchString", "Regions")


def _wrong(message: str) -> Refused:
    return Refused("InvalidInput", message)


def check_health_check(config: Record) -> None:
    """CreateHealthCheck and UpdateHealthCheck: HealthCheckConfig as a whole."""
    _values_are_in_range(config)
    kind = config.get("Type")
    if kind != "CALCULATED":
        _nothing_of_a_calculated(config)
    if kind in ENDPOINTS:
        _endpoint(config)
    elif kind == "CALCULATED":
        _calculated(config)
    elif kind == "CLOUDWATCH_METRIC":
        _alarm(config)
    elif kind == "RECOVERY_CONTROL":
        raise _wrong("RECOVERY_CONTROL needs Application Recovery Controller, which the embedded AWS does not have")
    else:
        raise _wrong(f"Invalid health check type: {kind}")


def _values_are_in_range(config: Record) -> None:
    """The ranges of HealthCheckConfig's members [V botocore]."""
    for name, (low, high) in _RANGES.items():
        if name in config and not low <= int(config[name]) <= high:
            raise _wrong(f"Invalid {name}: {config[name]} must be between {low} and {high}")
    for name, longest in _LENGTHS.items():
        if len(str(config.get(name) or "")) > longest:
            raise _wrong(f"Invalid {name}: at most {longest} characters are allowed")
    if "RequestInterval" in config and int(config["RequestInterval"]) not in (10, 30):
        raise _wrong(f"Invalid RequestInterval: {config['RequestInterval']} must be 10 or 30")
    regions = config.get("Regions")
    if regions and (len(set(regions)) < 3 or set(regions) - _REGIONS):
        raise _wrong(f"Invalid Regions: at least 3 of {', '.join(sorted(_REGIONS))} are needed")


def _endpoint(config: Record) -> None:
    """An address or a name; a port for TCP; a string to search for with STR_MATCH only [V]."""
    if not (config.get("FullyQualifiedDomainName") or config.get("IPAddress")):
        raise _wrong("An IP address or a fully qualified domain name is needed")
    if config["Type"] == "TCP" and not config.get("Port"):
        raise _wrong("Port must be specified for a health check of type TCP")
    if config["Type"].endswith("STR_MATCH") != bool(config.get("SearchString")):
        raise _wrong(
            f"SearchString belongs to the types HTTP_STR_MATCH and HTTPS_STR_MATCH, not to {config['Type']} alone"
        )
    if address := config.get("IPAddress"):
        _address_is_public(address)


def _address_is_public(address: str) -> None:
    """IPAddress: nothing local, private, non-routable or multicast (RFC 5735, 6598, 5156) [V]."""
    try:
        public = ip_address(address).is_global and not ip_address(address).is_multicast
    except ValueError:
        public = False
    if not public:
        raise _wrong(f"Invalid IP address: {address} is not an address that Route 53 can check")


def _calculated(config: Record) -> None:
    """CALCULATED: 1 [K] to 256 [V] children that exist, none calculated itself [K]; nothing of an endpoint [V]."""
    _nothing_of_an_endpoint(config)
    children = config.get("ChildHealthChecks") or []
    if not children:
        raise _wrong("ChildHealthChecks must be specified for a health check of type CALCULATED")
    if len(children) > MOST_CHILDREN:
        raise _wrong(f"Invalid ChildHealthChecks: {len(children)} are given, at most {MOST_CHILDREN} are allowed")
    unknown = [child for child in children if child not in route53._health_checks]
    if unknown:
        raise _wrong(f"Child health check ids are invalid: {', '.join(unknown)}")
    nested = [c for c in children if route53._health_checks[c]["config"].get("Type") == "CALCULATED"]
    if nested:
        raise _wrong(f"A calculated health check cannot monitor other calculated health checks: {', '.join(nested)}")


def _nothing_of_a_calculated(config: Record) -> None:
    """ChildHealthChecks, HealthThreshold: "(CALCULATED Health Checks Only)" [V]; that they are refused elsewhere is [K]."""
    given = [name for name in ("ChildHealthChecks", "HealthThreshold") if config.get(name)]
    if given:
        raise _wrong(f"{', '.join(given)} must not be specified for a health check of type {config.get('Type')}")


def _alarm(config: Record) -> None:
    """CLOUDWATCH_METRIC: an alarm of this account [K that it is looked for], on one metric [V]."""
    _nothing_of_an_endpoint(config)
    named = config.get("AlarmIdentifier") or {}
    alarm = cloudwatch._alarms.get_scoped(get_account_id(), named.get("Region", ""), named.get("Name", ""))
    if alarm is None:
        raise _wrong(f"The CloudWatch alarm {named.get('Name')} does not exist in {named.get('Region')}")
    if not alarm.get("MetricName"):
        raise _wrong(f"Route 53 does not support alarms on metric math: {named.get('Name')}")


def _nothing_of_an_endpoint(config: Record) -> None:
    """CALCULATED and CLOUDWATCH_METRIC have no endpoint [V: HealthCheckConfig; words K]."""
    given = [name for name in _ENDPOINT_ONLY if config.get(name)]
    if given:
        raise _wrong(f"{', '.join(given)} must not be specified for a health check of type {config['Type']}")


# ---- calls -----------------------------------------------------------------------------------------------------------------


def _check_create(body: bytes) -> None:
    """CreateHealthCheck: the CallerReference of a deleted check stays used up [V]. (The others: `resources.route53`.)"""
    root = route53._parse_body(body)
    if root is None:
        return
    reference = route53._text(root, "CallerReference")
    element = route53._find(root, "HealthCheckConfig")
    if not 1 <= len(reference) <= 64 or element is None:
        raise _wrong("CallerReference (1 to 64 characters) and HealthCheckConfig are needed")
    if reference not in route53._hc_caller_refs and reference in used_references:
        raise Refused(
            "HealthCheckAlreadyExists", f"The health check with the caller reference {reference} was deleted.", 409
        )
    check_health_check(route53._parse_health_check_config(element))
    if reference not in route53._hc_caller_refs:
        _room_for_one_more()


def _room_for_one_more() -> None:
    """TooManyHealthChecks: 200 per account unless that was raised [V: quotas]."""
    most = service_quotas.value(service_quotas.HEALTH_CHECKS)
    if len(route53._health_checks) >= most:
        raise Refused(
            "TooManyHealthChecks",
            "This health check can't be created because the current account has reached the limit on the number of active "
            f"health checks ({most}).",
        )


def _check_update(check_id: str, body: bytes) -> None:
    """UpdateHealthCheck: its members only, and no IPAddress where there was none [V]."""
    found, root = route53._health_checks.get(check_id), route53._parse_body(body)
    if found is None or root is None:
        return
    given = [name for name in FIXED if route53._find(root, name) is not None]
    if given:
        raise _wrong(f"{', '.join(given)} cannot be changed after a health check is created")
    asked = route53._parse_health_check_config(root)
    if asked.get("IPAddress") and not found["config"].get("IPAddress"):
        raise _wrong("IPAddress cannot be added to a health check that has none")
    check_health_check(found["config"] | asked)


def _remember_reference(check_id: str) -> None:
    """DeleteHealthCheck: allowed for one that records or calculated checks still name [V]; its reference stays used up."""
    found = route53._health_checks.get(check_id)
    if found:
        used_references[found["caller_reference"]] = check_id


def _check_stack(now: Properties, before: Properties | None) -> None:
    check_health_check(now.get("HealthCheckConfig") or {})
    if before is None:
        _room_for_one_more()


def install() -> None:
    on_call(route53, "_create_health_check", _check_create, route53._error_response)
    on_call(route53, "_update_health_check", _check_update, route53._error_response)
    on_call(route53, "_delete_health_check", _remember_reference, route53._error_response)
    on_stack("AWS::Route53::HealthCheck", put=_check_stack)
