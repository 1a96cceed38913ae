"""Reads the body of POST /_meridian/faults. What is wrong with it is said with the value and what is allowed."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any

from local_aws import models
from local_aws.gateway import faults

# The key that tells the kind, in the order in which they are looked for.
_KINDS: Mapping[str, type[faults.AnyFault]] = {
    "outage": faults.Outage,
    "queue": faults.Duplicates,
    "rules": faults.LostEvents,
    "kill": faults.Kill,
    "resource": faults.ResourceFault,
    "stack": faults.HalfApplied,
    "drop": faults.Drop,
    "stale": faults.Stale,
    "error": faults.Refuse,
    "delay": faults.CallFault,
}
_Check = tuple[str, Callable[[Any], object]]


def _number(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _text(pattern: str) -> Callable[[Any], object]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


_REGION: _Check = ("a Region", _text(r"[a-z]{2}(-[a-z]+)+-\d"))
_CHECKS: Mapping[str, _Check] = {
    "outage": _REGION,
    "region": _REGION,
    "plane": ("control or data", _text("control|data")),
    "resource": ("a resource type, or one with /rollback or /delete", _text(r"\w+(::\w+)+(/rollback|/delete)?")),
    "stack": ("a stack's name", _text(r".+")),
    "after": ("the number of resources that are done, from 0 up", _whole),
    "rollback": ("fails", _text("fails")),
    "queue": ("a queue's name", _text(r"[\w-]{1,80}(\.fifo)?")),
    "copies": ("a whole number from 1 to 10", lambda value: _whole(value) and 1 <= value <= 10),
    "shuffle": ("true or false", lambda value: isinstance(value, bool)),
    "rules": ("off", _text("off")),
    "schedules": ("on or off", _text("on|off")),
    "kill": ("a function's name", _text(r"[\w-]{1,64}")),
    "when": ("before or after", _text("before|after")),
    "call": ("service:Operation, service:* or *:*", _text(r"[\w-]+:(\w+|\*)|\*:\*")),
    "drop": ("before or after", _text("before|after")),
    "stale": ("virtual seconds above 0, at most 86400", _number(1e-9, 86400)),
    "error": ("a text", _text(r".+")),
    "message": ("a text", _text(r".*")),
    "delay": ("wall seconds from 0 to 600", _number(0, 600)),
    "probability": ("a number from 0 to 1", _number(0, 1)),
    "times": ("a whole number from 0 up", _whole),
}


# Where a key means something else beside another one.
_BESIDE: Mapping[tuple[str, str], _Check] = {
    ("kill", "call"): ("the number of a mutating call, from 1 up", lambda value: _whole(value) and value > 0),
}


def read(body: Mapping[str, Any]) -> tuple[list[faults.AnyFault], object]:
    """The faults, and the seed or None."""
    if unknown := sorted(set(body) - {"faults", "seed"}):
        raise ValueError(f"{unknown[0]!r} is not allowed here: give faults, and seed if chance is to be repeated")
    entries, seed = body.get("faults", []), body.get("seed")
    if not isinstance(entries, list):
        raise ValueError(f"faults {entries!r} must be a list")  # noqa: TRY004 (the caller answers 400)
    if not isinstance(seed, int | str | None):
        raise ValueError(f"seed {seed!r} must be a whole number or a text")  # noqa: TRY004
    return [parse(entry) for entry in entries], seed


def parse(entry: object) -> faults.AnyFault:
    tells = next((key for key in _KINDS if isinstance(entry, dict) and key in entry), None)
    if not isinstance(entry, dict) or tells is None:
        raise ValueError(f"a fault is an object with one of {', '.join(_KINDS)}, not {entry!r}")
    kind = _KINDS[tells]
    known = {field.name: field for field in fields(kind)}
    for key, value in entry.items():
        if key not in known:
            raise ValueError(f"{key!r} does not go with {tells!r}: allowed are {', '.join(known)}")
        allowed, right = _BESIDE.get((tells, key), _CHECKS[key])
        if not right(value):
            raise ValueError(f"{key} {value!r} must be {allowed}")
    for key, field in known.items():
        if key not in entry and field.default is MISSING:
            raise ValueError(f"a fault with {tells!r} needs {key!r}: {_BESIDE.get((tells, key), _CHECKS[key])[0]}")
    if "call" in entry and tells != "kill":
        _require_known(entry["call"], stale="stale" in entry)
    return kind(**entry)


def _require_known(call: str, *, stale: bool) -> None:
    """A name that nothing has would never strike."""
    service, operation = call.split(":")
    if service == "*":
        if stale:
            raise ValueError(f"call {call!r} must name a service: answers are kept service by service")
        return
    model = models.service(service)
    if model is None:
        raise ValueError(f"call {call!r} must name a client of boto3{_meant(service, models.services())}")
    if operation != "*" and operation not in model.operation_names:
        raise ValueError(f"call {call!r} must name an operation of {service}{_meant(operation, model.operation_names)}")


def _meant(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, 1)
    return f": {close[0]}?" if close else ""
