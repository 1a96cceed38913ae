"""A viewer's request to a distribution, all the way: its alias, the behaviour, the function at the edge, the Region, the API.

ministack serves distributions by their own names, with cache and origin request policies, and knows no Lambda@Edge; its origins
are dialled on the network. Here the aliases of live distributions answer, too, a function runs before the origin is asked, and
origins are found through the name servers, as from the edge location. Nothing is cached. Plain HTTP on loopback counts as HTTPS.
"""

import logging
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote

from ministack import app
from ministack.core.concurrency import run_reentrant
from ministack.core.responses import get_account_id, request_scope
from ministack.services import cloudfront

from local_aws.clock import CLOCK
from local_aws.dns import addresses, locations
from local_aws.dns.answering import answer
from local_aws.drift import edge
from local_aws.drift.shape import plain_name
from local_aws.edge import events, rules, sandboxes
from local_aws.edge.events import OriginRequest
from local_aws.gateway.faults import data_plane_is_out
from local_aws.health_checks import health
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.app._handle_cloudfront_dataplane_request",
    "ministack.app._handle_execute_api_request",
    "ministack.services.cloudfront._cf_error_response",
    "ministack.services.cloudfront._cf_request_id",
    "ministack.services.cloudfront._distributions",
    "ministack.services.cloudfront._fetch_from_origin",
    "ministack.services.cloudfront._multidict_from_pairs",
)
logger = logging.getLogger("local_aws.edge")
Response = tuple[int, str, dict[str, Any], bytes]
CONNECT_SECONDS = 3 * 3  # virtual: attempts times the time that each is given, by default 3 and 10 [V]
ERROR = "Error from cloudfront"
_GATEWAY = re.compile(r"localhost|[\d.]+")  # almost every request: no name, so nobody's alias


# ---- the viewer's side -----------------------------------------------------------------------------------------------------


async def _viewer(stock: Any, host: str, path: str, raw_path: str, query: str, method: str, headers: dict[str, str],
                  body: bytes, params: dict[str, Any], client: str) -> Any:  # fmt: skip
    """By the alias, if the name is one. Clients cannot say themselves how they came."""
    arrived = {**headers, "x-forwarded-proto": "https"}
    name = plain_name(host.partition(":")[0])
    found = None if _GATEWAY.fullmatch(name) else next(_with_alias(name), None)
    if found is None:
        return await stock(host, path, raw_path, query, method, arrived, body, params, client)
    account, record = found
    if not record.get("enabled", True):
        return cloudfront._cf_error_response(403, "The distribution is disabled.", ERROR)
    with request_scope(account, "us-east-1"):
        domain = record["DomainName"]
        return await stock(domain, path, raw_path, query, method, {**arrived, "host": name}, body, params, client)


def _with_alias(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for account, record in _distributions():
        with request_scope(account, "us-east-1"):
            live = (edge.distribution(record["Id"], {}) or {}).get("DistributionConfig") or {}
        if name in {plain_name(alias) for alias in live.get("Aliases") or []}:
            yield account, record


def _distributions() -> Iterator[tuple[str, dict[str, Any]]]:
    """Account and record; CloudFront is global."""
    for key, record in list(cloudfront._distributions._data.items()):
        yield key[0], record


# ---- the origin's side -----------------------------------------------------------------------------------------------------


async def _fetch(stock: Any, origin: dict[str, Any], method: str, uri: str, query: str, headers: dict[str, str],
                 body: bytes, https: bool, client: str, forwarded: str, distribution_arn: str) -> Response:  # fmt: skip
    """What the origin says, by way of the function that is associated with the behaviour."""
    if origin.get("s3_bucket"):
        found: Response = await stock(
            origin, method, uri, query, headers, body, https, client, forwarded, distribution_arn
        )
        return found
    record = cloudfront._distributions[distribution_arn.rsplit("/", 1)[-1]]
    request = OriginRequest(
        method=method,
        uri=uri,
        query=query,
        headers=_sent(headers, origin, client, forwarded),
        body=body,
        client=client,
        host=origin["domain_name"].lower(),
        path=origin.get("origin_path") or "",
        port=origin.get("https_port") or 443,
        read_seconds=origin.get("read_timeout") or 30,
        custom_headers=tuple(origin.get("custom_headers") or ()),
    )
    region = sandboxes.nearest(locations.of_source(client))
    version, with_body = _function(record, uri)
    if version is None:
        return await _ask(request, region)
    given = events.event(
        request,
        distribution=record["Id"],
        domain=record["DomainName"],
        number=cloudfront._cf_request_id(),
        with_body=with_body,
    )
    try:
        answered = await run_reentrant(sandboxes.run, version, given, get_account_id(), region)
    except sandboxes.Failed as failure:
        logger.warning("the function at the edge failed: %s", failure)
        return _refused(503, "LambdaExecutionError")
    wrong = list(rules.problems(given["Records"][0]["cf"]["request"], answered))
    if wrong:
        logger.warning("the answer of the function at the edge is not valid: %s", "; ".join(wrong))
        return _refused(502, "LambdaValidationError")
    if "status" in answered:
        return events.generated(answered)
    return await _ask(events.applied(request, answered), region)


def _sent(headers: dict[str, str], origin: dict[str, Any], client: str, forwarded: str) -> dict[str, str]:
    """With what CloudFront adds [V: Developer Guide, "How CloudFront processes HTTP request headers"]."""
    return {
        "host": origin["domain_name"],
        **headers,
        "via": "2.0 local.cloudfront.net (CloudFront)",
        "x-amz-cf-id": cloudfront._cf_request_id(),
        "x-forwarded-for": ", ".join(filter(None, (forwarded, client))),
        **{name.lower(): value for name, value in origin.get("custom_headers") or ()},
    }


def _function(record: dict[str, Any], uri: str) -> tuple[str | None, bool]:
    """The version that origin requests of this path go through, and whether it sees their body."""
    live = (edge.distribution(record["Id"], {}) or {}).get("DistributionConfig") or {}
    behaviours = [b for b in live.get("CacheBehaviors") or [] if _matches(b["PathPattern"], uri)]
    behaviour = behaviours[0] if behaviours else live.get("DefaultCacheBehavior") or {}
    for association in behaviour.get("LambdaFunctionAssociations") or []:
        if association["EventType"] == "origin-request":
            return association["LambdaFunctionARN"], bool(association.get("IncludeBody"))
    return None, False


def _matches(pattern: str, uri: str) -> bool:
    parts = (re.escape(part).replace(r"\?", ".") for part in pattern.split("*"))
    return re.fullmatch(".*".join(parts), uri if pattern.startswith("/") else uri.removeprefix("/")) is not None


async def _ask(request: OriginRequest, place: str) -> Response:
    """Resolved anew, also when a function has changed the name [V, aws-facts §6.3]. What is there is only API Gateway."""
    found = answer(request.host, "A", place, health.in_dns)
    values = [value for part in found.answers if part.type == "A" for value in part.values]
    region = addresses.region_at(values[0]) if values else None
    if region is None:
        raise cloudfront.OriginUnreachable(f"{request.host} leads nowhere")
    if data_plane_is_out(region) or request.port != 443:
        await CLOCK.sleep(CONNECT_SECONDS)
        raise cloudfront.OriginTimeout(f"{request.host} does not answer")
    headers = {**request.headers, "host": request.headers.get("host") or request.host}
    target = request.path + request.uri
    with addresses.dialling(region):
        said = await app._handle_execute_api_request(
            headers["host"],
            unquote(target),
            request.method,
            headers,
            request.body,
            parse_qs(request.query, keep_blank_values=True),
            raw_path=target,
            raw_query_string=request.query,
        )
    if said is None:  # the handshake fails: no domain of that name is there
        raise cloudfront.OriginUnreachable(f"no custom domain {headers['host']} in {region}")
    status, got, content = said
    data = content.encode() if isinstance(content, str) else bytes(content)
    return status, _phrase(status), cloudfront._multidict_from_pairs(got.items()), data


def _refused(status: int, why: str) -> Response:
    _, headers, body = cloudfront._cf_error_response(status, "The request could not be satisfied.", ERROR)
    plain = {name.lower(): value for name, value in headers.items()}
    return status, _phrase(status), {**plain, "x-cache": f"{why} from cloudfront"}, body


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""


def install() -> None:
    around(app, "_handle_cloudfront_dataplane_request", _viewer)
    around(cloudfront, "_fetch_from_origin", _fetch)
