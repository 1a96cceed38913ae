"""KMS: what a key that is disabled or on its way out refuses, and a key policy that nobody could change again."""

import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, get_account_id
from ministack.services import kms

from local_aws.iam import trust
from local_aws.legality.guard import on_call, on_stack
from local_aws.refused import Refused
from local_aws.resources.wrap import Properties

PATCHED: tuple[str, ...] = (
    "ministack.services.kms._cancel_key_deletion",
    "ministack.services.kms._create_alias",
    "ministack.services.kms._create_key",
    "ministack.services.kms._disable_key",
    "ministack.services.kms._disable_key_rotation",
    "ministack.services.kms._enable_key",
    "ministack.services.kms._enable_key_rotation",
    "ministack.services.kms._put_key_policy",
    "ministack.services.kms._resolve_key",
    "ministack.services.kms._schedule_key_deletion",
    "ministack.services.kms._update_key_description",
)

Record = dict[str, Any]
_PENDING = "PendingDeletion"
# What a key on its way out takes no more [V: key states table]; what a disabled one refuses besides.
_NOT_PENDING = (
    "_create_alias", "_disable_key", "_disable_key_rotation", "_enable_key", "_enable_key_rotation",
    "_schedule_key_deletion", "_update_key_description",
)  # fmt: skip
_NOT_DISABLED = ("_disable_key_rotation", "_enable_key_rotation")


def _at_state(call: str) -> Callable[[Record], None]:
    def check(request: Record) -> None:
        """KMSInvalidStateException, DisabledException [V: API reference, key states]."""
        key = kms._resolve_key(request.get("KeyId") or request.get("TargetKeyId") or "")
        state = (key or {}).get("KeyState")
        if key and state == _PENDING:
            raise Refused("KMSInvalidStateException", f"{key['Arn']} is pending deletion.")
        if key and state == "Disabled" and call in _NOT_DISABLED:
            raise Refused("DisabledException", f"{key['Arn']} is disabled.")

    return check


def check_cancel(request: Record) -> None:
    """CancelKeyDeletion: only of a key that is pending deletion [V: API reference]."""
    key = kms._resolve_key(request.get("KeyId") or "")
    if key and key.get("KeyState") != _PENDING:
        raise Refused("KMSInvalidStateException", f"{key['Arn']} is not pending deletion.")


# ---- key policies ----------------------------------------------------------------------------------------------------------------


def check_policy(policy: Any, *, bypass: bool) -> None:
    """CreateKey, PutKeyPolicy: principals that exist, and somebody of this account who may change the policy later
    [V: the key policy lockout safety check]. Which caller asks is not looked at."""
    if policy is None:
        return
    try:
        document = json.loads(policy) if isinstance(policy, str) else policy
        statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    except (ValueError, KeyError, TypeError):
        raise Refused("MalformedPolicyDocumentException", "The key policy is not valid JSON policy language.") from None
    unknown = [name for one in statements for name in _principals(one) if not trust.exists(name)]
    if unknown:
        raise Refused(
            "MalformedPolicyDocumentException", "Policy contains a statement with one or more invalid principals."
        )
    if not bypass and not any(_keeps_control(one) for one in statements):
        raise Refused(
            "MalformedPolicyDocumentException",
            "The new key policy will not allow you to update the key policy in the future.",
        )


def _listed(value: Any) -> list[str]:
    return [str(item) for item in (value if isinstance(value, list) else [value])] if value is not None else []


def _principals(statement: Record) -> list[str]:
    principal = statement.get("Principal")
    return _listed(principal.get("AWS")) if isinstance(principal, dict) else _listed(principal)


def _keeps_control(statement: Record) -> bool:
    actions = {action.lower() for action in _listed(statement.get("Action"))}
    covers = actions & {"*", "kms:*", "kms:put*", "kms:putkey*", "kms:putkeypolicy"}
    ours = [p for p in _principals(statement) if p in ("*", get_account_id()) or f"::{get_account_id()}:" in p]
    return statement.get("Effect") == "Allow" and bool(covers) and bool(ours)


def _check_policy_call(request: Record) -> None:
    check_policy(request.get("Policy"), bypass=bool(request.get("BypassPolicyLockoutSafetyCheck")))


def _check_stack(now: Properties, before: Properties | None) -> None:
    if before is None or now.get("KeyPolicy") != before.get("KeyPolicy"):
        bypass = str(now.get("BypassPolicyLockoutSafetyCheck", "false")).lower() == "true"
        check_policy(now.get("KeyPolicy"), bypass=bypass)


def install() -> None:
    for call in _NOT_PENDING:
        on_call(kms, call, _at_state(call), error_response_json)
    on_call(kms, "_cancel_key_deletion", check_cancel, error_response_json)
    on_call(kms, "_create_key", _check_policy_call, error_response_json)
    on_call(kms, "_put_key_policy", _check_policy_call, error_response_json)
    on_stack("AWS::KMS::Key", put=_check_stack)
