"""Revision bundles: the immutable input of hosted passes. One holds one topology at one commit; code lies beside it, by content.

Who made it says which commit and which generation it is; the digest binds all that it says and all that it holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.model.errors import Refused

CODE = "code"
HEADS = "heads"
REVISIONS = "revisions"
"""Prefixes of keys in the revision bucket."""


class BundleRefused(Refused):
    """A bundle that is not used, or not made: nothing of it takes effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    topology: str
    commit: str
    author: str
    generation: int
    """First-parent commits of a full clone."""
    repository: str
    """Host and path of where the commit is from, such as `github.com/acme/apis`; empty for a clone that came from nowhere."""
    rollback: bool
    digest: str
    document: str
    """Path of the YAML file, from the folder that holds `desired_state/`."""
    code: Mapping[str, str]
    """Folder to the hash of its content, which names its object `code/<hash>.zip`."""
    document_sha256: str = ""
    version: str = ""
    """S3's version id, once it has been uploaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What is uploaded."""

    bundle: Bundle
    data: bytes = field(repr=False)
    code: Mapping[str, bytes] = field(repr=False)
    """Hash of the content to archive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """The commit at hand, from a full clone in which nothing of the desired state is changed."""

    commit: str
    author: str
    generation: int
    repository: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where main's head is, as `meridian bundle --announce` last said."""

    commit: str
    generation: int
    since: datetime
    """Since when main is ahead of the bundles, as far as announcements tell."""


def announced(commit: Commit, bundled: int, before: Head | None, now: datetime) -> Head:
    """The head to announce, where the newest bundle has the generation `bundled`. While one commit after the other comes without a
    bundle, the time goes on from the first of them."""
    behind = before is not None and before.generation > bundled
    return Head(commit=commit.commit, generation=commit.generation, since=before.since if before and behind else now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why the newest bundle is not used."""

    code: str
    message: str
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What the status remembers of bundles: the one in force, and the newest generation that ever was."""

    commit: str
    author: str
    generation: int
    digest: str
    version: str
    repository: str
    rollback: bool = False
    mark: int = 0
    """Newest generation accepted. A rollback does not lower it, so that an old workflow that runs again cannot undo one."""

    @staticmethod
    def recorded(status: Mapping[str, Any] | None) -> Accepted | None:
        """From a status document; None if no pass has had a bundle."""
        found = (status or {}).get("bundle")
        if not found:
            return None
        return Accepted(**{name: found[name] for name in Accepted.__dataclass_fields__ if name in found})

    def document(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in Accepted.__dataclass_fields__}

    def takes(self, bundle: Bundle) -> Refusal | None:
        """Why this bundle may not follow; None if it may. After a rollback only a newer commit, or another rollback, does: the very
        generation that was rolled back from would be back otherwise, as soon as its workflow runs again."""
        if bundle.rollback or (bundle.version and bundle.version == self.version):
            return None
        if bundle.generation > self.mark or (bundle.generation == self.mark and not self.rollback):
            return None
        how = "was rolled back from" if bundle.generation == self.mark else "is newer"
        message = (
            f"the bundle of {bundle.topology} has generation {bundle.generation} (commit {bundle.commit[:12]}), and generation "
            f"{self.mark} {how}; commit something newer, or go back on purpose with `meridian bundle --upload --rollback`"
        )
        return Refusal(code="OlderGeneration", message=message, version=bundle.version)

    def followed(self, bundle: Bundle) -> Accepted:
        """What is remembered once this bundle has been accepted."""
        return accepted(bundle, mark=max(self.mark, bundle.generation))


def accepted(bundle: Bundle, mark: int) -> Accepted:
    return Accepted(
        commit=bundle.commit,
        author=bundle.author,
        generation=bundle.generation,
        digest=bundle.digest,
        version=bundle.version,
        repository=bundle.repository,
        rollback=bundle.rollback,
        mark=mark,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a revision came from, when it came out of a bundle."""

    bundle: Bundle
    refused: Refusal | None = None
    """Why a newer bundle is not in force instead."""
    head: Head | None = None
    before: Accepted | None = None
    """What the status named when this bundle was chosen."""

    def overtaken(self, status: Mapping[str, Any] | None) -> bool:
        """Whether somebody has accepted another bundle since: under the lease, the status tells."""
        now = Accepted.recorded(status)
        return now != self.before and (now is None or now.version != self.bundle.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A bundle as it lies in the revision bucket, and what its object says of it; not verified yet."""

    data: bytes = field(repr=False)
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What an object's metadata say of the bundle in it: enough to refuse an upload, no proof of anything."""

    etag: str
    folder: str
    """Folder of the document."""
    accepted: Accepted
