"""The `Cloud` port against the embedded AWS: what is read, what a failing call leaves unknown, what a repeated write does."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.aws.assets import EmptyAsset
from reconciler.aws.clients import Clients
from reconciler.aws.clock import system_clock
from reconciler.aws.cloud import AwsCloud
from reconciler.model.errors import AccessDenied, CloudUnavailable, CredentialsMissing, StalePlan
from reconciler.model.observed import Unknown
from reconciler.model.requests import (
    ChangeSet,
    CreateChangeSet,
    CreateGate,
    DeleteChangeSet,
    DeleteStack,
    ExecuteChangeSet,
    UpdateGate,
)
from reconciler.model.stacks import Asset, StackKind, StackRef
from reconciler.observe import observe
from tests.embedded.conftest import Aws
from tests.embedded.converged import credentials
from tests.fakes.topologies import orders

TOPOLOGY = orders()
EU = "eu-west-1"
REF, NAME = StackRef(StackKind.API, EU), "meridian-orders-api"
BUCKET = "meridian-assets-111111111111-eu-west-1"
GROUP = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/meridian/orders/access"}}


@pytest.fixture
def cloud(aws: Aws) -> Iterator[AwsCloud]:
    with credentials(aws):
        yield AwsCloud(Clients(), system_clock())


def fault(aws: Aws, **what: Any) -> None:
    assert aws.control("faults", {"faults": [what]})[0] == 200


def create(name: str = "meridian-1", **more: Any) -> CreateChangeSet:
    given: dict[str, Any] = {
        "stack": REF,
        "stack_name": NAME,
        "name": name,
        "create": True,
        "template": {"Resources": {"AccessLogs": GROUP}},
        "parameters": {},
        "description": "meridian orders worktree",
        "bucket": BUCKET,
    }
    return CreateChangeSet(**{**given, **more})


def settled(aws: Aws, cloud: AwsCloud, name: str = "meridian-1") -> ChangeSet:
    def ready() -> ChangeSet | None:
        found = cloud.change_set(REF, NAME, name)
        return found if found and not found.pending else None

    return aws.until(ready)


def test_an_empty_account_has_nothing_and_its_zones_are_known(cloud: AwsCloud) -> None:
    facts = cloud.facts(TOPOLOGY)
    assert facts.account == "111111111111"
    assert {region: found.stacks for region, found in facts.regions.items()} == {r: {} for r in TOPOLOGY.region_names}
    assert (facts.global_cluster, facts.distribution, facts.recorded, facts.health) == (None, None, None, {})
    assert observe(facts, TOPOLOGY).zones[EU][:2] == ("eu-west-1a", "eu-west-1b")


def test_a_region_that_is_down_is_unknown_and_blinds_no_other(aws: Aws, cloud: AwsCloud) -> None:
    fault(aws, call="*:*", region=EU, error="AccessDenied")
    facts = cloud.facts(TOPOLOGY)
    observed = observe(facts, TOPOLOGY)
    assert set(observed.unknown_regions()) == {EU}
    assert isinstance(facts.regions[EU].cluster, Unknown)
    assert isinstance(facts.regions[EU].log_groups, Unknown)
    assert facts.regions["ap-northeast-1"].cluster is None


def test_one_service_that_is_denied_is_unknown_and_the_rest_is_read(aws: Aws, cloud: AwsCloud) -> None:
    fault(aws, call="rds:*", error="AccessDenied")
    facts = cloud.facts(TOPOLOGY)
    assert isinstance(facts.global_cluster, Unknown)
    assert facts.global_cluster.code == "AccessDenied"
    assert facts.regions[EU].stacks == {}


def test_throttling_is_waited_out(aws: Aws, cloud: AwsCloud) -> None:
    fault(aws, call="route53:ListHealthChecks", error="Throttling", times=1)
    assert cloud.facts(TOPOLOGY).health_checks == []
    assert cloud.calls()["route53"] == 4


def test_without_credentials_nothing_can_be_known(aws: Aws, cloud: AwsCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(CredentialsMissing, match="set usable AWS credentials"):
        cloud.facts(TOPOLOGY)


def test_credentials_that_are_refused_are_a_refusal_of_everything(aws: Aws, cloud: AwsCloud) -> None:
    fault(aws, call="sts:GetCallerIdentity", error="ExpiredToken")
    with pytest.raises(CredentialsMissing, match="sts:GetCallerIdentity in us-east-1"):
        cloud.facts(TOPOLOGY)


def test_an_endpoint_that_does_not_answer(aws: Aws, cloud: AwsCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)
    with pytest.raises(CloudUnavailable) as caught:
        cloud.facts(TOPOLOGY)
    assert caught.value.code == "Unreachable"


def test_a_deployment_step_by_step_and_every_request_twice(aws: Aws, cloud: AwsCloud) -> None:
    assert cloud.change_set(REF, NAME, "meridian-1") is None
    for _ in range(2):
        cloud.perform(create())
    found = settled(aws, cloud)
    assert [(c.action, c.logical_id, c.resource_type) for c in found.changes] == [
        ("Add", "AccessLogs", "AWS::Logs::LogGroup")
    ]
    for _ in range(2):
        cloud.perform(ExecuteChangeSet(stack=REF, stack_name=NAME, name="meridian-1"))
    assert aws.settled(NAME, EU) == "CREATE_COMPLETE"
    assert cloud.statuses({REF: NAME, StackRef(StackKind.DATA, EU): "meridian-orders-data"}) == {
        REF: "CREATE_COMPLETE",
        StackRef(StackKind.DATA, EU): None,
    }
    state = observe(cloud.facts(TOPOLOGY), TOPOLOGY).stack(StackKind.API, EU)
    assert state is not None
    assert (state.complete, state.resources) == (True, {"AccessLogs": "/meridian/orders/access"})


def test_a_change_set_without_changes_is_empty_and_can_be_deleted(aws: Aws, cloud: AwsCloud) -> None:
    aws.deploy(NAME, {"AccessLogs": GROUP}, EU)
    cloud.perform(create("meridian-2", create=False))
    assert settled(aws, cloud, "meridian-2").empty
    for _ in range(2):
        cloud.perform(DeleteChangeSet(stack=REF, stack_name=NAME, name="meridian-2"))
    assert cloud.change_set(REF, NAME, "meridian-2") is None


def test_drift_is_reverted_by_a_change_set_that_says_so(aws: Aws, cloud: AwsCloud) -> None:
    group = {**GROUP, "Properties": {**GROUP["Properties"], "RetentionInDays": 30}}
    aws.deploy(NAME, {"AccessLogs": group}, EU)
    logs = aws.client("logs", EU)
    logs.put_retention_policy(logGroupName="/meridian/orders/access", retentionInDays=7)
    template = {"Resources": {"AccessLogs": group}}
    cloud.perform(create("meridian-3", create=False, template=template, revert_drift=True))
    (change,) = settled(aws, cloud, "meridian-3").changes
    assert (change.action, change.properties, change.replacement) == ("Modify", ("RetentionInDays",), "False")
    cloud.perform(ExecuteChangeSet(stack=REF, stack_name=NAME, name="meridian-3"))
    aws.until(lambda: logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 30)


def test_executing_what_is_gone_means_plan_again(aws: Aws, cloud: AwsCloud) -> None:
    aws.deploy(NAME, {"AccessLogs": GROUP}, EU)
    with pytest.raises(StalePlan):
        cloud.perform(ExecuteChangeSet(stack=REF, stack_name=NAME, name="meridian-gone"))


def test_code_is_published_once_and_a_big_template_goes_through_the_bucket(
    aws: Aws, cloud: AwsCloud, tmp_path: Path
) -> None:
    location = {"LocationConstraint": EU}
    aws.client("s3", EU).create_bucket(Bucket=BUCKET, CreateBucketConfiguration=location)
    (tmp_path / "app.py").write_text("code")
    asset = Asset(key="assets/code.zip", path=tmp_path)
    template = {"Resources": {"AccessLogs": GROUP}, "Metadata": {"padding": "x" * 60_000}}
    for name in ("meridian-4", "meridian-5"):
        cloud.perform(create(name, template=template, assets=(asset,)))
        assert settled(aws, cloud, name).status == "CREATE_COMPLETE"
    keys = {item["Key"] for item in aws.client("s3", EU).list_objects_v2(Bucket=BUCKET)["Contents"]}
    assert keys == {"assets/code.zip", "templates/meridian-4.json", "templates/meridian-5.json"}
    assert cloud.calls()["s3"] == 4 + 3  # four looks whether it is there, three uploads


def test_an_empty_code_folder_makes_no_change_set(aws: Aws, cloud: AwsCloud, tmp_path: Path) -> None:
    aws.client("s3", EU).create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": EU})
    with pytest.raises(EmptyAsset):
        cloud.perform(create(assets=(Asset(key="assets/code.zip", path=tmp_path),)))
    assert cloud.change_set(REF, NAME, "meridian-1") is None


def test_a_denied_write_names_the_call_and_is_not_repeated(aws: Aws, cloud: AwsCloud) -> None:
    fault(aws, call="cloudformation:DeleteStack", error="AccessDenied")
    with pytest.raises(AccessDenied, match="cloudformation:DeleteStack in eu-west-1"):
        cloud.perform(DeleteStack(stack=REF, stack_name=NAME, stack_id="gone"))
    assert cloud.calls() == {"cloudformation": 1}


def test_a_write_that_aws_fails_is_left_to_the_next_pass(aws: Aws, cloud: AwsCloud) -> None:
    fault(aws, call="cloudformation:DeleteStack", error="ServiceUnavailable")
    with pytest.raises(CloudUnavailable):
        cloud.perform(DeleteStack(stack=REF, stack_name=NAME, stack_id="gone"))
    assert cloud.calls() == {"cloudformation": 1}


@pytest.fixture
def probe(aws: Aws) -> str:
    config = {"Type": "HTTPS", "FullyQualifiedDomainName": f"{EU}.origin.api.example.com", "Port": 443}
    answer = aws.client("route53").create_health_check(CallerReference="probe", HealthCheckConfig=config)
    return str(answer["HealthCheck"]["Id"])


def test_a_gate_is_made_once_closed_and_moved_by_its_version(aws: Aws, cloud: AwsCloud, probe: str) -> None:
    reference = TOPOLOGY.gate_reference_prefix(EU) + "1"
    request = CreateGate(region=EU, reference=reference, children=(probe,), threshold=2, topology="orders")
    for _ in range(2):
        cloud.perform(request)
    gate = observe(cloud.facts(TOPOLOGY), TOPOLOGY).gates[EU]
    assert gate is not None
    assert not isinstance(gate, Unknown)
    assert (gate.is_closed, gate.never_opened, gate.children) == (True, True, (probe,))
    tags = aws.client("route53").list_tags_for_resource(ResourceType="healthcheck", ResourceId=gate.id)
    assert {"Key": "meridian:topology", "Value": "orders"} in tags["ResourceTagSet"]["Tags"]
    cloud.perform(UpdateGate(region=EU, id=gate.id, version=gate.version, children=(probe,), threshold=1))
    with pytest.raises(StalePlan):
        cloud.perform(UpdateGate(region=EU, id=gate.id, version=gate.version, children=(probe,), threshold=2))
    moved = observe(cloud.facts(TOPOLOGY), TOPOLOGY).gates[EU]
    assert moved is not None
    assert not isinstance(moved, Unknown)
    assert (moved.is_open, moved.version) == (True, gate.version + 1)


def test_a_region_that_the_document_no_longer_names_is_still_seen(aws: Aws, cloud: AwsCloud, probe: str) -> None:
    reference = TOPOLOGY.gate_reference_prefix("sa-east-1") + "1"
    cloud.perform(
        CreateGate(region="sa-east-1", reference=reference, children=(probe,), threshold=2, topology="orders")
    )
    observed = observe(cloud.facts(TOPOLOGY), TOPOLOGY)
    assert observed.gates["sa-east-1"] is not None
    assert StackRef(StackKind.API, "sa-east-1") in observed.stacks


def test_a_failed_stack_tells_its_first_failure(aws: Aws, cloud: AwsCloud) -> None:
    fault(aws, resource="AWS::Logs::LogGroup", error="no room for logs")
    cloud.perform(create())
    settled(aws, cloud)
    cloud.perform(ExecuteChangeSet(stack=REF, stack_name=NAME, name="meridian-1"))
    assert aws.settled(NAME, EU) == "ROLLBACK_COMPLETE"
    state = observe(cloud.facts(TOPOLOGY), TOPOLOGY).stack(StackKind.API, EU)
    assert state is not None
    assert state.failure is not None
    assert (state.failure.logical_id, state.failure.resource_type) == ("AccessLogs", "AWS::Logs::LogGroup")
    assert "no room for logs" in state.failure.reason
