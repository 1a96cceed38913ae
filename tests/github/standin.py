"""A stand-in of GitHub's REST API on 127.0.0.1, for tests: what GitHub documents it enforces, what it does not know it refuses.

with github("acme/apis") as gh:
    sha = gh.push()
    gh.pull_request(7, head=sha)
    environment = {**gh.environment(sha), "GITHUB_TOKEN": gh.token({"pull-requests": "write"})}
    ...
    assert [c.body for c in gh.comments(7)] == [...]
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.github.answers import ANSWERS, Asked, Refused
from tests.github.fields import CALLS, Call, wrong
from tests.github.world import ACTIONS, Comment, Deployment, Issue, World

DOCUMENTATION = "https://docs.github.com/rest"
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
READS, WRITES = {"read", "write"}, {"write"}


@dataclass(kw_only=True)
class Fault:
    """What the next calls that fit get instead of their answer. `after`: the call is carried out, its answer lost."""

    method: str
    path: str
    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    left: int
    after: bool


@dataclass(kw_only=True)
class Token:
    login: str
    permissions: Mapping[str, str]


@dataclass(kw_only=True)
class GitHub:
    repository: str
    url: str = ""
    world: World
    calls: list[tuple[str, str]] = field(default_factory=list)
    """Method and path below the repository of every call."""
    tokens: dict[str, Token] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def token(self, permissions: Mapping[str, str] | None = None, login: str = ACTIONS) -> str:
        """A token with what a job's `permissions:` names (actions, contents, deployments, issues, pull-requests, statuses: read or
        write). GITHUB_TOKEN's user is the bot of Actions."""
        made = f"ghs_{secrets.token_hex(18)}"
        self.tokens[made] = Token(login=login, permissions=dict(permissions or {}))
        return made

    def environment(self, sha: str, *, event: str = "push", run: int = 77) -> dict[str, str]:
        """GitHub's variables of a job, but for the files and the token."""
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.url,
            "GITHUB_EVENT_NAME": event,
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_RUN_ID": str(run),
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_SHA": sha,
        }

    def pull_request_event(self, number: int, *, head: str, fork: bool = False) -> dict[str, Any]:
        """The event of a pull request, as far as anybody needs it."""
        source = "stranger/apis" if fork else self.repository
        base = {"sha": "0" * 40, "ref": "main", "repo": {"full_name": self.repository}}
        return {
            "action": "synchronize",
            "number": number,
            "pull_request": {
                "number": number,
                "head": {"sha": head, "ref": "change", "repo": {"full_name": source, "fork": fork}},
                "base": base,
            },
            "repository": {"full_name": self.repository},
        }

    def push(self, sha: str | None = None) -> str:
        """A commit that is there."""
        made = sha or hashlib.sha1(secrets.token_bytes(8), usedforsecurity=False).hexdigest()
        self.world.commits.add(made)
        return made

    def pull_request(self, number: int, *, head: str) -> None:
        self.push(head)
        self.world.issues.append(Issue(number=number, author="alice", title="a change", pull_request=True))

    def protect(self, environment: str, *reviewers: str) -> None:
        """An environment of the repository; without reviewers it lets everybody through."""
        who = [{"type": "User", "reviewer": {"login": login}} for login in reviewers]
        rules = [{"id": 1, "type": "required_reviewers", "prevent_self_review": False, "reviewers": who}] if who else []
        self.world.environments[environment] = rules

    def comments(self, number: int) -> list[Comment]:
        return [c for c in self.world.comments if c.number == number]

    def comment_as(self, login: str, number: int, body: str) -> Comment:
        """Somebody else writes a comment, or our own bot in a run that nobody sees."""
        made = Comment(id=self.world.next(), number=number, author=login, body=body)
        self.world.comments.append(made)
        return made

    def delete_comment(self, comment: Comment) -> None:
        """Somebody takes it away."""
        self.world.comments.remove(comment)

    def deployments(self, environment: str | None = None) -> list[Deployment]:
        """Oldest first."""
        return [d for d in self.world.deployments if environment in {None, d.environment}]

    def issues(self, state: str = "all") -> list[Issue]:
        """Without pull requests."""
        return [i for i in self.world.issues if not i.pull_request and state in {"all", i.state}]

    def statuses(self, sha: str, context: str | None = None) -> list[dict[str, Any]]:
        """Oldest first."""
        return [s for s in self.world.statuses.get(sha, ()) if context in {None, s["context"]}]

    def writes(self) -> list[tuple[str, str]]:
        """The calls that may have changed something."""
        return [(method, path) for method, path in self.calls if method != "GET" and path != "/graphql"]

    def fail(
        self, method: str, path: str, status: int, message: str = "Server Error", *, times: int = 1, after: bool = False
    ) -> None:
        """The next calls of this method whose path, below the repository, fits the pattern get this answer."""
        fault = Fault(
            method=method, path=path, status=status, body={"message": message}, headers={}, left=times, after=after
        )
        self.faults.append(fault)

    def slow_down(self, seconds: int = 1, path: str = ".*") -> None:
        """The next write is told to come again later."""
        body, headers = {"message": SECONDARY}, {"Retry-After": str(seconds)}
        fault = Fault(method="POST", path=path, status=403, body=body, headers=headers, left=1, after=False)
        self.faults.append(fault)

    def fault(self, method: str, path: str) -> Fault | None:
        found = next((f for f in self.faults if f.left and f.method == method and re.fullmatch(f.path, path)), None)
        if found:
            found.left -= 1
        return found


@contextmanager
def github(repository: str = "acme/apis") -> Iterator[GitHub]:
    made = GitHub(repository=repository, world=World(repository=repository))

    class Handler(_Handler):
        gh = made

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    gh: GitHub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.gh.lock:
            try:
                status, answer, headers = self._carried_out(url.path, dict(parse_qsl(url.query)), body)
            except Refused as refused:
                told = {**refused.body, "documentation_url": DOCUMENTATION, "status": str(refused.status)}
                status, answer, headers = refused.status, told, {}
        self._send(status, answer, headers)

    do_POST = do_PATCH = do_DELETE = do_PUT = do_GET  # noqa: N815  # as http.server calls them

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def _carried_out(self, path: str, query: dict[str, str], raw: bytes) -> tuple[int, Any, dict[str, str]]:
        token = self._token()
        prefix = f"/repos/{self.gh.repository}"
        below = path.removeprefix(prefix) if path.startswith(prefix) else path
        self.gh.calls.append((self.command, below))
        fault = self.gh.fault(self.command, below)
        if fault and not fault.after:
            return fault.status, fault.body, dict(fault.headers)
        body = _json(raw)
        if path == "/graphql":
            return 200, _graphql(body, token), {}
        if not path.startswith(prefix):
            raise Refused(404, "Not Found")
        answer = self._answered(below, query, body, token)
        return (fault.status, fault.body, dict(fault.headers)) if fault else answer

    def _answered(self, below: str, query: dict[str, str], body: Any, token: Token) -> tuple[int, Any, dict[str, str]]:
        key, match = _route(self.command, below)
        call = CALLS[key]
        _permitted(call, token)
        strange = [k for k, v in query.items() if not re.fullmatch(call.also.get(k, "(?!)"), v)]
        if strange:
            raise Refused(422, f"Validation Failed: {strange[0]}")
        if problem := wrong(call, body):
            raise Refused(422, problem["message"], problem.get("errors"))
        base = f"{self.gh.url}/repos/{self.gh.repository}"
        asked = Asked(world=self.gh.world, base=base, login=token.login, match=match, query=query, body=body or {})
        status, answer = ANSWERS[key](asked)
        if not isinstance(answer, list):
            return status, answer, {}
        return status, *_page(answer, query, f"{base}{below}")

    def _token(self) -> Token:
        if not self.headers.get("User-Agent"):
            raise Refused(403, "Request forbidden by administrative rules.")
        _, _, given = (self.headers.get("Authorization") or "").partition(" ")
        if not given:
            raise Refused(401, "Requires authentication")
        if given not in self.gh.tokens:
            raise Refused(401, "Bad credentials")
        return self.gh.tokens[given]

    def _send(self, status: int, answer: Any, headers: Mapping[str, str]) -> None:
        data = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json; charset=utf-8", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else {}
    except ValueError as error:
        raise Refused(400, "Problems parsing JSON") from error


def _graphql(body: Any, token: Token) -> dict[str, Any]:
    if re.sub(r"\s", "", str(body.get("query"))) not in {"query{viewer{login}}", "{viewer{login}}"}:
        raise Refused(400, "the stand-in knows one query: { viewer { login } }")
    return {"data": {"viewer": {"login": token.login}}}


def _route(method: str, below: str) -> tuple[tuple[str, str], re.Match[str]]:
    for key in CALLS:
        if key[0] == method and (match := re.fullmatch(key[1], below)):
            return key, match
    raise Refused(404, "Not Found")


def _permitted(call: Call, token: Token) -> None:
    enough = WRITES if call.level == "write" else READS
    held = {"metadata": "read", **token.permissions}
    if not any(held.get(name) in enough for name in call.needs):
        raise Refused(403, "Resource not accessible by integration")


def _page(items: list[Any], query: Mapping[str, str], url: str) -> tuple[list[Any], dict[str, str]]:
    size, page = min(int(query.get("per_page", 30)), 100), int(query.get("page", 1))
    last = max(-(-len(items) // size), 1)
    others = {k: v for k, v in query.items() if k not in {"page", "per_page"}}
    beside = "".join(f"&{k}={v}" for k, v in others.items())
    turns = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    wanted = {rel: n for rel, n in turns.items() if 1 <= n <= last and (rel in {"prev", "next"} or last > 1)}
    links = ", ".join(f'<{url}?per_page={size}&page={n}{beside}>; rel="{rel}"' for rel, n in wanted.items())
    return items[(page - 1) * size : page * size], {"Link": links} if links else {}
