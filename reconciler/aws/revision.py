"""The `RevisionSource` port: the Git commit at hand, or `worktree` where there is none that the files agree with."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reconciler.model.outcome import Revision
from reconciler.model.topology import Topology

WORKTREE = "worktree"
_TIMEOUT = 20  # seconds; counting the commits of a huge history takes a while


class GitRevisions:
    def revision(self, topology: Topology, recorded: Mapping[str, Any] | None) -> Revision:
        """The generation never falls: it is the number of commits on the branch, at least the recorded generation, and
        above that one when the desired state's digest changed (so also without Git, and in a shallow clone)."""
        found = desired_digest(topology)
        before = recorded or {}
        last = int(before.get("generation", 0))
        floor = last if before.get("desiredDigest") == found else last + 1
        commit, count = _head(topology)
        return Revision(commit=commit, generation=max(count, floor), digest=found)


def desired_digest(topology: Topology) -> str:
    """Of what the document declares, wherever it lies and however it is written."""
    declared = asdict(topology)
    for where in ("root", "source"):
        del declared[where]
    return "sha256:" + hashlib.sha256(json.dumps(declared, sort_keys=True, default=str).encode()).hexdigest()


def _head(topology: Topology) -> tuple[str, int]:
    """HEAD and its number of first parents, if the document and the code are committed there as they are."""
    root, paths = topology.root, [topology.source, topology.api.code]
    if not topology.source or not _git(root, "ls-files", "--", topology.source):
        return WORKTREE, 0
    changed = _git(root, "status", "--porcelain", "--", *paths)
    commit = _git(root, "rev-parse", "HEAD")
    count = _git(root, "rev-list", "--first-parent", "--count", "HEAD")
    if changed is None or changed or not commit or not count:
        return WORKTREE, 0
    return commit, int(count)


def _git(root: Path, *arguments: str) -> str | None:
    """Output of a git command; None where it fails, or git is not there."""
    # A hook of another repository must not lead git astray.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603  # fixed command, no shell
            ["git", "-C", str(root), *arguments],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=True,
            env=environment,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
