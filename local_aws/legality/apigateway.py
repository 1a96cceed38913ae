"""API Gateway: custom domains need their certificate, mappings need their stage, stages their deployment."""

from typing import Any

from ministack.services import apigateway_v1

from local_aws.legality.certificates import usable_here
from local_aws.legality.guard import Refused, on_call, on_stack
from local_aws.resources.wrap import Properties

PATCHED: tuple[str, ...] = tuple(
    f"ministack.services.apigateway_v1.{name}"
    for name in (
        "_base_path_mappings",
        "_create_base_path_mapping",
        "_create_domain_name",
        "_create_stage",
        "_delete_rest_api",
        "_delete_stage",
        "_deployments_v1",
        "_domain_names",
        "_rest_apis",
        "_stages_v1",
        "_v1_error",
    )
)

Record = dict[str, Any]


def _check_domain(name: str, certificate: str | None, kinds: list[str], *, new: bool) -> None:
    """CreateDomainName (aws-facts §2.2, §4)."""
    if new and name in apigateway_v1._domain_names:
        raise Refused("BadRequestException", f"The domain name you provided already exists: {name}")
    if "REGIONAL" in kinds:
        if not certificate:
            raise Refused("BadRequestException", f"A regional certificate is needed for {name}")
        usable_here(certificate, name)


def _check_stack_domain(now: Properties, before: Properties | None) -> None:
    kinds = (now.get("EndpointConfiguration") or {}).get("Types") or ["EDGE"]
    new = before is None or before.get("DomainName") != now.get("DomainName")
    _check_domain(now.get("DomainName", ""), now.get("RegionalCertificateArn"), kinds, new=new)


def _check_domain_call(request: Record) -> None:
    kinds = (request.get("endpointConfiguration") or {}).get("types") or ["EDGE"]
    _check_domain(request.get("domainName", ""), request.get("regionalCertificateArn"), kinds, new=True)


def _check_mapping(domain: str, api: str, stage: str, base_path: str, *, new: bool) -> None:
    """CreateBasePathMapping: the domain, the API and the stage must exist; a path is mapped once."""
    if domain not in apigateway_v1._domain_names:
        raise Refused("NotFoundException", f"Invalid domain name identifier specified {domain}", 404)
    if stage not in apigateway_v1._stages_v1.get(api, {}):
        raise Refused("BadRequestException", f"Invalid stage identifier specified: {api}/{stage}")
    if new and base_path in apigateway_v1._base_path_mappings.get(domain, {}):
        raise Refused("ConflictException", f"Base path already exists for this domain name: {domain}/{base_path}", 409)


def _check_stack_mapping(now: Properties, before: Properties | None) -> None:
    path = now.get("BasePath") or "(none)"
    identity = (now.get("DomainName"), path)
    new = before is None or (before.get("DomainName"), before.get("BasePath") or "(none)") != identity
    _check_mapping(now.get("DomainName", ""), now.get("RestApiId", ""), now.get("Stage", ""), path, new=new)


def _check_mapping_call(domain: str, request: Record) -> None:
    path = request.get("basePath") or "(none)"
    _check_mapping(domain, request.get("restApiId", ""), request.get("stage", ""), path, new=True)


def _check_stage(api: str, deployment: str) -> None:
    """CreateStage: the deployment must be one of this API."""
    if api in apigateway_v1._rest_apis and deployment not in apigateway_v1._deployments_v1.get(api, {}):
        raise Refused("NotFoundException", f"Invalid Deployment identifier specified {deployment}", 404)


def _stage_is_unmapped(api: str, stage: str | None) -> None:
    """DeleteStage, DeleteRestApi: refused while a base path mapping of a custom domain points there."""
    for domain, mappings in apigateway_v1._base_path_mappings.items():
        for mapping in mappings.values():
            if mapping["restApiId"] == api and stage in (None, mapping["stage"]):
                raise Refused(
                    "BadRequestException",
                    f"Active stages with custom domain mapping pointing to them must be unmapped first: {domain}",
                )


def install() -> None:
    error = apigateway_v1._v1_error
    on_call(apigateway_v1, "_create_domain_name", _check_domain_call, error)
    on_call(apigateway_v1, "_create_base_path_mapping", _check_mapping_call, error)
    on_call(apigateway_v1, "_create_stage", lambda api, r: _check_stage(api, r.get("deploymentId", "")), error)
    on_call(apigateway_v1, "_delete_stage", _stage_is_unmapped, error)
    on_call(apigateway_v1, "_delete_rest_api", lambda api: _stage_is_unmapped(api, None), error)
    on_stack("AWS::ApiGateway::DomainName", put=_check_stack_domain)
    on_stack("AWS::ApiGateway::BasePathMapping", put=_check_stack_mapping)
    on_stack(
        "AWS::ApiGateway::Stage",
        put=lambda now, _: _check_stage(now.get("RestApiId", ""), now.get("DeploymentId", "")),
        delete=lambda name, now: _stage_is_unmapped(now.get("RestApiId", ""), name),
    )
    on_stack("AWS::ApiGateway::RestApi", delete=lambda api, _: _stage_is_unmapped(api, None))
