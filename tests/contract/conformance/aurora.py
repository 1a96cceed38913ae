"""A global database for the tests of RDS, made by calls and then brought back from a copy of that world: embedded AWS only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.contract.conformance.conftest import ACCOUNT, Target

US, EU, AP = "us-east-1", "eu-west-1", "ap-northeast-1"
GLOBAL = "orders"
ENGINE = {"Engine": "aurora-postgresql"}
FOUNDER = {"MasterUsername": "postgres", "MasterUserPassword": "correct-horse", "DatabaseName": "orders"}
_saved: dict[str, str] = {}  # by the server's address


def remove_global(rds: Any) -> Callable[..., None]:
    """A global cluster with its protection."""

    def removing(GlobalClusterIdentifier: str) -> None:  # noqa: N803 (boto3's name)
        name = {"GlobalClusterIdentifier": GlobalClusterIdentifier}
        [found] = rds.describe_global_clusters(**name)["GlobalClusters"]
        if found["DeletionProtection"]:
            rds.modify_global_cluster(**name, DeletionProtection=False)
        rds.delete_global_cluster(**name)

    return removing


def arn(region: str) -> str:
    return f"arn:aws:rds:{region}:{ACCOUNT}:cluster:orders-{region}"


@dataclass(frozen=True, slots=True)
class Aurora:
    """Primary with two instances in the first Region, secondary with one in the second; everything at rest."""

    aws: Target

    def rds(self, region: str = US) -> Any:
        return self.aws.client("rds", region)

    def group(self, region: str = US) -> Any:
        [found] = self.rds(region).describe_global_clusters(GlobalClusterIdentifier=GLOBAL)["GlobalClusters"]
        return found

    def members(self) -> dict[str, Any]:
        return {m["DBClusterArn"].split(":")[3]: m for m in self.group()["GlobalClusterMembers"]}

    def writer(self) -> str:
        [writer] = [region for region, member in self.members().items() if member["IsWriter"]]
        return writer

    def cluster(self, region: str = US) -> Any:
        [found] = self.rds(region).describe_db_clusters(DBClusterIdentifier=f"orders-{region}")["DBClusters"]
        return found

    def instance(self, region: str, number: int = 0) -> Any:
        name = f"orders-{region}-{number}"
        return self.rds(region).describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]

    def make_cluster(self, region: str, **more: Any) -> None:
        """And wait until it is available."""
        name = f"orders-{region}"
        self.rds(region).create_db_cluster(
            DBClusterIdentifier=name, **ENGINE, **{"GlobalClusterIdentifier": GLOBAL, **more}
        )
        self.aws.until(lambda: self.cluster(region)["Status"] == "available")

    def make_instance(self, region: str, number: int = 0) -> None:
        name, cluster = f"orders-{region}-{number}", f"orders-{region}"
        more = {"DBInstanceClass": "db.serverless", **ENGINE}
        self.rds(region).create_db_instance(DBInstanceIdentifier=name, DBClusterIdentifier=cluster, **more)
        self.aws.until(lambda: self.instance(region, number)["DBInstanceStatus"] == "available")

    def still(self) -> None:
        """Nearly stop the clock: what is in between stays."""
        self.aws.control("clock", {"speed": 0.001})

    def go(self, speed: float = 100_000) -> None:
        self.aws.control("clock", {"speed": speed})

    def at_rest(self) -> None:
        self.aws.until(lambda: self.group()["Status"] == "available" and not self.group().get("FailoverState"))


def ready(aws: Target) -> Aurora:
    """The global database, with the clock nearly stopped."""
    assert aws.embedded
    aurora, where = Aurora(aws), aws.embedded.url
    if where in _saved:
        aws.control("restore", {"id": _saved[where]})
    else:
        aurora.go()
        aurora.rds().create_global_cluster(GlobalClusterIdentifier=GLOBAL, EngineVersion="16.8", **ENGINE)
        aurora.at_rest()
        aurora.make_cluster(US, **FOUNDER, EnableGlobalWriteForwarding=True)
        aurora.make_instance(US)
        aurora.make_instance(US, 1)
        aurora.make_cluster(EU, EnableGlobalWriteForwarding=True)
        aurora.make_instance(EU)
        _saved[where] = aws.control("snapshot", {})["id"]
    aurora.still()
    return aurora


def alone(aws: Target, **more: Any) -> Aurora:
    """A cluster that belongs to no global database, without instances."""
    aurora = Aurora(aws)
    aurora.go()
    aurora.rds().create_db_cluster(
        DBClusterIdentifier=f"orders-{US}", EngineVersion="16.8", **ENGINE, **FOUNDER, **more
    )
    aws.until(lambda: aurora.cluster()["Status"] == "available")
    aurora.still()
    return aurora
