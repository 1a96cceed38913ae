"""API Gateway: deployments and the stages that serve them: what must be there first, what cannot go, where they may log."""

import json
import re
from typing import Any

from ministack.services import apigateway_v1, cloudwatch_logs

from local_aws.iam import trust
from local_aws.legality.guard import on_call, on_stack
from local_aws.refused import Refused
from local_aws.resources.wrap import Properties

PATCHED: tuple[str, ...] = (
    "ministack.services.apigateway_v1._create_deployment",
    "ministack.services.apigateway_v1._create_stage",
    "ministack.services.apigateway_v1._delete_deployment",
    "ministack.services.apigateway_v1._delete_rest_api",
    "ministack.services.apigateway_v1._delete_stage",
    "ministack.services.apigateway_v1._get_account",
    "ministack.services.apigateway_v1._update_account",
    "ministack.services.apigateway_v1._update_rest_api",
    "ministack.services.apigateway_v1._update_stage",
    "ministack.services.cloudwatch_logs._log_groups",
)

Record = dict[str, Any]
BAD = "BadRequestException"
_LOG_ARN = re.compile(
    r"arn:aws:(?:logs:[a-z0-9-]+:\d{12}:log-group:(?P<group>[\w/.#-]+?)(?::\*)?"
    r"|firehose:[a-z0-9-]+:\d{12}:deliverystream/amazon-apigateway-.+)"
)
_STAGE_PATHS = {"accessLogSettings", "cacheClusterEnabled", "cacheClusterSize", "canarySettings", "clientCertificateId",
                "deploymentId", "description", "documentationVersion", "methodSettings", "tracingEnabled",
                "variables"}  # fmt: skip
_API_PATHS = {"apiKeySource", "binaryMediaTypes", "description", "disableExecuteApiEndpoint", "endpointAccessMode",
              "endpointConfiguration", "minimumCompressionSize", "name", "policy", "securityPolicy", "version"}  # fmt: skip


# ---- deployments ---------------------------------------------------------------------------------------------------------------


def check_deployable(api: str) -> None:
    """CreateDeployment: every method has an integration, and there is one (API Gateway's own words, widely reported [S])."""
    resources = apigateway_v1._resources.get(api) or {}
    methods = [method for one in resources.values() for method in (one.get("resourceMethods") or {}).values()]
    if api in apigateway_v1._rest_apis and not methods:
        raise Refused(BAD, "The REST API doesn't contain any methods")
    if any(not method.get("methodIntegration") for method in methods):
        raise Refused(BAD, "No integration defined for method")


def check_deployment_unused(api: str, deployment: str) -> None:
    """DeleteDeployment: not while a stage points to it (API Gateway's own words, widely reported [S])."""
    if any(stage.get("deploymentId") == deployment for stage in apigateway_v1._stages_v1.get(api, {}).values()):
        raise Refused(BAD, "Active stages pointing to this deployment must be moved or deleted")


# ---- stages ----------------------------------------------------------------------------------------------------------------------


def check_stage(api: str, deployment: str | None, log: Record, settings: list[Record]) -> None:
    """CreateStage, UpdateStage: `log` and `settings` in the API's names. A deployment that is there [V botocore: the code]."""
    known = apigateway_v1._deployments_v1.get(api, {})
    if deployment is not None and api in apigateway_v1._rest_apis and deployment not in known:
        raise Refused("NotFoundException", f"Invalid Deployment identifier specified {deployment}", 404)
    if log.get("destinationArn"):
        _log(log["destinationArn"], log.get("format") or "")
    for setting in settings:
        if str(setting.get("loggingLevel") or "OFF") != "OFF":
            _logs_role()
        _throttle(setting)


def _log(arn: str, form: str) -> None:
    """AccessLogSettings: a log group (it must exist [K]) or a delivery stream, a format with the request's id [V: access
    log format]."""
    found = _LOG_ARN.fullmatch(arn)
    if not found:
        raise Refused(
            BAD, f"Invalid ARN specified in the request. ARN must be of a log group or delivery stream: {arn}"
        )
    if found["group"]:
        _logs_role()
        if found["group"] not in cloudwatch_logs._log_groups:
            raise Refused(BAD, f"The specified log group does not exist: {found['group']}")
    if "$context.requestId" not in form and "$context.extendedRequestId" not in form:
        raise Refused(BAD, "Access log format must contain $context.requestId or $context.extendedRequestId")


def _logs_role() -> None:
    """A Region's account settings name the role that writes logs (sst#1556, virtual-waiting-room-on-aws#74 [S])."""
    if not _account().get("cloudwatchRoleArn"):
        raise Refused(BAD, "CloudWatch Logs role ARN must be set in account settings to enable logging")


def _account() -> Record:
    found: Record = json.loads(apigateway_v1._get_account()[2])
    return found


def _throttle(setting: Record) -> None:
    """A method's limits stay below the account's [V: throttling; that more is refused and not cut: K]."""
    most = _account()["throttleSettings"]
    for name, kind in (("throttlingBurstLimit", "burstLimit"), ("throttlingRateLimit", "rateLimit")):
        if setting.get(name) is not None and float(setting[name]) > most[kind]:
            raise Refused(BAD, f"Throttling {kind} {setting[name]} must be at most the account's: {most[kind]}")


def _check_create_call(api: str, request: Record) -> None:
    """CreateStage: ConflictException for a name that is taken [V botocore]."""
    if request.get("stageName") in apigateway_v1._stages_v1.get(api, {}):
        raise Refused("ConflictException", "Stage already exists", 409)
    settings = list((request.get("methodSettings") or {}).values())
    check_stage(api, request.get("deploymentId", ""), request.get("accessLogSettings") or {}, settings)


def _check_update_call(api: str, name: str, request: Record) -> None:
    stage = apigateway_v1._stages_v1.get(api, {}).get(name)
    if stage is None:
        return
    log, deployment, settings = dict(stage.get("accessLogSettings") or {}), None, []
    for operation in request.get("patchOperations") or []:
        keys, value = str(operation.get("path")).strip("/").split("/"), operation.get("value")
        if keys[0] in _STAGE_PATHS:
            deployment = value if keys == ["deploymentId"] else deployment
            if keys[0] == "accessLogSettings" and len(keys) == 2:
                log[keys[1]] = value if operation.get("op") != "remove" else None
        elif keys[-2:] == ["throttling", "rateLimit"]:
            settings.append({"throttlingRateLimit": value})
        elif keys[-2:] == ["throttling", "burstLimit"]:
            settings.append({"throttlingBurstLimit": value})
        elif keys[-2:] == ["logging", "loglevel"]:
            settings.append({"loggingLevel": value})
        elif not {"metrics", "logging", "throttling", "caching"} & set(keys) and operation.get("op") != "remove":
            _refuse_path(operation, _STAGE_PATHS)
    check_stage(api, deployment, log, settings)


def check_patch(request: Record, known: set[str]) -> None:
    """UpdateRestApi and others: a patch names a member that can be patched [V: patch operations]."""
    for operation in request.get("patchOperations") or []:
        if str(operation.get("path")).strip("/").split("/")[0] not in known:
            _refuse_path(operation, known)


def _refuse_path(operation: Record, known: set[str]) -> None:
    """BadRequestException, in API Gateway's own words [S]."""
    places = ", ".join(f"/{name}" for name in sorted(known))
    raise Refused(
        BAD,
        f"Invalid patch path '{operation.get('path')}' specified for op '{operation.get('op')}'. "
        f"Please choose supported operations: [{places}]",
    )


def _check_stack_stage(now: Properties, before: Properties | None) -> None:
    new = before is None or any(before.get(key) != now.get(key) for key in ("RestApiId", "StageName"))
    if new and now.get("StageName") in apigateway_v1._stages_v1.get(now.get("RestApiId", ""), {}):
        raise Refused("ConflictException", "Stage already exists", 409)
    log = now.get("AccessLogSetting") or {}
    settings = [{k[0].lower() + k[1:]: v for k, v in item.items()} for item in now.get("MethodSettings") or []]
    named = {"destinationArn": log.get("DestinationArn"), "format": log.get("Format")}
    check_stage(now.get("RestApiId", ""), now.get("DeploymentId", ""), named, settings)


def check_unmapped(api: str, stage: str | None) -> None:
    """DeleteRestApi (in its own words, serverless#3638 [S]), DeleteStage: not while a custom domain maps to it."""
    for domain, mappings in apigateway_v1._base_path_mappings.items():
        if any(mapping["restApiId"] == api and stage in (None, mapping["stage"]) for mapping in mappings.values()):
            raise Refused(
                BAD,
                f"Deleting RestApi {api} failed. Please remove all base path mappings related to the RestApi in your "
                f"domains: {domain}."
                if stage is None
                else f"Active stages with custom domain mapping pointing to them must be unmapped first: {domain}",
            )


# ---- account ---------------------------------------------------------------------------------------------------------------------


def check_logs_role(arn: str | None) -> None:
    """UpdateAccount: API Gateway must be able to assume the role (API Gateway's own words, widely reported [S])."""
    if arn and not trust.assumable(arn, "apigateway.amazonaws.com"):
        raise Refused(BAD, "The role ARN does not have required permissions set to API Gateway")


def _check_account_call(request: Record) -> None:
    for operation in request.get("patchOperations") or []:
        if operation.get("path") == "/cloudwatchRoleArn":
            check_logs_role(operation.get("value"))


def install() -> None:
    error = apigateway_v1._v1_error
    on_call(apigateway_v1, "_create_deployment", lambda api, _: check_deployable(api), error)
    on_call(apigateway_v1, "_delete_deployment", check_deployment_unused, error)
    on_call(apigateway_v1, "_create_stage", _check_create_call, error)
    on_call(apigateway_v1, "_update_stage", _check_update_call, error)
    on_call(apigateway_v1, "_delete_stage", check_unmapped, error)
    on_call(apigateway_v1, "_update_rest_api", lambda _, request: check_patch(request, _API_PATHS), error)
    on_call(apigateway_v1, "_delete_rest_api", lambda api: check_unmapped(api, None), error)
    on_call(apigateway_v1, "_update_account", _check_account_call, error)
    on_stack(
        "AWS::ApiGateway::Deployment",
        put=lambda now, before: check_deployable(now.get("RestApiId", "")) if before is None else None,
        delete=lambda name, now: check_deployment_unused(now.get("RestApiId", ""), name),
    )
    on_stack(
        "AWS::ApiGateway::Stage",
        put=_check_stack_stage,
        delete=lambda name, now: check_unmapped(now.get("RestApiId", ""), name),
    )
    on_stack("AWS::ApiGateway::RestApi", delete=lambda api, _: check_unmapped(api, None))
    on_stack("AWS::ApiGateway::Account", put=lambda now, _: check_logs_role(now.get("CloudWatchRoleArn")))
