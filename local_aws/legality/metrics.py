"""CloudWatch: what a query of metrics or alarms may ask for."""

import re
from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch

from local_aws.refused import Refused
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudwatch._describe_alarms",
    "ministack.services.cloudwatch._error",
    "ministack.services.cloudwatch._get_metric_data",
    "ministack.services.cloudwatch._parse_ts",
)

Record = dict[str, Any]
MOST_QUERIES, MOST_DATAPOINTS, MOST_NAMES = 500, 100_800, 100  # [V]
_ID = re.compile(r"[a-z][a-zA-Z0-9_]{0,254}")
_SHORT_PERIODS = (1, 5, 10, 20, 30)


def _wrong(message: str) -> Refused:
    return Refused("ValidationError", message)


def check_metric_data(request: Record) -> None:
    """GetMetricData: the request as a whole [V API reference]."""
    queries = request.get("MetricDataQueries") or []
    if len(queries) > MOST_QUERIES:
        raise _wrong(f"The collection MetricDataQueries must have size less than or equal to {MOST_QUERIES}.")
    _ids_are_names(queries)
    for query in queries:
        _asks_for_one_thing(query)
    _time_runs_forward(request)
    points, token = request.get("MaxDatapoints"), request.get("NextToken")
    if points is not None and not 1 <= int(points) <= MOST_DATAPOINTS:
        raise _wrong(f"MaxDatapoints must be between 1 and {MOST_DATAPOINTS}")
    if token and not str(token).isdecimal():
        raise Refused("InvalidNextToken", "The next token specified is invalid.")


def _ids_are_names(queries: list[Record]) -> None:
    """MetricDataQuery.Id: a lower-case letter, then letters, digits and underscores; each once [V]."""
    ids = [str(query.get("Id") or "") for query in queries]
    wrong = [name for name in ids if not _ID.fullmatch(name)]
    if wrong:
        raise _wrong(
            f"The values for parameter id in MetricDataQueries {wrong[0]!r} do not match ^[a-z][a-zA-Z0-9_]*$."
        )
    if len(set(ids)) < len(ids):
        raise _wrong("The values for parameter id in MetricDataQueries are not unique.")


def _asks_for_one_thing(query: Record) -> None:
    """MetricDataQuery: a MetricStat or an Expression, and a period that CloudWatch keeps [V]."""
    stat = query.get("MetricStat")
    if bool(stat) == bool(query.get("Expression")):
        raise _wrong(f"MetricDataQuery {query['Id']} must have either MetricStat or Expression")
    period = int(stat["Period"]) if stat else 60
    if period not in _SHORT_PERIODS and (period < 60 or period % 60):
        raise _wrong(
            f"The parameter Period of {query['Id']} must be 1, 5, 10, 20, 30 or a multiple of 60, not {period}"
        )


def _time_runs_forward(request: Record) -> None:
    """StartTime before EndTime [V]."""
    start, end = (cloudwatch._parse_ts(request.get(name)) for name in ("StartTime", "EndTime"))
    if not start or not end or start >= end:
        raise _wrong("The parameter StartTime must be less than the parameter EndTime.")


def check_alarms(request: Record) -> None:
    """DescribeAlarms: names or a prefix, not both; at most 100 names [V]."""
    names = request.get("AlarmNames") or []
    if names and request.get("AlarmNamePrefix"):
        raise _wrong("AlarmNamePrefix cannot be specified together with AlarmNames")
    if len(names) > MOST_NAMES:
        raise _wrong(f"The collection AlarmNames must have a size less than or equal to {MOST_NAMES}.")


def _guard(name: str, rule: Callable[[Record], None]) -> None:
    """In front of a call of one of boto3's protocols, CBOR and JSON."""

    def guarded(stock: Callable[..., Any], params: Any, request: Record, is_cbor: bool, is_json: bool = False) -> Any:
        try:
            if is_cbor or is_json:
                rule(request)
        except Refused as refusal:
            return cloudwatch._error(refusal.code, refusal.message, 400, use_json=is_json, use_cbor=is_cbor)
        return stock(params, request, is_cbor, is_json)

    around(cloudwatch, name, guarded)


def install() -> None:
    _guard("_get_metric_data", check_metric_data)
    _guard("_describe_alarms", check_alarms)
