"""What CloudFormation's registry says about each resource type: which properties replace the resource when they
change, which can never be read back, which are free-form maps, and what a template may write at all.

The facts come from the registry schemas that cfn-lint bundles; `python -m local_aws.registry.schema_data` writes the part
that we need to `data/`, so that neither cfn-lint nor its 1,898 schemas are loaded at run time. What `settable` gives is one file
per type, read when the first resource of the type is looked at.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

PATCHED: tuple[str, ...] = ()

DATA = Path(__file__).parents[1] / "data"
FACTS, SETTABLE = DATA / "schemas.json", DATA / "properties"

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
    permissions: dict[str, list[str]] = field(default_factory=dict)  # by handler: create, read, update, delete


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
    data: dict[str, Any] = json.loads(FACTS.read_text())
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
        permissions=raw.get("permissions", {}),
    )


def _paths(texts: Iterable[str]) -> frozenset[Path_]:
    return frozenset(tuple(text.split("/")) for text in texts)


def service_of(resource_type: str) -> str:
    """The boto3 client, and IAM's prefix, of the service that owns a type."""
    service = resource_type.partition("::")[2].partition("::")[0]
    return "acm" if service == "CertificateManager" else service.lower()


@cache
def settable(resource_type: str) -> dict[str, Any] | None:
    """The JSON schema of what a template may write, with `readOnly` paths; None for a type that we do not know."""
    file = SETTABLE / f"{resource_type.replace('::', '-')}.json"
    if not file.exists():
        return None
    schema: dict[str, Any] = json.loads(file.read_text())
    return schema


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
