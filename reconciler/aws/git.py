"""What Git says of the commit at hand: the only place that runs it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.model.bundle import BundleRefused, Commit

_TIMEOUT = 20  # seconds; counting the commits of a huge history takes a while
_SHOWN = 10
_SCP = re.compile(r"(?:[^@/]+@)?(?P<host>[^:/]+):(?P<path>[^:].*)")
"""`git@github.com:acme/apis.git`"""
_STRANGE = re.compile(r"[^A-Za-z0-9._/~:-]")


def commit_at_hand(root: Path, paths: Sequence[str]) -> Commit:
    """HEAD, its author and its number of first parents. Refused where the commit does not hold these paths as they are, and in a
    shallow clone, which counts wrong."""
    commit = git(root, "rev-parse", "--verify", "HEAD^{commit}")
    if not commit:
        message = f"{root} is in no Git repository with a commit; a bundle is made from a commit"
        raise BundleRefused(message, code="NoCommit")
    if git(root, "rev-parse", "--is-shallow-repository") != "false":
        message = (
            "this clone is shallow, and the generation of a bundle is the number of commits: `git fetch --unshallow`, or "
            "`fetch-depth: 0` for actions/checkout"
        )
        raise BundleRefused(message, code="ShallowClone")
    _refuse_uncommitted(root, paths)
    count = git(root, "rev-list", "--first-parent", "--count", commit) or ""
    author = git(root, "log", "-1", "--format=%an", commit)
    if not count.isdigit() or author is None:
        raise BundleRefused(f"git cannot count the commits of {commit}: the repository is damaged", code="NoCommit")
    shown = "".join(c for c in author if c.isprintable())[:200]
    return Commit(commit=commit, author=shown, generation=int(count), repository=repository(root))


def committed(root: Path) -> datetime | None:
    """Since when HEAD's commit is there, by the clock of whoever made it; of a merge on GitHub, by GitHub's."""
    seconds = git(root, "log", "-1", "--format=%ct", "HEAD") or ""
    return datetime.fromtimestamp(int(seconds), UTC) if seconds.isdecimal() else None


def ignored(root: Path, paths: Sequence[str]) -> tuple[str, ...]:
    """Files below the paths that Git ignores, such as what a build has put there: they are in no commit."""
    found = _output(root, "ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--", *paths)
    return tuple(sorted(filter(None, (found or "").split("\0"))))


def repository(root: Path) -> str:
    """Host and path, the same for every way to write the address, `//` and the folder in it; never what it takes to log in."""
    found, inside = _origin(root), (git(root, "rev-parse", "--show-prefix") or "").strip("/")
    return _STRANGE.sub("-", f"{found}//{inside}" if found and inside else found)[:200]


def _origin(root: Path) -> str:
    if name := os.environ.get("GITHUB_REPOSITORY"):
        host = urlsplit(os.environ.get("GITHUB_SERVER_URL", "")).hostname or "github.com"
        return f"{host}/{name}"
    return address(git(root, "remote", "get-url", "origin") or "")


def address(remote: str) -> str:
    if "://" in remote:
        url = urlsplit(remote)
        host, path = url.hostname or "", url.path
    elif match := _SCP.fullmatch(remote):
        host, path = match["host"], match["path"]
    else:  # a folder of this machine, which is nobody's business
        host, path = "", Path(remote).name
    return f"{host}/{path.strip('/').removesuffix('.git')}".strip("/")


def git(root: Path, *arguments: str) -> str | None:
    """Output of a git command; None where it fails, or git is not there."""
    found = _output(root, *arguments)
    return None if found is None else found.strip()


def _output(root: Path, *arguments: str) -> str | None:
    # A hook of another repository must not lead git astray.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603  # fixed command, no shell
            ["git", "--literal-pathspecs", "-C", str(root), *arguments],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=True,
            env=environment,
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout


def _refuse_uncommitted(root: Path, paths: Sequence[str]) -> None:
    changed = _output(root, "status", "--porcelain", "--no-renames", "--untracked-files=all", "-z", "--", *paths)
    if changed is None:
        raise BundleRefused(f"git cannot tell what is changed in {root}", code="NoCommit")
    names = [entry[3:] for entry in changed.split("\0") if entry]
    names += [path for path in paths if not git(root, "ls-files", "-z", "--", path)]
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        listed = ", ".join(dict.fromkeys(names[:_SHOWN])) + more
        message = f"not committed as it is: {listed}; commit it, or take it back: a bundle is what a commit holds"
        raise BundleRefused(message, code="NotCommitted")
