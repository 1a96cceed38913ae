"""The `Emergency` port: RDS and S3 of one Region, and nothing else of AWS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.aws import failures
from reconciler.aws.clients import Clients
from reconciler.model.requests import FailOver


class OneRegion:
    def __init__(self, clients: Clients, region: str) -> None:
        self._clients = clients
        self._region = region

    def global_cluster(self, name: str) -> Mapping[str, Any] | None:
        rds = self._clients.reader("rds", self._region)
        return self._first(
            "rds:DescribeGlobalClusters",
            lambda: rds.describe_global_clusters(GlobalClusterIdentifier=name)["GlobalClusters"],
        )

    def cluster(self, identifier: str) -> Mapping[str, Any] | None:
        rds = self._clients.reader("rds", self._region)
        return self._first(
            "rds:DescribeDBClusters", lambda: rds.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"]
        )

    def fail_over(self, request: FailOver) -> None:
        """Without AllowDataLoss the same call would be a switchover, which needs the present writer."""
        rds = self._clients.writer("rds", self._region)
        self._send(
            request.call,
            lambda: rds.failover_global_cluster(
                GlobalClusterIdentifier=request.global_cluster,
                TargetDbClusterIdentifier=request.target_arn,
                AllowDataLoss=True,
            ),
        )

    def keep(self, bucket: str, key: str, text: str) -> None:
        s3 = self._clients.writer("s3", self._region)
        self._send("s3:PutObject", lambda: s3.put_object(Bucket=bucket, Key=key, Body=text.encode()))

    def _first(self, call: str, read: Callable[[], list[Mapping[str, Any]]]) -> Mapping[str, Any] | None:
        try:
            found = read()
        except failures.AwsError as error:
            if failures.absent(error):
                return None
            raise failures.translated(error, call, self._region) from error
        return found[0] if found else None

    def _send(self, call: str, send: Callable[[], Any]) -> None:
        try:
            send()
        except failures.AwsError as error:
            raise failures.translated(error, call, self._region) from error
