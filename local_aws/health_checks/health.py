"""Health of Route 53's checks, worked out from the live state of the world.

A probe is what its request meets (`probing`), or what POST /_meridian/health says. A change counts once it has lasted
interval x threshold, as with AWS's checkers. Nothing ticks: whoever asks, or changes something, makes the checks look.
"""

import time
from contextvars import ContextVar
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import cloudwatch, route53

from local_aws import durations, models, states
from local_aws.clock import CLOCK
from local_aws.gateway.control import POSTED
from local_aws.health_checks import health_metrics, probing
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (  # of health_metrics, too
    "ministack.services.cloudwatch._alarms",
    "ministack.services.cloudwatch._cbor_ok",
    "ministack.services.cloudwatch._dims_key",
    "ministack.services.cloudwatch._get_metric_data",
    "ministack.services.cloudwatch._get_metric_statistics",
    "ministack.services.cloudwatch._json_ok",
    "ministack.services.cloudwatch._list_metrics",
    "ministack.services.cloudwatch._metrics",
    "ministack.services.cloudwatch._ts_iso",
    "ministack.services.rds._clusters",
    "ministack.services.route53._health_checks",
    "ministack.services.route53._xml_response",
    "ministack.services.route53.handle_request",
)

Record = dict[str, Any]
_CHECKERS = models.enum("HealthCheckRegion", "route53")
LOOK_SECONDS = 0.25  # wall seconds
_LAST: dict[str, float] = {}
_looking: ContextVar[frozenset[str]] = ContextVar("looking", default=frozenset())


# ---- is it healthy? --------------------------------------------------------------------------------------------------------


def healthy(check_id: str) -> bool:
    """What Route 53 makes of a check now.

    One that was deleted while something still names it "can't be predicted" [V DeleteHealthCheck]: it is unhealthy, so that
    whoever deletes one too early finds out.
    """
    check = route53._health_checks.get(check_id)
    if check is None:
        return False
    if check_id in _looking.get():  # a probe of a name whose answer depends on the probe itself
        return bool((check.get("_history") or [(0.0, True)])[-1][1])
    token = _looking.set(_looking.get() | {check_id})
    try:
        observed, since = _LOOKS.get(check["config"].get("Type", ""), _observed)(check)
    finally:
        _looking.reset(token)
    config = check["config"]
    result = bool(config.get("Disabled")) or observed != bool(config.get("Inverted"))
    _note(check, since, result=result)
    return result


def in_dns(check_id: str) -> bool:
    """What the name servers make of a check: a change gets there some seconds later [K]; a new check is healthy until then."""
    now = healthy(check_id)
    history = (route53._health_checks.get(check_id) or {}).get("_history")
    if history is None:
        return now
    before = [result for at, result in history if at <= CLOCK.now() - durations.HEALTH_TO_DNS]
    return bool(before[-1]) if before else True


def observe_all() -> None:
    """Make every check look at the world; call it whenever the world may have changed."""
    for check_id in list(route53._health_checks):
        healthy(check_id)


def _when_changed() -> None:
    """Also when nobody asks, so that a history is true; not more often than is worth its while."""
    if time.monotonic() - _LAST.get("look", 0.0) > LOOK_SECONDS:
        _LAST["look"] = time.monotonic()
        observe_all()


def _calculated(check: Record) -> tuple[bool, float]:
    """Healthy while enough children are. A threshold above their number is never met, 0 always is [V]."""
    config = check["config"]
    children = config.get("ChildHealthChecks") or []
    result = sum(healthy(child) for child in children) >= int(config.get("HealthThreshold", len(children)))
    found = [route53._health_checks.get(child) for child in children]
    return result, max((child["_history"][-1][0] for child in found if child and child.get("_history")), default=0.0)


def _by_alarm(check: Record) -> tuple[bool, float]:
    """CLOUDWATCH_METRIC: OK is healthy, ALARM is not; without sufficient data what InsufficientDataHealthStatus says [V]."""
    config = check["config"]
    named = config.get("AlarmIdentifier") or {}
    alarm = cloudwatch._alarms.get_scoped(get_account_id(), named.get("Region"), named.get("Name")) or {}
    state = alarm.get("StateValue", "INSUFFICIENT_DATA")
    if state != "INSUFFICIENT_DATA":
        check["_known"] = state == "OK"
        return check["_known"], 0.0
    told = config.get("InsufficientDataHealthStatus", "LastKnownStatus")
    return {"Healthy": True, "Unhealthy": False}.get(told, check.get("_known", True)), 0.0


def _observed(check: Record) -> tuple[bool, float]:
    """The status that the checkers agree on, and since when: a change must last for `threshold` requests in a row.

    A new check counts as healthy until its checkers know better [K].
    """
    config, now, outcome = check["config"], CLOCK.now(), probing.probe(check, in_dns)
    seen, check["_told"] = outcome.healthy, outcome.told
    if not seen:
        check["_failed"] = (now, outcome.told)
    state = check.setdefault("_probe", {"status": True, "seen": True, "since": now, "changed": now})
    if seen != state["seen"]:
        state.update(seen=seen, since=now)
    patience = int(config.get("RequestInterval", 30)) * int(config.get("FailureThreshold", 3))
    if seen != state["status"] and now - state["since"] >= patience:
        state.update(status=seen, changed=state["since"] + patience)
    return bool(state["status"]), float(state["changed"])


_LOOKS = {"CALCULATED": _calculated, "CLOUDWATCH_METRIC": _by_alarm}


def _note(check: Record, since: float, *, result: bool) -> None:
    """The history that the metrics are made from: (time, healthy) of each change.

    `since`: when what is below this check last changed; a change that is younger than that comes from its settings.
    """
    history = check.setdefault("_history", [])
    if not history:
        history.append((CLOCK.now(), result))
    elif history[-1][1] != result:
        history.append((since if since > history[-1][0] else CLOCK.now(), result))


# ---- set by hand -------------------------------------------------------------------------------------------------------------


def set_health(request: Record) -> Record:
    """POST /_meridian/health {"id" or "fqdn": ..., "status": "healthy" | "unhealthy" | null}: null follows the world again."""
    status = request.get("status")
    if status not in ("healthy", "unhealthy", None):
        raise ValueError(f"status {status!r} must be healthy, unhealthy or null")
    found = [check for check in route53._health_checks.values() if _is_meant(check, request)]
    if not found:
        raise ValueError(f"no health check matches {request}: give the id or the fqdn of one that exists")
    for check in found:
        check["_set_status"] = status
    observe_all()
    return {"set": [check["id"] for check in found], "status": status}


def _is_meant(check: Record, request: Record) -> bool:
    fqdn = check["config"].get("FullyQualifiedDomainName")
    return bool(check["id"] == request.get("id") or (fqdn and fqdn == request.get("fqdn")))


# ---- GetHealthCheckStatus ----------------------------------------------------------------------------------------------------


async def _handle(stock: Any, method: str, path: str, headers: Record, body: bytes, query: Record) -> Any:
    parts = path.strip("/").split("/")
    if (
        method == "GET"
        and len(parts) == 4
        and parts[1] == "healthcheck"
        and parts[3] in ("status", "lastfailurereason")
    ):
        return _status(parts[2], "GetHealthCheckStatusResponse", failing_only=parts[3] == "lastfailurereason")
    answer = await stock(method, path, headers, body, query)
    observe_all()
    return answer


def _status(check_id: str, root: str, *, failing_only: bool) -> Any:
    check = route53._health_checks.get(check_id)
    if check is None:
        return route53._error_response(
            "NoSuchHealthCheck", f"No health check exists with the specified ID {check_id}.", 404
        )
    if check["config"].get("Type") in ("CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL"):
        message = f"GetHealthCheckStatus is not supported for health checks of type {check['config']['Type']}"
        return route53._error_response("InvalidInput", message)
    healthy(check_id)
    at, text = (check.get("_failed") or (0.0, "")) if failing_only else (CLOCK.now(), check["_told"])
    reports = [(region, text) for region in check["config"].get("Regions") or _CHECKERS] if text else []
    name = "GetHealthCheckLastFailureReasonResponse" if failing_only else root
    return route53._xml_response(name, lambda parent: _observations(parent, reports, at))


def _observations(parent: Any, reports: list[tuple[str, str]], at: float) -> None:
    listed = route53.SubElement(parent, "HealthCheckObservations")
    for number, (region, text) in enumerate(reports, 1):
        item = route53.SubElement(listed, "HealthCheckObservation")
        route53.SubElement(item, "Region").text = region
        route53.SubElement(item, "IPAddress").text = f"192.0.2.{number}"
        report = route53.SubElement(item, "StatusReport")
        route53.SubElement(report, "Status").text = text
        route53.SubElement(report, "CheckedTime").text = cloudwatch._ts_iso(at)


def install() -> None:
    states.on_change(_when_changed)
    around(route53, "handle_request", _handle)
    health_metrics.install(observe_all)
    POSTED.update(health=set_health)
