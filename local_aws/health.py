"""Health of Route 53's checks, worked out from the live state of the world.

A probe of `<region>.origin.<d>` is healthy while everything a request needs is there: the record, the custom domain and its
mapping, the stage, an open path, an active function. Or it is what POST /_meridian/health says. A change counts
once it has lasted interval x threshold, as with AWS's checkers. Nothing ticks: whoever asks makes the checks look.
"""

from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import apigateway_v1, cloudwatch, lambda_svc, route53

from local_aws import health_metrics
from local_aws.clock import CLOCK
from local_aws.control import POSTED
from local_aws.drift.shape import plain_name
from local_aws.health_metrics import ENDPOINTS
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (  # of health_metrics, too
    "ministack.services.apigateway_v1._base_path_mappings",
    "ministack.services.apigateway_v1._domain_names",
    "ministack.services.apigateway_v1._resources",
    "ministack.services.apigateway_v1._rest_apis",
    "ministack.services.apigateway_v1._stages_v1",
    "ministack.services.lambda_svc._functions",
    "ministack.services.cloudwatch._cbor_ok",
    "ministack.services.cloudwatch._dims_key",
    "ministack.services.cloudwatch._error",
    "ministack.services.cloudwatch._get_metric_data",
    "ministack.services.cloudwatch._get_metric_statistics",
    "ministack.services.cloudwatch._json_ok",
    "ministack.services.cloudwatch._list_metrics",
    "ministack.services.cloudwatch._metrics",
    "ministack.services.cloudwatch._ts_iso",
    "ministack.services.rds._clusters",
    "ministack.services.route53._health_checks",
    "ministack.services.route53._records",
    "ministack.services.route53._xml_response",
    "ministack.services.route53.handle_request",
)

Record = dict[str, Any]
_CHECKERS = ("us-east-1", "us-west-1", "us-west-2", "eu-west-1", "ap-northeast-1", "ap-southeast-1", "sa-east-1")
# GetHealthCheckStatus: 4 at once, 1 per second after that (aws-facts §5.1).
STATUS_BURST, STATUS_RATE = 4.0, 1.0
status_bucket: dict[str, list[float]] = {}


# ---- is it healthy? --------------------------------------------------------------------------------------------------------


def healthy(check_id: str) -> bool:
    """What DNS and the metrics say of a check now."""
    check = route53._health_checks.get(check_id)
    if check is None:
        return True  # an unknown check never takes a record away
    config = check["config"]
    observed, since = _calculated(check) if config.get("Type") == "CALCULATED" else _observed(check)
    result = bool(config.get("Disabled")) or observed != bool(config.get("Inverted"))
    _note(check, since, result=result)
    return result


def observe_all() -> None:
    """Make every check look at the world; call it whenever the world may have changed."""
    for check_id in list(route53._health_checks):
        healthy(check_id)


def _calculated(check: Record) -> tuple[bool, float]:
    """Healthy while enough children are. A threshold above their number is never met, 0 always is."""
    config = check["config"]
    children = config.get("ChildHealthChecks") or []
    result = sum(healthy(child) for child in children) >= int(config.get("HealthThreshold", len(children)))
    found = [route53._health_checks.get(child) for child in children]
    return result, max((child["_history"][-1][0] for child in found if child), default=0.0)


def _observed(check: Record) -> tuple[bool, float]:
    """The status that the checkers agree on, and since when: a change must last for `threshold` requests in a row.

    A new check counts as healthy until its checkers know better.
    """
    config, now, seen = check["config"], CLOCK.now(), probe(check)
    state = check.setdefault("_probe", {"status": True, "seen": True, "since": now, "changed": now})
    if seen != state["seen"]:
        state.update(seen=seen, since=now)
    patience = int(config.get("RequestInterval", 30)) * int(config.get("FailureThreshold", 3))
    if seen != state["status"] and now - state["since"] >= patience:
        state.update(status=seen, changed=state["since"] + patience)
    return bool(state["status"]), float(state["changed"])


def probe(check: Record) -> bool:
    """One request as a checker would make it."""
    if check.get("_set_status"):
        return bool(check["_set_status"] == "healthy")
    config = check["config"]
    if config.get("Type") not in ENDPOINTS or not config.get("FullyQualifiedDomainName"):
        return True
    return reachable(config["FullyQualifiedDomainName"], config.get("ResourcePath") or "/")


def _note(check: Record, since: float, *, result: bool) -> None:
    """The history that the metrics are made from: (time, healthy) of each change.

    `since`: when what is below this check last changed; a change that is younger than that comes from its settings.
    """
    history = check.setdefault("_history", [])
    if not history:
        history.append((CLOCK.now(), result))
    elif history[-1][1] != result:
        history.append((since if since > history[-1][0] else CLOCK.now(), result))


# ---- what a request needs --------------------------------------------------------------------------------------------------


def reachable(host: str, path: str) -> bool:
    """Whether GET https://host/path gets its answer from a regional API: every link of the chain must be there."""
    target = _alias_target(plain_name(host))
    where = _domain_behind(plain_name(host), target) if target else None
    if where is None:
        return False
    region, _ = where
    mapping = _mapping(region, plain_name(host))
    if mapping is None:
        return False
    api, stage = mapping["restApiId"], mapping["stage"]
    if stage not in apigateway_v1._stages_v1.get_scoped(get_account_id(), region, api, {}):
        return False
    method = _open_method(region, api, path)
    return method is not None and _function_is_active(region, method)


def _alias_target(host: str) -> str | None:
    for records in route53._records.values():
        for record in records:
            if plain_name(record["Name"]) == host and record["Type"] == "A" and record.get("AliasTarget"):
                return plain_name(record["AliasTarget"]["DNSName"])
    return None


def _domain_behind(host: str, target: str) -> tuple[str, Record] | None:
    """The custom domain of that name whose regional name the record points at, if it is ready."""
    for (account, region, name), domain in list(apigateway_v1._domain_names.all_items()):
        ours = account == get_account_id() and plain_name(name) == host
        if ours and plain_name(domain.get("regionalDomainName", "")) == target:
            return (region, domain) if domain.get("domainNameStatus", "AVAILABLE") == "AVAILABLE" else None
    return None


def _mapping(region: str, host: str) -> Record | None:
    mappings: dict[str, Record] = apigateway_v1._base_path_mappings.get_scoped(get_account_id(), region, host, {})
    return mappings.get("(none)")


def _open_method(region: str, api: str, path: str) -> Record | None:
    """The method that answers GET `path` without a signature: checkers cannot sign."""
    resources = apigateway_v1._resources.get_scoped(get_account_id(), region, api, {}).values()
    exact = [r for r in resources if r.get("path") == path]
    for resource in exact or [r for r in resources if r.get("path") == "/{proxy+}"]:
        methods = resource.get("resourceMethods") or {}
        method = methods.get("GET") or methods.get("ANY")
        if method and method.get("authorizationType", "NONE") == "NONE":
            found: Record = method
            return found
    return None


def _function_is_active(region: str, method: Record) -> bool:
    uri = (method.get("methodIntegration") or {}).get("uri") or ""
    if ":function:" not in uri:
        return True  # a mock or an HTTP integration
    name = uri.partition(":function:")[2].split("/")[0].split(":")[0]
    function = lambda_svc._functions.get_scoped(get_account_id(), region, name)
    return bool(function and function["config"].get("State") == "Active")


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
    if not _take_token():
        return route53._error_response("Throttling", "Rate exceeded", 400)
    check = route53._health_checks.get(check_id)
    if check is None:
        return route53._error_response(
            "NoSuchHealthCheck", f"No health check exists with the specified ID {check_id}.", 404
        )
    if check["config"].get("Type") in ("CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL"):
        message = f"GetHealthCheckStatus is not supported for health checks of type {check['config']['Type']}"
        return route53._error_response("InvalidInput", message)
    passed = healthy(check_id) != bool(check["config"].get("Inverted"))
    text = "Success: HTTP Status Code 200, OK" if passed else "Failure: HTTP Status Code 503, Service Unavailable"
    reports = [] if failing_only and passed else [(region, text) for region in _CHECKERS]
    name = "GetHealthCheckLastFailureReasonResponse" if failing_only else root
    return route53._xml_response(name, lambda parent: _observations(parent, reports))


def _take_token() -> bool:
    now = CLOCK.now()
    left, at = status_bucket.get("tokens", [STATUS_BURST, now])
    left = min(STATUS_BURST, left + (now - at) * STATUS_RATE)
    status_bucket["tokens"] = [left - 1 if left >= 1 else left, now]
    return left >= 1


def _observations(parent: Any, reports: list[tuple[str, str]]) -> None:
    listed = route53.SubElement(parent, "HealthCheckObservations")
    for number, (region, text) in enumerate(reports, 1):
        item = route53.SubElement(listed, "HealthCheckObservation")
        route53.SubElement(item, "Region").text = region
        route53.SubElement(item, "IPAddress").text = f"192.0.2.{number}"
        report = route53.SubElement(item, "StatusReport")
        route53.SubElement(report, "Status").text = text
        route53.SubElement(report, "CheckedTime").text = cloudwatch._ts_iso(CLOCK.now())


def install() -> None:
    around(route53, "handle_request", _handle)
    health_metrics.install(observe_all)
    POSTED.update(health=set_health)
