"""RDS: switchover and failover of a global database."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conformance.aurora import AP, EU, GLOBAL, US, Aurora, arn, ready
from tests.contract.conformance.claims import refusal, state, success
from tests.contract.conformance.conftest import Target, refused

API = "API reference [V]"
GUIDE = "user guide, Using switchover or failover in Aurora Global Database [V]"
STATE = "InvalidGlobalClusterStateFault"


def to(region: str, **more: Any) -> dict[str, Any]:
    return {"GlobalClusterIdentifier": GLOBAL, "TargetDbClusterIdentifier": arn(region), **more}


def phase(aurora: Aurora) -> str:
    return aurora.group().get("FailoverState", {}).get("Status", "")


@success("rds:SwitchoverGlobalCluster", source=GUIDE)
@state("rds:SwitchoverGlobalCluster", "pending", source=API)
@state("rds:SwitchoverGlobalCluster", "switching-over", source=API)
@state(
    "rds:SwitchoverGlobalCluster",
    "pending-resync",
    source="RDS-EVENT-0185: replicas might take long [V]; the status is [K]",
)
def test_a_switchover_exchanges_the_roles_phase_by_phase(aws: Target) -> None:
    aurora = ready(aws)
    answer = aurora.rds().switchover_global_cluster(**to(EU))["GlobalCluster"]
    assert answer["FailoverState"] == {
        "Status": "pending",
        "FromDbClusterArn": arn(US),
        "ToDbClusterArn": arn(EU),
        "IsDataLossAllowed": False,
    }
    assert {aurora.cluster(region)["Status"] for region in (US, EU)} == {"failing-over"}
    assert (answer["Status"], aurora.writer()) == ("switching-over", US)
    assert aurora.cluster(EU)["ReplicationSourceIdentifier"] == arn(US)
    aurora.go(20)
    aws.until(lambda: phase(aurora) == "switching-over")
    aurora.go(60)
    aws.until(lambda: aurora.writer() == EU)
    aurora.still()
    assert aurora.members()[US]["SynchronizationStatus"] == "pending-resync"
    assert (phase(aurora), aurora.group(AP)["Status"]) == ("", "available")
    aurora.go()
    aws.until(lambda: aurora.members()[US]["SynchronizationStatus"] == "connected")
    assert (aurora.members()[EU]["Readers"], aurora.members()[US]["Readers"]) == ([arn(US)], [])
    forwarding = {region: m["GlobalWriteForwardingStatus"] for region, m in aurora.members().items()}
    assert forwarding == {US: "enabled", EU: "unknown"}
    assert aurora.cluster(US)["ReplicationSourceIdentifier"] == arn(EU)
    assert "ReplicationSourceIdentifier" not in aurora.cluster(EU)


@refusal("rds:SwitchoverGlobalCluster", "GlobalClusterNotFoundFault", source=API)
@refusal(
    "rds:SwitchoverGlobalCluster",
    "DBClusterNotFoundFault",
    source="API reference: by ARN [V]; that a name is not found [K]",
)
@refusal("rds:SwitchoverGlobalCluster", STATE, source="API reference [V]; aws-facts §3.5")
def test_a_switchover_names_a_secondary_by_arn_in_the_primarys_region(aws: Target) -> None:
    aurora = ready(aws)
    switch = aurora.rds().switchover_global_cluster
    refused(switch, "GlobalClusterNotFoundFault", **{**to(EU), "GlobalClusterIdentifier": "none"})
    refused(switch, "DBClusterNotFoundFault", **to(AP))
    refused(switch, "DBClusterNotFoundFault", **{**to(EU), "TargetDbClusterIdentifier": f"orders-{EU}"})
    assert "primary of the global cluster already" in refused(switch, STATE, **to(US))
    assert "must be called in us-east-1" in refused(aurora.rds(EU).switchover_global_cluster, STATE, **to(EU))
    switch(**to(EU))
    assert "in progress" in refused(switch, STATE, **to(EU))


def _pending(aurora: Aurora) -> None:
    aurora.rds(EU).modify_db_cluster(DBClusterIdentifier=f"orders-{EU}", EngineVersion="16.9")


def _behind(aurora: Aurora) -> None:
    wanted = {"EngineVersion": "16.9", "ApplyImmediately": True}
    aurora.rds(EU).modify_db_cluster(DBClusterIdentifier=f"orders-{EU}", **wanted)
    aurora.go()
    aurora.aws.until(lambda: aurora.cluster(EU)["Status"] == "available")


def _rebooting(aurora: Aurora) -> None:
    aurora.rds(US).reboot_db_instance(DBInstanceIdentifier=f"orders-{US}-1")


def _maintained(aurora: Aurora) -> None:
    aurora.aws.control("maintenance", {"cluster": f"orders-{EU}", "action": "system-update"})
    wanted = {"ApplyAction": "system-update", "OptInType": "immediate"}
    aurora.rds(EU).apply_pending_maintenance_action(ResourceIdentifier=arn(EU), **wanted)


def _headless(aurora: Aurora) -> None:
    aurora.rds(EU).delete_db_instance(DBInstanceIdentifier=f"orders-{EU}-0", SkipFinalSnapshot=True)


@pytest.mark.parametrize(
    ("first", "told"),
    [
        (_pending, "pending modified values"),
        (_behind, "must have the same engine version"),
        (_rebooting, "is rebooting"),
        (_maintained, "not available"),
        (_headless, "at least one DB instance"),
    ],
)
def test_a_switchover_needs_everybody_at_rest_and_alike(aws: Target, first: Any, told: str) -> None:
    aurora = ready(aws)
    first(aurora)
    assert told in refused(aurora.rds().switchover_global_cluster, STATE, **to(EU))


@state("rds:SwitchoverGlobalCluster", "cancelling", source="API reference [V]; that lag leads to it is [K]")
def test_a_target_that_does_not_catch_up_is_given_up(aws: Target) -> None:
    aurora = ready(aws)
    aws.control("lag", {"cluster": f"orders-{EU}", "ms": 120_000})
    aurora.rds().switchover_global_cluster(**to(EU))
    assert aws.embedded
    aws.embedded.passes(590)
    aurora.go(120)
    aws.until(lambda: phase(aurora) == "cancelling")
    aurora.go()
    aurora.at_rest()
    assert (aurora.writer(), aurora.cluster(EU)["Status"]) == (US, "available")


def test_the_more_a_target_lags_the_longer_a_switchover_takes(aws: Target) -> None:
    """User guide [V]: the time is proportional to the lag."""
    aurora = ready(aws)
    aws.control("lag", {"cluster": f"orders-{EU}", "points": [[0, 90_000], [200, 200]]})
    aurora.rds().switchover_global_cluster(**to(EU))
    aurora.go(600)
    aws.until(lambda: aurora.writer() == EU)
    events = aurora.rds(EU).describe_events(SourceType="db-cluster", SourceIdentifier=f"orders-{EU}", Duration=600)
    assert "Current target DB cluster lag" in " ".join(e["Message"] for e in events["Events"])


@success("rds:FailoverGlobalCluster", source=GUIDE)
@state("rds:FailoverGlobalCluster", "pending", source=API)
@state("rds:FailoverGlobalCluster", "failing-over", source=API)
@state("rds:FailoverGlobalCluster", "pending-resync", source=GUIDE)
def test_a_failover_keeps_the_old_primary_as_a_member_and_its_volume_as_a_snapshot(aws: Target) -> None:
    aurora = ready(aws)
    answer = aurora.rds(EU).failover_global_cluster(**to(EU, AllowDataLoss=True))["GlobalCluster"]
    assert (answer["FailoverState"]["Status"], answer["FailoverState"]["IsDataLossAllowed"]) == ("pending", True)
    aurora.go(60)
    aws.until(lambda: phase(aurora) == "failing-over")
    aurora.go(600)
    aws.until(lambda: aurora.writer() == EU)
    aurora.still()
    assert aurora.members()[US]["SynchronizationStatus"] == "pending-resync"
    assert (aurora.cluster(EU)["Status"], aurora.cluster(US)["Status"]) == ("available", "modifying")
    [kept] = aurora.rds(US).describe_db_cluster_snapshots()["DBClusterSnapshots"]
    assert kept["DBClusterSnapshotIdentifier"].startswith(f"rds:unplanned-global-failover-orders-{US}-")
    assert kept["SnapshotType"] == "automated"
    aurora.go()
    aws.until(lambda: aurora.members()[US]["SynchronizationStatus"] == "connected")
    assert aurora.cluster(US)["Status"] == "available"


@refusal("rds:FailoverGlobalCluster", "InvalidParameterCombination", source=API)
@refusal("rds:FailoverGlobalCluster", "GlobalClusterNotFoundFault", source=API)
@refusal("rds:FailoverGlobalCluster", "DBClusterNotFoundFault", source=API)
@refusal("rds:FailoverGlobalCluster", "InvalidDBClusterStateFault", source=API)
@refusal("rds:FailoverGlobalCluster", STATE, source="user guide: in the target's Region [V]; the refusal elsewhere [K]")
def test_a_failover_says_what_it_is_and_is_asked_for_in_its_targets_region(aws: Target) -> None:
    aurora = ready(aws)
    fail = aurora.rds(EU).failover_global_cluster
    refused(fail, "InvalidParameterCombination", **to(EU, AllowDataLoss=True, Switchover=True))
    refused(fail, "GlobalClusterNotFoundFault", **{**to(EU, AllowDataLoss=True), "GlobalClusterIdentifier": "none"})
    refused(fail, "DBClusterNotFoundFault", **to(AP, AllowDataLoss=True))
    elsewhere = aurora.rds(US).failover_global_cluster
    assert "must be called in eu-west-1" in refused(elsewhere, STATE, **to(EU, AllowDataLoss=True))
    aurora.rds(EU).modify_db_cluster(DBClusterIdentifier=f"orders-{EU}", BackupRetentionPeriod=5)
    refused(fail, "InvalidDBClusterStateFault", **to(EU, AllowDataLoss=True))


@pytest.mark.parametrize("flag", [{}, {"Switchover": True}, {"AllowDataLoss": False}])
def test_a_failover_that_does_not_allow_data_loss_is_a_switchover(aws: Target, flag: dict[str, bool]) -> None:
    aurora = ready(aws)
    answer = aurora.rds(US).failover_global_cluster(**to(EU, **flag))["GlobalCluster"]
    assert (answer["Status"], answer["FailoverState"]["IsDataLossAllowed"]) == ("switching-over", False)
