"""CloudWatch: an alarm on a percentile has no other statistic."""

from ministack.services import cloudwatch

from local_aws.resources.wrap import Properties, after, around


def _alarm(name: str, now: Properties, before: Properties | None) -> None:
    _one_statistic()


def _put(stock, *args, **options) -> tuple:
    answer = stock(*args, **options)
    _one_statistic()
    return answer


def _one_statistic() -> None:
    """ministack adds "Average" to every alarm that names none."""
    for alarm in cloudwatch._alarms.values():
        if alarm.get("ExtendedStatistic"):
            alarm["Statistic"] = None


def install() -> None:
    after("AWS::CloudWatch::Alarm", _alarm)
    around(cloudwatch, "_put_metric_alarm", _put)
