"""API Gateway: custom domains need their certificate, and a mapping needs its domain and its stage. Stages: see `stages`."""

from typing import Any

from ministack.core.responses import get_region
from ministack.services import apigateway_v1

from local_aws import models
from local_aws.legality.certificates import usable_here
from local_aws.legality.guard import on_call, on_stack
from local_aws.legality.stages import BAD, check_patch
from local_aws.refused import Refused
from local_aws.resources import apigateway
from local_aws.resources.wrap import Properties, around

PATCHED: tuple[str, ...] = (
    "ministack.services.apigateway_v1._base_path_mappings",
    "ministack.services.apigateway_v1._create_base_path_mapping",
    "ministack.services.apigateway_v1._delete_base_path_mapping",
    "ministack.services.apigateway_v1._domain_names",
    "ministack.services.apigateway_v1._v1_error",
)

Record = dict[str, Any]
_DOMAIN_PATHS = {"certificateArn", "certificateName", "endpointAccessMode", "endpointConfiguration",
                 "mutualTlsAuthentication", "ownershipVerificationCertificateArn", "policy", "regionalCertificateArn",
                 "regionalCertificateName", "routingMode", "securityPolicy"}  # fmt: skip
_MAPPING_PATHS = {"basePath", "restapiId", "stage"}


# ---- domains ---------------------------------------------------------------------------------------------------------------------


def _check_domain(name: str, regional: str | None, edge: str | None, kinds: list[str], *, new: bool) -> None:
    """CreateDomainName (aws-facts §2.2, §4): a name is unique in its Region, across all accounts; each type of endpoint has a
    member for its certificate [V: certificateArn, regionalCertificateArn; the words K]."""
    if new and any(
        (there, stored) == (get_region(), name) for (_, there, stored), _ in apigateway_v1._domain_names.all_items()
    ):
        raise Refused(BAD, f"The domain name you provided already exists: {name}")
    if "REGIONAL" in kinds:
        if not regional:
            raise Refused(BAD, f"A regional certificate is needed for {name}")
        usable_here(regional, name)
    elif not edge:
        raise Refused(BAD, f"A certificate is needed for {name}, whose endpoint is not regional")


def _check_security(policy: str | None, access: str | None, kinds: list[str]) -> None:
    """SecurityPolicy: one of API Gateway's; an endpoint access mode goes with those of 2025 and later, which need one
    (aws-facts §2.2) [V botocore; that they need one: K]."""
    enhanced = str(policy or "").startswith("SecurityPolicy_")
    if policy and policy not in models.enum("SecurityPolicy", "apigateway"):
        raise Refused(BAD, f"Invalid security policy: {policy}")
    if policy and enhanced and policy.endswith("_EDGE") and "EDGE" not in kinds:
        raise Refused(BAD, f"The security policy {policy} is for edge-optimized domain names only")
    if access and access not in models.enum("EndpointAccessMode", "apigateway"):
        raise Refused(BAD, f"Invalid endpoint access mode: {access}")
    if access and not enhanced:
        raise Refused(
            BAD, "Endpoint access mode is only supported with security policies that start with SecurityPolicy_"
        )
    if enhanced and not access:
        raise Refused(BAD, f"The security policy {policy} needs an endpoint access mode")


def _check_stack_domain(now: Properties, before: Properties | None) -> None:
    kinds = (now.get("EndpointConfiguration") or {}).get("Types") or ["EDGE"]
    new = before is None or before.get("DomainName") != now.get("DomainName")
    _check_domain(
        now.get("DomainName", ""), now.get("RegionalCertificateArn"), now.get("CertificateArn"), kinds, new=new
    )
    _check_security(now.get("SecurityPolicy"), now.get("EndpointAccessMode"), kinds)


def _check_domain_call(request: Record) -> None:
    kinds = (request.get("endpointConfiguration") or {}).get("types") or ["EDGE"]
    certificates = request.get("regionalCertificateArn"), request.get("certificateArn")
    _check_domain(request.get("domainName", ""), *certificates, kinds, new=True)
    _check_security(request.get("securityPolicy"), request.get("endpointAccessMode"), kinds)


def check_domain_patch(name: str, request: Record) -> None:
    """UpdateDomainName: the same rules for what it will be; one change at a time [K: refused, and not queued]."""
    record = apigateway_v1._domain_names.get(name)
    if record is None:
        return
    check_patch(request, _DOMAIN_PATHS)
    if record.get("domainNameStatus") in ("PENDING", "UPDATING"):
        raise Refused(
            "ConflictException", f"Domain name {record['domainName']} is being updated. Try again later.", 409
        )
    will = dict(record)
    for operation in request.get("patchOperations") or []:
        will[str(operation.get("path")).strip("/")] = operation.get("value")
    kinds = (record.get("endpointConfiguration") or {}).get("types") or ["EDGE"]
    certificates = will.get("regionalCertificateArn"), will.get("certificateArn")
    _check_domain(record["domainName"], *certificates, kinds, new=False)
    _check_security(will.get("securityPolicy"), will.get("endpointAccessMode"), kinds)


# ---- mappings --------------------------------------------------------------------------------------------------------------------


def _check_mapping(domain: str, api: str, stage: str, base_path: str, *, new: bool) -> None:
    """CreateBasePathMapping: the domain, the API and the stage must exist; a path is mapped once [V botocore: codes; words K]."""
    if domain not in apigateway_v1._domain_names:
        raise Refused("NotFoundException", f"Invalid domain name identifier specified {domain}", 404)
    if stage not in apigateway_v1._stages_v1.get(api, {}):
        raise Refused(BAD, f"Invalid stage identifier specified: {api}/{stage}")
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


def check_mapping_patch(domain: str, base_path: str, request: Record) -> None:
    """UpdateBasePathMapping: to an API and a stage that exist [K]."""
    will = dict(apigateway_v1._base_path_mappings.get(domain, {}).get(base_path) or {})
    if not will:
        return
    check_patch(request, _MAPPING_PATHS)
    for operation in request.get("patchOperations") or []:
        will[{"restapiId": "restApiId"}.get(name := str(operation.get("path")).strip("/"), name)] = operation.get(
            "value"
        )
    if will.get("stage") not in apigateway_v1._stages_v1.get(will.get("restApiId") or "", {}):
        raise Refused(BAD, f"Invalid stage identifier specified: {will.get('restApiId')}/{will.get('stage')}")


def _delete_mapping(stock: Any, domain: str, base_path: str) -> Any:
    """DeleteBasePathMapping: NotFoundException for one that is not there [V: API reference]."""
    if base_path not in apigateway_v1._base_path_mappings.get(domain, {}):
        return apigateway_v1._v1_error("NotFoundException", "Invalid base path mapping identifier specified", 404)
    return stock(domain, base_path)


def install() -> None:
    error = apigateway_v1._v1_error
    around(apigateway_v1, "_delete_base_path_mapping", _delete_mapping)
    on_call(apigateway, "create_domain_name", _check_domain_call, error)
    on_call(apigateway_v1, "_create_base_path_mapping", _check_mapping_call, error)
    on_call(apigateway, "update_domain_name", check_domain_patch, error)
    on_call(apigateway, "update_mapping", check_mapping_patch, error)
    on_stack("AWS::ApiGateway::DomainName", put=_check_stack_domain)
    on_stack("AWS::ApiGateway::BasePathMapping", put=_check_stack_mapping)
