"""Service Quotas, which ministack lacks: what an account may have, and `POST /_meridian/quotas`, which changes that.

Values are AWS's defaults [V: endpoints and quotas of each service; for distributions the lower of those that are told]. A quota of
CloudFront is known to GetServiceQuota only once it was raised: scripts fall back to the default value [S].
"""

import json
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core import iam_actions, router
from ministack.core.responses import get_account_id, get_region

from local_aws.gateway.control import POSTED
from local_aws.gateway.wire import json_object
from local_aws.refused import Refused

PATCHED: tuple[str, ...] = (
    "ministack.app.SERVICE_HANDLERS",
    "ministack.core.iam_actions.SERVICE_TO_IAM_NAMESPACE",
    "ministack.core.router.SERVICE_PATTERNS",
)
NAME, TARGET, EVERYWHERE = "servicequotas", "ServiceQuotasV20190624", "us-east-1"
VPCS, CLUSTERS, INSTANCES = "vpc/L-F678F1CE", "rds/L-952B80B8", "rds/L-7B6409FD"
SUBNET_GROUPS, PARAMETER_GROUPS = "rds/L-48C6BF61", "rds/L-E4C808A8"
CONCURRENCY, HEALTH_CHECKS = "lambda/L-B99A9384", "route53/L-ACB674F3"
DEFAULTS = {
    VPCS: ("VPCs per Region", 5),
    CLUSTERS: ("DB clusters", 40),
    INSTANCES: ("DB instances", 40),
    SUBNET_GROUPS: ("DB subnet groups", 50),
    PARAMETER_GROUPS: ("DB cluster parameter groups", 50),
    CONCURRENCY: ("Concurrent executions", 1000),
    HEALTH_CHECKS: ("Health checks", 200),
    "apigateway/L-A93447B8": ("Public custom domain names", 120),
    "cloudfront/L-24B04930": ("Web distributions per AWS account", 200),
}
GLOBAL, ONLY_DEFAULT = ("cloudfront", "route53"), ("cloudfront",)
Answer = tuple[int, dict[str, str], bytes]

raised: dict[tuple[str, str, str], int] = {}  # (account, Region, quota) -> value


def value(quota: str) -> int:
    """Of the caller's account, in the Region of the call."""
    region = EVERYWHERE if quota.partition("/")[0] in GLOBAL else get_region()
    return raised.get((get_account_id(), region, quota), DEFAULTS[quota][1])


def _change(request: dict[str, Any]) -> dict[str, Any]:
    """POST /_meridian/quotas {"region", "quota": "vpc/L-F678F1CE", "value": n}: AWS has granted so much; null the default."""
    region, quota, wanted = request.get("region"), request.get("quota"), request.get("value")
    if quota not in DEFAULTS or not isinstance(region, str):
        raise ValueError(f"region must be given, and quota {quota!r} be one of {', '.join(DEFAULTS)}")
    if wanted is not None and (not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 0):
        raise ValueError(f"value {wanted!r} must be a whole number, or null")
    key = (str(request.get("account", "111111111111")), region, quota)
    raised.pop(key, None)
    if wanted is not None:
        raised[key] = wanted
    return {"region": region, "quota": quota, "value": DEFAULTS[quota][1] if wanted is None else wanted}


def _asked(body: bytes) -> tuple[str, str]:
    """NoSuchResourceException [V: GetServiceQuota]; global quotas are known in us-east-1 alone [V: user guide]."""
    request = json_object(body)
    service, code = str(request.get("ServiceCode", "")), str(request.get("QuotaCode", ""))
    known = f"{service}/{code}" in DEFAULTS and (service not in GLOBAL or get_region() == EVERYWHERE)
    if not known:
        raise Refused("NoSuchResourceException", "The request failed because the specified service does not exist.")
    return service, code


def _quota(service: str, code: str, found: int) -> dict[str, Any]:
    return {
        "ServiceCode": service,
        "QuotaCode": code,
        "QuotaName": DEFAULTS[f"{service}/{code}"][0],
        "Value": float(found),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": service in GLOBAL,
    }


def _applied(body: bytes) -> dict[str, Any]:
    service, code = _asked(body)
    if service in ONLY_DEFAULT and (get_account_id(), EVERYWHERE, f"{service}/{code}") not in raised:
        raise Refused("NoSuchResourceException", "The request failed because the specified quota has no applied value.")
    return _quota(service, code, value(f"{service}/{code}"))


def _default(body: bytes) -> dict[str, Any]:
    service, code = _asked(body)
    return _quota(service, code, DEFAULTS[f"{service}/{code}"][1])


def _not_modelled(_body: bytes) -> dict[str, Any]:
    raise Refused("UnknownOperationException", "this operation of Service Quotas is not modelled")


_OPERATIONS: dict[str, Callable[[bytes], dict[str, Any]]] = {
    "GetServiceQuota": _applied,
    "GetAWSDefaultServiceQuota": _default,
}


async def _handle(_method: str, _path: str, headers: dict[str, str], body: bytes, _query: dict[str, Any]) -> Answer:
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    form = {"Content-Type": "application/x-amz-json-1.1"}
    try:
        return 200, form, json.dumps({"Quota": _OPERATIONS.get(operation, _not_modelled)(body)}).encode()
    except Refused as refusal:
        error = {"__type": refusal.code, "message": refusal.message}
        return refusal.status, form, json.dumps(error).encode()


def install() -> None:
    app.SERVICE_HANDLERS[NAME] = _handle
    router.SERVICE_PATTERNS[NAME] = {"target_prefixes": [TARGET]}
    iam_actions.SERVICE_TO_IAM_NAMESPACE[NAME] = NAME
    POSTED["quotas"] = _change
