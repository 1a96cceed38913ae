"""YAML text to documents, with a bound on everything that a hostile or mistaken file could blow up.

Works on parser events, so that nothing is built before it is counted. Scalars follow YAML 1.2's core schema, not
PyYAML's 1.1: `off` is text (a value of `writeForwarding`), `2026-12-31` is text, and only `true` and `false` are
booleans. Anchors, aliases and merge keys work within bounds; tags do not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import yaml

from reconciler.load.document import Document, Path, Place, Spot, shown
from reconciler.model.errors import Problem

MAX_DEPTH = 32
MAX_ALIASES = 100
MAX_VALUES = 20_000
"""Values of one document, aliases expanded."""

_MERGE = "<<"
_CORE = "tag:yaml.org,2002:"
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,40}|[0-9]{1,40}(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,4})?")
_LOADER = cast("type[yaml.SafeLoader]", getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # C: ten times as fast


class _Refused(Exception):
    """Stops the reading of a file; becomes its one problem."""

    def __init__(self, spot: Spot, code: str, message: str) -> None:
        super().__init__(message)
        self.spot, self.code, self.message = spot, code, message


@dataclass(frozen=True, slots=True)
class _Node:
    """A value with its place. `size` and `height` count what it holds, aliases expanded, so that bounds cost nothing."""

    value: str | int | float | bool | list[_Node] | dict[str, tuple[Spot, _Node]] | None
    spot: Spot
    written: str | None = None
    size: int = 1
    height: int = 0


def parse(file: str, text: str) -> tuple[list[Document], list[Problem]]:
    """Every document of a file that is not empty, up to the first place where the text stops making sense."""
    documents: list[Document] = []
    problems: list[Problem] = []
    reader = _Reader(file, problems)
    try:
        for root in reader.roots(text):
            if root.value is not None:
                places: dict[Path, Place] = {}
                data = _flatten(root, (), root.spot, places)
                documents.append(Document(file, data, places))
    except _Refused as refused:
        problems.append(reader.problem(refused.spot, refused.code, refused.message))
    except (yaml.YAMLError, ValueError) as error:  # ValueError: PyYAML without its C library, at a bad escape
        spot, message = _explain(text, error)
        problems.append(reader.problem(spot, "MalformedYaml", message))
    return documents, problems


def _flatten(node: _Node, path: Path, key: Spot, places: dict[Path, Place]) -> Any:
    places[path] = Place(key, node.spot, node.written)
    if isinstance(node.value, dict):
        return {name: _flatten(child, (*path, name), spot, places) for name, (spot, child) in node.value.items()}
    if isinstance(node.value, list):
        return [_flatten(child, (*path, i), child.spot, places) for i, child in enumerate(node.value)]
    return node.value


@dataclass(slots=True)
class _Reader:
    """Builds nodes from the events of one file; a duplicate key is noted and reading goes on."""

    file: str
    problems: list[Problem]
    events: Iterator[Any] = field(default_factory=lambda: iter(()))
    anchors: dict[str, _Node] = field(default_factory=dict)
    aliases: int = 0

    def problem(self, spot: Spot, code: str, message: str) -> Problem:
        return Problem(self.file, spot.line, spot.column, "", code, message)

    def roots(self, text: str) -> Iterator[_Node]:
        self.events = iter(yaml.parse(text, Loader=_LOADER))
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.anchors, self.aliases = {}, 0
                yield self._node(next(self.events), 0)

    def _node(self, event: Any, depth: int) -> _Node:
        spot = _spot(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), spot)
        if event.tag is not None:
            raise _Refused(
                spot,
                "YamlTag",
                f"the tag {shown(event.tag.replace(_CORE, '!!'))} is not supported; write the plain value",
            )
        if depth > MAX_DEPTH:
            raise _Refused(spot, "TooDeep", f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.ScalarEvent):
            node = _scalar(event, spot)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._list(spot, depth)
        else:
            node = self._mapping(spot, depth)
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def _alias(self, name: str, spot: Spot) -> _Node:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise _Refused(spot, "TooManyAliases", f"more than {MAX_ALIASES} aliases in one document; write values out")
        if name not in self.anchors:
            raise _Refused(spot, "MalformedYaml", f"the alias *{name} has no anchor &{name} before it")
        return self.anchors[name]

    def _list(self, spot: Spot, depth: int) -> _Node:
        items: list[_Node] = []
        size, height = 1, 0
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            item = self._node(event, depth + 1)
            items.append(item)
            size, height = size + item.size, max(height, item.height)
            _check_bounds(item, size)
        return _Node(items, spot, size=size, height=height + 1)

    def _mapping(self, spot: Spot, depth: int) -> _Node:
        entries: dict[str, tuple[Spot, _Node]] = {}
        size, height = 1, 0
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key_spot = _spot(event.start_mark)
            key = _key(event, key_spot)
            value = self._node(next(self.events), depth + 1)
            if key in entries:
                message = f"the key {shown(key)} stands here twice, first in line {entries[key][0].line}; keep one"
                self.problems.append(self.problem(key_spot, "DuplicateKey", message))
            entries.setdefault(key, (key_spot, value))
            size, height = size + value.size, max(height, value.height)
            _check_bounds(value, size)
        merge = entries.pop(_MERGE, None)
        brought = _merged(merge[1]) if merge else {}
        return _Node(brought | entries, spot, size=size, height=height + 1)


def _key(event: Any, spot: Spot) -> str:
    if not isinstance(event, yaml.ScalarEvent) or event.tag is not None or event.anchor:
        raise _Refused(spot, "BadKey", "a key must be plain text, without anchor, alias or tag")
    return str(event.value)


def _merged(value: _Node) -> dict[str, tuple[Spot, _Node]]:
    """What `<<` brings: a mapping, or a list of them of which the first to name a key wins."""
    sources = value.value if isinstance(value.value, list) else [value]
    result: dict[str, tuple[Spot, _Node]] = {}
    for source in sources:
        if not isinstance(source.value, dict):
            raise _Refused(source.spot, "BadKey", "<< merges mappings only; give it an alias of one")
        result = source.value | result
    return result


def _check_bounds(node: _Node, size: int) -> None:
    if size > MAX_VALUES:
        raise _Refused(node.spot, "TooLarge", f"more than {MAX_VALUES} values in one document, aliases expanded")
    if node.height > MAX_DEPTH:
        raise _Refused(node.spot, "TooDeep", f"nested deeper than {MAX_DEPTH} levels, aliases expanded")


def _scalar(event: Any, spot: Spot) -> _Node:
    text = str(event.value)
    value = text if event.style else _plain(text)
    return _Node(value, spot, written=None if value is text else text)


def _plain(text: str) -> str | int | float | bool | None:
    """An unquoted scalar by YAML 1.2's core schema; numbers beyond any use, infinity and NaN stay text."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


def _spot(mark: Any) -> Spot:
    return Spot(mark.line + 1, mark.column + 1)


def _explain(text: str, error: Exception) -> tuple[Spot, str]:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or "it cannot be read"
    if mark is None:
        return Spot(), f"not valid YAML: {problem}"
    spot = _spot(mark)
    lines = text.splitlines()
    if spot.line <= len(lines) and lines[spot.line - 1][spot.column - 1 : spot.column] == "\t":
        problem = "a tab; YAML indents with spaces"
    return spot, f"not valid YAML: {problem}"
