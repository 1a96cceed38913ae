"""`meridian status --watch` as a process: on a pseudo-terminal that changes its size, and through a pipe; and the table's moods."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.embedded.command import Meridian, prepared
from tests.embedded.conftest import Aws
from tests.simulation.situations import GOLDEN

pytestmark = pytest.mark.slow
WATCH = ("status", "orders", "--watch", "--home-region", "us-east-1")
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PATIENCE = 60
"""Wall seconds for what takes two on a machine at rest."""


@pytest.fixture
def meridian(aws: Aws, tmp_path: Any) -> Meridian:
    return prepared(tmp_path, aws.url)


def make_table(aws: Aws) -> None:
    keys = {"pk": "HASH", "sk": "RANGE"}
    aws.client("dynamodb").create_table(
        TableName="meridian-state",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in keys],
        KeySchema=[{"AttributeName": k, "KeyType": t} for k, t in keys.items()],
    )


def record(aws: Aws, situation: str) -> None:
    body = (GOLDEN / "status" / f"{situation}.json").read_text()
    item = {"pk": {"S": "topology#orders"}, "sk": {"S": "status"}, "body": {"S": body}}
    aws.client("dynamodb").put_item(TableName="meridian-state", Item=item)


def sized(terminal: int, columns: int, rows: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class Seen:
    """What comes out of the command, as it comes."""

    def __init__(self, source: int) -> None:
        self._source, self._bytes = source, b""

    @property
    def raw(self) -> str:
        return self._bytes.decode(errors="replace")

    def until(self, holds: Any) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds(self.raw):
            ready, _, _ = select.select([self._source], [], [], max(deadline - time.monotonic(), 0))
            more = os.read(self._source, 65536) if ready else b""
            assert more, f"not seen in {PATIENCE} s: {self.raw[-2000:]!r}"
            self._bytes += more

    def shows(self, *texts: str) -> None:
        self.until(lambda raw: all(text in ANSI.sub("", raw) for text in texts))

    def width(self) -> int:
        """Of the last whole frame; each begins at the upper left."""
        frames = self.raw.split("\x1b[H")
        return max(len(line) for line in ANSI.sub("", frames[-2]).splitlines()) if len(frames) > 2 else 0


@contextmanager
def on_a_terminal(meridian: Meridian) -> Iterator[tuple[Seen, subprocess.Popen[bytes], int]]:
    ours, theirs = pty.openpty()
    sized(theirs, 100, 30)
    environment = {k: v for k, v in meridian.environment.items() if k not in {"CI", "NO_COLOR", "COLUMNS", "LINES"}}
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler.cli.main", *WATCH],
        cwd=meridian.folder,
        env={**environment, "TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    try:
        yield Seen(ours), process, theirs
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def test_on_a_terminal_it_is_redrawn_and_gives_the_terminal_back(meridian: Meridian, aws: Aws) -> None:
    make_table(aws)
    with on_a_terminal(meridian) as (screen, process, theirs):
        before = termios.tcgetattr(theirs)
        screen.shows("nothing is recorded in us-east-1 yet")
        record(aws, "converged")
        screen.shows("orders: Converged", "us-east-1       serving  Healthy  writer")
        record(aws, "adding-a-region")
        screen.shows("▶ deploy/data/sa-east-1", "sa-east-1       joining", "sa-east-1 is there: joining, Progressing")
        assert 60 < screen.width() <= 100
        sized(theirs, 60, 12)
        screen.until(lambda _: 0 < screen.width() <= 60)
        process.send_signal(signal.SIGINT)
        screen.until(lambda raw: raw.rstrip().endswith("\x1b[?25h") or "\x1b[?1049l" in raw)
        assert process.wait(PATIENCE) == 130
        assert termios.tcgetattr(theirs) == before
        shown, gone = screen.raw.count("\x1b[?1049h"), screen.raw.count("\x1b[?1049l")
        assert (shown, gone) == (1, 1)
        assert "\x1b[?25h" in screen.raw[screen.raw.rindex("\x1b[?25l") :]
        assert "Traceback" not in screen.raw


def test_through_a_pipe_it_is_lines_whatever_the_table_does(meridian: Meridian, aws: Aws) -> None:
    """No table, an empty one, a status, one that may not be read for a while, and one that is none of ours."""
    with meridian.start(*WATCH) as process:
        assert process.stdout is not None
        seen = Seen(process.stdout.fileno())
        seen.shows("nothing is recorded in us-east-1 yet")
        make_table(aws)
        record(aws, "converged")
        seen.shows("status    Converged, generation 1")
        denied = {"call": "dynamodb:Query", "error": "AccessDeniedException"}
        aws.control("faults", {"faults": [denied]})
        seen.shows("the table cannot be read, trying on: AccessDenied")
        aws.control("faults", {"faults": []})
        seen.shows("the table can be read again")
        aws.client("dynamodb").put_item(
            TableName="meridian-state",
            Item={"pk": {"S": "topology#orders"}, "sk": {"S": "status"}, "body": {"S": json.dumps(["\x1b[2J"])}},
        )
        seen.shows("is no status document")
        record(aws, "stalled")
        seen.shows("result    Converged → Stalled")
        process.send_signal(signal.SIGINT)
        rest, error = process.communicate(timeout=PATIENCE)
    assert (process.returncode, rest, error) == (130, "", "")
    lines = seen.raw.splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  orders  ", text) for text in lines), lines
    assert "\x1b" not in seen.raw
