"""A run record: one pass as one JSON document, from what it was told to what came of it. The same pass gives the same bytes.

It is written for two readers: people, who find plan, requests and outcome in the forms that the commands print; and `meridian
replay`, which makes the plan again from the inputs. What it holds of functions' variables and the like is without secrets.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.model.errors import ReconcilerError, Source
from reconciler.model.facts import Facts
from reconciler.model.issuer import PublicKey
from reconciler.model.observed import Unknown
from reconciler.model.outcome import Revision
from reconciler.model.plan import Goal
from reconciler.model.stacks import Template
from reconciler.model.topology import Topology
from reconciler.recording.fits import fits, hints
from reconciler.recording.values import decoded, encoded

SCHEMA, KIND = "1", "RunRecord"
LARGEST = 20_000_000
"""Bytes of a record's text. A pass over three Regions takes a quarter of a million; whatever takes more is not read, either."""


class RecordRefused(ReconcilerError):
    """No run record, or one that this Meridian cannot read."""

    source = Source.USER


class RecordTooLarge(ReconcilerError):
    """A pass whose record nobody could read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a pass was told. What it did not come to ask for is None."""

    topology: Topology
    facts: Facts
    revision: Revision | None = None
    templates: Mapping[str, Template] | None = None
    issuer_keys: tuple[PublicKey, ...] | Unknown | None = None
    account: str | None = None
    clock: tuple[datetime, ...] = ()
    """What the clock said, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    id: str
    at: str
    version: str
    """Of the Meridian that made the pass."""
    goal: Goal
    inputs: Inputs
    plan: Mapping[str, Any] | None
    """As `meridian plan --format json` would have printed it; None for a pass that did not get so far."""
    requests: tuple[Mapping[str, Any], ...] = ()
    """What was asked of AWS, each with what became of it, in the order of the answers."""
    outcome: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    """What ended the pass before its outcome."""
    status: Mapping[str, Any] | None = None
    """The status document that the pass left behind."""


_INPUTS = {"revision": "revision", "facts": "facts", "templates": "templates", "issuer_keys": "issuerKeys"}
_INPUTS |= {"account": "account", "clock": "clock", "topology": "topology"}
_PLAIN = ("id", "at", "version", "goal", "plan", "requests", "outcome", "error", "status")


def document(record: RunRecord) -> dict[str, Any]:
    inputs = record.inputs
    return {
        "schemaVersion": SCHEMA,
        "kind": KIND,
        "id": record.id,
        "topology": inputs.topology.name,
        "at": record.at,
        "version": record.version,
        "goal": str(record.goal),
        "inputs": {name: encoded(getattr(inputs, field)) for field, name in _INPUTS.items()},
        "plan": record.plan,
        "requests": [dict(r) for r in record.requests],
        "problems": list((record.outcome or {}).get("problems", ())),
        "outcome": record.outcome,
        "error": record.error,
        "status": record.status,
    }


def packed(record: RunRecord) -> bytes:
    """Raises `RecordTooLarge`. Keys keep their order: plans list what they find in the order in which AWS gave it."""
    text = json.dumps(document(record), separators=(",", ":"), allow_nan=False).encode()
    if len(text) > LARGEST:
        raise RecordTooLarge(f"the record of pass {record.id} takes {len(text)} bytes, at most {LARGEST} are kept")
    return gzip.compress(text, mtime=0)


def unpacked(data: bytes) -> RunRecord:
    """From compressed or plain text of any origin. Raises `RecordRefused`."""
    try:
        found = json.loads(_text(data), parse_constant=_no_constant)
        return _read(found)
    except RecursionError as error:
        raise RecordRefused("this is no run record: it is nested too deeply") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordRefused(f"this is no run record: {error}") from error


def _text(data: bytes) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        text, rest = data[: LARGEST + 1], b""
    else:
        unzip = zlib.decompressobj(wbits=31)
        try:
            text, rest = unzip.decompress(data, LARGEST + 1), unzip.unconsumed_tail
        except zlib.error as error:
            raise RecordRefused(f"this is no run record: {error}") from error
        if not unzip.eof and len(text) <= LARGEST:
            raise RecordRefused("this is no run record: it ends in its middle")
    if len(text) > LARGEST or rest:
        raise RecordRefused(f"this is no run record: it is larger than {LARGEST} bytes")
    return text


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _read(found: Mapping[str, Any]) -> RunRecord:
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise RecordRefused(f"this is no run record: its kind is not {KIND}")
    if found["schemaVersion"] != SCHEMA:
        raise RecordRefused(
            f"this record has schema version {found['schemaVersion']!r}, and this Meridian reads {SCHEMA!r}; "
            f"use the one that wrote it, {found.get('version')!r}"
        )
    inputs = {field: decoded(found["inputs"].get(name)) for field, name in _INPUTS.items()}
    given = {name: found[name] for name in _PLAIN}
    given |= {"requests": tuple(given["requests"]), "goal": Goal(given["goal"])}
    return RunRecord(**_checked(RunRecord, {**given, "inputs": Inputs(**_checked(Inputs, inputs))}))


def _checked(kind: Any, given: dict[str, Any]) -> dict[str, Any]:
    for name, value in given.items():
        if not fits(value, hints(kind)[name]):
            raise TypeError(f"{name} cannot be {type(value).__name__} such as this one")
    return given
