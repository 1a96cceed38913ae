"""API Gateway: OpenAPI bodies, settings that ministack loses, custom domains that take time, updates that it lacks."""

import json
import re
from typing import Any

from ministack import app as ministack_app
from ministack.core.responses import get_account_id, get_region
from ministack.services import apigateway_v1 as gateway
from ministack.services import cloudformation
from ministack.services.cloudformation import provisioners

from local_aws import durations, states
from local_aws.resources import deployed
from local_aws.resources.wrap import Properties, after, around, boolean, tags

ANY = "x-amazon-apigateway-any-method"
# Of API Gateway's regional endpoints: "Amazon API Gateway endpoints and quotas" [V].
REGIONAL_ZONES = {
    "us-east-1": "Z1UJRXOUMOOFQ8", "us-east-2": "ZOJJZC49E0EPZ", "us-west-1": "Z2MUQ32089INYE", "us-west-2": "Z2OJLYMUO9EFXC",
    "ap-south-1": "Z3VO1THU9YC4UR", "ap-northeast-1": "Z1YSHQZHG15GKL", "ap-northeast-2": "Z20JF4UZKIW1U8",
    "ap-northeast-3": "Z2YQB5RD63NC85", "ap-southeast-1": "ZL327KTPIQFUL", "ap-southeast-2": "Z2RPCDW04V8134",
    "ca-central-1": "Z19DQILCV0OWEC", "eu-central-1": "Z1U9ULNL0V5AJ3", "eu-west-1": "ZLY8HYME6SFDD",
    "eu-west-2": "ZJ5UAJN8Y3Z2Q", "eu-west-3": "Z3KY65QIEKYHQQ", "sa-east-1": "ZCMLWB8V5SYIT",
}  # fmt: skip
_BOOLEAN_FIELDS = ("disableExecuteApiEndpoint",)


# --- REST APIs --------------------------------------------------------------------------------------------------------------


def _rest_api(api_id: str, now: Properties, before: Properties | None) -> dict[str, Any]:
    endpoint = now.get("EndpointConfiguration") or {}
    gateway._rest_apis[api_id].update(
        disableExecuteApiEndpoint=boolean(now.get("DisableExecuteApiEndpoint")),
        apiKeySource=now.get("ApiKeySourceType", "HEADER"),
        endpointConfiguration={"types": list(endpoint.get("Types") or ["EDGE"])},
        policy=now.get("Policy"),
        binaryMediaTypes=list(now.get("BinaryMediaTypes") or []),
    )
    return provisioners._apigw_rest_api_attrs(api_id)


def _view(stock, api):
    """A policy is told with the short form of its resources written out and, inside its JSON string, with escaped slashes [S:
    hashicorp/terraform-provider-aws#5549, #41696; go-to-k/cdk-real-drift#676, live; its slashes: K]."""
    view = stock(api)
    if view and view.get("policy"):
        whole = f"arn:aws:execute-api:{get_region()}:{get_account_id()}:{view['id']}/"
        view["policy"] = view["policy"].replace('"execute-api:/', f'"{whole}').replace("/", "\\/")
    return view


def _update_rest_api(api_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str | None = None):
    """A changed body is imported over the same API, as PutRestApi with mode overwrite does."""
    body = new.get("Body")
    if isinstance(body, dict) and body != old.get("Body"):
        _overwrite(api_id, body)
    return provisioners._apigw_rest_api_update(api_id, {**old, "Body": body}, new, stack_name, logical_id)


def _overwrite(api_id: str, body: dict) -> None:
    imported = gateway._import_rest_api(body, {"name": gateway._rest_apis[api_id]["name"]})
    for store in (gateway._resources, gateway._authorizers_v1, gateway._models):
        store[api_id] = store.pop(imported, {})
    gateway._delete_rest_api(imported)


def _merge(api_id: str, body: dict) -> None:
    """PutRestApi with mode merge, its default: what the document has replaces or joins what is there."""
    imported = gateway._import_rest_api(body, {"name": gateway._rest_apis[api_id]["name"]})
    ours = {resource["path"]: resource for resource in gateway._resources[api_id].values()}
    for new in sorted(gateway._resources[imported].values(), key=lambda resource: resource["path"].count("/")):
        there = ours.get(new["path"])
        if there:
            there.setdefault("resourceMethods", {}).update(new.get("resourceMethods") or {})
            continue
        parent = new["path"].rpartition("/")[0] or "/"
        gateway._resources[api_id][new["id"]] = ours[new["path"]] = {**new, "parentId": ours[parent]["id"]}
    gateway._delete_rest_api(imported)


def _resources(stock, api_id: str, query_params: dict) -> tuple:
    """GetResources: of a method only its name, unless `embed=methods` asks for all of it [V: the parameter; K: the form]."""
    answer = stock(api_id, query_params)
    if answer[0] >= 300 or "methods" in (query_params.get("embed") or []):
        return answer
    told = json.loads(answer[2])
    for item in told["item"]:
        if "resourceMethods" in item:
            item["resourceMethods"] = {name: {} for name in item["resourceMethods"]}
    return gateway._v1_response(told)


def _tagged(stock, arn: str, change: Any) -> tuple:
    """TagResource, UntagResource: what the resource itself tells of its tags changes with them [V: RestApi, Stage, DomainName]."""
    answer = stock(arn, change)
    record = _by_path(arn.rpartition("::")[2])
    if answer[0] < 300 and record is not None:
        kept = {
            key: value
            for key, value in (record.get("tags") or {}).items()
            if isinstance(change, dict) or key not in change
        }
        record["tags"] = {**kept, **(change.get("tags", {}) if isinstance(change, dict) else {})}
    return answer


def _by_path(path: str) -> dict | None:
    kind, name, *rest = path.strip("/").split("/")
    if kind == "domainnames":
        return gateway._domain_names.get(name)
    return gateway._stages_v1.get(name, {}).get(rest[1]) if len(rest) > 1 else gateway._rest_apis.get(name)


def _import_operation(stock, api_id, resource_id, method, *more):
    return stock(api_id, resource_id, "ANY" if method.lower() == ANY else method, *more)


def _typed_patch(stock, record: dict, operations: list[dict]) -> dict:
    """A patch carries text, also for booleans."""
    for operation in operations:
        field = operation.get("path", "").strip("/")
        if field in _BOOLEAN_FIELDS and isinstance(operation.get("value"), str):
            operation["value"] = boolean(operation["value"])
    return stock(record, operations)


async def _data_plane(stock, host, path, *args, **options):
    """With its execute-api endpoint disabled an API answers to its custom domains only."""
    parsed = ministack_app._parse_execute_api_url(host, path)
    scope = gateway.find_api_scope(parsed[0]) if parsed else None
    if scope and deployed.endpoint_off.get_scoped(*scope, parsed[0]):
        return (
            403,
            {"Content-Type": "application/json", "x-amzn-ErrorType": "ForbiddenException"},
            b'{"message":"Forbidden"}',
        )
    return await stock(host, path, *args, **options)


def _stage(name: str, now: Properties, before: Properties | None) -> None:
    setting = now.get("AccessLogSetting") or {}
    stage = gateway._stages_v1[now["RestApiId"]][name]
    stage["accessLogSettings"] = (
        {"destinationArn": setting.get("DestinationArn"), "format": setting.get("Format")} if setting else {}
    )
    stage["tags"] = {tag["Key"]: tag["Value"] for tag in tags(now)}


# --- custom domains -----------------------------------------------------------------------------------------------------------


def _domain_name(name: str, now: Properties, before: Properties | None) -> None:
    _busy(name, "PENDING" if before is None else "UPDATING")


def _busy(name: str, status: str) -> None:
    states.hold(gateway._domain_names[name], "domainNameStatus", status, "AVAILABLE", durations.DOMAIN_NAME)


def _create_domain_name(stock, data: dict) -> tuple:
    """A stack's update creates the name again; the record stays the same one, for those who look at it."""
    existing = gateway._domain_names.get(data.get("domainName", ""))
    answer = stock(data)
    if answer[0] >= 300:
        return answer
    name, region = data["domainName"], get_region()
    zone = (
        REGIONAL_ZONES.get(region) or f"Z{region.replace('-', '').upper()}"
    )  # in the form of one, where it is not known
    gateway._domain_names[name]["regionalHostedZoneId"] = zone
    if existing is not None:
        existing.update(gateway._domain_names[name])
        gateway._domain_names[name] = existing
    _busy(name, "PENDING" if existing is None else "UPDATING")
    return gateway._v1_response(gateway._domain_names[name], answer[0])


async def _handle(stock, method, path, headers, body, query_params):
    """UpdateDomainName, UpdateBasePathMapping and PutRestApi, which ministack lacks."""
    if method == "POST" and path == "/domainnames":
        return create_domain_name(json.loads(body or b"{}"))
    if method == "PATCH" and (found := re.fullmatch(r"/domainnames/([^/]+)", path)):
        return update_domain_name(found[1], json.loads(body or b"{}"))
    if method == "PATCH" and (found := re.fullmatch(r"/domainnames/([^/]+)/basepathmappings/([^/]+)", path)):
        return update_mapping(found[1], found[2].replace("%28none%29", "(none)"), json.loads(body or b"{}"))
    if method == "PUT" and (found := re.fullmatch(r"/restapis/([^/]+)", path)) and found[1] in gateway._rest_apis:
        mode = query_params.get("mode") or "merge"
        put = _overwrite if "overwrite" in mode else _merge
        put(found[1], json.loads(body))
        return gateway._get_rest_api(found[1])
    return await stock(method, path, headers, body, query_params)


def create_domain_name(request: dict) -> tuple:
    """The call; a stack's update comes to ministack's function behind it, with a name that exists."""
    answer: tuple = gateway._create_domain_name(request)
    return answer


def update_domain_name(name: str, request: dict) -> tuple:
    answer = _patch(gateway._domain_names.get(name), request)
    if answer[0] < 300:
        _busy(name, "UPDATING")
        answer = gateway._v1_response(gateway._domain_names[name])
    return answer


def update_mapping(domain: str, base_path: str, request: dict) -> tuple:
    return _patch(gateway._base_path_mappings.get(domain, {}).get(base_path), request)


def _patch(record: dict | None, request: dict) -> tuple:
    if record is None:
        return gateway._v1_error("NotFoundException", "Invalid identifier specified", 404)
    names = {"/restapiId": "/restApiId"}  # the patch path is spelt otherwise than the member
    operations = [{**one, "path": names.get(one.get("path"), one.get("path"))} for one in request["patchOperations"]]
    gateway._apply_patch(record, operations)
    return gateway._v1_response(record)


def install() -> None:
    gateway._OPENAPI_HTTP_METHODS.add(ANY)
    around(gateway, "_import_operation", _import_operation)
    around(gateway, "_rest_api_view", _view)
    around(gateway, "_get_resources", _resources)
    around(gateway, "_tag_v1_resource", _tagged)
    around(gateway, "_untag_v1_resource", _tagged)
    around(gateway, "_apply_patch", _typed_patch)
    around(gateway, "_create_domain_name", _create_domain_name)
    around(gateway, "handle_request", _handle)
    around(ministack_app, "_handle_execute_api_request", _data_plane)
    host = r"(?:" + re.escape(ministack_app._MINISTACK_HOST) + r"|[a-z0-9-]+\.amazonaws\.com)"
    ministack_app._EXECUTE_API_RE = re.compile(r"^([a-f0-9]{8})\.execute-api\." + host + r"(?::\d+)?$")
    # ministack answers /health itself, on any host: that path belongs to the API under test.
    ministack_app._HEALTH_PATHS = ("/_ministack/health",)
    rest_api = cloudformation.provisioners._RESOURCE_HANDLERS["AWS::ApiGateway::RestApi"]
    rest_api.update(update=_update_rest_api, update_with_logical_id=True)
    after("AWS::ApiGateway::RestApi", _rest_api)
    after("AWS::ApiGateway::Stage", _stage)
    after("AWS::ApiGateway::DomainName", _domain_name)
    states.settles(
        "AWS::ApiGateway::DomainName",
        gateway._domain_names.get,
        lambda record: record["domainNameStatus"] == "AVAILABLE",
    )
