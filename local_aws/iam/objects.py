"""What S3 tells of an object that is not there: that it is not to those who may list the bucket, nothing to others.

With s3:ListBucket a missing key is 404 NoSuchKey, without it 403 AccessDenied, and 403 without words for HeadObject. [V: S3 API
reference, GetObject and HeadObject, Permissions] A role that reads by key and takes "not there" for an answer needs both.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from ministack import app
from ministack.core import iam_actions
from ministack.core.router import extract_access_key_id

from local_aws.iam import calls, requests

PATCHED: tuple[str, ...] = ("ministack.app._routing_params",)
_READS = {"s3:GetObject", "s3:GetObjectVersion"}


def _hiding(stock: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def handle(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        answer = await stock(method, path, headers, body, query)
        if answer[0] != 404 or method not in ("GET", "HEAD"):
            return answer
        params = app._routing_params(method, path, headers, body, query)
        action = iam_actions.extract_iam_action("s3", method, path, headers, body, params) or ""
        if action not in _READS or (method == "GET" and b"NoSuchKey" not in bytes(answer[2])):
            return answer
        bucket = requests.resources(action)[0].partition("/")[0]
        check = calls.Check(action="s3:ListBucket", resource=bucket)
        refusal = calls.denied(extract_access_key_id(headers, query) or "", check, "s3")
        if refusal is None:
            return answer
        refused = calls.refused("s3", calls.Check(action=action, resource=bucket), refusal, headers)
        return refused if method == "GET" else (403, refused[1], b"")

    return handle


def install() -> None:
    app.SERVICE_HANDLERS["s3"] = _hiding(app.SERVICE_HANDLERS["s3"])
