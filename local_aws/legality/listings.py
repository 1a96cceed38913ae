"""RDS: listings that ask for what they cannot have. ministack ignores what it does not know, and then lists everything."""

import re
from typing import Any

from ministack.services import rds

from local_aws.legality.guard import on_call
from local_aws.refused import Refused
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.services.rds._describe_db_clusters",
    "ministack.services.rds._describe_db_instances",
    "ministack.services.rds._describe_global_clusters",
    "ministack.services.rds._error",
    "ministack.services.rds._p",
    "ministack.services.rds._parse_filters",
)
_ARN = re.compile(r"^arn:aws:rds:[^:]*:[0-9]*:(cluster|db):")
# Of the filters that AWS has, those that are modelled: the others are refused too.
FILTERS = {
    "_describe_db_clusters": ("db-cluster-id", "engine"),
    "_describe_db_instances": ("db-cluster-id", "db-instance-id", "engine"),
    "_describe_global_clusters": (),
}


def _listing(known: tuple[str, ...], request: dict[str, Any]) -> None:
    """DescribeDBClusters and others: filters that there are [S boto3#3126], 20 to 100 records [V; code K]."""
    for name in rds._parse_filters(request):
        if name not in known:
            raise Refused("InvalidParameterValue", f"Unrecognized filter name: {name}")
    records = rds._p(request, "MaxRecords") or "100"
    if not (records.isdecimal() and 20 <= int(records) <= 100):
        raise Refused("InvalidParameterValue", f"Invalid value {records} for MaxRecords. Must be between 20 and 100")


def _filters(stock: Any, request: dict[str, Any]) -> dict[str, list[str]]:
    """Clusters and instances are named by identifier or ARN [V botocore]."""
    return {name: [_ARN.sub("", value) for value in values] for name, values in stock(request).items()}


def install() -> None:
    around(rds, "_parse_filters", _filters)
    for name, known in FILTERS.items():
        on_call(rds, name, lambda request, known=known: _listing(known, request), rds._error)
