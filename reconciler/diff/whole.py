"""Properties that are compared otherwise than value by value: by a key, both ways, or by what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reconciler.diff.compare import Difference, deviations, join
from reconciler.diff.openapi import methods
from reconciler.diff.resolve import UNRESOLVED
from reconciler.model.redaction import Redacted

Comparison = Callable[[Any, Any, str], Iterator[Difference]]
_TAGS = ("Tags", "HealthCheckTags", "HostedZoneTags")


def compared(kind: str, prop: str, declared: Any, live: Any) -> Iterator[Difference]:
    """Where one property of a resource of this type deviates from what its template declares."""
    comparison = _tags if prop in _TAGS else _BY_PROPERTY.get((kind, prop), deviations)
    yield from comparison(declared, live, prop)


def _tags(declared: Any, live: Any, path: str) -> Iterator[Difference]:
    """Tags that the template does not set are somebody's own, and AWS's."""
    wanted, found = _by("Key", declared), _by("Key", live)
    if any(tag["Value"] is UNRESOLVED for tag in wanted.values()):
        yield Difference(path, UNRESOLVED, live)
    elif missing := [key for key, tag in wanted.items() if tag["Value"] != found.get(key, {}).get("Value")]:
        yield Difference(path, _values(wanted, missing), _values(found, missing))


def _values(tags: Mapping[str, Mapping[str, Any]], keys: list[str]) -> Mapping[str, Any] | None:
    return {key: tags[key]["Value"] for key in keys if key in tags} or None


def _by(key: str, items: Any) -> dict[str, Mapping[str, Any]]:
    return {item[key]: item for item in items or ()}


def _validations(declared: Any, live: Any, path: str) -> Iterator[Difference]:
    """A certificate's names come in ACM's order."""
    found = _by("DomainName", live)
    for option in declared:
        name = option["DomainName"]
        if name is UNRESOLVED:
            yield Difference(path, UNRESOLVED, live)
        else:
            yield from deviations(option, found.get(name), join(path, name))


def _environment(declared: Any, live: Any, path: str) -> Iterator[Difference]:
    """A variable that nobody declared is a difference; its value is not ours to show."""
    yield from deviations(declared, live, path)
    wanted, found = declared.get("Variables", {}), (live or {}).get("Variables", {})
    for name in sorted(found.keys() - wanted.keys()):
        yield Difference(join(join(path, "Variables"), name), None, Redacted.of(found[name]))


def _document(declared: Any, live: Any, path: str) -> Iterator[Difference]:
    """One difference, with the methods that differ."""
    wanted = methods(declared)
    if any(UNRESOLVED in method.values() for method in wanted.values()):
        yield Difference(path, UNRESOLVED, live)
        return
    differing = sorted(name for name in wanted.keys() | live.keys() if wanted.get(name) != live.get(name))
    if differing:
        yield Difference(path, *({n: side[n] for n in differing if n in side} or None for side in (wanted, live)))


_BY_PROPERTY: Mapping[tuple[str, str], Comparison] = {
    ("AWS::ApiGateway::RestApi", "Body"): _document,
    ("AWS::CertificateManager::Certificate", "DomainValidationOptions"): _validations,
    ("AWS::Lambda::Function", "Environment"): _environment,
}
