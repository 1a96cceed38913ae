"""What programs read: one valid document on stdout whatever happens; and the embedded AWS as a command of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.request

import pytest

from tests.acceptance.world import COMMAND, Project, World

LOOKING = {
    "validate": ("Validation", ("validate",)),
    "plan": ("Plan", ("plan",)),
    "plan offline": ("Plan", ("plan", "--offline")),
    "drift": ("DriftReport", ("drift",)),
    "status": ("Status", ("status",)),
    "status by name": ("Status", ("status", "orders", "--home-region", "us-east-1")),
}


@pytest.mark.parametrize(("kind", "arguments"), LOOKING.values(), ids=LOOKING)
def test_a_command_prints_one_document(world: World, project: Project, kind: str, arguments: tuple[str, ...]) -> None:
    ran = world.meridian(project, *arguments, "--format", "json")
    assert ran.code == 0, ran.said
    assert ran.json["kind"] == kind
    assert ran.json["schemaVersion"] == "1"


@pytest.mark.parametrize("command", ["plan", "drift", "status", "converge"])
def test_a_failure_is_a_document_too(world: World, project: Project, command: str) -> None:
    service = "dynamodb" if command == "status" else "sts"
    denied = {
        service,
        "dynamodb" if command == "status" else "cloudformation",
    }  # whose stacks say whose account it is, too
    world.faults(*({"call": f"{name}:*", "error": "AccessDenied"} for name in sorted(denied)))
    ran = world.meridian(project, command, "--format", "json")
    world.faults()
    assert ran.code == 1, ran.said
    assert ran.json["kind"] == "Error"
    assert ran.json["errors"][0]["code"] == "AccessDenied"
    assert f"{service}:" in ran.err


def test_a_heal_reports_what_is_left(world: World, project: Project) -> None:
    world.client("logs").put_retention_policy(logGroupName="/meridian/orders/api", retentionInDays=3)
    ran = world.meridian(project, "drift", "--heal", "--detailed-exitcode", "--format", "json")
    assert ran.code == 0, ran.said
    assert ran.json["drifted"] is False


def test_markdown_is_for_pull_requests(world: World, project: Project) -> None:
    project.edit(("memoryMb: 512", "memoryMb: 1024"))
    ran = world.meridian(project, "plan", "--format", "markdown")
    assert ran.code == 0
    assert "`eu-west-1`, `ap-northeast-1` | `api/memoryMb` | `512` | `1024` |" in ran.out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_local_serves_until_it_is_stopped(server: World, number: signal.Signals) -> None:
    command = [COMMAND, "local", "--port", "0", "--speed", "30"]
    with subprocess.Popen(command, env=server.environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name, _, url = process.stdout.readline().strip().partition("=")
        assert name == "AWS_ENDPOINT_URL"
        assert url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{url}/_meridian/clock") as answer:
            assert json.load(answer)["speed"] == 30
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stdout.read() == ""
