"""What an alarm says of its periods: how many must breach, and what is made of those without data.

[V: CloudWatch User Guide, "Using Amazon CloudWatch alarms", "Configuring how CloudWatch alarms treat missing data"]. AWS looks
further back when data of some periods is missing; this does not.
"""

from collections.abc import Callable
from typing import Any

Record = dict[str, Any]
_BREACHES: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


def state(values: list[float | None], alarm: Record) -> str:
    """What an alarm says of the statistics of its periods, None where there was no data. Empty: what it said before."""
    breaches = _BREACHES[alarm["ComparisonOperator"]]
    needed = int(alarm.get("DatapointsToAlarm") or len(values))
    found = [breaches(value, alarm["Threshold"]) for value in values if value is not None]
    missing, breaching = len(values) - len(found), sum(found)
    treat = alarm.get("TreatMissingData") or "missing"
    if treat in ("breaching", "notBreaching"):
        breaching += missing if treat == "breaching" else 0
        return "ALARM" if breaching >= needed else "OK"
    if treat == "ignore":
        decided = breaching >= needed or breaching + missing < needed
        return ("ALARM" if breaching >= needed else "OK") if decided else ""
    if not found:
        return "INSUFFICIENT_DATA"
    return "ALARM" if breaching >= min(needed, len(found)) else "OK"
