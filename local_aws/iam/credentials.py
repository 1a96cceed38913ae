"""Who is calling: every signature is verified, also that of the account's root; credentials expire by the client's clock.

ministack verifies the signatures of IAM users and sessions. It takes the keys of root on trust, takes a request without any
key for root's, and believes the hash of the body that a request brings along.
"""

import hashlib
import re
import time as time_module
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from ministack.core import iam_actions, sigv4
from ministack.core import iam_evaluator as evaluator
from ministack.services import sts

from local_aws.clock import wall_gmtime, wall_strftime, wall_time
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.core.iam_actions._AUTH_FAILURES",
    "ministack.core.iam_evaluator._is_root_key",
    "ministack.core.iam_evaluator._principal_org_id",
    "ministack.core.iam_evaluator._signed_request",
    "ministack.services.sts._future",
)

_ACCOUNT = re.compile(r"\d{12}")
_HASH = re.compile(r"[0-9a-f]{64}")
_WRONG_HASH = "The provided 'x-amz-content-sha256' header does not match what was computed."
MISMATCH = "XAmzContentSHA256Mismatch"


def is_root(access_key: str) -> bool:
    """Root's access key is the account's number (contract.md); its secret is `test`."""
    return bool(_ACCOUNT.fullmatch(access_key or ""))


def _identity(stock: Callable[..., Any], access_key: str) -> Any:
    """Root is not verified as ministack's root is (see `install`), but it still has an identity."""
    if not is_root(access_key):
        return stock(access_key)
    return {
        "accessKey": access_key,
        "accountId": access_key,
        "userArn": f"arn:aws:iam::{access_key}:root",
        "userId": access_key,
        "principalOrgId": evaluator._principal_org_id(access_key),
        "session": None,
    }


def _documents(stock: Callable[..., Any], signature: Any, method: str, path: str, query: Any, headers: Any, body: bytes,
               **more: Any) -> Any:  # fmt: skip
    """Only S3 takes a body's hash from the request; the others compute it, and refuse UNSIGNED-PAYLOAD [K]."""
    if signature.service != "s3" and "x-amz-content-sha256" in headers:
        headers = {**headers, "x-amz-content-sha256": hashlib.sha256(body).hexdigest()}
    return stock(signature, method, path, query, headers, body, **more)


def _authenticate(stock: Callable[..., Any], access_key: str, account: str) -> Any:
    """S3: a body that is not the one whose hash was signed [V: API reference, XAmzContentSHA256Mismatch]."""
    request = evaluator._signed_request.get()
    result = stock(access_key, account)
    if request is None or result is None or isinstance(result, evaluator.AuthError):
        return result
    claimed = request.headers.get("x-amz-content-sha256", "")
    if _HASH.fullmatch(claimed) and claimed != hashlib.sha256(request.body).hexdigest():
        return evaluator.AuthError(MISMATCH, _WRONG_HASH)
    return result


def _wall_time() -> SimpleNamespace:
    """The `time` module for code that must keep wall time."""
    return SimpleNamespace(
        **{
            **vars(time_module),
            "time": wall_time,
            "gmtime": lambda seconds=None: wall_gmtime(wall_time() if seconds is None else seconds),
            "strftime": wall_strftime,
        }
    )


def install() -> None:
    evaluator.is_root_access_key = sts.is_root_access_key = is_root
    evaluator._is_root_key = lambda _: False  # nobody's signature is skipped
    around(evaluator, "resolve_caller_identity", _identity)
    around(evaluator, "authenticate", _authenticate)
    around(sigv4, "header_signing_documents", _documents)
    iam_actions._AUTH_FAILURES[MISMATCH] = (MISMATCH, 400, MISMATCH, (MISMATCH, 400, _WRONG_HASH))
    wall = _wall_time()
    evaluator.time = sts.time = wall
    sts._future = lambda seconds: wall.strftime("%Y-%m-%dT%H:%M:%SZ", wall.gmtime(wall.time() + seconds))
