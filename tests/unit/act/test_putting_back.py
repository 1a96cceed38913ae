"""Drift that a call puts back: which request is made of which findings, and what it leaves as it is."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler import act
from reconciler.model.change import Disposition, Finding, Tool
from reconciler.model.observed import Cluster, StackState
from reconciler.model.plan import Step, StepAction
from reconciler.model.requests import ProtectGlobal, PutRecord, RescueKey, RotateKey, SetCluster, SetParameters
from reconciler.model.stacks import StackKind, StackRef
from tests.fakes.topologies import orders
from tests.fakes.world import START, World

EU = "eu-west-1"
DATA = StackRef(StackKind.DATA, EU)
CLUSTER = Cluster(identifier="orders-eu-west-1", status="available", engine_version="16.8")
IDS = {"Key": "key-1", "Parameters": "orders-eu-west-1-pg16"}
STATE = StackState(ref=DATA, status="UPDATE_COMPLETE", changed_at=START, template={}, resources=IDS)
LIVE = {"ServerlessV2ScalingConfiguration": {"MinCapacity": 1, "MaxCapacity": 128}}
PROOF = r"DomainValidationOptions.origin\.api\.example\.com.HostedZoneId"
RECORD = {"Name": "_a.origin.api.example.com", "Type": "CNAME", "Value": "_b.acm-validations.aws."}
SEEN = replace(
    World(orders()).observed(),
    clusters={EU: CLUSTER},
    stacks={DATA: STATE},
    live={(DATA, "Cluster"): LIVE},
    validations={"origin.api.example.com": RECORD},
)


def finding(tool: Tool, logical_id: str, prop: str, desired, observed=None, stack=DATA) -> Finding:
    return Finding(
        path=f"x/{prop}",
        region=EU,
        disposition=Disposition.HEAL,
        reason="",
        tool=tool,
        stack=stack,
        logical_id=logical_id,
        prop=prop,
        desired=desired,
        observed=observed,
    )


def asked(tool: Tool, *findings: Finding, seen=SEEN):
    step = Step(action=StepAction.PUT_BACK, target=str(tool), region=EU, eta=timedelta())
    assert all(map(step.repairs, findings))
    return act.put_back(step, orders(), seen, findings)


def cluster(prop: str, desired, observed=None) -> Finding:
    return finding(Tool.CLUSTER, "Cluster", prop, desired, observed)


def test_settings_of_the_cluster_go_back_in_one_call_and_a_raised_bound_stays():
    findings = [
        cluster("ServerlessV2ScalingConfiguration.MinCapacity", 8, 1),
        cluster("DeletionProtection", True, False),
        cluster("EnableCloudwatchLogsExports", ["postgresql"], ["instance"]),
    ]
    assert asked(Tool.CLUSTER, *findings) == SetCluster(
        region=EU,
        cluster="orders-eu-west-1",
        settings={
            "ServerlessV2ScalingConfiguration": {"MinCapacity": 8, "MaxCapacity": 128},
            "DeletionProtection": True,
            "CloudwatchLogsExportConfiguration": {
                "EnableLogTypes": ["postgresql"],
                "DisableLogTypes": ["instance"],
            },
        },
    )


@pytest.mark.parametrize("status", ["modifying", "switching-over"])
def test_a_cluster_that_is_busy_is_waited_for(status):
    busy = replace(SEEN, clusters={EU: replace(CLUSTER, status=status)})
    move = asked(Tool.CLUSTER, cluster("BackupRetentionPeriod", 7, 1), seen=busy)
    assert isinstance(move, act.Wait)
    assert status in move.reason


@pytest.mark.parametrize(
    ("found", "request_"),
    [
        (
            finding(Tool.PARAMETERS, "Parameters", r"Parameters.rds\.force_ssl", "1", "0"),
            SetParameters(region=EU, group="orders-eu-west-1-pg16", values={"rds.force_ssl": "1"}),
        ),
        (finding(Tool.KEY, "Key", "Enabled", True, False), RescueKey(region=EU, key="key-1")),
        (finding(Tool.KEY, "Key", "EnableKeyRotation", True, False), RotateKey(region=EU, key="key-1")),
        (
            finding(Tool.GLOBAL, "GlobalCluster", "DeletionProtection", True),
            ProtectGlobal(region=EU, global_cluster="orders"),
        ),
        (
            finding(Tool.RECORD, "Certificate", PROOF, "Z0123456789EXAMPLE", None),
            PutRecord(
                region=EU,
                zone=orders().domain.zone_id,
                name="_a.origin.api.example.com",
                type="CNAME",
                value="_b.acm-validations.aws.",
            ),
        ),
    ],
    ids=lambda v: type(v).__name__,
)
def test_each_tool_has_its_request(found, request_):
    assert asked(found.tool, found) == request_


def test_a_record_that_acm_does_not_tell_is_waited_for():
    move = asked(Tool.RECORD, finding(Tool.RECORD, "Certificate", PROOF, "Z", None), seen=replace(SEEN, validations={}))
    assert isinstance(move, act.Wait)


def test_what_is_held_or_was_in_vain_is_nobodys_to_repair():
    one = cluster("DeletionProtection", True, False)
    step = Step(action=StepAction.PUT_BACK, target="cluster", region=EU, eta=timedelta())
    assert step.repairs(one)
    assert step.repairs(replace(one, disposition=Disposition.PAGE))
    assert not step.repairs(replace(one, disposition=Disposition.HOLD))
    assert not step.repairs(replace(one, returns=2))
    assert not replace(step, region="us-east-1").repairs(one)
