"""What a person with a console has: boto3's clients, and the physical ids that CloudFormation's pages show."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.embedded.conftest import Aws

HOME, EU, TOKYO = "us-east-1", "eu-west-1", "ap-northeast-1"
DOMAIN, ZONE = "api.example.com", "Z0123456789EXAMPLE"
FUNCTION = "meridian-orders-api"


@dataclass(frozen=True)
class Hand:
    aws: Aws

    def client(self, service: str, region: str = HOME) -> Any:
        """Outside the token buckets, and not counted among the product's calls."""
        return self.aws.client(service, region, agent="observer")

    def until(self, condition: Callable[[], Any]) -> Any:
        return self.aws.until(condition)

    def made(self, stack: str, logical_id: str, region: str = HOME) -> str:
        """Physical id of a resource; `logical_id` may be its beginning, where the rest is a hash."""
        found = self.client("cloudformation", region).describe_stack_resources(StackName=f"meridian-orders-{stack}")
        ids = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in found["StackResources"]}
        return str(ids.get(logical_id) or next(ids[name] for name in sorted(ids) if name.startswith(logical_id)))

    # ---- Route 53 ----

    def record(self, name: str, kind: str, identifier: str | None = None) -> dict[str, Any]:
        pages = self.client("route53").get_paginator("list_resource_record_sets").paginate(HostedZoneId=ZONE)
        records = (r for page in pages for r in page["ResourceRecordSets"])
        wanted = (f"{name}.", kind, identifier)
        return next(r for r in records if (r["Name"], r["Type"], r.get("SetIdentifier")) == wanted)

    def change_record(self, action: str, record: Mapping[str, Any]) -> None:
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        self.client("route53").change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch=batch)

    def gate(self, region: str) -> dict[str, Any]:
        checks = self.client("route53").list_health_checks()["HealthChecks"]
        return next(c for c in checks if f"/{region}/gate/" in c["CallerReference"])

    # ---- CloudFront ----

    def distribution(self, change: Callable[[dict[str, Any]], Any]) -> None:
        """`change` edits the configuration in place; comes back when it is deployed."""
        cloudfront, id_ = self.client("cloudfront"), self.made("edge", "Distribution")
        answer = cloudfront.get_distribution_config(Id=id_)
        change(answer["DistributionConfig"])
        cloudfront.update_distribution(Id=id_, IfMatch=answer["ETag"], DistributionConfig=answer["DistributionConfig"])
        self.until(lambda: cloudfront.get_distribution(Id=id_)["Distribution"]["Status"] == "Deployed")

    # ---- Aurora ----

    def cluster(self, region: str) -> dict[str, Any]:
        answer = self.client("rds", region).describe_db_clusters(DBClusterIdentifier=f"orders-{region}")
        found: dict[str, Any] = answer["DBClusters"][0]
        return found

    def modify_cluster(self, region: str, **changes: Any) -> None:
        """Comes back when the change is made."""
        rds = self.client("rds", region)
        rds.modify_db_cluster(DBClusterIdentifier=f"orders-{region}", ApplyImmediately=True, **changes)
        self.until(lambda: self.at_rest(region))

    def at_rest(self, region: str) -> bool:
        cluster = self.cluster(region)
        instances = self.client("rds", region).describe_db_instances()["DBInstances"]
        return (
            cluster["Status"] == "available"
            and not cluster.get("PendingModifiedValues")
            and all(i["DBInstanceStatus"] == "available" for i in instances)
        )

    # ---- API Gateway ----

    def patch_stage(self, path: str, value: str, region: str = EU) -> None:
        patch = [{"op": "replace", "path": path, "value": value}]
        gateway = self.client("apigateway", region)
        gateway.update_stage(restApiId=self.made("api", "Api", region), stageName="live", patchOperations=patch)

    def patch_api(self, path: str, value: str, region: str = EU) -> None:
        patch = [{"op": "replace", "path": path, "value": value}]
        self.client("apigateway", region).update_rest_api(
            restApiId=self.made("api", "Api", region), patchOperations=patch
        )


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
