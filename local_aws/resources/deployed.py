"""API Gateway: a deployment is a snapshot, and a stage serves the one it points to.

Methods, integrations and the resource policy that are edited afterwards wait for the next deployment. Authorizers and models
are not in the snapshot: this architecture has none.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, request_scope
from ministack.services import apigateway_v1 as gateway

from local_aws.resources.wrap import Properties, after, around

PATCHED: tuple[str, ...] = (
    "ministack.services.apigateway_v1._create_deployment",
    "ministack.services.apigateway_v1._create_stage",
    "ministack.services.apigateway_v1._delete_deployment",
    "ministack.services.apigateway_v1._deploy_to_stage",
    "ministack.services.apigateway_v1._match_greedy_fallback",
    "ministack.services.apigateway_v1._match_resource_tree",
    "ministack.services.apigateway_v1._update_stage",
)

Record = dict[str, Any]

deployed = AccountRegionScopedDict()  # api id -> {deployment id -> what it serves}
endpoint_off = AccountRegionScopedDict()  # api id -> whether the execute-api endpoint is disabled, as far as in effect
_SERVING: ContextVar[Record | None] = ContextVar("_SERVING", default=None)


# --- the control plane --------------------------------------------------------------------------------------------------------


def _create_deployment(stock: Any, api_id: str, data: Record) -> Any:
    known = set(gateway._deployments_v1.get(api_id, {}))
    answer = stock(api_id, data)
    for deployment in set(gateway._deployments_v1.get(api_id, {})) - known:
        deployed.setdefault(api_id, {})[deployment] = {
            "resources": copy.deepcopy(gateway._resources.get(api_id, {})),
            "policy": copy.deepcopy(gateway._rest_apis[api_id].get("policy")),
        }
    return answer


def _delete_deployment(stock: Any, api_id: str, deployment: str) -> Any:
    answer = stock(api_id, deployment)
    if answer[0] < 300:
        deployed.get(api_id, {}).pop(deployment, None)
    return answer


def _touching_a_stage(stock: Any, api_id: str, *args: Any, **options: Any) -> Any:
    """disableExecuteApiEndpoint takes effect when a setting of any stage is updated, such as its deployment [V: Disable the
    default endpoint for REST APIs]."""
    answer = stock(api_id, *args, **options)
    _take_effect(api_id)
    return answer


def _take_effect(api_id: str) -> None:
    if api_id in gateway._rest_apis:
        endpoint_off[api_id] = bool(gateway._rest_apis[api_id].get("disableExecuteApiEndpoint"))


def _stage(_name: str, now: Properties, _before: Properties | None) -> None:
    _take_effect(now.get("RestApiId", ""))


# --- the data plane -------------------------------------------------------------------------------------------------------------


def served(api_id: str, stage_name: str) -> Record | None:
    """What the stage serves; None for what was there before this was kept."""
    scope = gateway.find_api_scope(api_id)
    if scope is None:
        return None
    with request_scope(*scope):
        stage = gateway._stages_v1.get(api_id, {}).get(stage_name) or {}
        found: Record | None = deployed.get(api_id, {}).get(stage.get("deploymentId"))
        return found


@contextmanager
def _serving(api_id: str, stage_name: str) -> Iterator[None]:
    token = _SERVING.set(served(api_id, stage_name))
    try:
        yield
    finally:
        _SERVING.reset(token)


async def _execute(stock: Any, api_id: str, stage_name: str, *args: Any, **options: Any) -> Any:
    with _serving(api_id, stage_name):
        return await stock(api_id, stage_name, *args, **options)


def _authorization_type(stock: Any, api_id: str, stage_name: str, *args: Any) -> Any:
    with _serving(api_id, stage_name):
        return stock(api_id, stage_name, *args)


def _match(stock: Any, api_id: str, *args: Any) -> Any:
    """Routing looks at the deployed resources; nothing else runs while they stand in for the current ones."""
    snapshot = _SERVING.get()
    if snapshot is None:
        return stock(api_id, *args)
    current = gateway._resources.get(api_id)
    gateway._resources[api_id] = snapshot["resources"]
    try:
        return stock(api_id, *args)
    finally:
        gateway._resources[api_id] = current


def _policy(stock: Any, resource_arn: str) -> Any:
    parts = resource_arn.split(":", 5)
    api_id, _, rest = parts[-1].partition("/")
    snapshot = served(api_id, rest.partition("/")[0]) if len(parts) == 6 else None
    scope = gateway.find_api_scope(api_id) if snapshot else None
    if snapshot is None or scope is None:
        return stock(resource_arn)
    api = gateway._rest_apis.get_scoped(*scope, api_id)
    current = api.get("policy")
    api["policy"] = snapshot["policy"]
    try:
        return stock(resource_arn)
    finally:
        api["policy"] = current


def install() -> None:
    around(gateway, "_create_deployment", _create_deployment)
    around(gateway, "_delete_deployment", _delete_deployment)
    for name in ("_create_stage", "_update_stage", "_deploy_to_stage"):
        around(gateway, name, _touching_a_stage)
    after("AWS::ApiGateway::Stage", _stage)
    around(gateway, "handle_execute", _execute)
    around(gateway, "method_authorization_type", _authorization_type)
    around(gateway, "rest_api_policy_for_arn", _policy)
    for name in ("_match_resource_tree", "_match_greedy_fallback"):
        around(gateway, name, _match)
