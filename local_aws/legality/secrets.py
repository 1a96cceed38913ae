"""Secrets Manager: names, and secrets that are scheduled for deletion or still have replicas."""

import re
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import secretsmanager

from local_aws.legality.guard import on_call, on_stack
from local_aws.refused import Refused
from local_aws.resources.wrap import Properties

PATCHED: tuple[str, ...] = (
    "ministack.services.secretsmanager._create_secret",
    "ministack.services.secretsmanager._delete_secret",
    "ministack.services.secretsmanager._resolve",
    "ministack.services.secretsmanager._secrets",
)

Record = dict[str, Any]
_NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]{1,512}")


def check_name(name: str) -> None:
    """CreateSecret: ValidationException for other characters; InvalidRequestException for a name that is scheduled for
    deletion, which blocks it for 7 to 30 days [V: CreateSecret, DeleteSecret]."""
    if not _NAME.fullmatch(name):
        raise Refused(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        )
    if (secretsmanager._secrets.get(name) or {}).get("DeletedDate"):
        raise Refused(
            "InvalidRequestException",
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
        )


def check_replicas(request: Record) -> None:
    """DeleteSecret: not while it has replicas: remove them first [V: DeleteSecret; the code: K]."""
    _, secret = secretsmanager._resolve(request.get("SecretId"))
    regions = [item["Region"] for item in (secret or {}).get("ReplicationStatus") or []]
    if regions:
        raise Refused(
            "InvalidRequestException",
            f"You can't delete secret {secret['Name']} that still has replica regions [{', '.join(regions)}]",
        )


def _check_stack(now: Properties, before: Properties | None) -> None:
    name = now.get("Name")
    if name and (before is None or before.get("Name") != name):
        check_name(name)


def install() -> None:
    on_call(
        secretsmanager, "_create_secret", lambda request: check_name(request.get("Name") or "-"), error_response_json
    )
    on_call(secretsmanager, "_delete_secret", check_replicas, error_response_json)
    on_stack("AWS::SecretsManager::Secret", put=_check_stack)
