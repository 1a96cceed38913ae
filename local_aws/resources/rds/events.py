"""RDS events: DescribeEvents in the resource's Region, and EventBridge's default bus there.

Ids, categories and messages: "Amazon RDS event categories and event messages for Aurora" [V]; the API and EventBridge write the
category `global-failover` with a hyphen [S awsdocs/amazon-aurora-user-guide#69]. That every member of a global cluster gets the
events of a switchover, each as its own, is [K].
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ministack.core.responses import get_region, new_uuid, set_request_region
from ministack.services import eventbridge, rds

from local_aws.clock import CLOCK, rfc3339
from local_aws.resources.rds.members import region_of

PATCHED: tuple[str, ...] = (
    "ministack.services.eventbridge._put_events",
    "ministack.services.rds._events",
)

Record = dict[str, Any]
# By the word in an ARN: DescribeEvents' source type, EventBridge's source type and detail type.
_KINDS = {
    "cluster": ("db-cluster", "CLUSTER", "RDS DB Cluster Event"),
    "db": ("db-instance", "DB_INSTANCE", "RDS DB Instance Event"),
    "cluster-snapshot": ("db-cluster-snapshot", "CLUSTER_SNAPSHOT", "RDS DB Cluster Snapshot Event"),
}


@contextmanager
def in_region(region: str) -> Iterator[None]:
    before = get_region()
    set_request_region(region)
    try:
        yield
    finally:
        set_request_region(before)


def tell(arn: str, event_id: str, category: str, message: str) -> None:
    """One event about one resource, in its own Region."""
    account, (kind, _, name) = arn.split(":")[4], arn.split(":", 5)[5].partition(":")
    source_type, event_type, detail_type = _KINDS[kind]
    about: Record = {"SourceIdentifier": name, "SourceArn": arn, "Message": message, "EventCategories": [category]}
    stored = {**about, "SourceType": source_type, "Date": CLOCK.now()}
    rds._events.set_scoped(account, region_of(arn), new_uuid(), stored)
    detail = {**about, "SourceType": event_type, "Date": rfc3339(CLOCK.now()), "EventID": event_id}
    entry = {"Source": "aws.rds", "DetailType": detail_type, "Detail": json.dumps(detail), "Resources": [arn]}
    with in_region(region_of(arn)):
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
