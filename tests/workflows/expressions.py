"""GitHub's `${{ }}` expressions, as few of them as the workflows use. What is not known here is an error, not an empty string."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:(?P<op>\|\||&&|==|!=|[!(),])|'(?P<text>(?:[^']|'')*)'|(?P<number>\d+)|(?P<name>[A-Za-z_][\w.-]*))"""
)
_WHOLE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
OPEN = ("github.event", "inputs", "vars", "env")
"""Where a name that is not there is empty, as on GitHub. Anywhere else it is a slip."""
STATUS = ("success", "failure", "always", "cancelled")


class Unknown(Exception):
    """An expression that these tests do not know, or that cannot mean anything."""


@dataclass(frozen=True)
class Expressions:
    contexts: Mapping[str, Any]
    functions: Mapping[str, Callable[..., Any]]

    def text(self, value: Any) -> Any:
        """A value of the file with each `${{ }}` replaced. One that is nothing but an expression keeps its kind."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if not isinstance(value, str):
            return "" if value is None else str(value)
        if "${{" not in value:
            return value
        text = _WHOLE.sub(lambda found: said(self.value(found[1])), value)
        if "${{" in text:
            raise Unknown(f"an expression without an end: {value!r}")
        return text

    def condition(self, value: Any) -> bool:
        """Of an `if:`, which may go without the braces."""
        text = str(value).strip()
        whole = re.fullmatch(r"\$\{\{(.*)\}\}", text, re.DOTALL)
        return truth(self.value(whole[1] if whole else text))

    def value(self, text: str) -> Any:
        return _Parser(text, self).whole()


def asks_for_status(condition: Any) -> bool:
    return bool(re.search(rf"\b(?:{'|'.join(STATUS)})\s*\(", str(condition)))


def truth(value: Any) -> bool:
    return value not in (None, False, 0, "")


def said(value: Any) -> str:
    if isinstance(value, Mapping | list):
        raise Unknown(f"{value!r} is no text")
    return {None: "", True: "true", False: "false"}.get(value, str(value))


class _Parser:
    def __init__(self, text: str, among: Expressions) -> None:
        self.text, self.among, self.tokens = text, among, list[tuple[str, str]]()
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if not found:
                raise Unknown(f"{text!r} at {text[at:]!r}")
            self.tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
            at = found.end()

    def whole(self) -> Any:
        value = self.either()
        if self.tokens:
            raise Unknown(f"{self.text!r}: {self.tokens[0][1]!r} is too much")
        return value

    def taken(self, *operators: str) -> str:
        if self.tokens and self.tokens[0][0] == "op" and self.tokens[0][1] in operators:
            return self.tokens.pop(0)[1]
        return ""

    def either(self) -> Any:
        value = self.both()
        while self.taken("||"):
            other = self.both()
            value = value if truth(value) else other
        return value

    def both(self) -> Any:
        value = self.compared()
        while self.taken("&&"):
            other = self.compared()
            value = other if truth(value) else value
        return value

    def compared(self) -> Any:
        value = self.single()
        while operator := self.taken("==", "!="):
            same = _same(value, self.single())
            value = same if operator == "==" else not same
        return value

    def single(self) -> Any:
        if self.taken("!"):
            return not truth(self.single())
        if self.taken("("):
            value = self.either()
            self.expect(")")
            return value
        if not self.tokens or self.tokens[0][0] == "op":
            raise Unknown(f"{self.text!r}: something is missing")
        kind, word = self.tokens.pop(0)
        if kind == "text":
            return word.replace("''", "'")
        if kind == "number":
            return int(word)
        if self.taken("("):
            return self.called(word)
        return (
            {"true": True, "false": False, "null": None}[word]
            if word in {"true", "false", "null"}
            else self.found(word)
        )

    def expect(self, operator: str) -> None:
        if not self.taken(operator):
            raise Unknown(f"{self.text!r}: {operator!r} is missing")

    def called(self, name: str) -> Any:
        arguments = []
        while not self.taken(")"):
            arguments.append(self.either())
            if not self.taken(","):
                self.expect(")")
                break
        if name not in self.among.functions:
            raise Unknown(f"function {name}() is not known")
        return self.among.functions[name](*arguments)

    def found(self, path: str) -> Any:
        value: Any = self.among.contexts
        done: list[str] = []
        for part in path.split("."):
            open_here = any(".".join(done).startswith(o) for o in OPEN)
            done.append(part)
            if isinstance(value, Mapping) and part in value:
                value = value[part]
            elif open_here and (value is None or isinstance(value, Mapping)):
                value = None
            else:
                raise Unknown(f"{path} is not known")
        return value


def _same(one: Any, other: Any) -> bool:
    """Texts without regard to case; of other kinds, only what the workflows compare."""
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    if one is None or other is None:
        return not truth(one) and not truth(other)
    if type(one) is not type(other):
        raise Unknown(f"{one!r} and {other!r} are not of one kind")
    return bool(one == other)
