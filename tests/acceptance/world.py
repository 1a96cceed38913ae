"""The embedded AWS in its own process and the real command in another: all that an acceptance test has to work with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from jsonschema import Draft202012Validator

from reconciler.aws.synthesis import default_cache

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).parent / "meridian"
ACCOUNT = "111111111111"
REGIONS = ("us-east-1", "eu-west-1", "ap-northeast-1")
SPEED = 600
NOWHERE = "http://127.0.0.1:1"
_SCHEMAS = files("reconciler.report") / "schemas"


def follows_its_schema(document: Mapping[str, Any]) -> bool:
    schema = json.loads((_SCHEMAS / f"{document['kind']}.json").read_text())
    assert [e.message for e in Draft202012Validator(schema).iter_errors(document)] == []
    return True


@dataclass(frozen=True)
class Ran:
    """What came of one command."""

    code: int
    out: str
    err: str

    @cached_property
    def json(self) -> Any:
        """The one document on stdout, held to the schema of its kind."""
        document = json.loads(self.out)
        assert follows_its_schema(document)
        return document

    @cached_property
    def lines(self) -> list[Any]:
        """NDJSON, as `converge` writes it."""
        documents = [json.loads(line) for line in self.out.splitlines()]
        assert all(follows_its_schema(d) for d in documents)
        return documents

    @property
    def said(self) -> str:
        """For the message of a failed assertion, and for looking for words on either stream."""
        return f"exit {self.code}\n{self.out}\n{self.err}"


@dataclass
class Project:
    """A copy of the worked example that a test may edit, as a commit would."""

    folder: Path

    @classmethod
    def copied_to(cls, folder: Path) -> Project:
        for part in ("desired_state", "handlers"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        return cls(folder)

    @property
    def document(self) -> Path:
        return self.folder / "desired_state" / "orders.yaml"

    def edit(self, *replacements: tuple[str, str]) -> None:
        """Replace texts that must be there."""
        text = self.document.read_text()
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new)
        self.document.write_text(text)

    def add(self, name: str, *replacements: tuple[str, str]) -> None:
        """A second document, made from the first."""
        text = self.document.read_text()
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new)
        (self.document.parent / f"{name}.yaml").write_text(text)


@dataclass
class World:
    """One embedded AWS. Each test session worker has its own."""

    url: str
    environment: dict[str, str] = field(default_factory=dict)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MERIDIAN_")) and k != "CI"}
        self.environment = {
            **kept,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "MERIDIAN_CACHE": str(
                default_cache()
            ),  # by content; making a template is the slow part, and another suite's proof
        }

    # --- the command --------------------------------------------------------------------------------------------------

    def start(self, project: Project, *arguments: str, **environment: str | None) -> subprocess.Popen[str]:
        """`meridian …` in the project's folder; an environment variable given as None is taken away."""
        variables = {k: v for k, v in {**self.environment, **environment}.items() if v is not None}
        return subprocess.Popen(
            [COMMAND, *arguments],
            cwd=project.folder,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def meridian(self, project: Project, *arguments: str, **environment: str | None) -> Ran:
        with self.start(project, *arguments, **environment) as process:
            try:
                out, err = process.communicate(timeout=150)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return Ran(process.returncode, out, err)

    def converges(self, project: Project) -> Ran:
        ran = self.meridian(project, "converge", "--format", "json")
        assert ran.code == 0, ran.said
        return ran

    def is_in_sync(self, project: Project) -> bool:
        """Nothing to change and no drift, as the commands themselves see it."""
        for command in ("plan", "drift"):
            ran = self.meridian(project, command, "--detailed-exitcode")
            assert ran.code == 0, ran.said
        return True

    def findings(self, project: Project) -> dict[str, dict[str, Any]]:
        """Path to finding, as `drift` prints them; it must exit as it says."""
        ran = self.meridian(project, "drift", "--detailed-exitcode", "--format", "json")
        assert ran.code == (2 if ran.json["drifted"] else 0), ran.said
        return {f"{f['path']} {f['region'] or ''}".strip(): f for f in ran.json["findings"]}

    # --- AWS, as any script sees it ---------------------------------------------------------------------------------------

    def client(self, service: str, region: str = "us-east-1") -> Any:
        key = (service, region)
        if key not in self._clients:
            self._clients[key] = boto3.client(
                service,
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id=ACCOUNT,
                aws_secret_access_key="test",
                config=Config(user_agent_extra="observer", retries={"total_max_attempts": 1}),
            )
        return self._clients[key]

    def stacks(self) -> dict[tuple[str, str], dict[str, Any]]:
        """(Region, name) to stack, of every Region that may have one; each name is there once."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for region in (*REGIONS, "eu-central-1"):
            pages = self.client("cloudformation", region).get_paginator("describe_stacks").paginate()
            for stack in (s for page in pages for s in page["Stacks"]):
                assert (region, stack["StackName"]) not in found
                found[region, stack["StackName"]] = stack
        return found

    def stack(self, name: str, region: str = "us-east-1") -> dict[str, Any]:
        return self.client("cloudformation", region).describe_stacks(StackName=name)["Stacks"][0]

    def resource(self, logical_id: str, stack: str, region: str = "us-east-1") -> str:
        """Physical id of a stack's resource."""
        client = self.client("cloudformation", region)
        answer = client.describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
        return answer["StackResourceDetail"]["PhysicalResourceId"]

    def updated_since(self, before: Mapping[tuple[str, str], Mapping[str, Any]]) -> list[tuple[str, str]]:
        """(Region, name) of stacks that a deployment touched, in the order in which it did."""
        now = self.stacks()
        moved = [(s["LastUpdatedTime"], key) for key, s in now.items() if "LastUpdatedTime" in s]
        seen = {key: s.get("LastUpdatedTime") for key, s in before.items()}
        new = [(s["CreationTime"], key) for key, s in now.items() if key not in before]
        return [key for _, key in sorted([*new, *((t, k) for t, k in moved if k in before and seen[k] != t)])]

    def gates(self) -> dict[str, dict[str, Any]]:
        """CallerReference to health check, of every gate there is: two for one reference cannot hide."""
        checks = self.client("route53").list_health_checks()["HealthChecks"]
        found = [c for c in checks if c["HealthCheckConfig"]["Type"] == "CALCULATED"]
        by_reference = {c["CallerReference"]: c for c in found}
        assert len(by_reference) == len(found)
        return by_reference

    def gate(self, region: str) -> dict[str, Any]:
        """The one gate of a Region."""
        [found] = [check for reference, check in self.gates().items() if reference.split("/")[2] == region]
        return found

    def records(self) -> list[dict[str, Any]]:
        pages = self.client("route53").get_paginator("list_resource_record_sets")
        answers = pages.paginate(HostedZoneId="Z0123456789EXAMPLE")
        return [r for page in answers for r in page["ResourceRecordSets"]]

    def until(self, condition: Callable[[], Any], *, seconds: float = 30) -> Any:
        deadline = time.monotonic() + seconds
        while not (answer := condition()):
            assert time.monotonic() < deadline, f"nothing after {seconds} s; the last answer was {answer!r}"
            time.sleep(0.05)
        return answer

    # --- its control endpoints --------------------------------------------------------------------------------------------

    def control(self, what: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """GET without a body, POST with one."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/_meridian/{what}", data=data)) as answer:
            return json.load(answer)

    def faults(self, *faults: Mapping[str, Any]) -> None:
        self.control("faults", {"faults": faults})

    def forget_calls(self) -> None:
        self.control("calls", {})

    def mutating(self) -> int:
        return self.control("calls")["mutating"]

    def calls(self) -> dict[str, int]:
        return {c["call"]: c["count"] for c in self.control("calls")["calls"]}

    def snapshot(self) -> str:
        """Keep the world as soon as it is at rest."""

        def kept() -> str | None:
            try:
                return self.control("snapshot", {})["id"]
            except urllib.error.HTTPError as error:
                error.close()
                return None

        return self.until(kept)

    def restore(self, snapshot: str) -> None:
        self.control("reset", {})
        self.control("clock", {"speed": SPEED})
        self.control("restore", {"id": snapshot})


def conditions(status: Mapping[str, Any]) -> dict[str, str]:
    return {c["type"]: c["status"] for c in status["conditions"]}


def paths(changes: Iterable[Mapping[str, Any]]) -> set[str]:
    return {c["path"] for c in changes}
