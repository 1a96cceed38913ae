"""What the regional API really is: gateway, stage, domains, certificate and alarm."""

from typing import Any

from ministack.services import acm, apigateway_v1, cloudwatch

from local_aws.drift.shape import renamed

Properties = dict[str, Any]


def account(_physical_id: str, _props: Properties) -> Properties:
    """The account is always there; what can drift is its role."""
    settings = apigateway_v1._account_settings.get("settings") or {}
    return {"CloudWatchRoleArn": settings.get("cloudwatchRoleArn")}


def rest_api(physical_id: str, _props: Properties) -> Properties | None:
    found = apigateway_v1._rest_apis.get(physical_id)
    if found is None:
        return None
    names = {
        "Name": "name",
        "Description": "description",
        "Policy": "policy",
        "DisableExecuteApiEndpoint": "disableExecuteApiEndpoint",
        "ApiKeySourceType": "apiKeySource",
        "MinimumCompressionSize": "minimumCompressionSize",
        "BinaryMediaTypes": "binaryMediaTypes",
        "Tags": "tags",
    }
    endpoint = found.get("endpointConfiguration") or {}
    return renamed(found, names) | {"EndpointConfiguration": {"Types": endpoint.get("types", ["EDGE"])}}


def deployment(physical_id: str, props: Properties) -> Properties | None:
    found = apigateway_v1._deployments_v1.get(props.get("RestApiId", ""), {}).get(physical_id)
    return None if found is None else {"Description": found.get("description", "")}


_METHOD_SETTINGS = {
    "CacheDataEncrypted": "cacheDataEncrypted",
    "CacheTtlInSeconds": "cacheTtlInSeconds",
    "CachingEnabled": "cachingEnabled",
    "DataTraceEnabled": "dataTraceEnabled",
    "LoggingLevel": "loggingLevel",
    "MetricsEnabled": "metricsEnabled",
    "ThrottlingBurstLimit": "throttlingBurstLimit",
    "ThrottlingRateLimit": "throttlingRateLimit",
}


def stage(physical_id: str, props: Properties) -> Properties | None:
    found = apigateway_v1._stages_v1.get(props.get("RestApiId", ""), {}).get(physical_id)
    if found is None:
        return None
    names = {
        "DeploymentId": "deploymentId",
        "Description": "description",
        "Variables": "variables",
        "TracingEnabled": "tracingEnabled",
        "CacheClusterEnabled": "cacheClusterEnabled",
        "Tags": "tags",
    }
    log = found.get("accessLogSettings") or {}
    return renamed(found, names) | {
        "AccessLogSetting": renamed(log, {"DestinationArn": "destinationArn", "Format": "format"}),
        "MethodSettings": _method_settings(props.get("MethodSettings") or [], found.get("methodSettings") or {}),
    }


def _method_settings(desired: list[Properties], live: dict[str, Properties]) -> list[Properties]:
    """The map of the API as the template's list; `*/*` is `/*` and `*` there."""
    asked = {_setting_key(item): item for item in desired}
    found = []
    for key, entry in live.items():
        path, _, method = key.rpartition("/")
        place = {"ResourcePath": "/*" if key == "*/*" else path, "HttpMethod": method}
        wanted = asked.get(key, {})
        found.append({k: wanted.get(k, v) for k, v in place.items()} | renamed(entry, _METHOD_SETTINGS))
    return found


def _setting_key(item: Properties) -> str:
    path, method = item.get("ResourcePath", "/*"), item.get("HttpMethod", "*")
    return "*/*" if (path, method) == ("/*", "*") else f"{path}/{method}"


def domain_name(physical_id: str, _props: Properties) -> Properties | None:
    found = apigateway_v1._domain_names.get(physical_id)
    if found is None:
        return None
    names = {
        "DomainName": "domainName",
        "RegionalCertificateArn": "regionalCertificateArn",
        "SecurityPolicy": "securityPolicy",
        "EndpointAccessMode": "endpointAccessMode",
        "RoutingMode": "routingMode",
        "Tags": "tags",
    }
    endpoint = found.get("endpointConfiguration") or {}
    return renamed(found, names) | {"EndpointConfiguration": {"Types": endpoint.get("types", [])}}


def base_path_mapping(_physical_id: str, props: Properties) -> Properties | None:
    mappings = apigateway_v1._base_path_mappings.get(props.get("DomainName", ""), {})
    found = mappings.get(props.get("BasePath") or "(none)")
    if found is None:
        return None
    return {"DomainName": props["DomainName"], "RestApiId": found.get("restApiId"), "Stage": found.get("stage")}


def certificate(physical_id: str, props: Properties) -> Properties | None:
    """ACM counts the domain name itself among the alternative names; a template need not."""
    found = acm._certificates.get(physical_id)
    if found is None:
        return None
    names = {"DomainName": "DomainName", "SubjectAlternativeNames": "SubjectAlternativeNames", "Tags": "Tags"}
    live = renamed(found, names) | {"ValidationMethod": found.get("ValidationMethod", "DNS")}
    if found["DomainName"] not in props.get("SubjectAlternativeNames", ()):
        others = [name for name in live.get("SubjectAlternativeNames") or () if name != found["DomainName"]]
        live["SubjectAlternativeNames"] = others
    return live


def alarm(physical_id: str, _props: Properties) -> Properties | None:
    found = cloudwatch._alarms.get(physical_id)
    return None if found is None else found | {"Tags": cloudwatch._resource_tags.get(found["AlarmArn"]) or {}}
