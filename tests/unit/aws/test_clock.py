"""Which clock goes, and how the embedded one counts."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from reconciler.aws.clock import EmbeddedClock, WallClock, loopback_endpoint, system_clock
from reconciler.model.errors import CloudUnavailable

START = datetime(2030, 1, 1, tzinfo=UTC)


@contextmanager
def server(answer: object, status: int = 200) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found.server_port
        found.shutdown()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", None),
        ("https://vpce-1.execute-api.eu-west-1.vpce.amazonaws.com", None),
        ("http://10.0.0.1:4566", None),
        ("http://127.0.0.1:4566", ("127.0.0.1", 4566)),
        ("http://127.1.2.3", ("127.1.2.3", 80)),
        ("http://localhost:4566", ("localhost", 4566)),
        ("https://[::1]/", ("::1", 443)),
    ],
)
def test_loopback(monkeypatch: pytest.MonkeyPatch, url: str, expected: tuple[str, int] | None) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    assert loopback_endpoint() == expected


def test_the_embedded_clock_counts_on_at_its_speed() -> None:
    with server({"now": "2030-01-01T00:00:00.000Z", "speed": 1000}) as port:
        clock = EmbeddedClock("127.0.0.1", port)
        began = time.monotonic()
        clock.sleep(100)
        slept = time.monotonic() - began
        passed = (clock.now() - START).total_seconds()
    assert 0.1 <= slept < 50
    assert 100 <= passed < 50_000


@pytest.mark.parametrize(("answer", "status"), [({}, 200), ({"now": "soon", "speed": 1}, 200), ({}, 404)])
def test_another_server_on_loopback_means_the_wall_clock(
    monkeypatch: pytest.MonkeyPatch, answer: object, status: int
) -> None:
    with server(answer, status) as port:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        clock = system_clock()
    assert isinstance(clock, WallClock)
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 5


def test_nothing_at_a_loopback_endpoint_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    with pytest.raises(CloudUnavailable, match=f"nothing answers at http://127.0.0.1:{port}") as caught:
        system_clock()
    assert caught.value.code == "Unreachable"
