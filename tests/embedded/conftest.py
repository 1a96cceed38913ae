"""The embedded AWS as a separate process, one for each worker (`server`), back to its initial world before every test."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

ROOT = Path(__file__).parents[2]
SPEED = 600
STILL = 0.001


_clients: dict[tuple[str, ...], Any] = {}
_making = threading.Lock()  # boto3 makes clients from one session, which is not safe in several threads


@dataclass(frozen=True, slots=True)
class Aws:
    """Where the embedded AWS is, and how a test talks to it."""

    url: str

    def client(self, service: str, region: str = "us-east-1", *, agent: str = "", attempts: int = 1) -> Any:
        """Without retries, unless `attempts` says so: a test sees what the server says."""
        key = (self.url, service, region, agent, str(attempts))
        with _making:
            if key not in _clients:
                _clients[key] = boto3.client(
                    service,
                    region_name=region,
                    endpoint_url=self.url,
                    aws_access_key_id="111111111111",
                    aws_secret_access_key="test",
                    config=Config(
                        retries={"total_max_attempts": attempts, "mode": "standard"},
                        user_agent_extra=agent,
                        max_pool_connections=50,
                    ),
                )
            return _clients[key]

    def control(self, what: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """GET without a body, POST with one; the status and the answer."""
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{self.url}/_meridian/{what}", data=data)) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def still(self) -> None:
        """Nothing happens by itself from here on, however slow this machine is."""
        self.control("clock", {"speed": STILL})

    def go(self, speed: float = SPEED) -> None:
        self.control("clock", {"speed": speed})

    def now(self) -> dt.datetime:
        return dt.datetime.fromisoformat(self.control("clock")[1]["now"])

    def passes(self, seconds: float) -> None:
        """So many virtual seconds, or a few more; then the clock stands still."""
        end = self.now() + dt.timedelta(seconds=seconds)
        self.go()
        self.until(lambda: self.now() >= end)
        self.still()

    def until(self, condition: Callable[[], Any], *, seconds: float = 60) -> Any:
        """The first true answer; fails after wall seconds."""
        began = time.monotonic()
        while not (answer := condition()):
            assert time.monotonic() - began < seconds, f"nothing after {seconds} s; the last answer was {answer!r}"
            time.sleep(min(0.1, 0.005 + (time.monotonic() - began) / 10))  # the server has better things to do
        return answer

    def stack_status(self, name: str, region: str = "us-east-1") -> str:
        return self.client("cloudformation", region).describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]

    def settled(self, name: str, region: str = "us-east-1") -> str:
        """Waits for the end of a stack operation and gives its status."""
        cloudformation = self.client("cloudformation", region)

        def status() -> str:
            now = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
            return "" if now.endswith("_IN_PROGRESS") else now

        return self.until(status)

    def deploy(self, name: str, resources: dict[str, Any], region: str = "us-east-1", **more: Any) -> str:
        """Creates or updates a stack without a change set; gives its final status."""
        cloudformation = self.client("cloudformation", region)
        body = json.dumps({"Resources": resources, **more})
        arguments = {"StackName": name, "TemplateBody": body, "Capabilities": ["CAPABILITY_NAMED_IAM"]}
        names = {s["StackName"] for s in cloudformation.describe_stacks()["Stacks"]}
        (cloudformation.update_stack if name in names else cloudformation.create_stack)(**arguments)
        return self.settled(name, region)


def start(*arguments: str, environment: dict[str, str] | None = None) -> tuple[subprocess.Popen[str], str]:
    """A server process and the line that it prints when it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "local_aws", *arguments],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


@contextmanager
def running(*arguments: str) -> Iterator[Aws]:
    """A server on a free port, until the end of the block."""
    process, line = start("--port", "0", "--speed", str(SPEED), *arguments)
    assert line.startswith("AWS_ENDPOINT_URL=http://127.0.0.1:"), line
    try:
        yield Aws(line.partition("=")[2])
    finally:
        process.terminate()
        code = process.wait(30)  # a busy machine takes its time
    assert code == 0
    assert process.stdout is not None
    process.stdout.close()


@pytest.fixture
def aws(server: Aws) -> Iterator[Aws]:
    """Empty, and at rest again when the test is over: what it left would work on beside the tests that follow."""
    assert server.control("reset", {}) == (200, {"reset": True})
    server.control("clock", {"speed": SPEED})
    yield server
    server.still()


def trail_bucket(aws: Aws, name: str) -> None:
    """A bucket that CloudTrail may write to, without which it makes no trail."""
    by = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    looks = by | {"Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{name}"}
    writes = by | {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/*"}
    aws.client("s3").create_bucket(Bucket=name)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [looks, writes]})
    aws.client("s3").put_bucket_policy(Bucket=name, Policy=policy)


# ---- an account that enforces IAM: see iam_world, iam_staff ------------------------------------------------------------------


@pytest.fixture(scope="session")
def enforcing_server() -> Iterator[Aws]:
    with running("--iam") as aws:
        yield aws


@pytest.fixture
def world(enforcing_server: Aws) -> Iterator[Any]:
    from tests.embedded.iam_world import World

    assert enforcing_server.control("reset", {}) == (200, {"reset": True})
    enforcing_server.control("clock", {"speed": SPEED})
    yield World(enforcing_server)
    enforcing_server.still()


@pytest.fixture(scope="session")
def staff(enforcing_server: Aws, tmp_path_factory: pytest.TempPathFactory) -> Any:
    from tests.embedded.iam_staff import staffed

    return staffed(enforcing_server, tmp_path_factory)


@pytest.fixture(scope="session")
def deployed(staff: Any) -> str:
    """The snapshot of a topology that the product deployed under a role of its own."""
    from tests.embedded.iam_staff import converged

    return converged(*staff)


@pytest.fixture
def product(staff: Any) -> Iterator[Any]:
    from tests.embedded.iam_staff import restore

    found, empty = staff
    restore(found, empty)
    yield found
    found.world.aws.control("reset", {})
