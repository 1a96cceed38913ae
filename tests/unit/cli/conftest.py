"""The command line in this process, with the signal handlers put back afterwards."""

import json
import signal
from dataclasses import dataclass

import pytest

from reconciler.cli import main


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def meridian(capsys, monkeypatch):
    for name in ("AWS_ENDPOINT_URL", "CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}

    def run(*arguments):
        code = main.run([str(a) for a in arguments])
        return Ran(code, *capsys.readouterr())

    yield run
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in before.items():
        signal.signal(number, handler)
