"""RDS events: DescribeEvents in the resource's Region, and EventBridge's default bus there.

Ids, categories and messages: "Amazon RDS event categories and event messages for Aurora" [V]; the API and EventBridge write the
category `global-failover` with a hyphen [S awsdocs/amazon-aurora-user-guide#69]. That every member of a global cluster gets the
events of a switchover, each as its own, is [K].
"""

from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import rds

from local_aws import bus
from local_aws.arns import account_of, region_of
from local_aws.clock import CLOCK, rfc3339

PATCHED: tuple[str, ...] = ("ministack.services.rds._events",)

Record = dict[str, Any]
# By the word in an ARN: DescribeEvents' source type, EventBridge's source type and detail type.
_KINDS = {
    "cluster": ("db-cluster", "CLUSTER", "RDS DB Cluster Event"),
    "db": ("db-instance", "DB_INSTANCE", "RDS DB Instance Event"),
    "cluster-snapshot": ("db-cluster-snapshot", "CLUSTER_SNAPSHOT", "RDS DB Cluster Snapshot Event"),
}


def tell(arn: str, event_id: str, category: str, message: str) -> None:
    """One event about one resource, in its own Region."""
    account, region, (kind, _, name) = account_of(arn), region_of(arn), arn.split(":", 5)[5].partition(":")
    source_type, event_type, detail_type = _KINDS[kind]
    about: Record = {"SourceIdentifier": name, "SourceArn": arn, "Message": message, "EventCategories": [category]}
    stored = {**about, "SourceType": source_type, "Date": CLOCK.now()}
    rds._events.set_scoped(account, region, new_uuid(), stored)
    detail = {**about, "SourceType": event_type, "Date": rfc3339(CLOCK.now()), "EventID": event_id}
    bus.tell(account, region, "rds", detail_type, detail, arn)
