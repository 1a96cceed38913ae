"""The function synth: makes the templates that a pass lacks, and keeps them in the revision bucket.

    {"topology": "orders", "version": "<S3 version of its bundle>", "keys": ["api", "edge"]}
    → {"stored": {"api": "<fingerprint>", …}}, or {"error": {"code", "message", "again"}}

It takes no document from whoever asks: it reads the bundle of that version itself. Equal fingerprints mean equal templates, so
asking twice does no harm. Each invocation that has something to make runs CDK in a process of its own: jsii's process never gives
memory back, and nothing of one document can reach the next. What went wrong in a way that nobody foresaw is raised, and counted by
Lambda.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.hosting import synth
from reconciler.model.errors import ReconcilerError, Retry

_NAME = re.compile(r"[a-z][a-z0-9-]{1,20}")
_VERSION = re.compile(r"[!-~]{0,1024}")
"""S3 gives opaque text of at most 1,024 bytes; empty asks for the newest."""

_LONGEST = 1000
Store = Callable[[str, str, Sequence[str], Path], Mapping[str, str]]


class BadRequest(ReconcilerError):
    """Whoever asked did not ask as above."""


def handler(event: Any, context: Any) -> dict[str, Any]:  # noqa: ARG001  # Lambda gives both
    return respond(event, synth.store_templates)


def respond(event: Any, store: Store) -> dict[str, Any]:
    started = time.perf_counter()
    line = synth.Line(event="synth", code="TemplatesMade")
    try:
        name, version, keys = _request(event)
        line = replace(line, topology=name, more={"version": version, "keys": keys})
        with tempfile.TemporaryDirectory() as folder:
            answer: dict[str, Any] = {"stored": dict(store(name, version, keys, Path(folder)))}
    except ReconcilerError as error:
        answer = {"error": {"code": error.code, "message": str(error), "again": error.retry is not Retry.NEVER}}
        line = replace(line, code=error.code, more={**line.more, "error": str(error)[:_LONGEST]})
    synth.say(replace(line, more={**line.more, "ms": round((time.perf_counter() - started) * 1000)}))
    return answer


def _request(event: Any) -> tuple[str, str, list[str]]:
    asked = event if isinstance(event, Mapping) else {}
    name, version, keys = asked.get("topology"), asked.get("version", ""), asked.get("keys")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadRequest(f"topology {_shown(name)} is no name of a topology")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise BadRequest(f"version {_shown(version)} is no version of an object in S3")
    known = synth.TEMPLATES
    if not isinstance(keys, list) or not keys or len(keys) > len(known) or not all(key in known for key in keys):
        raise BadRequest(f"keys {_shown(keys)} is no list of templates; there are {', '.join(known)}")
    return name, version, keys


def _shown(value: Any) -> str:
    return repr(value)[:80]
