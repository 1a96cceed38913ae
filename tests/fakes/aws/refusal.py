"""What AWS answers when it does not do as asked."""

from __future__ import annotations


class Refusal(Exception):
    """`passes`: the same request can succeed a little later, so asking was no mistake."""

    def __init__(self, code: str, message: str, *, passes: bool = False) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.passes = code, message, passes


def require(condition: bool, code: str, message: str, *, passes: bool = False) -> None:
    if not condition:
        raise Refusal(code, message, passes=passes)
