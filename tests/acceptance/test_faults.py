"""What goes wrong on AWS's side: said with its place, nothing destroyed for it, and made good by the next run."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.acceptance.world import ACCOUNT, NOWHERE, Project, Ran, World, conditions

API = "meridian-orders-api"
IN_EUROPE = {"name": "meridian-foundation", "region": "eu-west-1"}


@pytest.fixture(autouse=True)
def without_faults(server: World) -> Iterator[None]:
    yield
    server.faults()


def memory(world: World, region: str) -> int:
    return world.client("lambda", region).get_function_configuration(FunctionName=API)["MemorySize"]


def destroys_nothing(world: World) -> bool:
    deletions = {c for c in world.calls() if ":Delete" in c and c != "cloudformation:DeleteChangeSet"}
    return not deletions - {"dynamodb:DeleteItem"}  # the lease


@pytest.mark.parametrize("service", ["cloudformation", "rds"])
def test_a_region_that_may_not_be_read_is_unknown(world: World, project: Project, service: str) -> None:
    world.faults({"call": f"{service}:*", "region": "eu-west-1", "error": "AccessDenied"})
    project.edit(("memoryMb: 512", "memoryMb: 1024"))
    world.forget_calls()
    ran = world.meridian(project, "converge", "--timeout", "40s", "--format", "json")
    assert ran.code == 5, ran.said
    why = next(c["message"] for c in ran.lines[-1]["conditions"] if c["type"] == "Stalled")
    assert "eu-west-1" in why
    assert f"{service}:" in why
    assert destroys_nothing(world)
    status = world.meridian(project, "status", "--format", "json").json
    assert {r["name"]: r["health"] for r in status["regions"]}["eu-west-1"] == "Unknown"
    assert conditions(status)["Ready"] != "True"
    # The other Regions went on.
    assert {r: memory(world, r) for r in ("us-east-1", "ap-northeast-1")} == {"us-east-1": 1024, "ap-northeast-1": 1024}
    assert memory(world, "eu-west-1") == 512
    world.faults()
    world.converges(project)
    assert memory(world, "eu-west-1") == 1024


def test_a_function_that_may_not_be_read_is_unchecked(world: World, project: Project) -> None:
    world.faults({"call": "lambda:*", "region": "eu-west-1", "error": "AccessDenied"})
    ran = world.meridian(project, "drift", "--strict", "--format", "json")
    assert ran.code == 4, ran.said
    assert ran.json["drifted"] is False
    unchecked = {u["path"]: u["why"] for u in ran.json["coverage"]["unchecked"]}
    assert "lambda:" in unchecked["regions/eu-west-1/api/Function"]


def test_throttling_throughout_only_slows_down(world: World, project: Project) -> None:
    world.faults({"call": "*:*", "error": "Throttling", "probability": 0.2})
    project.edit(("ttlSeconds: 10", "ttlSeconds: 20"))
    status = world.converges(project).lines[-1]
    assert conditions(status)["Ready"] == "True"
    assert {r["TTL"] for r in world.records() if r["Name"].startswith("route.")} == {20}


def fails_and_says(world: World, project: Project, *words: str) -> Ran:
    ran = world.meridian(project, "converge")
    assert ran.code in {1, 5}, ran.said
    for word in words:
        assert word in ran.out + ran.err, ran.said
    return ran


def test_a_stack_that_cannot_be_created_is_made_again(nothing: World, project: Project) -> None:
    """ROLLBACK_COMPLETE: reported with its first failed resource; deleted and made again when the cause is gone."""
    nothing.faults(
        {"resource": "AWS::Lambda::Function", "region": "eu-west-1", "error": "no more concurrency in this account"}
    )
    fails_and_says(
        nothing, project, API, "eu-west-1", "ROLLBACK_COMPLETE", "Function", "no more concurrency in this account"
    )
    nothing.until(lambda: nothing.stack(API, "eu-west-1")["StackStatus"] == "ROLLBACK_COMPLETE")
    nothing.faults()
    assert conditions(nothing.converges(project).lines[-1])["Ready"] == "True"
    assert nothing.stack(API, "eu-west-1")["StackStatus"] == "CREATE_COMPLETE"


def test_an_update_that_fails_is_rolled_back_reported_and_done_later(world: World, project: Project) -> None:
    world.faults({"resource": "AWS::Lambda::Function", "region": "eu-west-1", "error": "no such runtime here"})
    project.edit(("memoryMb: 512", "memoryMb: 1024"))
    fails_and_says(world, project, API, "eu-west-1", "UPDATE_ROLLBACK_COMPLETE", "Function", "no such runtime here")
    assert {r: memory(world, r) for r in ("us-east-1", "ap-northeast-1")} == {"us-east-1": 512, "ap-northeast-1": 512}
    world.faults()
    world.converges(project)
    assert memory(world, "us-east-1") == 1024


def test_a_rollback_that_got_stuck_is_continued(world: World, project: Project) -> None:
    """UPDATE_ROLLBACK_FAILED: the function is changed, the stage fails, and the way back fails too."""
    world.faults(
        {"resource": "AWS::Route53::HealthCheck", "region": "eu-west-1", "error": "the probe cannot be changed"},
        {"resource": "AWS::Lambda::Function/rollback", "region": "eu-west-1", "error": "the way back fails"},
    )
    project.edit(("memoryMb: 512", "memoryMb: 1024"), ("failureThreshold: 3", "failureThreshold: 4"))
    fails_and_says(world, project, API, "eu-west-1", "UPDATE_ROLLBACK_FAILED")
    world.faults()
    world.forget_calls()
    world.converges(project)
    assert world.calls()["cloudformation:ContinueUpdateRollback"] == 1
    assert memory(world, "eu-west-1") == 1024


def left_behind(world: World, status: str) -> None:
    """A stack of ours that somebody began by hand and left as it is."""
    cloudformation = world.client("cloudformation", "eu-west-1")
    template = json.dumps({"Resources": {"Log": {"Type": "AWS::Logs::LogGroup", "DeletionPolicy": "Delete"}}})
    name = {"StackName": "meridian-foundation"}
    if status == "REVIEW_IN_PROGRESS":
        cloudformation.create_change_set(**name, ChangeSetName="mine", ChangeSetType="CREATE", TemplateBody=template)
    else:
        cloudformation.create_stack(**name, TemplateBody=template)
        world.until(lambda: world.stack(**IN_EUROPE)["StackStatus"] == "CREATE_COMPLETE")
        world.faults({"resource": "AWS::Logs::LogGroup/delete", "error": "the log group stays"})
        cloudformation.delete_stack(**name)
    world.until(lambda: world.stack(**IN_EUROPE)["StackStatus"] == status)


def test_a_stack_left_in_review_is_gone_on_with(nothing: World, project: Project) -> None:
    left_behind(nothing, "REVIEW_IN_PROGRESS")
    ran = nothing.meridian(project, "converge", "--once", "--format", "json")
    assert ran.code == 0, ran.said
    nothing.until(lambda: nothing.stack(**IN_EUROPE)["StackStatus"] == "CREATE_COMPLETE")
    assert nothing.resource("Assets", "meridian-foundation", "eu-west-1")


def test_a_deletion_that_failed_is_tried_once_per_run(nothing: World, project: Project) -> None:
    left_behind(nothing, "DELETE_FAILED")
    nothing.forget_calls()
    fails_and_says(nothing, project, "meridian-foundation", "eu-west-1", "DELETE_FAILED", "the log group stays")
    assert nothing.calls()["cloudformation:DeleteStack"] == 1
    nothing.faults()
    for _ in ("delete", "create"):
        assert nothing.meridian(project, "converge", "--once").code == 0
        nothing.until(lambda: not any(s["StackStatus"].endswith("_PROGRESS") for s in nothing.stacks().values()))
    assert nothing.resource("Assets", "meridian-foundation", "eu-west-1")


def test_an_endpoint_where_nobody_listens(server: World, project: Project) -> None:
    for command in ("plan", "converge", "drift", "status"):
        ran = server.meridian(project, command, "--format", "json", AWS_ENDPOINT_URL=NOWHERE)
        assert ran.code == 1, ran.said
        assert ran.json["errors"][0]["code"] == "Unreachable"
        assert NOWHERE in ran.err


def test_no_credentials(world: World, project: Project) -> None:
    world.forget_calls()
    ran = world.meridian(
        project,
        "converge",
        "--format",
        "json",
        AWS_ACCESS_KEY_ID=None,
        AWS_SECRET_ACCESS_KEY=None,
        AWS_SHARED_CREDENTIALS_FILE="/dev/null",
        AWS_CONFIG_FILE="/dev/null",
        AWS_EC2_METADATA_DISABLED="true",
    )
    assert ran.code == 1, ran.said
    assert ran.json["errors"][0]["code"] == "CredentialsMissing"
    assert "set usable AWS credentials" in ran.err
    assert world.mutating() == 0


def test_credentials_of_another_account(world: World, project: Project) -> None:
    world.forget_calls()
    for command in ("plan", "converge", "drift"):
        ran = world.meridian(project, command, AWS_ACCESS_KEY_ID="222222222222")
        assert ran.code == 3, ran.said
        assert "222222222222" in ran.out + ran.err
        assert ACCOUNT in ran.out + ran.err
    assert world.mutating() == 0
