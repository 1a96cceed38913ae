"""IAM roles in template shape: whom they trust, and what they may do.

A policy says the same in many spellings: one value or a list of one, values and statements in any order. All are brought
to the one that our templates use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.shapes import AnyOrder, Atom, Undeclared, Whole
from reconciler.observe.names import tags


def role(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """An element of GetAccountAuthorizationDetails' RoleDetailList [V botocore]; boto3 decodes the documents in it."""
    boundary = found.get("PermissionsBoundary") or {}
    attached = sorted(p["PolicyArn"] for p in found.get("AttachedManagedPolicies", ()))
    return {
        "RoleName": found["RoleName"],
        "AssumeRolePolicyDocument": document(found.get("AssumeRolePolicyDocument")),
        "Policies": AnyOrder(
            {"PolicyName": p["PolicyName"], "PolicyDocument": document(p.get("PolicyDocument"))}
            for p in found.get("RolePolicyList", ())
        ),
        "ManagedPolicyArns": Undeclared(desired=None, observed=attached or None),
        "PermissionsBoundary": Undeclared(desired=None, observed=boundary.get("PermissionsBoundaryArn")),
        "Tags": tags(found.get("Tags")),
    }


def document(policy: Mapping[str, Any] | None) -> Atom:
    """A policy is one value: a condition more or less makes another of it."""
    if policy is None:
        return Atom()
    statements = policy.get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    return Atom({**policy, "Statement": AnyOrder(map(_plain, listed))})


def _plain(node: Any) -> Any:
    """A list of one value as that value."""
    if isinstance(node, Mapping):
        return Whole({key: _plain(value) for key, value in node.items()})
    if isinstance(node, list):
        return _plain(node[0]) if len(node) == 1 else [_plain(item) for item in node]
    return node
