"""Stack policies: which updates of which resources an update may carry out [V, User Guide, "Prevent updates to stack resources"].

A policy that is set protects every resource that no statement allows; a Deny wins. It holds in updates and change sets, not in
creations, deletions of the stack and roll-backs.
"""

import fnmatch
import json
from collections.abc import Iterator
from typing import Any

from local_aws.stack_calls import limits
from local_aws.stack_calls.refusals import Answer, Handler, Params, given, invalid, refusing

Record = dict[str, Any]
ACTIONS = ("Update:*", "Update:Modify", "Update:Replace", "Update:Delete")
_INVALID = "Error validating stack policy: Invalid stack policy"


def check(text: str) -> None:
    """SetStackPolicy: JSON, statements with an effect, known actions and the principal `*` [S, recorded from AWS in localstack's
    tests]; `{}` takes the protection away."""
    try:
        policy = json.loads(text)
    except ValueError:
        raise invalid(_INVALID) from None
    if not isinstance(policy, dict) or any(not _sound(statement) for statement in _statements(policy)):
        raise invalid(_INVALID)


def _statements(policy: Record) -> list[Any]:
    found = policy.get("Statement", [])
    return found if isinstance(found, list) else [found]


def _sound(statement: Any) -> bool:
    if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
        return False
    acts = _list(statement.get("Action", statement.get("NotAction")))
    principal = statement.get("Principal", statement.get("NotPrincipal"))
    return principal == "*" and bool(acts) and set(acts) <= set(ACTIONS)


def _list(value: Any) -> list[str]:
    return [] if value is None else value if isinstance(value, list) else [value]


def refusal(stack: Record, logical_id: str, kind: str, action: str) -> str | None:
    """Why the policy does not let the update do this; None when it does. `action`: Modify, Replace or Delete."""
    policy = json.loads(stack.get("_policy_during") or stack.get("_stack_policy") or "{}")
    if not policy:
        return None
    resource, wanted = f"LogicalResourceId/{logical_id}", f"Update:{action}"
    effects = dict(_matching(policy, resource, kind, wanted))
    denied = [number for number, effect in effects.items() if effect == "Deny"]
    if denied:
        numbers = ", ".join(f"#{number}" for number in denied)
        return (
            f"Action denied by stack policy: Statement [{numbers}] does not allow [{wanted}] for resource [{resource}];"
        )
    return None if effects else f"Action not allowed by stack policy: [{wanted}] for resource [{resource}];"


def _matching(policy: Record, resource: str, kind: str, action: str) -> Iterator[tuple[int, str]]:
    for number, statement in enumerate(_statements(policy), 1):
        acts, things = statement.get("Action"), statement.get("Resource")
        acts_match = _any(acts, action) if acts is not None else not _any(statement.get("NotAction"), action)
        here = _any(things, resource) if things is not None else not _any(statement.get("NotResource"), resource)
        if acts_match and here and _of_type(statement.get("Condition") or {}, kind):
            yield number, statement["Effect"]


def _any(patterns: Any, text: str) -> bool:
    return any(fnmatch.fnmatchcase(text, pattern) for pattern in _list(patterns))


def _of_type(condition: Record, kind: str) -> bool:
    return all(_any(test.get("ResourceType"), kind) for test in condition.values())


def set_policy(stock: Handler) -> Handler:
    """SetStackPolicy: a body or an address, not both; 16,384 bytes at most [V botocore]."""

    @refusing
    def handler(params: Params) -> Answer:
        asked = limits.policy(params, "StackPolicyBody", "StackPolicyURL")
        text = given(asked, "StackPolicyBody")
        if len(text) > 16384:
            raise invalid("Stack policy may not exceed 16384 bytes in size.")
        check(text or "{}")
        return stock(asked)

    return handler
