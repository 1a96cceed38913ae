"""Times, durations and values as they are written."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.report.words import columns, human_duration, iso_duration, iso_time, json_value, one_line, text_value

DURATIONS = [
    (timedelta(), "PT0S", "0s"),
    (timedelta(seconds=0.5), "PT0.5S", "0s"),
    (timedelta(seconds=90), "PT1M30S", "1m30s"),
    (timedelta(minutes=25), "PT25M", "25m"),
    (timedelta(seconds=59.9999), "PT1M", "1m"),
    (timedelta(hours=1, minutes=5), "PT1H5M", "1h05m"),
    (timedelta(days=2), "PT48H", "48h00m"),
    (timedelta(seconds=-3), "PT0S", "0s"),
]


@pytest.mark.parametrize(("span", "iso", "human"), DURATIONS)
def test_durations(span, iso, human):
    assert (iso_duration(span), human_duration(span)) == (iso, human)


def test_times_are_utc_with_z():
    tokyo = timezone(timedelta(hours=9))
    assert iso_time(datetime(2026, 3, 1, 9, tzinfo=tokyo)) == "2026-03-01T00:00:00Z"
    assert iso_time(datetime(2026, 3, 1, 0, 0, 0, 999_999, tzinfo=UTC)) == "2026-03-01T00:00:00Z"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("regions/us-east-1/data/Master/MasterUserPassword", "hunter2"),
        ("regions/us-east-1/data/Cluster", {"Engine": "x", "MasterUserPassword": "hunter2"}),
        ("a/b", [{"AuthToken": "hunter2"}]),
        ("a/clientSecret", {"nested": {"deep": "hunter2"}}),
    ],
)
def test_secrets_are_never_written(path, value):
    shown = json_value(path, value)
    assert "hunter2" not in str(shown) + text_value(path, value, width=500)
    assert "'redacted': True" in str(shown)


def test_redaction_tells_two_values_apart_and_nothing_else():
    first, second = (json_value("password", value) for value in ("one", "two"))
    assert first == {"redacted": True, "sha256": "7692c3ad3540"}
    assert first["sha256"] != second["sha256"]
    assert json_value("password", None) is None  # that there is none is no secret
    assert json_value("ManageMasterUserPassword", True) is True


@given(st.text())
def test_text_from_elsewhere_cannot_steer_a_terminal(text):
    assert all(c.isprintable() for c in one_line(text) + text_value("a", text))


def test_long_values_keep_both_ends():
    shown = text_value("a", "start" + "x" * 200 + "end", width=40)
    assert len(shown) == 40
    assert shown.startswith("start")
    assert shown.endswith("end")


def test_columns_line_up_and_leave_no_trailing_blanks():
    assert columns([("a", "bb", "c"), ("aaa", "b", "")]) == ["  a    bb  c", "  aaa  b"]
    assert columns([]) == []
