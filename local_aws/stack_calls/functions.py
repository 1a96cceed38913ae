"""The form of intrinsic functions in a template: what CloudFormation refuses before it looks at a resource.

The words are those of public reports [S] (serverless#7745, bazaarvoice/cloudformation-ruby-dsl#131 and others) unless marked.
"""

from collections.abc import Callable, Iterator
from typing import Any


def _is_function(value: Any) -> bool:
    name = next(iter(value)) if isinstance(value, dict) and len(value) == 1 else ""
    return name == "Ref" or name.startswith("Fn::")


def _text(value: Any) -> bool:
    return isinstance(value, str | int | float) or _is_function(value)


def _list_of(count: int, *kinds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A list of so many values, the first of these kinds."""

    def fits(value: Any) -> bool:
        return (
            isinstance(value, list)
            and len(value) == count
            and all(is_kind(each) for is_kind, each in zip(kinds, value, strict=False))
        )

    return fits


def _strings(value: Any) -> bool:
    return _is_function(value) or (isinstance(value, list) and all(_text(each) for each in value))


def _attribute(value: Any) -> bool:
    named = value.partition(".")[::2] if isinstance(value, str) else value
    return (
        isinstance(named, list | tuple)
        and len(named) >= 2
        and bool(named[0] and named[1])
        and isinstance(named[0], str)
        and all(_text(each) for each in named)
    )


def _substitution(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], dict)
    )


def _name(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


_FORMS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "Ref": (_name, "every Ref object must have a single String value."),
    "Fn::GetAtt": (
        _attribute,
        "every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute",
    ),
    "Fn::Join": (
        _list_of(2, lambda value: isinstance(value, str), _strings),
        (
            "every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a "
            "function that returns a list of strings (such as Fn::GetAZs) to be joined."
        ),
    ),
    "Fn::Split": (
        _list_of(2, lambda value: isinstance(value, str), _text),
        (
            "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function "
            "that returns a string to be split."
        ),
    ),
    "Fn::Select": (
        _list_of(2, _text, lambda value: isinstance(value, list) or _is_function(value)),
        "Fn::Select requires a list argument with two elements: an integer index and a list",
    ),
    "Fn::If": (
        _list_of(3, _name),
        "Fn::If requires a list argument with the first element being a condition",
    ),
    "Fn::FindInMap": (
        lambda value: isinstance(value, list) and len(value) in (3, 4),
        "every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value",
    ),
    "Fn::Sub": (
        _substitution,
        (
            "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an "
            "optional second argument to specify a mapping of values to replace in the string"
        ),
    ),
}


def problems(value: Any) -> Iterator[str]:
    """What is wrong with the functions in a value, at any depth."""
    if _is_function(value):
        name, argument = next(iter(value.items()))
        fits, told = _FORMS.get(name, (lambda _: True, ""))
        if not fits(argument):
            yield f"Template error: {told}"
            return
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inside:
        yield from problems(each)


def nulls(value: Any, at: str) -> Iterator[str]:
    """No value of a template is null [S, public reports]."""
    if value is None:
        yield f"[{at}] 'null' values are not allowed in templates"
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in pairs:
        yield from nulls(each, f"{at}/{key}")
