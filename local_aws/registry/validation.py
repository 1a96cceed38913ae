"""Properties against the registry's schema of their type, in CloudFormation's words.

CloudFormation validates with everit's JSON schema for Java, so the words are that library's: `#/Role: expected type: String,
found: JSONArray` [S, public reports of failed stacks]. Scalars are converted first, as templates write numbers and booleans either
way [V, resource type schemas]. What is not known yet (a reference, before the resource it names exists) passes everything.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from local_aws.registry.schemas import settable

UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
_LATER = (UNKNOWN, "{{resolve:")
Schema = dict[str, Any]
_JAVA = {dict: "JSONObject", list: "JSONArray", str: "String", bool: "Boolean", int: "Integer", float: "Double"}
_NAMED = {"object": "JSONObject", "array": "JSONArray", "string": "String", "boolean": "Boolean", "integer": "Integer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One violation: where, as steps from the properties down, and everit's words for it."""

    path: tuple[str, ...]
    message: str

    def __str__(self) -> str:
        return f"{'/'.join(('#', *self.path))}: {self.message}"


def problems(resource_type: str, properties: dict[str, Any]) -> list[Problem]:
    """Everything that is wrong with the properties; nothing for a type that we have no schema of."""
    schema = settable(resource_type)
    if schema is None:
        return []
    found = _Check(schema).node(schema, properties, ())
    return [*found, *_read_only(schema.get("readOnly", ()), properties)]


def refuse(logical_id: str, resource_type: str, properties: dict[str, Any]) -> None:
    """At the resource's turn, before its handler is called [S, public reports]: raises ValueError."""
    found = problems(resource_type, properties)
    if found:
        told = "\n".join(str(problem) for problem in found)
        raise ValueError(f"Properties validation failed for resource {logical_id} with message:\n{told}")


def _read_only(paths: list[str], properties: dict[str, Any]) -> Iterator[Problem]:
    """A property that a handler only returns cannot be set [V, resource type schema, readOnlyProperties]; words [K]."""
    for text in paths:
        *parents, name = text.split("/")
        for path, holder in at(properties, tuple(parents)):
            if isinstance(holder, dict) and name in holder:
                yield Problem(path=path, message=f"extraneous key [{name}] is not permitted")


def at(value: Any, path: tuple[str, ...], so_far: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Where the path leads, and what is there; `*` leads to every element of a list."""
    if not path:
        yield so_far, value
    elif path[0] == "*" and isinstance(value, list):
        for index, item in enumerate(value):
            yield from at(item, path[1:], (*so_far, str(index)))
    elif isinstance(value, dict) and path[0] in value:
        yield from at(value[path[0]], path[1:], (*so_far, path[0]))


def later(value: Any) -> bool:
    """Not known yet: contains what only an operation resolves, or is an intrinsic function that could not be resolved."""
    if isinstance(value, str):
        return any(mark in value for mark in _LATER)
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref"))


class _Check:
    """The keywords of one schema; each yields what it finds wrong."""

    def __init__(self, root: Schema) -> None:
        self._root = root

    def node(self, schema: Schema, value: Any, path: tuple[str, ...]) -> list[Problem]:
        if "$ref" in schema:
            return self.node(self._definition(schema["$ref"]), value, path)
        if later(value):
            return []
        wanted = _types(schema)
        value = _converted(value, wanted)
        if wanted and not _is_one_of(value, wanted):
            names = [_NAMED.get(name, name) for name in wanted]
            told = f"expected type: {' or '.join(names)}, found: {_JAVA.get(type(value), 'Null')}"
            return [Problem(path=path, message=told)]
        found = [Problem(path=path, message=m) for check in _SCALAR for m in check(schema, value)]
        return [
            *found,
            *self._object(schema, value, path),
            *self._array(schema, value, path),
            *self._some(schema, value, path),
        ]

    def _definition(self, pointer: str) -> Schema:
        node: Any = self._root
        for step in pointer.removeprefix("#/").split("/"):
            node = node.get(step, {})
        return node if isinstance(node, dict) else {}

    def _object(self, schema: Schema, value: Any, path: tuple[str, ...]) -> Iterator[Problem]:
        if not isinstance(value, dict):
            return
        for name in schema.get("required", ()):
            if name not in value:
                yield Problem(path=path, message=f"required key [{name}] not found")
        known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
        for name, item in value.items():
            children = [known[name]] if name in known else [s for p, s in patterns.items() if _matches(p, name)]
            if not children and schema.get("additionalProperties") is False:
                yield Problem(path=path, message=f"extraneous key [{name}] is not permitted")
            elif not children and isinstance(schema.get("additionalProperties"), dict):
                children = [schema["additionalProperties"]]
            for child in children:
                yield from self.node(child, item, (*path, name))

    def _array(self, schema: Schema, value: Any, path: tuple[str, ...]) -> Iterator[Problem]:
        if isinstance(value, list) and isinstance(schema.get("items"), dict):
            for index, item in enumerate(value):
                yield from self.node(schema["items"], item, (*path, str(index)))

    def _some(self, schema: Schema, value: Any, path: tuple[str, ...]) -> Iterator[Problem]:
        for part in schema.get("allOf", ()):
            yield from self.node(part, value, path)
        for keyword, enough, told in (
            ("anyOf", lambda n: n > 0, "no subschema matched out of the total {total} subschemas"),
            ("oneOf", lambda n: n == 1, "{count} subschemas matched instead of one"),
        ):
            parts = schema.get(keyword, ())
            count = sum(not self.node(part, value, path) for part in parts)
            if parts and not enough(count):
                yield Problem(path=path, message=f"#: {told.format(count=count, total=len(parts))}")


# ---- types ---------------------------------------------------------------------------------------------------------------


def _types(schema: Schema) -> list[str]:
    wanted = schema.get("type", [])
    return [wanted] if isinstance(wanted, str) else list(wanted)


def _converted(value: Any, wanted: list[str]) -> Any:
    """Text as the number or boolean that the schema asks for, and the other way round."""
    if isinstance(value, str) and "string" not in wanted:
        if "boolean" in wanted and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if {"integer", "number"} & set(wanted) and re.fullmatch(r"-?\d+", value):
            return int(value)
        if "number" in wanted and re.fullmatch(r"-?\d+\.\d+", value):
            return float(value)
    if isinstance(value, float) and value.is_integer() and "integer" in wanted:
        return int(value)
    if isinstance(value, bool | int | float) and wanted == ["string"]:
        return str(value).lower()
    return value


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
}


def _is_one_of(value: Any, wanted: list[str]) -> bool:
    return any(_CHECKS.get(name, lambda _: True)(value) for name in wanted)


# ---- keywords of one value -------------------------------------------------------------------------------------------------


def _enum(schema: Schema, value: Any) -> Iterator[str]:
    allowed = schema.get("enum") or ([schema["const"]] if "const" in schema else None)
    if allowed is not None and value not in allowed and str(value) not in map(str, allowed):
        yield f"#: {value} is not a valid enum value"


def _length(schema: Schema, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if len(value) > schema.get("maxLength", len(value)):
            yield f"expected maxLength: {schema['maxLength']}, actual: {len(value)}"
        if len(value) < schema.get("minLength", 0):
            yield f"expected minLength: {schema['minLength']}, actual: {len(value)}"


def _pattern(schema: Schema, value: Any) -> Iterator[str]:
    if isinstance(value, str) and not _matches(schema.get("pattern", ""), value):
        yield "failed validation constraint for keyword [pattern]"


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern)
    except re.error:
        return None  # Java's syntax has classes that Python's has not: nothing can be said


def _matches(pattern: str, value: str) -> bool:
    compiled = _compiled(pattern)
    return compiled is None or compiled.search(value) is not None


def _range(schema: Schema, value: Any) -> Iterator[str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value < schema.get("minimum", value):
            yield f"{value} is not greater or equal to {schema['minimum']}"
        if value > schema.get("maximum", value):
            yield f"{value} is not less or equal to {schema['maximum']}"


def _count(schema: Schema, value: Any) -> Iterator[str]:
    if not isinstance(value, list):
        return
    if len(value) < schema.get("minItems", 0):
        yield f"expected minimum item count: {schema['minItems']}, found: {len(value)}"
    if len(value) > schema.get("maxItems", len(value)):
        yield f"expected maximum item count: {schema['maxItems']}, found: {len(value)}"
    if schema.get("uniqueItems") and any(item in value[:i] for i, item in enumerate(value) if not later(item)):
        yield "array items are not unique"


_SCALAR = (_enum, _length, _pattern, _range, _count)
