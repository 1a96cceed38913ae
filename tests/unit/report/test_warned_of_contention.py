"""Who is told that the control plane will undo what the command does."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.bundle import Accepted
from reconciler.model.outcome import Revision
from reconciler.model.suspension import Suspension
from reconciler.report.contention import contention

BUNDLED, OTHER = "a" * 40, "b" * 40


def status(commit: str = BUNDLED, digest: str = "sha256:in force") -> dict[str, Any]:
    """`commit` and `digest` are those of the last pass, which may have been a command's."""
    kept = Accepted(
        commit=BUNDLED, author="Ada", generation=5, digest="sha256:zip", version="v1", repository="github.com/acme/apis"
    )
    return {"bundle": kept.document(), "desiredRevision": commit, "desiredDigest": digest}


def revision(commit: str = "worktree", digest: str = "sha256:drained") -> Revision:
    return Revision(commit=commit, generation=6, digest=digest)


def suspended(*regions: str) -> Suspension:
    return Suspension(reason="incident", by="ada", at="2030-01-01T00:00:00Z", regions=regions)


@pytest.mark.parametrize(
    ("at_hand", "recorded", "suspension"),
    [
        (revision(), status(), None),
        (revision(OTHER), status(), None),
        (revision(), status(), suspended("eu-west-1")),
        # The command was here before: the digest is its own, and the control plane has not come back to its bundle yet.
        (revision(), status("worktree", "sha256:drained"), None),
        (revision(OTHER), status(OTHER, "sha256:drained"), None),
    ],
)
def test_another_document_is_said(at_hand: Revision, recorded: dict[str, Any], suspension: Suspension | None) -> None:
    said = contention("orders", at_hand, recorded, suspension)
    assert said == (
        "the control plane keeps orders at aaaaaaaaaaaa (generation 5) and takes back what that does not say: commit this and "
        "`meridian bundle --upload`; or, once this command is done, `meridian suspend orders --reason TEXT`, which stops commands, "
        "too"
    )


@pytest.mark.parametrize(
    ("at_hand", "recorded", "suspension"),
    [
        (revision(), None, None),
        (revision(), {**status(), "bundle": None}, None),
        (revision(), status(), suspended()),
        (revision(BUNDLED), status("worktree"), None),
        (revision(OTHER, "sha256:in force"), status(), None),
    ],
    ids=["nothing recorded", "no control plane", "left alone by both", "the bundle's commit", "the same document"],
)
def test_who_is_at_one_with_it_is_told_nothing(
    at_hand: Revision, recorded: dict[str, Any] | None, suspension: Suspension | None
) -> None:
    assert contention("orders", at_hand, recorded, suspension) is None


def test_what_the_status_says_is_inert() -> None:
    recorded = status()
    recorded["bundle"]["commit"] = "\x1b[2J" + BUNDLED
    assert "\x1b" not in str(contention("orders", revision(), recorded, None))
