"""Who answers at the addresses that DNS gives for the edge and for the Regions' APIs: nobody but them.

The gateway's own address, 127.0.0.1, takes requests for any host, as a convenience.
"""

import json
from typing import Any
from urllib.parse import parse_qs

from ministack import app
from ministack.services import cloudfront

from local_aws.dns import addresses, locations
from local_aws.gateway.asgi import Answer, HangUp, Message, Request
from local_aws.gateway.control import DIALLED
from local_aws.gateway.faults import data_plane_is_out

PATCHED: tuple[str, ...] = (
    "ministack.app._handle_cloudfront_dataplane_request",
    "ministack.app._handle_execute_api_request",
    "ministack.services.cloudfront._cf_error_response",
)


async def _at_the_edge(request: Request, scope: Message) -> Answer:
    client = (scope.get("client") or ("127.0.0.1",))[0]
    found = await app._handle_cloudfront_dataplane_request(
        request.headers.get("host", ""), request.path, _raw(scope), request.query, request.method, request.headers,
        request.body, parse_qs(request.query, keep_blank_values=True), client,
    )  # fmt: skip
    return _plain(
        *(found or cloudfront._cf_error_response(403, "No distribution has this name.", "Error from cloudfront"))
    )


async def _in_a_region(region: str, request: Request, scope: Message) -> Answer:
    if data_plane_is_out(region):
        raise HangUp
    with addresses.dialling(region):
        found = await app._handle_execute_api_request(
            request.headers.get("host", ""), request.path, request.method, request.headers, request.body,
            parse_qs(request.query, keep_blank_values=True), raw_path=_raw(scope), raw_query_string=request.query,
        )  # fmt: skip
    return _plain(*(found or (403, {"Content-Type": "application/json"}, json.dumps({"message": "Forbidden"}))))


def _raw(scope: Message) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.decode("ascii", "replace").partition("?")[0]


def _plain(status: int, headers: dict[str, Any], body: bytes | str) -> Answer:
    named = {
        name: ", ".join(value) if isinstance(value, list) else str(value)
        for name, value in headers.items()
        if name.lower() != "content-length"
    }
    return status, named, body.encode() if isinstance(body, str) else bytes(body)


def install() -> None:
    DIALLED.update(dict.fromkeys(addresses.EDGE, _at_the_edge))
    for region in locations.REGIONS:
        for address in addresses.of_region(region):
            DIALLED[address] = lambda request, scope, region=region: _in_a_region(region, request, scope)
