"""What is kept under a key of the account's takes the right to the key, too: a topic's messages, a bucket's objects.

[V] SNS Developer Guide, key management: whoever publishes to an encrypted topic needs kms:GenerateDataKey* and kms:Decrypt. S3 User
Guide, SSE-KMS permissions: GetObject needs kms:Decrypt, PutObject kms:GenerateDataKey. Both services ask on the caller's behalf, so
that kms:ViaService names them. The keys that AWS makes for a service let everybody of the account in.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from ministack import app
from ministack.core import iam_actions
from ministack.core.responses import get_region
from ministack.core.router import extract_access_key_id
from ministack.services import kms, s3, sns

from local_aws.iam import calls, requests

PATCHED: tuple[str, ...] = (
    "ministack.app._routing_params",
    "ministack.services.kms._resolve_key",
    "ministack.services.s3._bucket_default_sse_headers",
    "ministack.services.sns._error",
    "ministack.services.sns._topics",
)
_NEEDED = {
    "sns:Publish": ("kms:GenerateDataKey", "kms:Decrypt"),
    "sns:PublishBatch": ("kms:GenerateDataKey", "kms:Decrypt"),
    "s3:GetObject": ("kms:Decrypt",),
    "s3:GetObjectVersion": ("kms:Decrypt",),
    "s3:PutObject": ("kms:GenerateDataKey",),
}
Handler = Callable[..., Awaitable[Any]]


def key_of(action: str, resource: str) -> Any:
    """The customer's key that the resource is kept under, if any."""
    if action.startswith("sns:"):
        named = (sns._topics.get(resource) or {}).get("attributes", {}).get("KmsMasterKeyId", "")
    else:
        bucket = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
        headers = s3._bucket_default_sse_headers(bucket)
        named = next((v for k, v in headers.items() if k.lower().endswith("aws-kms-key-id")), "")
    return kms._resolve_key(named) if named else None


def _asking(service: str, stock: Handler) -> Handler:
    async def handle(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        params = app._routing_params(method, path, headers, body, query)
        action = iam_actions.extract_iam_action(service, method, path, headers, body, params) or ""
        for resource in requests.resources(action)[:1] if action in _NEEDED else []:
            refusal = _refusal(service, action, resource, extract_access_key_id(headers, query) or "", headers)
            if refusal is not None:
                return refusal
        return await stock(method, path, headers, body, query)

    return handle


def _refusal(service: str, action: str, resource: str, access_key: str, headers: Any) -> Any:
    key = key_of(action, resource)
    for needed in _NEEDED[action] if key else ():
        via = {"kms:ViaService": f"{service}.{get_region()}.amazonaws.com"}
        check = calls.Check(action=needed, resource=str(key["Arn"]), context=via)
        found = calls.denied(access_key, check, "kms")
        if found is not None and service == "sns":
            who = getattr(found, "principal_arn", "the caller")
            return sns._error(
                "KMSAccessDenied", f"User: {who} is not authorized to perform: {needed} on {key['Arn']}", 400
            )
        if found is not None:
            return calls.refused(service, check, found, headers)
    return None


def install() -> None:
    for service in ("s3", "sns"):
        app.SERVICE_HANDLERS[service] = _asking(service, app.SERVICE_HANDLERS[service])
