"""Replication of a global database as CloudWatch tells it, and what becomes of it when a Region is out."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.contract.conformance.aurora import AP, EU, GLOBAL, US, Aurora, arn, ready
from tests.contract.conformance.conftest import Target

LAGS = ("AuroraGlobalDBReplicationLag", "AuroraGlobalDBRPOLag", "AuroraGlobalDBProgressLag")


@pytest.fixture
def aurora(aws: Any) -> Aurora:
    with_nothing_to_remove: Any = None
    return ready(Target(aws, with_nothing_to_remove))


def points(aurora: Aurora, region: str, name: str = LAGS[0], minutes: float = 30) -> list[tuple[float, float]]:
    """(minutes ago, value), the newest last."""
    now = dt.datetime.fromisoformat(aurora.aws.control("clock")["now"])
    dimensions = [{"Name": "DBClusterIdentifier", "Value": f"orders-{region}"}]
    metric = {"Namespace": "AWS/RDS", "MetricName": name, "Dimensions": dimensions}
    query = {"Id": "lag", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}
    window = {"StartTime": now - dt.timedelta(minutes=minutes), "EndTime": now, "ScanBy": "TimestampAscending"}
    [found] = aurora.aws.client("cloudwatch", region).get_metric_data(MetricDataQueries=[query], **window)[
        "MetricDataResults"
    ]
    ages = [(now - moment).total_seconds() / 60 for moment in found["Timestamps"]]
    return list(zip(ages, found["Values"], strict=True))


@pytest.mark.parametrize("name", LAGS)
def test_a_secondary_has_three_metrics_and_the_primary_none(aurora: Aurora, name: str) -> None:
    assert {value for _, value in points(aurora, EU, name)} == {80.0}
    assert points(aurora, US, name) == []


def test_a_lag_is_set_as_a_series_from_now_on(aurora: Aurora) -> None:
    control = aurora.aws.control
    control("lag", {"cluster": f"orders-{EU}", "points": [[0, 200], [600, 9000], [1200, 50]]})
    aurora.go(600)
    aurora.aws.until(lambda: points(aurora, EU)[-1][1] == 9000.0)
    aurora.aws.until(lambda: points(aurora, EU)[-1][1] == 50.0)
    aurora.still()
    seen = [value for _, value in points(aurora, EU)]
    assert set(seen) == {80.0, 200.0, 9000.0, 50.0}
    changes = [value for i, value in enumerate(seen) if i == 0 or seen[i - 1] != value]
    assert changes == [80.0, 200.0, 9000.0, 50.0]
    control("lag", {"cluster": f"orders-{EU}", "ms": None})
    assert {value for _, value in points(aurora, EU)} == {80.0}


@pytest.mark.parametrize(
    "bad",
    [
        {"cluster": "none", "ms": 1},
        {"cluster": f"orders-{EU}"},
        {"cluster": f"orders-{EU}", "ms": 1, "points": []},
        {"cluster": f"orders-{EU}", "ms": -1},
        {"cluster": f"orders-{EU}", "points": [[0]]},
        {"cluster": f"orders-{EU}", "points": [["now", 1]]},
        {"cluster": f"orders-{EU}", "points": [[0, None]]},
    ],
)
def test_a_bad_lag_is_refused(aurora: Aurora, bad: dict[str, Any]) -> None:
    assert aurora.aws.embedded
    assert aurora.aws.embedded.control("lag", bad)[0] == 400


def test_there_is_no_lag_before_a_secondary_follows(aurora: Aurora) -> None:
    more = {"GlobalClusterIdentifier": GLOBAL, "Engine": "aurora-postgresql"}
    aurora.rds(AP).create_db_cluster(DBClusterIdentifier=f"orders-{AP}", **more)
    assert points(aurora, AP) == []
    aurora.go()
    aurora.aws.until(lambda: aurora.cluster(AP)["Status"] == "available")
    aurora.go(600)  # else the minutes that are asked for may be over when the question arrives
    aurora.aws.until(lambda: points(aurora, AP))


# ---- a Region that is out --------------------------------------------------------------------------------------------------


def outage(aurora: Aurora, *regions: str) -> None:
    """Data plane and control plane of these Regions, and of no other."""
    assert aurora.aws.embedded
    faults = [{"outage": region, "plane": plane} for region in regions for plane in ("control", "data")]
    assert aurora.aws.embedded.control("faults", {"faults": faults})[0] == 200


def test_the_lag_of_a_primary_that_is_out_has_no_new_values(aurora: Aurora) -> None:
    assert points(aurora, EU) != []
    outage(aurora, US)
    aurora.go(600)
    aurora.aws.until(lambda: points(aurora, EU, minutes=3) == [])
    outage(aurora)


def test_a_failover_works_without_the_primarys_region_and_rebuilds_it_when_it_is_back(aurora: Aurora) -> None:
    aurora.go()
    aurora.make_cluster(AP)
    outage(aurora, US)
    wanted = {"GlobalClusterIdentifier": GLOBAL, "TargetDbClusterIdentifier": arn(EU)}
    aurora.go(600)
    aurora.rds(EU).failover_global_cluster(**wanted, AllowDataLoss=True)
    aurora.aws.until(lambda: seen(aurora)[EU][0])
    assert seen(aurora) == {US: (False, "pending-resync"), EU: (True, "connected"), AP: (False, "pending-resync")}
    aurora.aws.until(lambda: seen(aurora)[AP] == (False, "connected"))
    aurora.go()
    aurora.aws.control("snapshot", {})  # nothing is under way: the old primary waits for its Region
    aurora.still()
    outage(aurora)
    assert seen(aurora)[US] == (False, "pending-resync")
    [kept] = aurora.rds(US).describe_db_cluster_snapshots()["DBClusterSnapshots"]
    assert kept["DBClusterSnapshotIdentifier"].startswith(f"rds:unplanned-global-failover-orders-{US}-")
    aurora.go()
    aurora.aws.until(lambda: seen(aurora)[US] == (False, "connected"))


def seen(aurora: Aurora) -> dict[str, tuple[bool, str]]:
    """As the target's Region tells it: who writes, who follows."""
    members = aurora.group(EU)["GlobalClusterMembers"]
    return {m["DBClusterArn"].split(":")[3]: (m["IsWriter"], m["SynchronizationStatus"]) for m in members}


def test_a_switchover_is_for_a_healthy_global_database(aurora: Aurora) -> None:
    outage(aurora, EU)
    wanted = {"GlobalClusterIdentifier": GLOBAL, "TargetDbClusterIdentifier": arn(EU)}
    with pytest.raises(aurora.rds().exceptions.InvalidGlobalClusterStateFault, match="cannot be reached"):
        aurora.rds().switchover_global_cluster(**wanted)
    outage(aurora)


def test_a_switchover_that_loses_a_region_is_cancelled(aurora: Aurora) -> None:
    wanted = {"GlobalClusterIdentifier": GLOBAL, "TargetDbClusterIdentifier": arn(EU)}
    aurora.rds().switchover_global_cluster(**wanted)
    outage(aurora, EU)
    aurora.go(60)
    aurora.aws.until(lambda: aurora.group().get("FailoverState", {}).get("Status") == "cancelling")
    aurora.go(600)
    aurora.at_rest()
    outage(aurora)
    assert aurora.writer() == US
