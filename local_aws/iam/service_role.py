"""CloudFormation's service role: whose rights a stack's operation has, enforced or not.

A role given once is used for all later operations on the stack, also by people who may not pass it; without one
CloudFormation acts as whoever calls [V: API reference, CreateChangeSet, RoleARN]. The calls of a role come from its session
`AWSCloudFormation` [S: aws-solutions/aws-waf-security-automations, issue 33].
"""

import uuid
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import sts
from ministack.services.cloudformation import changesets, handlers
from ministack.services.cloudformation.helpers import _error, _p

from local_aws.gateway import trail
from local_aws.gateway.asgi import Answer
from local_aws.iam import trust

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation.changesets._find_change_set",
    "ministack.services.cloudformation.handlers._ACTION_HANDLERS",
    "ministack.services.cloudformation.handlers._resolve_stack",
    "ministack.services.cloudformation.helpers._error",
    "ministack.services.cloudformation.helpers._p",
    "ministack.services.sts._sessions",
)

Params = dict[str, Any]
Handler = Callable[[Params], Answer]
PRINCIPAL = "cloudformation.amazonaws.com"
_STARTING = ("CreateStack", "UpdateStack", "DeleteStack", "CreateChangeSet", "ExecuteChangeSet", "ContinueUpdateRollback",
             "RollbackStack")  # fmt: skip


def _acting(stock: Handler) -> Handler:
    """The operation begins with the rights of the role that is given, else of the stack's, else of the caller.

    The task of the operation takes `trail.CALLER` along: whose rights it has, and whom CloudTrail names.
    """

    def handle(params: Params) -> Answer:
        stack = handlers._resolve_stack(_p(params, "StackName"))
        role = _p(params, "RoleARN") or _of_change_set(params, stack) or (stack or {}).get("RoleARN", "")
        if role and not trust.assumable(role, PRINCIPAL):
            return _error("ValidationError", f"Role {role} is invalid or cannot be assumed")
        token = trail.CALLER.set(session(role) if role else trail.CALLER.get())
        try:
            return stock(params)
        finally:
            trail.CALLER.reset(token)  # the call itself is the caller's

    return handle


def _of_change_set(params: Params, stack: Params | None) -> str:
    name = _p(params, "ChangeSetName")
    found = name and changesets._find_change_set(name, stack["StackName"] if stack else _p(params, "StackName"))[1]
    return str(found.get("RoleARN", "")) if found else ""


def session(role_arn: str) -> str:
    """The access key of the role's session `AWSCloudFormation`, which lasts as long as the operation."""
    name, account = trust.name_of(role_arn), get_account_id()
    for key, known in sts._sessions.items():
        if known.get("ForStacksWith") == role_arn:
            return str(key)
    key = f"ASIA{uuid.uuid4().hex[:16].upper()}"
    sts.register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/AWSCloudFormation",
            "UserId": f"{name}:AWSCloudFormation",
            "SecretAccessKey": uuid.uuid4().hex,
            "SessionToken": uuid.uuid4().hex,
            "AccountId": account,
            "PrincipalType": "AssumedRole",
            "ForStacksWith": role_arn,
        },
    )
    return key


def install() -> None:
    actions = handlers._ACTION_HANDLERS
    for action in _STARTING:
        actions[action] = _acting(actions[action])
