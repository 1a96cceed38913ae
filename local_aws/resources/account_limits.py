"""What services tell of an account's limits: RDS, Route 53 and Lambda give limit and use in one answer [V: API references]."""

import json
import re
from typing import Any

from ministack.services import lambda_svc, rds, route53

from local_aws.refused import Refused
from local_aws.resources import service_quotas as quotas
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.services.lambda_svc._get_account_settings",
    "ministack.services.rds._ACTION_MAP",
    "ministack.services.rds._clusters",
    "ministack.services.rds._db_cluster_param_groups",
    "ministack.services.rds._instances",
    "ministack.services.rds._subnet_groups",
    "ministack.services.rds._xml",
    "ministack.services.route53._error_response",
    "ministack.services.route53._health_checks",
    "ministack.services.route53._records",
    "ministack.services.route53._xml_response",
    "ministack.services.route53._zones",
    "ministack.services.route53.handle_request",
)
_ACCOUNT = re.compile(r"/2013-04-01/accountlimit/([^/]+)")
_ZONE = re.compile(r"/2013-04-01/hostedzonelimit/([^/]+)/([^/]+)")
CHECKS, RECORDS, MOST_RECORDS = "MAX_HEALTH_CHECKS_BY_OWNER", "MAX_RRSETS_BY_ZONE", 10_000


def _of_rds(_request: dict[str, Any]) -> Any:
    """DescribeAccountAttributes: the quotas that count what is modelled here."""
    counted = {
        "DBClusters": (len(rds._clusters), quotas.CLUSTERS),
        "DBInstances": (len(rds._instances), quotas.INSTANCES),
        "DBSubnetGroups": (len(rds._subnet_groups), quotas.SUBNET_GROUPS),
        "DBClusterParameterGroups": (len(rds._db_cluster_param_groups), quotas.PARAMETER_GROUPS),
    }
    items = "".join(
        f"<AccountQuota><AccountQuotaName>{name}</AccountQuotaName><Used>{used}</Used><Max>{quotas.value(quota)}</Max></AccountQuota>"
        for name, (used, quota) in counted.items()
    )
    result = (
        f"<DescribeAccountAttributesResult><AccountQuotas>{items}</AccountQuotas></DescribeAccountAttributesResult>"
    )
    return rds._xml(200, "DescribeAccountAttributesResponse", result)


def _told(answer: str, kind: str, limit: int, count: int) -> Any:
    def body(root: Any) -> None:
        element = route53.SubElement(root, "Limit")
        route53.SubElement(element, "Type").text = kind
        route53.SubElement(element, "Value").text = str(limit)
        route53.SubElement(root, "Count").text = str(count)

    return route53._xml_response(answer, body)


def _of_account(kind: str) -> Any:
    if kind != CHECKS:
        raise Refused("InvalidInput", f"Invalid limit type: {kind}")
    return _told("GetAccountLimitResponse", kind, quotas.value(quotas.HEALTH_CHECKS), len(route53._health_checks))


def _of_zone(zone: str, kind: str) -> Any:
    if zone not in route53._zones:
        raise Refused("NoSuchHostedZone", f"No hosted zone found with ID: {zone}", 404)
    if kind != RECORDS:
        raise Refused("InvalidInput", f"Invalid limit type: {kind}")
    return _told("GetHostedZoneLimitResponse", kind, MOST_RECORDS, len(route53._records.get(zone, ())))


async def _route53(stock: Any, method: str, path: str, headers: Any, body: bytes, query: dict[str, Any]) -> Any:
    try:
        if method == "GET" and (asked := _ACCOUNT.fullmatch(path)):
            return _of_account(asked[1])
        if method == "GET" and (asked := _ZONE.fullmatch(path)):
            return _of_zone(asked[1], asked[2])
    except Refused as refusal:
        return route53._error_response(refusal.code, refusal.message, refusal.status)
    return await stock(method, path, headers, body, query)


def _of_lambda(stock: Any) -> Any:
    """GetAccountSettings, with the account's own concurrency: a young one has 10 [S]."""
    status, headers, body = stock()
    told = json.loads(body)
    limit, before = told["AccountLimit"], told["AccountLimit"]["ConcurrentExecutions"]
    most = quotas.value(quotas.CONCURRENCY)
    limit["UnreservedConcurrentExecutions"] = max(0, most - (before - limit["UnreservedConcurrentExecutions"]))
    limit["ConcurrentExecutions"] = most
    return status, headers, json.dumps(told).encode()


def install() -> None:
    rds._ACTION_MAP["DescribeAccountAttributes"] = _of_rds
    around(route53, "handle_request", _route53)
    around(lambda_svc, "_get_account_settings", _of_lambda)
