"""One request of a health checker: where the name leads, what stands there, and what it really answers.

The first steps look at records, as they say best why a request fails: the name as the DNS servers answer it now, the custom domain,
its mapping, the stage, the method of its deployment, the resource policy, the function. When all is there, the deployed API
is really called (`calling`), and its answer counts.
"""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from ministack.core.arn import execute_api_arn
from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_account_id
from ministack.services import apigateway_v1, cloudfront, lambda_svc

from local_aws.dns import addresses
from local_aws.dns.answering import Healthy, answer, distribution
from local_aws.drift import edge
from local_aws.drift.shape import plain_name
from local_aws.gateway.faults import data_plane_is_out
from local_aws.health_checks.calling import CALLER, Outcome, Target
from local_aws.resources.deployed import deployed

PATCHED: tuple[str, ...] = (
    "ministack.core.iam_evaluator.EvalContext",
    "ministack.core.iam_evaluator.evaluate_resource_policy",
    "ministack.services.apigateway_v1._base_path_mappings",
    "ministack.services.apigateway_v1._domain_names",
    "ministack.services.apigateway_v1._stages_v1",
    "ministack.services.apigateway_v1.rest_api_policy_for_arn",
    "ministack.services.cloudfront._distributions",
    "ministack.services.lambda_svc._functions",
)

Record = dict[str, Any]
CHECKER_PLACE = "us-east-1"  # where names are resolved from: one of the places where checkers stand
SUCCESS = Outcome(healthy=True, told="Success: HTTP Status Code 200, OK")
CONNECTED = Outcome(healthy=True, told="Success: TCP connection established")
# GetHealthCheckStatus's words are seen in public reports [S]; where none were found, ours follow them [K].
NO_CONNECTION = "The health checker could not establish a connection within the timeout limit."


class Failed(Exception):
    """The request fails here: the reason, as GetHealthCheckStatus words it."""

    @property
    def outcome(self) -> Outcome:
        return Outcome(healthy=False, told=f"Failure: {self}")


def refused(status: int) -> Failed:
    return Failed(f"HTTP Status Code {status}, {HTTPStatus(status).phrase}")


def probe(check: Record, healthy: Healthy) -> Outcome:
    """One request, or what POST /_meridian/health says of it."""
    if set_to := check.get("_set_status"):
        return SUCCESS if set_to == "healthy" else refused(503).outcome
    try:
        return _request(check, _region(check["config"], healthy))
    except Failed as failure:
        return failure.outcome


def _request(check: Record, region: str | None) -> Outcome:
    config = check["config"]
    port = int(config.get("Port") or (80 if config["Type"].startswith("HTTP_") or config["Type"] == "HTTP" else 443))
    if port != 443:
        raise Failed(NO_CONNECTION)  # AWS's own endpoints serve HTTPS only here
    if region is None or config["Type"] == "TCP":
        return CONNECTED if config["Type"] == "TCP" else SUCCESS
    if config["Type"].startswith("HTTPS") and not config.get("EnableSNI"):
        raise Failed("SSL alert handshake_failure")  # custom domains are told apart by SNI [V]
    host, path = plain_name(config["FullyQualifiedDomainName"]), config.get("ResourcePath") or "/"
    path = path if path.startswith("/") else f"/{path}"
    target = Target(host=host, path=path, region=region, search=config.get("SearchString") or "")
    return CALLER.outcome(check, target, json.dumps(_chain(target), default=str, sort_keys=True)) or SUCCESS


# ---- where the name leads --------------------------------------------------------------------------------------------------


def _region(config: Record, healthy: Healthy) -> str | None:
    """The Region whose API Gateway has the address; None for a distribution, which is there and enabled."""
    host = config.get("FullyQualifiedDomainName")
    if config.get("IPAddress") or not host:
        raise Failed(NO_CONNECTION)  # nothing of the Internet is here
    found = answer(plain_name(host), "A", CHECKER_PLACE, healthy)
    values = [value for part in found.answers if part.type == "A" for value in part.values]
    if not values:
        code = "NXDomain(3)" if found.rcode == "NXDOMAIN" else f"{found.rcode.title()}, no address"
        raise Failed(f"DNS resolution failed: Rcode {code}")
    if values[0] in addresses.EDGE:
        _edge_serves(plain_name(host))
        return None
    region = addresses.region_at(values[0])
    if region is None or data_plane_is_out(region):
        raise Failed(NO_CONNECTION)
    return region


def _edge_serves(host: str) -> None:
    """A distribution is not called here: it counts as serving while it is enabled and knows the name."""
    if not any(d.get("enabled", True) for d in _distributions(host)):
        raise refused(403)


def _distributions(host: str) -> list[Record]:
    def aliases(record: Record) -> set[str]:
        live = edge.distribution(record["Id"], {}) or {}
        return {plain_name(name) for name in (live.get("DistributionConfig") or {}).get("Aliases") or []}

    return [d for d in cloudfront._distributions.values() if host in aliases(d) or distribution(host) is d]


# ---- what stands there -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """One Region's API Gateway and Lambda, in the account of the check."""

    region: str

    def of(self, store: Any, key: str) -> Any:
        return store.get_scoped(get_account_id(), self.region, key)


def _chain(target: Target) -> list[Any]:
    """Every link of the way to the function; raises Failed at the one that is missing. What it gives changes when one does."""
    here = Place(target.region)
    domain = _domain(here, target.host)
    mapping = (here.of(apigateway_v1._base_path_mappings, domain["domainName"]) or {}).get("(none)")
    if mapping is None:
        raise refused(403)
    api, stage_name = mapping["restApiId"], mapping["stage"]
    stage = (here.of(apigateway_v1._stages_v1, api) or {}).get(stage_name)
    if stage is None:
        raise refused(403)
    path = target.path.partition("?")[0]
    method = _open_method(here, api, stage, path)
    _allowed(here, api, stage_name, path)
    return [domain["domainName"], mapping, stage, method, _function(here, method)]


def _domain(here: Place, host: str) -> Record:
    """The Region's custom domain of that name; while it is being made, the handshake fails."""
    for (account, region, name), domain in list(apigateway_v1._domain_names.all_items()):
        if (account, region, plain_name(name)) == (get_account_id(), here.region, host):
            if domain.get("domainNameStatus", "AVAILABLE") != "AVAILABLE":
                raise Failed("SSL alert handshake_failure")
            found: Record = domain
            return found
    raise refused(403)


def _open_method(here: Place, api: str, stage: Record, path: str) -> Record:
    """The method that answers GET without a signature, in the stage's deployment."""
    snapshot = (here.of(deployed, api) or {}).get(stage.get("deploymentId")) or {}
    matching = [r for r in snapshot.get("resources", {}).values() if matches(r.get("path") or "", path)]
    for resource in sorted(matching, key=lambda r: "{" in r["path"]):
        methods = resource.get("resourceMethods") or {}
        verb = next((verb for verb in ("GET", "ANY") if verb in methods), "")
        if not verb:
            continue
        method: Record = methods[verb]
        if method.get("authorizationType", "NONE") != "NONE":
            raise refused(403)
        return method
    raise refused(403)  # "Missing Authentication Token": no such path


def matches(template: str, path: str) -> bool:
    """`/a/{b}` is one segment, `/a/{b+}` is the rest."""
    parts, given = template.strip("/").split("/"), path.strip("/").split("/")
    for part, value in zip(parts, given, strict=False):
        if part.startswith("{") and part.endswith("+}"):
            return bool(value)
        if part != value and not (part.startswith("{") and value):
            return False
    return len(parts) == len(given)


def _allowed(here: Place, api: str, stage: str, path: str) -> None:
    """A checker is anonymous: the API's resource policy, if there is one, must allow it (API Gateway developer guide [V])."""
    arn = execute_api_arn(here.region, get_account_id(), api, stage, "GET", path)
    policy = (apigateway_v1.rest_api_policy_for_arn(arn) or ("",))[0]
    context = EvalContext("*", "Anonymous", "", "execute-api:Invoke", arn, here.region)
    if policy and evaluate_resource_policy(policy, context).decision != "Allow":
        raise refused(403)


def _function(here: Place, method: Record) -> list[Any]:
    """The function behind a proxy integration: it must be active, and API Gateway allowed to invoke it."""
    uri = (method.get("methodIntegration") or {}).get("uri") or ""
    if ":function:" not in uri:
        return []  # a mock or an HTTP integration
    name = uri.partition(":function:")[2].split("/")[0].split(":")[0]
    function = here.of(lambda_svc._functions, name)
    if not function or function["config"].get("State") != "Active":
        raise refused(500)
    statements = (function.get("policy") or {}).get("Statement") or []
    if "apigateway.amazonaws.com" not in json.dumps([s.get("Principal") for s in statements]):
        raise refused(500)
    named = ("CodeSha256", "Handler", "Runtime", "Timeout", "MemorySize", "Environment", "VpcConfig", "Layers")
    return [function.get("concurrency"), *(function["config"].get(key) for key in named)]
