"""How GitHub's API is called: whose token, how patient, how often again."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

import github
from github.GithubRetry import GithubRetry
from github.Repository import Repository

from reconciler.github.event import LOCAL, Run
from reconciler.github.failures import translated

TIMEOUT = 20
"""Seconds for one answer."""
_AGAIN = 4
_PATIENCE = 180.0
"""Seconds to wait for a rate limit; what takes longer is told, and left to a later run."""
_ONLY_REFUSED = frozenset({403, 429})
_BOT = "[bot]"


class _Again(GithubRetry):
    """What makes something new is not sent again after an error that does not say whether it was made."""

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        if method.upper() == "POST":
            return status_code in _ONLY_REFUSED
        return super().is_retry(method, status_code, has_retry_after)


class Client:
    """One repository, as the token's owner."""

    def __init__(self, run: Run, token: str) -> None:
        logging.getLogger("github").setLevel(logging.WARNING)  # the library would tell stderr of every refusal
        near = urlsplit(run.api).hostname in LOCAL  # a stand-in of GitHub, which has no limits to keep
        self._github = github.Github(
            auth=github.Auth.Token(token),
            base_url=run.api,
            timeout=TIMEOUT,
            user_agent="meridian",
            per_page=100,
            retry=_Again(
                total=_AGAIN,
                backoff_factor=1,
                secondary_rate_wait=60,
                max_rate_limit_wait=_PATIENCE,
                retry_after_max=int(_PATIENCE),
                allowed_methods=frozenset({"GET", "PATCH", "DELETE"}),
            ),
            seconds_between_requests=0 if near else 0.1,
            seconds_between_writes=0 if near else 1,
            lazy=True,
        )
        self.repository: Repository = self._github.get_repo(run.repository)
        self.requester = self._github.requester
        self._login = ""

    def wrote(self, author: Any) -> bool:
        """Whether the token's owner is the author: what a stranger wrote is not ours, whatever it says.

        GITHUB_TOKEN may not ask REST who it is; GraphQL tells, for bots without the end of their name.
        """
        if not self._login:
            with translated("ask whose token this is", "contents: read"):
                _, answer = self.requester.graphql_query("query { viewer { login } }", {})
            self._login = str(answer["data"]["viewer"]["login"])
        if author is None:  # whoever wrote it is gone
            return False
        bare = self._login.removesuffix(_BOT)
        return bool(author.login == self._login or (author.type == "Bot" and author.login == f"{bare}{_BOT}"))

    def close(self) -> None:
        self._github.close()
