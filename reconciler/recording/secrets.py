"""Takes out of a pass's facts what may be a secret, so that the record still leads to the same plan.

No answer of AWS that a pass reads holds a secret of ours: passwords are in Secrets Manager, NoEcho parameters read `****`. But
people put secrets where they do not belong: into a function's environment, a header of an origin, a template. A value under
a name that speaks of a secret goes, unless it is a reference (an ARN, a dynamic reference) or stands in our own templates; so does
every variable of a function that no template declares, for no plan rests on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from reconciler.model.facts import Facts, RegionFacts
from reconciler.model.observed import Unknown
from reconciler.model.redaction import Redacted, names_secret
from reconciler.model.stacks import Template

_NO_SECRET = ("arn:", "{{resolve:", "****", "redacted:")
_NO_NAMES = frozenset({"ClientRequestToken"})
"""Ours, and told in every event."""
_ALWAYS = frozenset({"ResourceProperties"})
"""Of a stack's events: whole templates' parts as text, which nobody reads."""
_PAIRS = (("ParameterKey", "ParameterValue"), ("OutputKey", "OutputValue"))


def without_secrets(facts: Facts, templates: Mapping[str, Template]) -> Facts:
    bodies = [t.body for t in templates.values()]
    applied = [
        s.template for r in facts.regions.values() for s in _found(r.stacks).values() if isinstance(s.template, Mapping)
    ]
    cleaner = _Cleaner(public=frozenset(_texts(bodies)), declared=dict(_variables([*applied, *bodies])))
    cleaned: Facts = cleaner.clean(replace(facts, recorded=None))
    return replace(cleaned, recorded=facts.recorded)


@dataclass(frozen=True)
class _Cleaner:
    public: frozenset[str]
    declared: Mapping[str, bool]
    """Variable that some template declares, to whether its value is composed there, of what is no secret."""

    def clean(self, value: Any, name: str = "") -> Any:
        if isinstance(value, str):
            return Redacted.of(value) if name in _ALWAYS or self._secret(name, value) else value
        if isinstance(value, Mapping):
            return self._mapping(value)
        if isinstance(value, (list, tuple)):
            return type(value)([self.clean(v, name) for v in value])
        if isinstance(value, RegionFacts):
            return replace(self._fields(value), function=self._function(value.function))
        if isinstance(value, Facts):
            listed = value.edge_versions
            versions = listed if isinstance(listed, Unknown) else [self._function(one) for one in listed]
            return replace(
                self._fields(value), edge_function=self._function(value.edge_function), edge_versions=versions
            )
        return self._fields(value) if is_dataclass(value) and not isinstance(value, Unknown) else value

    def _fields(self, value: Any) -> Any:
        return replace(value, **{f.name: self.clean(getattr(value, f.name)) for f in fields(value)})

    def _mapping(self, value: Mapping[Any, Any]) -> Mapping[Any, Any]:
        cleaned = {k: self.clean(v, k) for k, v in value.items()}
        for key, content in _PAIRS:
            if key in value and content in value:
                cleaned[content] = self.clean(value[content], str(value[key]))
        if "HeaderName" in value and isinstance(value.get("HeaderValue"), str):
            cleaned["HeaderValue"] = self.clean(value["HeaderValue"], "secret")
        return cleaned

    def _function(self, found: Any) -> Any:
        """A function's configuration without the variables that somebody added."""
        cleaned = self.clean(found)
        environment = found.get("Environment") if isinstance(found, Mapping) else None
        if not isinstance(environment, Mapping) or not isinstance(environment.get("Variables"), Mapping):
            return cleaned
        variables = {k: self._variable(k, v) for k, v in environment["Variables"].items()}
        return {**cleaned, "Environment": {**cleaned["Environment"], "Variables": variables}}

    def _variable(self, name: str, value: Any) -> Any:
        if name not in self.declared:
            return Redacted.of(value)
        return value if self.declared[name] else self.clean(value, name)

    def _secret(self, name: str, value: str) -> bool:
        spoken = isinstance(name, str) and names_secret(name) and name not in _NO_NAMES
        return spoken and bool(value) and value not in self.public and not value.startswith(_NO_SECRET)


def _found(stacks: Any) -> Mapping[str, Any]:
    return stacks if isinstance(stacks, Mapping) else {}


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from _texts(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from _texts(value)


def _variables(bodies: list[Any]) -> Iterator[tuple[str, bool]]:
    for body in bodies:
        for resource in body.get("Resources", {}).values():
            environment = resource.get("Properties", {}).get("Environment", {}) if isinstance(resource, Mapping) else {}
            for name, value in (environment.get("Variables") or {}).items():
                yield name, isinstance(value, Mapping)
