"""CloudWatch's metrics of use: the requests that a deployed REST API gets, and the share of its capacity that a cluster uses.

A minute without requests has no value, as on AWS. No database runs here, so a cluster's load is what a person set, or a usual one.
"""

from collections.abc import Iterator
from typing import Any

from ministack import app
from ministack.core.responses import get_account_id, get_region
from ministack.services import apigateway_v1 as gateway
from ministack.services import rds

from local_aws import durations
from local_aws.clock import CLOCK
from local_aws.gateway.control import POSTED
from local_aws.health_checks.probing import matches
from local_aws.resources.deployed import served
from local_aws.resources.rds.members import instances_of
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = ("ministack.app._enforce_execute_api",)

Record = dict[str, Any]
Series = tuple[str, str, dict[str, str], list[tuple[float, float]]]  # namespace, metric, dimensions, (time, value)
MINUTE, KEPT_MINUTES = 60.0, 180
USUAL_PERCENT = 20.0

# (account, Region, api, stage, resource, method) -> minute -> requests
requests: dict[tuple[str, str, str, str, str, str], dict[int, int]] = {}


# --- API Gateway ------------------------------------------------------------------------------------------------------------


def _admission(stock: Any, api_id: str, stage: str, method: str, path: str, *more: Any, **options: Any) -> Any:
    """Every request comes by here on its way to a stage, also one that is not admitted, which counts as well [V: Count]."""
    scope = gateway.find_api_scope(api_id)
    if scope is not None:
        key = (*scope, api_id, stage, _resource(api_id, stage, path), method)
        minutes = requests.setdefault(key, {})
        now = int(CLOCK.now() // MINUTE)
        minutes[now] = minutes.get(now, 0) + 1
        for old in [minute for minute in minutes if minute < now - KEPT_MINUTES]:
            del minutes[old]
    return stock(api_id, stage, method, path, *more, **options)


def _resource(api_id: str, stage: str, path: str) -> str:
    """The resource as the API declares it, an exact one before one with parameters; empty where there is none."""
    declared = [r.get("path") or "" for r in (served(api_id, stage) or {}).get("resources", {}).values()]
    return min((p for p in declared if matches(p, path)), key=lambda p: "{" in p, default="")


def request_series() -> Iterator[Series]:
    """Count by stage; by method as well where the stage's settings ask for metrics [V: API Gateway dimensions and metrics]."""
    stages: dict[tuple[str, str], dict[int, int]] = {}
    for (account, region, api_id, stage, resource, method), minutes in list(requests.items()):
        api = gateway._rest_apis.get_scoped(account, region, api_id) if (account, region) == _here() else None
        if api is None:
            continue
        total = stages.setdefault((api["name"], stage), {})
        for minute, count in minutes.items():
            total[minute] = total.get(minute, 0) + count
        if resource and _detailed(api_id, stage):
            dimensions = {"ApiName": api["name"], "Stage": stage, "Resource": resource, "Method": method}
            yield "AWS/ApiGateway", "Count", dimensions, _over(minutes)
    for (name, stage), minutes in stages.items():
        yield "AWS/ApiGateway", "Count", {"ApiName": name, "Stage": stage}, _over(minutes)


def _here() -> tuple[str, str]:
    return get_account_id(), get_region()


def _detailed(api_id: str, stage: str) -> bool:
    found = (gateway._stages_v1.get(api_id) or {}).get(stage) or {}
    return any(str(s.get("metricsEnabled")).lower() == "true" for s in (found.get("methodSettings") or {}).values())


def _over(minutes: dict[int, int]) -> list[tuple[float, float]]:
    """A minute's value arrives when the minute is long over [K]."""
    last = CLOCK.now() - durations.METRIC_DELAY - MINUTE
    return [(minute * MINUTE, float(count)) for minute, count in sorted(minutes.items()) if minute * MINUTE <= last]


# --- Aurora -----------------------------------------------------------------------------------------------------------------


def load_series() -> Iterator[Series]:
    """ACUUtilization in percent, of every cluster with capacity to use and an instance to use it [V: Aurora Serverless v2]."""
    now = int((CLOCK.now() - durations.METRIC_DELAY) // MINUTE)
    for cluster in rds._clusters.values():
        there = any(i["DBInstanceStatus"] == "available" for i in instances_of(cluster))
        if there and cluster.get("ServerlessV2ScalingConfiguration"):
            steps = cluster.get("_load") or [[0.0, USUAL_PERCENT]]
            points = [(m * MINUTE, _at(steps, m * MINUTE)) for m in range(now - 30, now)]
            dimensions = {"DBClusterIdentifier": cluster["DBClusterIdentifier"]}
            yield "AWS/RDS", "ACUUtilization", dimensions, points


def _at(steps: list[list[float]], moment: float) -> float:
    return next((percent for since, percent in reversed(steps) if since <= moment), USUAL_PERCENT)


def set_load(request: Record) -> Record:
    """POST /_meridian/load: {"cluster": id, "percent": n}: this share of its maximum capacity from now on; null: the usual one."""
    name, percent = request.get("cluster"), request.get("percent")
    if percent is not None and (isinstance(percent, bool) or not isinstance(percent, int | float) or percent < 0):
        raise ValueError(f"percent {percent!r} must be a number that is not negative, or null")
    found = [c for c in rds._clusters.all_values() if c["DBClusterIdentifier"] == name]
    if not found:
        raise ValueError(f"no DB cluster {name!r} in any Region")
    for cluster in found:
        value = USUAL_PERCENT if percent is None else float(percent)
        cluster["_load"] = [*(cluster.get("_load") or []), [CLOCK.now(), value]]
    return {"cluster": name, "percent": percent}


def install() -> None:
    around(app, "_enforce_execute_api", _admission)
    POSTED.update(load=set_load)
