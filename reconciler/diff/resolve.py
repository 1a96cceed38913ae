"""Intrinsic functions of an applied template, resolved as far as the stack's own facts go.

An attribute of a resource is known where an adapter read it anyway; the others stay `UNRESOLVED` and are counted as
unchecked, never compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from reconciler.model.observed import StackState

_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")
_NO_VALUE = object()


class _Unresolved:
    def __repr__(self) -> str:
        return "UNRESOLVED"


UNRESOLVED: Final = _Unresolved()


def resolved_properties(state: StackState, account: str, names: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
    """Logical id to its properties, for these resources of the applied template."""
    resolver = _Resolver(state, account)
    resources = (state.template or {}).get("Resources", {})
    return {name: resolver.value(resources[name].get("Properties", {})) for name in names}


class _Resolver:
    def __init__(self, state: StackState, account: str) -> None:
        self._names: dict[str, Any] = {
            "AWS::Region": state.ref.region,
            "AWS::AccountId": account,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::NoValue": _NO_VALUE,
            **state.resources,
            **state.attributes,
            **self._parameters(state),
        }
        self._functions: Mapping[str, Callable[[Any], Any]] = {
            "Ref": lambda name: self._names.get(name, UNRESOLVED),
            "Fn::Sub": self._sub,
            "Fn::GetAtt": self._attribute,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
        }

    @staticmethod
    def _parameters(state: StackState) -> dict[str, Any]:
        declared = (state.template or {}).get("Parameters", {})
        return {
            name: value.split(",") if "List" in str(declared.get(name, {}).get("Type", "")) else value
            for name, value in state.parameters.items()
        }

    def value(self, node: Any) -> Any:
        if isinstance(node, Mapping):
            if len(node) == 1:
                ((key, argument),) = node.items()
                if key in self._functions:
                    return self._functions[key](argument)
                if key.startswith("Fn::"):
                    return UNRESOLVED
            pairs = ((key, self.value(child)) for key, child in node.items())
            return {key: child for key, child in pairs if child is not _NO_VALUE}
        if isinstance(node, list):
            return [item for item in map(self.value, node) if item is not _NO_VALUE]
        if isinstance(node, str) and "{{resolve:" in node:
            return UNRESOLVED
        return node

    def _sub(self, argument: Any) -> Any:
        text, extra = (argument, {}) if isinstance(argument, str) else (argument[0], self.value(argument[1]))
        missing = False

        def replace(match: re.Match[str]) -> str:
            nonlocal missing
            literal, name = match.groups()
            if literal:
                return "${" + name + "}"
            value = extra.get(name, self._names.get(name, UNRESOLVED))
            missing = missing or not isinstance(value, str)
            return str(value)

        result = _VARIABLE.sub(replace, text)
        return UNRESOLVED if missing or "{{resolve:" in result else result

    def _attribute(self, argument: Any) -> Any:
        name = argument if isinstance(argument, str) else ".".join(argument)
        return self._names.get(name, UNRESOLVED)

    def _join(self, argument: Any) -> Any:
        separator, parts = argument[0], self.value(argument[1])
        if not isinstance(parts, list) or not all(isinstance(p, (str, int)) for p in parts):
            return UNRESOLVED
        return separator.join(map(str, parts))

    def _select(self, argument: Any) -> Any:
        items = self.value(argument[1])
        return items[int(argument[0])] if isinstance(items, list) else UNRESOLVED

    def _split(self, argument: Any) -> Any:
        text = self.value(argument[1])
        return text.split(argument[0]) if isinstance(text, str) else UNRESOLVED
