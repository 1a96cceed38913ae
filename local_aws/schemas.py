"""What CloudFormation's registry says about each resource type: which properties replace the resource when they
change, which can never be read back, which are free-form maps.

The facts come from the registry schemas that cfn-lint bundles; `python -m local_aws.schemas` writes the part we need to
`data/schemas.json`, so that neither cfn-lint nor its 1,898 schemas are loaded at run time.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PATCHED: tuple[str, ...] = ()

DATA = Path(__file__).parent / "data" / "schemas.json"
# The services of this architecture; a type outside them has no facts and is treated as AWS treats an unknown one.
SERVICES = [
    "ACMPCA",
    "ApiGateway",
    "CertificateManager",
    "CloudFront",
    "CloudWatch",
    "DynamoDB",
    "EC2",
    "Events",
    "IAM",
    "KMS",
    "Lambda",
    "Logs",
    "RDS",
    "Route53",
    "S3",
    "SNS",
    "SQS",
    "SSM",
    "Scheduler",
    "SecretsManager",
    "WAFv2",
]
_MAX_DEPTH = 8  # deeper than any property we meet; stops schemas that refer to themselves

Path_ = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeFacts:
    """Property paths of one type; `*` stands for any list index."""

    create_only: frozenset[Path_]
    conditional: frozenset[Path_]
    write_only: frozenset[Path_]
    maps: frozenset[Path_]
    tags: str | None
    readable: bool


NO_FACTS = TypeFacts(
    create_only=frozenset(),
    conditional=frozenset(),
    write_only=frozenset(),
    maps=frozenset(),
    tags=None,
    readable=False,
)


@cache
def _all() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(DATA.read_text())
    return data


@cache
def facts(resource_type: str) -> TypeFacts:
    raw = _all().get(resource_type)
    if raw is None:
        return NO_FACTS
    return TypeFacts(
        create_only=_paths(raw.get("createOnly", ())),
        conditional=_paths(raw.get("conditional", ())),
        write_only=_paths(raw.get("writeOnly", ())),
        maps=_paths(raw.get("maps", ())),
        tags=raw.get("tags"),
        readable=raw.get("readable", False),
    )


def _paths(texts: Iterable[str]) -> frozenset[Path_]:
    return frozenset(tuple(text.split("/")) for text in texts)


def recreation(resource_type: str, path: Iterable[str]) -> str:
    """`Always`, `Conditionally` or `Never`: what a change at `path` (`("HealthCheckConfig", "Type")`) does."""
    if resource_type not in _all():
        return "Conditionally"
    known = facts(resource_type)
    at = tuple(path)
    if touches(at, known.create_only):
        return "Always"
    return "Conditionally" if touches(at, known.conditional) else "Never"


def touches(path: Path_, paths: Iterable[Path_]) -> bool:
    """True when `path` is one of `paths`, lies inside one, or contains one."""
    return any(all(b in (a, "*") for a, b in zip(path, other, strict=False)) for other in paths)


def inside(path: Path_, paths: Iterable[Path_]) -> bool:
    """True when `path` is one of `paths` or lies inside one."""
    return any(len(other) <= len(path) and touches(path, (other,)) for other in paths)


# ---- the generator -------------------------------------------------------------------------------------------------


def _generate() -> dict[str, Any]:
    """The facts of every type of `SERVICES` (needs cfn-lint)."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER as MANAGER

    return {
        name: _facts_of(MANAGER.get_resource_schema("us-east-1", name).schema)
        for name in sorted(MANAGER.get_resource_types("us-east-1"))
        if name.split("::")[1] in SERVICES and name.startswith("AWS::")
    }


def _facts_of(schema: dict[str, Any]) -> dict[str, Any]:
    # A property of the primary identifier that AWS does not assign cannot change without a new identity.
    assigned = set(schema.get("readOnlyProperties", []))
    identity = [p for p in schema.get("primaryIdentifier", []) if p not in assigned]
    tagging = schema.get("tagging", {})
    has_tags = isinstance(tagging, dict) and tagging.get("taggable")
    tags = tagging.get("tagProperty", "/properties/Tags").rsplit("/", 1)[1] if has_tags else None
    found = {
        "createOnly": _short([*schema.get("createOnlyProperties", []), *identity]),
        "conditional": _short(schema.get("conditionalCreateOnlyProperties", [])),
        "writeOnly": _short(schema.get("writeOnlyProperties", [])),
        "maps": sorted({"/".join(path) for path in _maps(schema, schema, ())}),
        "tags": tags,
        "readable": "read" in schema.get("handlers", {}),
    }
    return {key: value for key, value in found.items() if value}


def _short(pointers: Iterable[str]) -> list[str]:
    return sorted({p.removeprefix("/properties/").replace("/items/", "/") for p in pointers})


def _maps(schema: dict[str, Any], node: Any, path: Path_) -> Iterator[Path_]:
    """The paths whose value is an object with keys of the user's choice (variables, parameters, policies)."""
    if not isinstance(node, dict) or len(path) > _MAX_DEPTH:
        return
    if "$ref" in node:
        node = schema.get("definitions", {}).get(node["$ref"].rsplit("/", 1)[1], {})
    properties = node.get("properties")
    if isinstance(properties, dict) and properties:
        for name, child in properties.items():
            yield from _maps(schema, child, (*path, name))
    elif node.get("type") in ("object", ["object", "string"], ["string", "object"]) and path:
        yield path
    elif "items" in node:
        yield from _maps(schema, node["items"], (*path, "*"))


def main() -> None:
    DATA.parent.mkdir(exist_ok=True)
    text = json.dumps(_generate(), indent=0, sort_keys=True)
    DATA.write_text(text + "\n")
    sys.stdout.write(f"{DATA.name}: {len(text)} bytes\n")


if __name__ == "__main__":
    main()
