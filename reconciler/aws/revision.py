"""The `RevisionSource` port: the Git commit at hand, or `worktree` where there is none that the files agree with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from reconciler.aws.git import git
from reconciler.model.outcome import Revision
from reconciler.model.topology import Topology

WORKTREE = "worktree"


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
    if not topology.source or not git(root, "ls-files", "--", topology.source):
        return WORKTREE, 0
    changed = git(root, "status", "--porcelain", "--", *paths)
    commit = git(root, "rev-parse", "HEAD")
    count = git(root, "rev-list", "--first-parent", "--count", "HEAD")
    if changed is None or changed or not commit or not count:
        return WORKTREE, 0
    return commit, int(count)
