"""IAM: policy documents that are none, principals that are not there, and how long and how many policies may be.

Quotas: [V] IAM User Guide, "IAM and AWS STS quotas"; white space does not count. The messages are [S]: public issues of
Terraform's AWS provider and of the CDK that quote them.
"""

import json
import re
from typing import Any

from ministack.services import iam

from local_aws.arns import account_of
from local_aws.iam import trust
from local_aws.legality.guard import on_call, on_stack
from local_aws.refused import Refused
from local_aws.resources.wrap import Properties

PATCHED: tuple[str, ...] = (
    "ministack.services.iam._attach_role_policy",
    "ministack.services.iam._create_policy",
    "ministack.services.iam._create_policy_version",
    "ministack.services.iam._create_role",
    "ministack.services.iam._error",
    "ministack.services.iam._p",
    "ministack.services.iam._policies",
    "ministack.services.iam._put_role_policy",
    "ministack.services.iam._roles",
    "ministack.services.iam._update_assume_role_policy",
)

Document = dict[str, Any]
TRUST, MANAGED, INLINE, ATTACHED = 2048, 6144, 10240, 10


def malformed(message: str) -> Refused:
    return Refused("MalformedPolicyDocument", message)


def statements(document: Any) -> list[Document]:
    """The statements of a document; one that is no JSON is refused."""
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except json.JSONDecodeError as error:
            raise malformed("This policy contains invalid Json") from error
    found = document.get("Statement", []) if isinstance(document, dict) else []
    return [found] if isinstance(found, dict) else list(found)


def length(document: Any) -> int:
    text = document if isinstance(document, str) else json.dumps(document)
    return len(re.sub(r"\s", "", text))


def check_trust(document: Any) -> None:
    """CreateRole, UpdateAssumeRolePolicy: every statement names principals that exist, and no resource
    [S: hashicorp/terraform-provider-aws, issue 41617]."""
    for statement in statements(document):
        if not {"Principal", "NotPrincipal"} & statement.keys():
            raise malformed("Missing required field Principal")
        if {"Resource", "NotResource"} & statement.keys():
            raise malformed("Has prohibited field Resource")
        principal = statement.get("Principal")
        named = principal.get("AWS", []) if isinstance(principal, dict) else []
        for one in [named] if isinstance(named, str) else named:
            if not trust.exists(one):
                raise malformed(f'Invalid principal in policy: "AWS":"{one}"')
    if length(document) > TRUST:
        raise Refused("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {TRUST}", 409)


def check_identity(document: Any) -> None:
    """Policies of identities say nothing about who."""
    if any({"Principal", "NotPrincipal"} & statement.keys() for statement in statements(document)):
        raise malformed("Policy document should not specify a principal.")


def check_inline(role: str, policies: dict[str, Any]) -> None:
    """PutRolePolicy: all inline policies of a role together."""
    for document in policies.values():
        check_identity(document)
    if sum(map(length, policies.values())) > INLINE:
        raise Refused("LimitExceeded", f"Maximum policy size of {INLINE} bytes exceeded for role {role}", 409)


def check_managed(document: Any) -> None:
    """CreatePolicy, CreatePolicyVersion."""
    check_identity(document)
    if length(document) > MANAGED:
        raise Refused("LimitExceeded", f"Cannot exceed quota for PolicySize: {MANAGED}", 409)


def check_attached(role: Document, arn: str, account: str) -> None:
    """AttachRolePolicy: the account's own policies must exist (those of AWS are not all known here); ten per role."""
    if f":iam::{account}:policy/" in arn and iam._policies.get_scoped(account, None, arn) is None:
        raise Refused("NoSuchEntity", f"Policy {arn} does not exist or is not attachable.", 404)
    attached = set(role.get("AttachedPolicies", ())) | {arn}
    if len(attached) > ATTACHED:
        raise Refused("LimitExceeded", f"Cannot exceed quota for PoliciesPerRole: {ATTACHED}", 409)


# ---- calls and stacks --------------------------------------------------------------------------------------------------------


def _on_put(form: Document) -> None:
    name, document = iam._p(form, "RoleName"), iam._p(form, "PolicyDocument")
    role = iam._roles.get(name) or {}
    check_inline(name, {**(role.get("InlinePolicies") or {}), iam._p(form, "PolicyName"): document})


def _on_attach(form: Document) -> None:
    role = iam._roles.get(iam._p(form, "RoleName"))
    if role:
        check_attached(role, iam._p(form, "PolicyArn"), account_of(role["Arn"]))


def _check_stack_role(now: Properties, _before: Properties | None) -> None:
    check_trust(now.get("AssumeRolePolicyDocument") or {})
    inline = {p["PolicyName"]: p["PolicyDocument"] for p in now.get("Policies") or []}
    check_inline(str(now.get("RoleName", "")), inline)


def install() -> None:
    error = lambda code, message, status: iam._error(status, code, message, ns="iam")  # noqa: E731
    on_call(iam, "_create_role", lambda form: check_trust(iam._p(form, "AssumeRolePolicyDocument")), error)
    on_call(iam, "_update_assume_role_policy", lambda form: check_trust(iam._p(form, "PolicyDocument")), error)
    on_call(iam, "_put_role_policy", _on_put, error)
    on_call(iam, "_create_policy", lambda form: check_managed(iam._p(form, "PolicyDocument")), error)
    on_call(iam, "_create_policy_version", lambda form: check_managed(iam._p(form, "PolicyDocument")), error)
    on_call(iam, "_attach_role_policy", _on_attach, error)
    on_stack("AWS::IAM::Role", put=_check_stack_role)
