"""`python -m demo.by_hand [edge|dns|capacity|snapshot|back]`: what somebody in a hurry might do in the console, past Git: plain
boto3, nothing of Meridian's. The first four, unless something is named; `back` takes the last two of them back."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import boto3

DOMAIN, ZONE = "api.example.com", "Z0123456789EXAMPLE"
REGION = "eu-west-1"
PRICE_CLASS, TTL = "PriceClass_All", 300
BUSY, SNAPSHOT, PARTNER = "ap-northeast-1", "orders-for-a-partner", "222222222222"
CAPACITY, MORE = 64, 128


def widen_price_class() -> None:
    cloudfront: Any = boto3.client("cloudfront", region_name="us-east-1")
    found = cloudfront.list_distributions()["DistributionList"]["Items"]
    distribution = next(d["Id"] for d in found if DOMAIN in d["Aliases"]["Items"])
    answer = cloudfront.get_distribution_config(Id=distribution)
    config = {**answer["DistributionConfig"], "PriceClass": PRICE_CLASS}
    cloudfront.update_distribution(Id=distribution, IfMatch=answer["ETag"], DistributionConfig=config)
    _tell(f"distribution {distribution}: price class", answer["DistributionConfig"]["PriceClass"], PRICE_CLASS)


def slow_down_dns() -> None:
    route53: Any = boto3.client("route53", region_name="us-east-1")
    name = f"route.{DOMAIN}."
    records = route53.list_resource_record_sets(HostedZoneId=ZONE, StartRecordName=name)["ResourceRecordSets"]
    record = next(r for r in records if r["Name"] == name and r.get("Region") == REGION)
    change = {"Action": "UPSERT", "ResourceRecordSet": {**record, "TTL": TTL}}
    route53.change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch={"Changes": [change]})
    _tell(f"record route.{DOMAIN} of {REGION}: TTL", record["TTL"], TTL)


def raise_capacity() -> None:
    _capacity(CAPACITY, MORE)


def _capacity(old: int, new: int) -> None:
    rds: Any = boto3.client("rds", region_name=BUSY)
    cluster = f"orders-{BUSY}"
    scaling = {"MinCapacity": 8, "MaxCapacity": new}
    rds.modify_db_cluster(DBClusterIdentifier=cluster, ServerlessV2ScalingConfiguration=scaling, ApplyImmediately=True)
    _until(lambda: rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"][0]["Status"] == "available")
    _tell(f"cluster {cluster}: most capacity units", old, new)


def share_snapshot() -> None:
    rds: Any = boto3.client("rds", region_name=REGION)
    rds.create_db_cluster_snapshot(DBClusterIdentifier=f"orders-{REGION}", DBClusterSnapshotIdentifier=SNAPSHOT)
    named = {"DBClusterSnapshotIdentifier": SNAPSHOT}
    _until(lambda: rds.describe_db_cluster_snapshots(**named)["DBClusterSnapshots"][0]["Status"] == "available")
    rds.modify_db_cluster_snapshot_attribute(**named, AttributeName="restore", ValuesToAdd=[PARTNER])
    _tell(f"snapshot {SNAPSHOT}: may be restored by account", "none", PARTNER)


def take_back() -> None:
    _capacity(MORE, CAPACITY)
    rds: Any = boto3.client("rds", region_name=REGION)
    rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=SNAPSHOT)
    _tell(f"snapshot {SNAPSHOT}:", "shared", "deleted")


CHANGES = {"edge": widen_price_class, "dns": slow_down_dns, "capacity": raise_capacity, "snapshot": share_snapshot}


def _until(done: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing after {seconds} seconds")
        time.sleep(0.2)


def _tell(what: str, old: Any, new: Any) -> None:
    print(f"{what} {old} -> {new}", flush=True)  # noqa: T201


if __name__ == "__main__":
    for chosen in sys.argv[1:] or CHANGES:
        (CHANGES | {"back": take_back})[chosen]()
