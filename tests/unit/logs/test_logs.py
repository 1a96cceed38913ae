"""One shape of line for all that logs, with metrics as CloudWatch reads them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler import logs
from reconciler.hosting.wake import woke
from reconciler.model.logged import Line, Unit

AT = datetime(2030, 1, 1, tzinfo=UTC)
SHAPE = ["level", "event", "code", "number", "topology", "revision", "generation", "run", "token"]
PASS = Line(
    event="pass",
    code="Throttled",
    topology="orders",
    revision="a1b2c3d",
    generation=3,
    run="runs/orders/2030-01-01/000000-abcdef12.json.gz",
    token=7,
    more={"why": "timer\n\x1b[31m", "result": "Failed"},
    metrics={"Passes": (1.0, Unit.COUNT), "PassDuration": (812.0, Unit.MILLISECONDS)},
    at=AT,
)


def written(line: Line, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    logs.say(line)
    (text,) = capsys.readouterr().out.splitlines()
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_line_has_its_shape_whatever_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    full, bare = written(PASS, capsys), written(Line(event="wake", code="NobodyConcerned"), capsys)
    assert list(full)[:9] == list(bare) == SHAPE
    assert [full[name] for name in SHAPE[:5]] == ["warning", "pass", "Throttled", "MRD4005", "orders"]
    assert [full[name] for name in SHAPE[5:]] == ["a1b2c3d", 3, PASS.run, 7]
    assert [bare[name] for name in SHAPE[4:]] == [None] * 5


def test_metrics_come_last_and_have_no_dimension(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"):
        monkeypatch.setenv(name, "surprise")
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
    found = written(PASS, capsys)
    assert list(found)[-1] == "_aws", "what only CloudWatch reads comes after what people do"
    assert found["_aws"]["Timestamp"] == AT.timestamp() * 1000
    (directive,) = found["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("Meridian", [[]])
    named = {m["Name"]: (found[m["Name"]], m["Unit"]) for m in directive["Metrics"]}
    assert named == {"Passes": ([1.0], "Count"), "PassDuration": ([812.0], "Milliseconds")}


def test_a_code_of_awss_own_keeps_its_name_and_has_the_number_for_those(capsys: pytest.CaptureFixture[str]) -> None:
    found = written(Line(event="message", code="InternalFailure"), capsys)
    assert (found["code"], found["number"], found["level"]) == ("InternalFailure", "MRD4003", "error")


def test_people_read_it_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    logs.tell(PASS)
    out, err = capsys.readouterr()
    (told,) = err.splitlines()
    assert out == ""
    for part in ("[warning", "pass ", "code=Throttled", "number=MRD4005", "topology=orders", "token=7"):
        assert part in told
    assert "\x1b" not in told
    assert "_aws" not in told


@pytest.mark.parametrize(
    ("found", "code", "topology"),
    [((), "NobodyConcerned", None), (("orders",), "Woken", "orders"), (("a1", "b2"), "Woken", None)],
)
def test_wake_counts_whom_it_woke(found: tuple[str, ...], code: str, topology: str | None) -> None:
    line = woke({"detail-type": "x" * 500}, found, AT)
    assert (line.code, line.topology, line.metrics["TopologiesWoken"]) == (code, topology, (len(found), Unit.COUNT))
    assert len(line.more["why"]) <= 80


def test_a_function_that_starts_waits_for_no_library_of_the_log() -> None:
    code = (
        "import sys, reconciler.hosting.wake, reconciler.hosting.passes; "
        "assert not {'structlog', 'aws_lambda_powertools'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3]
    )
    assert done.returncode == 0, done.stderr
