"""Where a comment, a summary or an issue came from: addresses and ids as the workflow's environment gives them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reconciler.report.github.escape import code, words

_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:-]+(/[A-Za-z0-9._~/?#@!&+,;=%:-]*)?")
"""Nothing in it ends a link's target."""
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Each is empty where it is not known. `run` and `artifact` are addresses, `server` is GitHub's own, `repository` reads
    `owner/name`, `commit` is a hash."""

    run: str = ""
    artifact: str = ""
    commit: str = ""
    repository: str = ""
    server: str = ""


def link(text: str, address: str) -> str:
    """The text alone where there is no address, or none to lead anybody to."""
    return f"[{words(text)}]({address})" if _ADDRESS.fullmatch(address) else words(text)


def commit_link(commit: str, links: Links) -> str:
    """The commit's short name, leading there where its repository is known."""
    if not _COMMIT.fullmatch(commit):
        return code(commit)
    known = links.server and links.repository
    return link(f"`{commit[:12]}`", f"{links.server}/{links.repository}/commit/{commit}" if known else "")


def whole_link(links: Links) -> str:
    """Where all of it is: the artifact, else the run, else what prints it."""
    if links.artifact:
        return f"the whole is in {link('the artifact', links.artifact)}"
    if links.run:
        return f"the whole is in the artifact of {link('the run', links.run)}"
    return "`meridian plan --format markdown` prints the whole"
