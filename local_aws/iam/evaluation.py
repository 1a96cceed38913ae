"""How policies are evaluated, where ministack differs from AWS: who a principal names, what describes the caller, NotPrincipal.

[V] IAM User Guide: "Policy evaluation logic", "AWS JSON policy elements: Principal, NotPrincipal", "AWS global condition
context keys".
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from ministack.core import iam_actions
from ministack.core import iam_evaluator as evaluator
from ministack.services import rds, s3, tagging

from local_aws.iam import consistency, credentials
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.core.iam_evaluator._anonymous",
    "ministack.core.iam_evaluator._gather_role_policies",
    "ministack.core.iam_evaluator._principal_keys",
    "ministack.core.iam_evaluator._principal_matches",
    "ministack.core.iam_evaluator._resolve_condition_key",
    "ministack.core.iam_evaluator._resource_policy",
    "ministack.core.iam_evaluator._resolve_managed_policy_document",
    "ministack.core.iam_evaluator._served_unsigned",
    "ministack.services.rds._tags",
    "ministack.services.tagging._RESOURCE_TAG_COLLECTORS",
)

Document = dict[str, Any]
_ACCOUNT = re.compile(r"(?:arn:aws[a-z-]*:iam::)?(\d{12})(?::root)?")
# What the account can always do to get at a bucket again [V: API reference, PutBucketPolicy].
_ROOT_ALWAYS = frozenset({"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"})
_SESSION = re.compile(r"arn:(aws[a-z-]*):sts::(\d{12}):assumed-role/([^/]+)/.+")


def role_of(principal_arn: str) -> str:
    """The role's ARN for the ARN of one of its sessions; any other ARN as it is."""
    found = _SESSION.fullmatch(principal_arn)
    if not found:
        return principal_arn
    role = consistency.role(found[3], found[2])
    return str(role["Arn"]) if role else f"arn:{found[1]}:iam::{found[2]}:role/{found[3]}"


def principal_matches(principal: Any, caller: str) -> bool:
    """An AWS principal is `*`, an account, or an exact ARN; a role's ARN stands for all its sessions. No wildcard within."""
    if principal == "*":
        return True
    named = principal.get("AWS", []) if isinstance(principal, dict) else principal
    for one in [named] if isinstance(named, str) else named:
        account = _ACCOUNT.fullmatch(str(one))
        if one == "*" or one in (caller, role_of(caller)) or (account and f":{account[1]}:" in caller):
            return True
    return False


def _condition_key(stock: Callable[..., Any], key: str, context: Any) -> Any:
    """aws:PrincipalArn of a session is the ARN of its role, not the session's. Plain HTTP on loopback stands in for AWS's HTTPS."""
    if key.lower() == "aws:securetransport":
        return "true"
    return role_of(context.principal_arn) if key.lower() == "aws:principalarn" else stock(key, context)


def _principal_keys(stock: Callable[..., Any], credential: Any) -> Any:
    """A function's session says which function it is for (lambda:SourceFunctionArn)."""
    from ministack.services import sts

    keys = stock(credential)
    session = sts._sessions.get(credential.access_key_id) or {}
    if session.get("SourceFunctionArn"):
        keys["lambda:sourcefunctionarn"] = session["SourceFunctionArn"]
    return keys


def _resource_policy(stock: Callable[..., Any], document: Any, context: Any, *rest: Any, **more: Any) -> Any:
    """Deny with NotPrincipal denies everybody who is not named; Allow with it is left without effect."""
    return stock(_without_not_principal(document, context.principal_arn), context, *rest, **more)


def _without_not_principal(document: Any, caller: str) -> Any:
    try:
        parsed = json.loads(document) if isinstance(document, str) else document
    except json.JSONDecodeError:
        return document
    if not isinstance(parsed, dict) or "NotPrincipal" not in json.dumps(parsed):
        return document
    statements = parsed.get("Statement", [])
    statements = [statements] if isinstance(statements, dict) else statements
    return {**parsed, "Statement": [s for s in (_plain(s, caller) for s in statements) if s]}


def _plain(statement: Document, caller: str) -> Document | None:
    if "NotPrincipal" not in statement:
        return statement
    if statement.get("Effect") != "Deny" or principal_matches(statement["NotPrincipal"], caller):
        return None
    return {k: v for k, v in statement.items() if k != "NotPrincipal"} | {"Principal": "*"}


def _role_policies(_stock: Callable[..., Any], name: str, account: str) -> list[Any]:
    """The role's policies as they are seen by now."""
    role = consistency.role(name, account) or {}
    attached = [evaluator._resolve_managed_policy_document(a, account) for a in role.get("AttachedPolicies", ())]
    documents = [*(role.get("InlinePolicies") or {}).values(), *attached]
    return [evaluator.parse_policy_document(document) for document in documents if document]


def _managed_policy(stock: Callable[..., Any], arn: str, account: str) -> Any:
    record = consistency.policy(arn, account)
    if record is None:
        return stock(arn, account)
    return record["Versions"][record["DefaultVersionId"]].get("Document")


# ---- one call ------------------------------------------------------------------------------------------------------------


def _enforce(stock: Callable[..., Any], access_key: str, action: str, service: str, region: str, resource_arn: str = "*",
             service_context: Document | None = None) -> Any:  # fmt: skip
    """What AWS serves without credentials needs none; S3 admits strangers only where the bucket's policy does."""
    if evaluator._anonymous.get() and evaluator._served_unsigned(service, action):
        return None
    if evaluator._anonymous.get() and service == "s3":
        return _strangers(action, region, resource_arn)
    context = {"aws:viaawsservice": "false", **(service_context or {})}
    result = stock(access_key, action, service, region, resource_arn=resource_arn, service_context=context)
    root = result is None and credentials.is_root(access_key) and action not in _ROOT_ALWAYS
    return _denied_to_root(access_key, action, service, region, resource_arn, context) if root else result


def _denied_to_root(account: str, action: str, service: str, region: str, resource_arn: str, context: Document) -> Any:
    """Root has every right but what a resource's own policy denies it [V: IAM User Guide, evaluation logic, resource-based]."""
    found = evaluator._resource_policy(service, resource_arn)
    if found is None:
        return None
    arn = f"arn:aws:iam::{account}:root"
    keys = {k.lower(): v for k, v in context.items()}
    request = evaluator.EvalContext(arn, "Root", account, action, resource_arn, region, service_context=keys)
    result = evaluator.evaluate_resource_policy(found[0], request)
    result.resource_policy_arn = resource_arn
    return result if result.decision == "Deny" else None


def _strangers(action: str, region: str, resource_arn: str) -> Any:
    found = s3.bucket_policy_for_arn(resource_arn)
    context = evaluator.EvalContext("*", "Anonymous", "", action, resource_arn, region)
    decision = evaluator.evaluate_resource_policy(found[0] if found else None, context).decision
    return None if decision == "Allow" else evaluator.AuthError("MissingAuthenticationToken", "Access Denied")


def _denied(
    stock: Callable[..., Any], service: str, action: str, principal_arn: str, request_id: str, **more: Any
) -> Any:
    """AWS's message names the resource; STS does not say why."""
    resource, explicit = more.get("resource_arn", "*"), more.get("explicit_deny", False)
    if not more.get("error_code") and not more.get("message") and not more.get("resource_policy_arn"):
        message = iam_actions.identity_denial_message(action, principal_arn, resource, explicit)
        more["message"] = message.partition(" because ")[0] if service == "sts" else message
    return stock(service, action, principal_arn, request_id, **more)


def _database_tags() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """aws:ResourceTag of what RDS keeps, which ministack does not look up."""
    yield from rds._tags.items()


def install() -> None:
    tagging._RESOURCE_TAG_COLLECTORS["rds"] = _database_tags
    evaluator._principal_matches = principal_matches
    around(evaluator, "_resolve_condition_key", _condition_key)
    around(evaluator, "_principal_keys", _principal_keys)
    around(evaluator, "_gather_role_policies", _role_policies)
    around(evaluator, "_resolve_managed_policy_document", _managed_policy)
    around(evaluator, "evaluate_resource_policy", _resource_policy)
    around(evaluator, "enforce", _enforce)
    around(iam_actions, "access_denied_response", _denied)
