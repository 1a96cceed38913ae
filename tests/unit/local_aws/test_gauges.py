"""What a gauge has told is kept for hours, not for as long as the clock runs: a fast one makes weeks of a minute."""

from __future__ import annotations

import pytest
from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from local_aws.events import measures


def test_a_gauge_keeps_some_hours_whatever_time_goes_by(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000_000 * measures.MINUTE]
    monkeypatch.setattr(measures.CLOCK, "now", lambda: now[0])
    dimensions = {"QueueName": "kept"}
    with request_scope("111111111111", "us-east-1"):
        for _ in range(10):
            measures._gauge("AWS/SQS", "Kept", dimensions, 1.0)
            now[0] += measures.CAUGHT_UP * measures.MINUTE
        bucket = cloudwatch._metrics.pop(("AWS/SQS", "Kept", cloudwatch._dims_key(dimensions)))
    assert len(bucket) == measures.KEPT < 10 * measures.CAUGHT_UP
    assert bucket[-1]["Timestamp"] == now[0] - measures.CAUGHT_UP * measures.MINUTE, "the newest are kept"
