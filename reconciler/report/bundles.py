"""What became of a topology's bundle, as text and as JSON."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from reconciler.model.bundle import Bundle, Commit, Packed
from reconciler.report.words import count

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    topology: str
    result: str
    """written, uploaded, unchanged, announced or skipped"""
    message: str
    bundle: Bundle | None = None
    location: str | None = None
    size: int | None = None
    """Bytes, with the code."""
    ignored: tuple[str, ...] = ()
    """Files that are in it though Git ignores them."""

    @staticmethod
    def of(
        packed: Packed,
        result: str,
        where: str,
        *,
        version: str = "",
        ignored: tuple[str, ...] = (),
        mended: bool = False,
    ) -> Done:
        bundle, size = packed.bundle, len(packed.data) + sum(map(len, packed.code.values()))
        rollback = ", a rollback" if bundle.rollback else ""
        message = f"{result}, generation {bundle.generation}, commit {bundle.commit[:12]}{rollback}, {size} bytes with its code"
        if mended:
            message += "; the code was missing or damaged there and is put back, the next pass finds it"
        return Done(
            topology=bundle.topology,
            result=result,
            message=message,
            bundle=replace(bundle, version=version),
            location=where,
            size=size,
            ignored=ignored,
        )

    @staticmethod
    def skipped(topology: str, why: str) -> Done:
        return Done(topology=topology, result="skipped", message=f"skipped: {why}")

    @staticmethod
    def announced(topology: str, commit: Commit, bundled: int, where: str) -> Done:
        newest = f"generation {bundled}" if bundled else "none yet"
        message = f"the head is at generation {commit.generation}, commit {commit.commit[:12]}; newest bundle: {newest}"
        return Done(topology=topology, result="announced", message=message, location=where)


def bundle_json(done: Done) -> dict[str, Any]:
    bundle = done.bundle
    return {
        "schemaVersion": "1",
        "kind": "Bundle",
        "topology": done.topology,
        "result": done.result,
        "message": done.message,
        "location": done.location,
        "bytes": done.size,
        "bundle": None
        if bundle is None
        else {
            "commit": bundle.commit,
            "author": bundle.author,
            "generation": bundle.generation,
            "repository": bundle.repository,
            "rollback": bundle.rollback,
            "digest": bundle.digest,
            "document": bundle.document,
            "code": dict(bundle.code),
            "version": bundle.version,
        },
        "ignoredByGit": list(done.ignored),
    }


def bundle_text(done: Done) -> str:
    lines = [f"{done.topology}: {done.message}"]
    if done.location:
        lines.append(f"  {done.location}")
    if done.bundle:
        lines.append(f"  {done.bundle.digest}")
    if done.ignored:
        names = ", ".join(done.ignored[:_SHOWN]) + (", …" if len(done.ignored) > _SHOWN else "")
        lines.append(f"  {count(len(done.ignored), 'file')} in it that Git ignores, so no commit holds: {names}")
    return "\n".join(lines)
