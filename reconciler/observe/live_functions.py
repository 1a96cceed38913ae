"""Functions, their published versions and who may call them in template shape."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.model.facts import Answer, Listing
from reconciler.model.observed import Live, Missing, Unknown
from reconciler.observe.names import tags

LATEST = "$LATEST"
Statement = Mapping[str, Any]


def function(found: Mapping[str, Any], bucket: str) -> Mapping[str, Any]:
    """`bucket` holds the code of the Region's functions."""
    network = found.get("VpcConfig") or {}
    properties = {
        "FunctionName": found["FunctionName"],
        "Architectures": found.get("Architectures", ["x86_64"]),
        "Runtime": found.get("Runtime"),
        "Handler": found.get("Handler"),
        "MemorySize": found["MemorySize"],
        "Timeout": found["Timeout"],
        "Role": found["Role"],
        "VpcConfig": {key: network.get(key, []) for key in ("SubnetIds", "SecurityGroupIds")},
        "LoggingConfig": dict(found.get("LoggingConfig") or {}),
        "Environment": {"Variables": dict((found.get("Environment") or {}).get("Variables") or {})},
    }
    if code := found.get("CodeSha256"):
        properties["Code"] = {"S3Bucket": bucket, "S3Key": code_key(code)}
    return {**properties, **({"Tags": tags(found["Tags"])} if "Tags" in found else {})}


def code_key(sha256: str) -> str:
    """Where the code with this CodeSha256 lies: `cdk_app.stacks.packages` names it by the SHA-256 of the zip's SHA-256 in hex."""
    return f"assets/{hashlib.sha256(b64decode(sha256).hex().encode()).hexdigest()}.zip"


def unpublished(versions: Listing) -> Answer:
    """The function itself, in the listing of its versions."""
    return versions if isinstance(versions, Unknown) else next((v for v in versions if v["Version"] == LATEST), None)


def version(versions: Listing, arn: str | None) -> Live:
    """A published version never changes; it can only be gone."""
    if isinstance(versions, Unknown):
        return versions
    found = next((v for v in versions if v["FunctionArn"] == arn), None)
    return Missing() if found is None else {"FunctionName": found["FunctionName"]}


def permission(policy: Answer, declared: Mapping[str, Any], physical_id: str, function_name: str) -> Live:
    """Our statement in the function's policy; `declared` are its properties in the template."""
    if isinstance(policy, Unknown):
        return policy
    ours = _ours(statements(policy), declared, physical_id)
    if ours is None:
        return Missing()
    principal = ours.get("Principal")
    given = {key.lower(): value for test in (ours.get("Condition") or {}).values() for key, value in test.items()}
    return {
        "FunctionName": function_name,
        "Action": ours.get("Action"),
        "Principal": _principal(principal),
        "SourceArn": given.get("aws:sourcearn"),
        "SourceAccount": given.get("aws:sourceaccount"),
    }


def foreign(policy: Mapping[str, Any], declared: Mapping[str, Any], physical_id: str) -> list[Statement]:
    """Statements by which others may call."""
    listed = statements(policy)
    ours = _ours(listed, declared, physical_id)
    return [one for one in listed if one is not ours]


def statements(policy: Mapping[str, Any] | None) -> Sequence[Statement]:
    found = json.loads((policy or {}).get("Policy") or "{}").get("Statement", [])
    return [found] if isinstance(found, Mapping) else list(found)


def _ours(listed: Sequence[Statement], declared: Mapping[str, Any], physical_id: str) -> Statement | None:
    """By its id, which the stack's physical id is or ends in [K]; else by who may do what."""

    def candidates() -> Iterator[Statement]:
        yield from (s for s in listed if s.get("Sid") in physical_id.split("|"))
        wanted = (declared.get("Principal"), declared.get("Action"))
        yield from (s for s in listed if (_principal(s.get("Principal")), s.get("Action")) == wanted)

    return next(candidates(), None)


def _principal(principal: Any) -> Any:
    return next(iter(principal.values()), None) if isinstance(principal, Mapping) else principal
