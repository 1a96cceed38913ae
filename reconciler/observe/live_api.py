"""A Region's REST API, stage, domain names, log groups and alarms in template shape."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model.facts import Listing
from reconciler.model.observed import Unknown
from reconciler.observe.names import tags

ROOT = "(none)"
"""What API Gateway calls the empty base path."""
_API_ARN = re.compile(r'"arn:[^:"]+:execute-api:[^:"]*:[^:"]*:[^/"]+/')


def rest_api(found: Mapping[str, Any], resources: Listing) -> Mapping[str, Any]:
    """`resources`: GetResources. They are not live until they are deployed."""
    read = {} if isinstance(resources, Unknown) else {"Body": methods(resources)}
    return {
        **read,
        "Tags": tags(found.get("tags")),
        "Name": found["name"],
        "DisableExecuteApiEndpoint": found.get("disableExecuteApiEndpoint", False),
        "EndpointConfiguration": {"Types": found.get("endpointConfiguration", {}).get("types", [])},
        "Policy": policy(found.get("policy")),
    }


def methods(resources: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What the API does by `GET /path`, in the words of `reconciler.diff.openapi`, which reads the same out of a document."""
    return {
        f"{name} {resource['path']}": _method(method)
        for resource in resources
        for name, method in (resource.get("resourceMethods") or {}).items()
    }


def _method(found: Mapping[str, Any]) -> Mapping[str, Any]:
    integration = found.get("methodIntegration") or {}
    return {
        "authorization": found.get("authorizationType"),
        "apiKeyRequired": found.get("apiKeyRequired", False),
        "type": integration.get("type"),
        "httpMethod": integration.get("httpMethod"),
        "uri": integration.get("uri"),
        "passthroughBehavior": integration.get("passthroughBehavior"),
        "timeoutInMillis": integration.get("timeoutInMillis"),
        "credentials": integration.get("credentials") or None,
    }


def policy(text: str | None) -> Any:
    r"""The policy document. API Gateway gives it as the inside of a JSON string (`{\"Version\"...`) and with the short
    form of its resources (`execute-api:/*`) written out as the ARNs of this API."""
    if not text:
        return None
    unescaped = text if not text.startswith('{\\"') else str(json.loads(f'"{text}"'))
    try:
        return json.loads(_API_ARN.sub('"execute-api:/', unescaped.replace("\\/", "/")))
    except json.JSONDecodeError:
        return text


def stage(found: Mapping[str, Any], rest_api_id: str | None = None) -> Mapping[str, Any]:
    """`rest_api_id` is the API that it was asked of."""
    logs = found.get("accessLogSettings") or {}
    return {
        "RestApiId": rest_api_id,
        "Tags": tags(found.get("tags")),
        "StageName": found["stageName"],
        "DeploymentId": found.get("deploymentId"),
        "TracingEnabled": found.get("tracingEnabled", False),
        "Variables": dict(found.get("variables") or {}),
        "AccessLogSetting": {
            "DestinationArn": logs.get("destinationArn", "").removesuffix(":*"),
            "Format": logs.get("format"),
        },
        "MethodSettings": [
            _setting(path, found["methodSettings"][path]) for path in sorted(found.get("methodSettings", {}))
        ],
    }


def _setting(path: str, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """`*/*` and `~1orders/GET` as the template's resource path and method; setting names differ by their first letter."""
    resource, _, method = path.rpartition("/")
    resource = "/*" if resource == "*" else "/" + resource.replace("~1", "/").lstrip("/")
    return {
        "ResourcePath": resource,
        "HttpMethod": method,
        **{key[0].upper() + key[1:]: value for key, value in settings.items()},
    }


def domain_name(found: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "DomainName": found["domainName"],
        "Tags": tags(found.get("tags")),
        "RegionalCertificateArn": found.get("regionalCertificateArn"),
        "SecurityPolicy": found.get("securityPolicy"),
        "EndpointConfiguration": {"Types": found.get("endpointConfiguration", {}).get("types", [])},
    }


def mapping(found: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"RestApiId": found["restApiId"], "Stage": found.get("stage")}


def log_group(found: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"LogGroupName": found["logGroupName"], "RetentionInDays": found.get("retentionInDays")}


def alarm(found: Mapping[str, Any]) -> Mapping[str, Any]:
    names = (
        "AlarmName",
        "AlarmDescription",
        "Namespace",
        "MetricName",
        "Period",
        "EvaluationPeriods",
        "ComparisonOperator",
        "TreatMissingData",
        "Threshold",
        "Statistic",
        "ExtendedStatistic",
    )
    dimensions = sorted(found.get("Dimensions", ()), key=lambda d: str(d["Name"]))
    return {**{name: found.get(name) for name in names}, "Dimensions": [dict(d) for d in dimensions]}
