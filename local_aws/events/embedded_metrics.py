"""Metrics that a line of a log embeds, as CloudWatch takes them: all of a line, or nothing of it.

[V: CloudWatch User Guide, "Specification: Embedded metric format"]: a namespace; at most 100 metrics in a directive and 30
dimensions in a set, each of them a text of the line of at most 1,024 characters; values are numbers, or at most 100 of them;
a unit that CloudWatch knows; a resolution of 1 or 60 seconds; a line has 256 KB at most. [K] What breaks one of these is
counted as invalid, and no metric comes of that line.
"""

import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

MOST_METRICS, MOST_DIMENSIONS, MOST_VALUES, LONGEST_TEXT, LONGEST_LINE = 100, 30, 100, 1024, 256 * 1024
_SIZES = [f"{prefix}{what}" for what in ("bytes", "bits") for prefix in ("", "Kilo", "Mega", "Giga", "Tera")]
_PLAIN = {"Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"}
UNITS = _PLAIN | {size[0].upper() + size[1:] for size in _SIZES} | {f"{s[0].upper()}{s[1:]}/Second" for s in _SIZES}


class Invalid(Exception):
    """The line is kept in the log, and no metric comes of it."""


class Point(NamedTuple):
    namespace: str
    name: str
    value: float
    unit: str
    dimensions: dict[str, str]


def points(line: str) -> list[Point]:
    """Raises `Invalid`."""
    if len(line.encode()) > LONGEST_LINE:
        raise Invalid("longer than an event of a log")
    try:
        told = json.loads(line[line.index("{") :])
        directives = told["_aws"]["CloudWatchMetrics"]
        if type(told["_aws"]["Timestamp"]) is not int or not isinstance(directives, list):
            raise Invalid("no time, or no list of directives")
        return [point for directive in directives for point in _points(told, directive)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Invalid(f"not of the format: {error}") from error


def _points(told: dict[str, Any], directive: dict[str, Any]) -> Iterator[Point]:
    namespace, metrics, sets = directive["Namespace"], directive["Metrics"], directive["Dimensions"]
    if not _text(namespace) or not isinstance(metrics, list) or not isinstance(sets, list):
        raise Invalid("no namespace, or metrics and dimensions that are no lists")
    if len(metrics) > MOST_METRICS:
        raise Invalid(f"{len(metrics)} metrics in a directive")
    for names in sets or [[]]:
        dimensions = _dimensions(told, names)
        for metric in metrics:
            unit = metric.get("Unit", "None")
            if not _text(metric["Name"]) or unit not in UNITS or metric.get("StorageResolution", 60) not in {1, 60}:
                raise Invalid(f"no name, unit or resolution of a metric: {metric}")
            for value in _values(told[metric["Name"]]):
                yield Point(namespace, metric["Name"], value, unit, dimensions)


def _dimensions(told: dict[str, Any], names: list[str]) -> dict[str, str]:
    if not isinstance(names, list) or len(names) > MOST_DIMENSIONS:
        raise Invalid("a set of dimensions that is no list, or has too many of them")
    found = {name: told[name] for name in names}
    if wrong := [name for name, value in found.items() if not _text(value)]:
        raise Invalid(f"dimension {wrong[0]} is no text, empty or too long")
    return found


def _values(value: Any) -> list[float]:
    values = value if isinstance(value, list) else [value]
    if len(values) > MOST_VALUES or any(type(v) not in {int, float} or not math.isfinite(v) for v in values):
        raise Invalid("a value that is no number, or too many of them")
    return [float(v) for v in values]


def _text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT and bool(value.strip())
