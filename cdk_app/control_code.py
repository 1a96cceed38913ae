"""The code of the functions wake and reconcile, as the control stack's template takes it: one folder, which becomes the zip.

A stand-in until the packaging of the reconciler itself is joined: `stage` and `sources` are all that has to be replaced.
"""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.model.control import RUNTIME

_HANDLER = '''"""Stands where the reconciler will be."""


def handler(event: dict, context: object) -> dict:
    return {"batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in event.get("Records", [])]}
'''


def runtime() -> str:
    """Which Python the code is put together for; the stack's parameter `Runtime` must say the same."""
    return os.environ.get("MERIDIAN_RUNTIME") or RUNTIME


def stage(into: Path, *, runtime: str) -> Path:  # noqa: ARG001  # the wheels depend on it
    """Puts the code into the new folder `into`, and gives it."""
    for name in ("wake", "reconcile"):
        (into / "handlers" / name).mkdir(parents=True)
        (into / "handlers" / name / "app.py").write_text(_HANDLER, encoding="utf-8")
    return into


def sources() -> tuple[Path, ...]:
    """Files and folders whose content the code depends on, beside `cdk_app` itself."""
    return ()
