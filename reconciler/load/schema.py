"""The JSON Schema at work: finds what is wrong with a document, says it in plain words, fills in the defaults.

`schema.json` is the file of the same name in `desired_state/`, the public contract; here it travels with the package.
"""

from __future__ import annotations

import copy
import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from reconciler.load.document import Document, Finding, Path, shown

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

Schema = dict[str, Any]

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}
_LISTED = 8
"""An enumeration up to this long is printed whole; of a longer one, the nearest values."""


@cache
def schema() -> Schema:
    loaded: Schema = json.loads((files(__package__) / "schema.json").read_text(encoding="utf-8"))
    return loaded


def findings(document: Document) -> list[Finding]:
    """Everything the schema has against a document, at most one finding per field."""
    found: dict[Path, Finding] = {}
    errors = sorted(_validator().iter_errors(document.data), key=lambda error: error.validator != "type")
    for error in errors:
        for finding in _explain(error, document):
            found.setdefault(finding.path, finding)
    return list(found.values())


def filled(value: Any, at: Schema | None = None) -> Any:
    """The value with the schema's default in place of every field that is not written."""
    at = resolved(at if at is not None else schema())
    if isinstance(value, dict):
        fields: dict[str, Schema] = at.get("properties", {})
        defaults = {name: copy.deepcopy(field["default"]) for name, field in fields.items() if "default" in field}
        return {name: filled(item, fields.get(name, {})) for name, item in (defaults | value).items()}
    if isinstance(value, list):
        return [filled(item, at.get("items", {})) for item in value]
    return value


def resolved(at: Schema) -> Schema:
    """The schema itself, with what its `$ref` brings."""
    if "$ref" not in at:
        return at
    target: Schema = schema()["$defs"][at["$ref"].removeprefix("#/$defs/")]
    return target | at


@cache
def _validator() -> Validator:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - 70 ms that a file which is not YAML need not pay
    from jsonschema.validators import extend  # noqa: PLC0415

    # Patterns here span the whole value, but Python's `$` also matches before a line break at the end.
    whole = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
    validator: Validator = whole(schema())
    return validator


def _pattern(validator: Validator, pattern: str, value: Any, _at: Schema) -> Iterator[ValidationError]:
    from jsonschema.exceptions import ValidationError  # noqa: PLC0415

    if validator.is_type(value, "string") and not re.fullmatch(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _explain(error: ValidationError, document: Document) -> Iterable[Finding]:
    path: Path = tuple(error.absolute_path)
    at: Schema = error.schema if isinstance(error.schema, dict) else {}
    value: Any = error.instance
    keyword = str(error.validator)
    if keyword == "additionalProperties":
        return _unknown_fields(path, value, at)
    if keyword == "required":
        return _missing_fields(path, value, at)
    if keyword == "type":
        return [Finding(path, "WrongType", _wrong_type(value, at, document.written(path)))]
    code, say = _SAYINGS[keyword]
    return [Finding(path, code, say(value, at))]


def _unknown_fields(path: Path, value: dict[str, Any], at: Schema) -> Iterator[Finding]:
    known = list(at["properties"])
    for name in value:
        if name not in known:
            near = difflib.get_close_matches(name[:60], known, n=1, cutoff=0.45)
            way_out = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            yield Finding((*path, name), "UnknownField", f"unknown field; {way_out}", at_key=True)


def _missing_fields(path: Path, value: dict[str, Any], at: Schema) -> Iterator[Finding]:
    for name in at["required"]:
        if name not in value:
            example = resolved(at["properties"][name])["examples"][0]
            for_example = f"; for example {json.dumps(example)}" if isinstance(example, str | int) else ""
            yield Finding((*path, name), "MissingField", f"required, but missing{for_example}")


def _wrong_type(value: Any, at: Schema, written: str | None) -> str:
    allowed = at["type"] if isinstance(at["type"], list) else [at["type"]]
    wanted = " or ".join(_TYPES[name] for name in allowed)
    if "string" in allowed and written is not None and value is not None:
        return f'{written} without quotes is {_kind(value)}, not text; write "{written}"'
    if value is None:
        return f"has no value; {wanted} is expected"
    if isinstance(value, dict | list):
        return f"is {_kind(value)}; {wanted} is expected"
    return f"{shown(value)} is {_kind(value)}; {wanted} is expected"


def _kind(value: Any) -> str:
    kinds = {dict: "a mapping", list: "a list", str: "text", bool: "a true/false value"}
    return kinds.get(type(value), "a number")


def _not_allowed(value: Any, at: Schema) -> str:
    allowed = [str(item) for item in at["enum"] if item is not None]
    if len(allowed) <= _LISTED:
        return f"{shown(value)} is not allowed; use {_either(allowed)}"
    near = difflib.get_close_matches(str(value)[:60], allowed, n=3, cutoff=0.6)
    way_out = f"did you mean {_either(near)}?" if near else f"use one of {', '.join(allowed)}"
    return f"{shown(value)} is not known here; {way_out}"


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _out_of_range(value: Any, at: Schema) -> str:
    low, high = at.get("minimum"), at.get("maximum")
    bounds = f"{low} to {high}"
    if low is None or high is None:
        bounds = f"{low} or more" if high is None else f"{high} or less"
    return f"{shown(value)} is out of range; allowed are {bounds}"


def _bad_form(value: Any, at: Schema) -> str:
    return f"{shown(value)} {at['patternErrorMessage']}"


def _length(what: str) -> Callable[[Any, Schema], str]:
    def say(value: Any, at: Schema) -> str:
        low, high = at.get(f"min{what}", 0), at.get(f"max{what}")
        bounds = f"{low} to {high}" if high is not None else f"{low} or more"
        unit = "items" if what == "Items" else "characters"
        return f"has {len(value)} {unit}; allowed are {bounds}"

    return say


_SAYINGS: dict[str, tuple[str, Callable[[Any, Schema], str]]] = {
    "enum": ("NotAllowed", _not_allowed),
    "pattern": ("BadFormat", _bad_form),
    "minimum": ("OutOfRange", _out_of_range),
    "maximum": ("OutOfRange", _out_of_range),
    "multipleOf": ("OutOfRange", lambda value, at: f"{shown(value)} is not a multiple of {at['multipleOf']}"),
    "minLength": ("OutOfRange", _length("Length")),
    "maxLength": ("OutOfRange", _length("Length")),
    "minItems": ("OutOfRange", _length("Items")),
    "maxItems": ("OutOfRange", _length("Items")),
}
