"""Where the conformance suite runs: on the embedded AWS, or with MERIDIAN_CONFORMANCE=real on the account of the environment.

On a real account only tests marked `@real` are selected. Whatever they make has the prefix `meridian-conformance-` and the tag
`meridian:conformance`, and is removed at the end of the test, also when it fails.
"""

from __future__ import annotations

import datetime as dt
import functools
import os
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.contract.operations_facts import operations
from tests.embedded.conftest import Aws, running

WHERE = os.environ.get("MERIDIAN_CONFORMANCE") or "embedded"
REAL = WHERE == "real"
SPEED = 600
ACCOUNT = "111111111111"
# Answers that pass by themselves: quotas of calls; a change under way, and what still uses it. See also `patiently`.
_THROTTLES = ("TooManyRequestsException", "Throttling", "ThrottlingException")
_PASSING = (*_THROTTLES, "ResourceConflictException", "DependencyViolation", "ResourceInUseException",
            "InvalidGlobalClusterStateFault")  # fmt: skip


@dataclass(slots=True)
class Target:
    """The AWS under test: the same boto3 calls on either."""

    embedded: Aws | None
    cleanup: ExitStack
    only_embedded: bool = True  # the test is not `@real`
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    @property
    def real(self) -> bool:
        return self.embedded is None

    def client(self, service: str, region: str = "us-east-1") -> Any:
        if self.embedded:
            return self.embedded.client(service, region)
        return _real_client(service, region)

    def name(self, what: str = "") -> str:
        """A name that nothing else has."""
        return f"meridian-conformance-{self.run}{'-' if what else ''}{what}"

    @property
    def tags(self) -> dict[str, str]:
        return {"meridian:conformance": self.run}

    def account(self) -> str:
        return str(self.client("sts").get_caller_identity()["Account"])

    def now(self) -> dt.datetime:
        if self.embedded:
            return dt.datetime.fromisoformat(self.embedded.control("clock")[1]["now"])
        return dt.datetime.now(dt.UTC)

    def slower(self, speed: float) -> None:
        """So that what is in between lasts long enough to be looked at: AWS is slow enough by itself."""
        if self.embedded:
            self.embedded.control("clock", {"speed": speed})

    def later(self, remove: Callable[..., Any], **arguments: Any) -> None:
        """Call `remove` at the end of the test, in reverse order; what is already gone is fine.

        On a real account as patiently as it takes. The embedded AWS forgets everything anyhow.
        """

        def removing() -> None:
            try:
                if self.real:
                    self.patiently(remove, **arguments)
                else:
                    remove(**arguments)
            except ClientError as error:
                if self.real and not _gone(error):
                    raise

        self.cleanup.callback(removing)

    def patiently(self, call: Callable[..., Any], *, minutes: float = 30, **arguments: Any) -> Any:
        """The answer of a call, tried again while what refuses it passes by itself."""
        answers: list[Any] = []

        def tried() -> bool:
            try:
                answers.append(call(**arguments))
            except ClientError as error:
                # a new role is not known everywhere at once
                if error.response["Error"]["Code"] not in _PASSING and "cannot be assumed" not in str(error):
                    raise
            return bool(answers)

        self.until(tried, minutes=minutes)
        return answers[0]

    def zone(self) -> tuple[str, str]:
        """(id, name with a dot) of a public zone of its own; nothing delegates to it. Free when it lives under 12 hours.

        Not below example.com or the like: "is reserved by AWS".
        """
        name = f"{self.name()}.test."
        route53 = self.client("route53")
        made = route53.create_hosted_zone(Name=name, CallerReference=self.name(uuid.uuid4().hex))
        zone = made["HostedZone"]["Id"].removeprefix("/hostedzone/")
        self.later(route53.delete_hosted_zone, Id=zone)
        self.tag_in_route53("hostedzone", zone)
        return zone, name

    def tag_in_route53(self, kind: str, name: str) -> None:
        tags = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        self.client("route53").change_tags_for_resource(ResourceType=kind, ResourceId=name, AddTags=tags)

    def control(self, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """A control endpoint of the embedded AWS."""
        where = f"/_meridian/{what} is not on AWS: a test that is `@real` does without"
        assert self.embedded, where
        assert self.only_embedded, where
        status, answer = self.embedded.control(what, body)
        assert status == 200, answer
        return answer

    def until(self, condition: Callable[[], Any], *, minutes: float = 20) -> Any:
        """The first true answer. `minutes` are AWS's own: here they pass `SPEED` times as fast."""
        pause, limit = (5.0, minutes * 60) if self.real else (0.01, max(20.0, minutes * 60 / SPEED))
        deadline = time.monotonic() + limit
        while not (answer := condition()):
            assert time.monotonic() < deadline, f"nothing after {minutes} minutes; the last answer was {answer!r}"
            time.sleep(pause)
        return answer


@functools.cache
def _real_client(service: str, region: str) -> Any:
    # tries again as clients should: quotas of calls are as low as one in 30 seconds (DeleteRestApi)
    retries = {"mode": "standard", "total_max_attempts": 10}
    return boto3.client(service, region_name=region, config=Config(retries=retries))


def _gone(error: ClientError) -> bool:
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    return "NotFound" in code or "NoSuch" in code or "does not exist" in message or "pending deletion" in message


def refused(call: Callable[..., Any], *codes: str, **arguments: Any) -> str:
    """The message of a refusal with one of these codes (without an `Exception` or `Fault` that a protocol may add).

    A throttle is not the answer, unless it is asked for.
    """
    deadline = time.monotonic() + 60
    while True:
        with pytest.raises(ClientError) as caught:
            call(**arguments)
        error = caught.value.response["Error"]
        if error["Code"] in codes or error["Code"] not in _THROTTLES or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    assert error["Code"] in codes, f"{error['Code']} is none of {codes}: {error['Message']}"
    return str(error["Message"])


@pytest.fixture(scope="session")
def conformance_server(pytestconfig: pytest.Config) -> Iterator[Aws | None]:
    if REAL:
        _say_whose_account(pytestconfig)
        yield None
        return
    with running() as aws:
        yield aws


def _say_whose_account(config: pytest.Config) -> None:
    try:
        caller = boto3.client("sts", region_name="us-east-1").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        pytest.exit(f"a real account needs credentials that work (the usual AWS environment): {error}", returncode=1)
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    with config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
        terminal.write_line(f"\non the real account {caller['Account']}, as {caller['Arn']}")


@pytest.fixture
def aws(conformance_server: Aws | None, request: pytest.FixtureRequest) -> Iterator[Target]:
    if conformance_server:
        assert conformance_server.control("reset", {}) == (200, {"reset": True})
        conformance_server.control("clock", {"speed": SPEED})
    with ExitStack() as cleanup:
        yield Target(conformance_server, cleanup, only_embedded=not request.node.get_closest_marker("real"))
    if conformance_server:
        conformance_server.still()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if WHERE not in ("embedded", "real"):
        raise pytest.UsageError(f"ENDPOINT={WHERE}: it is `real` (the account of the environment) or `embedded`")
    if REAL:
        kept = [item for item in items if item.get_closest_marker("real")]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """After a run on a real account: what was left out, and what it would cost."""
    if not REAL:
        return
    terminalreporter.section("not run on a real account, because of what it would cost")
    left_out: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, operation in sorted(operations().items()):
        if operation.cost:
            left_out[name.partition(":")[0], operation.cost].append(name.partition(":")[2])
    for (service, cost), names in left_out.items():
        terminalreporter.write_line(f"{service} {', '.join(names)}: {cost}")
