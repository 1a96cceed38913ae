"""The embedded AWS takes metrics out of a line of a log where CloudWatch does, and refuses what CloudWatch refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from local_aws.events.embedded_metrics import Invalid, Point, points
from reconciler.logs import measured
from reconciler.model.logged import Line, Unit

AT = datetime(2030, 1, 1, tzinfo=UTC)


def line(directive: dict[str, Any] | None = None, aws: dict[str, Any] | None = None, **told: Any) -> str:
    metrics = {"Namespace": "Meridian", "Dimensions": [["Service"]], "Metrics": [{"Name": "Calls", "Unit": "Count"}]}
    head = {"Timestamp": 1, "CloudWatchMetrics": [metrics | (directive or {})], **(aws or {})}
    return json.dumps({"_aws": head, "Service": "rds", "Calls": 3, **told})


def test_a_line_gives_its_points() -> None:
    assert points(line()) == [Point("Meridian", "Calls", 3.0, "Count", {"Service": "rds"})]
    assert [p.value for p in points(line(Calls=[1, 2.5]))] == [1.0, 2.5]
    assert points("START " + line({"Dimensions": []}))[0].dimensions == {}
    assert points(line({"Dimensions": [[], ["Service"]]}))[1].dimensions == {"Service": "rds"}
    assert points(line({"Metrics": [{"Name": "Calls"}]}))[0].unit == "None"


@pytest.mark.parametrize(
    "bad",
    [
        "no JSON",
        '{"_aws": "not of the format"}',
        line(aws={"Timestamp": "1"}),
        line(aws={"CloudWatchMetrics": {}}),
        line({"Namespace": ""}),
        line({"Namespace": "n" * 1025}),
        line({"Metrics": [{"Name": f"M{i}"} for i in range(101)]}, **{f"M{i}": 1 for i in range(101)}),
        line({"Dimensions": [[f"D{i}" for i in range(31)]]}, **{f"D{i}": "x" for i in range(31)}),
        line({"Dimensions": ["Service"]}),
        line({"Dimensions": [["Missing"]]}),
        line(Service=7),
        line(Service=""),
        line(Service="x" * 1025),
        line({"Metrics": [{"Name": "Missing"}]}),
        line({"Metrics": [{"Name": "Calls", "Unit": "Calls"}]}),
        line({"Metrics": [{"Name": "Calls", "StorageResolution": 5}]}),
        line(Calls="3"),
        line(Calls=True),
        line(Calls=float("nan")),
        line(Calls=[1] * 101),
        line(text="x" * 262_144),
        "{" + '"a":[' * 100_000,
    ],
    ids=lambda text: text[:40],
)
def test_of_a_line_that_breaks_a_rule_no_metric_comes(bad: str) -> None:
    with pytest.raises(Invalid):
        points(bad)


def test_what_the_functions_write_is_taken() -> None:
    told = Line(
        event="calls",
        code="CallsCounted",
        metrics={"AwsCalls": (3.0, Unit.COUNT)},
        dimension=("Service", "rds"),
        at=AT,
    )
    assert points(json.dumps(measured(told))) == [Point("Meridian", "AwsCalls", 3.0, "Count", {"Service": "rds"})]
