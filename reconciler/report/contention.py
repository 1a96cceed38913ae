"""The warning of a command that acts on another document than the control plane, which will go back to its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.bundle import Accepted
from reconciler.model.outcome import Revision
from reconciler.model.suspension import Suspension
from reconciler.report.words import one_line


def contention(
    name: str, revision: Revision, status: Mapping[str, Any] | None, suspension: Suspension | None
) -> str | None:
    """None where the control plane has no bundle, leaves all of it alone, or wants the same. The way out is a commit: a suspension
    holds a command as it holds the control plane."""
    kept = Accepted.recorded(status)
    if status is None or kept is None or (suspension and suspension.whole) or _same(revision, kept, status):
        return None
    commit = one_line(str(kept.commit)[:12])
    return (
        f"the control plane keeps {name} at {commit} (generation {kept.generation}) and takes back what that does not say: commit "
        f"this and `meridian bundle --upload`; or, once this command is done, `meridian suspend {name} --reason TEXT`, which "
        "stops commands, too"
    )


def _same(revision: Revision, kept: Accepted, status: Mapping[str, Any]) -> bool:
    """A status that a command wrote, from another commit than the bundle's, has that command's digest: it does not tell what the
    bundle declares."""
    told = status.get("desiredRevision") == kept.commit
    return revision.commit == kept.commit or (told and status.get("desiredDigest") == revision.digest)
