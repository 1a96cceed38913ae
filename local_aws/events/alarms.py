"""Alarms change with time, and tell the bus: each is judged at every full minute of the virtual clock.

ministack judges when data is put, by whatever dimensions, and never again: an alarm would not end by itself, nor begin because
nothing comes. The event: [V: CloudWatch User Guide, "Alarm events and EventBridge"].

A fast clock makes many minutes of a moment: all that went by are judged, one after the other.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import cloudwatch

from local_aws import bus, states
from local_aws.clock import CLOCK, rfc3339
from local_aws.events import judgement, measures
from local_aws.gateway import control, faults
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudwatch._alarms",
    "ministack.services.cloudwatch._calc_stats",
    "ministack.services.cloudwatch._dispatch_alarm_actions",
    "ministack.services.cloudwatch._evaluate_alarm",
    "ministack.services.cloudwatch._evaluate_parent_alarms",
    "ministack.services.cloudwatch._record_history",
    "ministack.services.cloudwatch._stat_value",
)

Record = dict[str, Any]
MINUTE = 60.0
LOOK = 0.2  # wall seconds between two looks
CAUGHT_UP = 60  # minutes that are judged after one look at most
logger = logging.getLogger("local_aws.events")
judged: dict[tuple[str, str, str], int] = {}  # by account, Region and alarm: the minute of the last judgement
_TASK: dict[str, Any] = {}


# ---- one look -----------------------------------------------------------------------------------------------------------


def look() -> None:
    scopes = {(account, region) for account, region, _ in cloudwatch._alarms._data}
    for account, region in scopes:
        if not faults.control_plane_is_out(region):
            with request_scope(account, region):
                _catch_up([alarm for alarm in cloudwatch._alarms.values() if alarm.get("MetricName")])


def _catch_up(alarms: list[Record]) -> None:
    """Each at every minute that went by since it was judged; nothing is measured within a minute."""
    now = int(CLOCK.now() // MINUTE)
    account, region = get_account_id(), get_region()
    due = [(alarm, (account, region, alarm["AlarmName"])) for alarm in alarms]
    due = [(alarm, key) for alarm, key in due if judged.get(key, 0) < now]
    measures.write({alarm["Namespace"] for alarm, _ in due})
    for alarm, key in due:
        for minute in range(max(judged.get(key, now - 1), now - CAUGHT_UP) + 1, now + 1):
            judged[key] = minute
            _judge(alarm, minute * MINUTE)


def _judge(alarm: Record, end: float) -> None:
    values = [_value(alarm, end - back * alarm["Period"]) for back in range(int(alarm["EvaluationPeriods"]))]
    before, now = alarm["StateValue"], judgement.state(values, alarm) or alarm["StateValue"]
    if now == before:
        return
    shown = ", ".join("no data" if value is None else f"{value:g}" for value in values)
    reason = f"Threshold Crossed: {len(values)} datapoints [{shown}] against {alarm['Threshold']:g}"
    alarm.update(StateValue=now, StateReason=reason, StateUpdatedTimestamp=int(CLOCK.now()))
    cloudwatch._record_history(alarm["AlarmName"], before, now, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, now, reason)
    cloudwatch._evaluate_parent_alarms(alarm)
    states.changed()


def _value(alarm: Record, end: float) -> float | None:
    """The statistic of the period that ends there."""
    dimensions = {one["Name"]: one["Value"] for one in alarm.get("Dimensions") or []}
    end -= measures.delay(alarm["Namespace"])
    points = measures.points(alarm["Namespace"], alarm["MetricName"], dimensions, end - alarm["Period"], end)
    stats = cloudwatch._calc_stats(points)
    wanted = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    return cloudwatch._stat_value(stats, wanted, points) if stats else None


# ---- what the bus is told -----------------------------------------------------------------------------------------------


def _noted(stock: Callable[..., Any], name: str, old: str, new: str, reason: str, *rest: Any, **more: Any) -> None:
    stock(name, old, new, reason, *rest, **more)
    if old == new:
        return
    at = rfc3339(CLOCK.now()).replace("Z", "+0000")
    account, region = get_account_id(), get_region()
    detail = {
        "alarmName": name,
        "state": {"value": new, "reason": reason, "timestamp": at},
        "previousState": {"value": old},
        "configuration": _configuration(cloudwatch._alarms.get(name)),
    }
    arn = f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}"
    bus.tell(account, region, "cloudwatch", "CloudWatch Alarm State Change", detail, arn)


def _configuration(alarm: Record | None) -> Record:
    if alarm is None or not alarm.get("MetricName"):
        return {}
    metric = {
        "namespace": alarm["Namespace"],
        "name": alarm["MetricName"],
        "dimensions": {one["Name"]: one["Value"] for one in alarm.get("Dimensions") or []},
    }
    wanted = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    return {
        "metrics": [
            {
                "id": "m1",
                "metricStat": {"metric": metric, "period": alarm["Period"], "stat": wanted},
                "returnData": True,
            }
        ]
    }


async def _start() -> None:
    _TASK["look"] = asyncio.create_task(_forever())


async def _forever() -> None:
    while True:
        await asyncio.sleep(LOOK)
        try:
            look()
        except Exception:
            logger.exception("the alarms could not be judged")


def install() -> None:
    around(cloudwatch, "_evaluate_alarm", lambda _stock, _alarm: None)
    around(cloudwatch, "_record_history", _noted)
    control.STARTED.append(_start)
