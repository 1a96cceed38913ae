"""A Region's function, REST API, stage, domain names, log groups and alarms in template shape."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

ROOT = "(none)"
"""What API Gateway calls the empty base path."""
_API_ARN = re.compile(r'"arn:[^:"]+:execute-api:[^:"]*:[^:"]*:[^/"]+/')


def function(found: Mapping[str, Any]) -> Mapping[str, Any]:
    network = found.get("VpcConfig") or {}
    return {
        "FunctionName": found["FunctionName"],
        "Architectures": found.get("Architectures", ["x86_64"]),
        "Runtime": found.get("Runtime"),
        "Handler": found.get("Handler"),
        "MemorySize": found["MemorySize"],
        "Timeout": found["Timeout"],
        "Role": found["Role"],
        "VpcConfig": {key: network.get(key, []) for key in ("SubnetIds", "SecurityGroupIds")},
        "LoggingConfig": dict(found.get("LoggingConfig") or {}),
        "Environment": {"Variables": dict((found.get("Environment") or {}).get("Variables") or {})},
    }


def rest_api(found: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "Name": found["name"],
        "DisableExecuteApiEndpoint": found.get("disableExecuteApiEndpoint", False),
        "EndpointConfiguration": {"Types": found.get("endpointConfiguration", {}).get("types", [])},
        "Policy": policy(found.get("policy")),
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


def stage(found: Mapping[str, Any]) -> Mapping[str, Any]:
    logs = found.get("accessLogSettings") or {}
    return {
        "StageName": found["stageName"],
        "DeploymentId": found.get("deploymentId"),
        "TracingEnabled": found.get("tracingEnabled", False),
        "Variables": dict(found.get("variables") or {}),
        "AccessLogSetting": {
            "DestinationArn": logs.get("destinationArn", "").removesuffix(":*"),
            "Format": logs.get("format"),
        },
        "MethodSettings": [
            _method(path, found["methodSettings"][path]) for path in sorted(found.get("methodSettings", {}))
        ],
    }


def _method(path: str, settings: Mapping[str, Any]) -> Mapping[str, Any]:
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
