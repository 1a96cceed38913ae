"""One PostgreSQL server: a directory, a process, a socket. Every method blocks for as long as the thing takes."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from local_aws.postgres.backend import SUPERUSER
from local_aws.postgres.installation import Installation, Unusable

PATIENCE = 60.0  # wall seconds; a machine under load takes long
CHILDREN = 5.0  # after so long postgres itself kills what does not end
LOOK = 0.01


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it came true in these wall seconds. `time.sleep`, which `Popen.wait` takes too, is virtual in this process."""
    deadline, pause = monotonic() + seconds, threading.Event()
    while not condition():
        if monotonic() > deadline:
            return False
        pause.wait(LOOK)
    return True


class Server:
    def __init__(self, installation: Installation, directory: Path) -> None:
        self._installation, self.directory = installation, directory
        self._data = directory / "data"
        self._process: subprocess.Popen | None = None
        directory.mkdir(mode=0o700)
        installation.give(directory)

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def create(self) -> None:
        """A new, empty database."""
        self._installation.run("cp", "-R", self._installation.template, self._data)
        self.start()

    def clone(self, source: "Server") -> None:
        """A copy of another one, that follows it."""
        self.kill()
        self._installation.end(self._data)
        self._installation.run(
            self._installation.program("pg_basebackup"), "-h", source.directory, "-U", SUPERUSER, "-D", self._data,
            "-X", "stream", "-c", "fast", "--no-sync",
        )  # fmt: skip
        self.demote(source)

    def demote(self, primary: "Server") -> None:
        """Start as a standby of this primary."""
        self._own(self._data / "standby.signal", "")
        self._follow(primary)
        self.start()

    def follow(self, primary: "Server") -> None:
        """Another primary from now on, without a restart."""
        self._follow(primary)
        self._signal(signal.SIGHUP)

    def start(self) -> None:
        log = self.directory / "log"
        with log.open("ab") as written:
            self._process = self._installation.start(
                self._installation.program("postgres"), "-D", self._data, "-k", self.directory, stderr=written
            )
        until(lambda: self._ready() or not self.runs, PATIENCE)
        if not (self.runs and self._ready()):
            self.kill()
            raise Unusable(f"postgres did not start: {log.read_text(errors='replace').strip()[-500:]}")

    def stop(self) -> None:
        """In an orderly way: what was written is sent to the standbys before it ends."""
        self._end(signal.SIGINT, PATIENCE / 2)

    def kill(self) -> None:
        self._end(signal.SIGQUIT, 2 * CHILDREN)

    def remove(self) -> None:
        self.kill()
        self._installation.end(self.directory)

    def _ready(self) -> bool:
        """By its pid file, as pg_ctl goes by it [V: src/include/utils/pidfile.h]; who was killed has left an old one there."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        ours = self._process is not None and lines[:1] == [str(self._process.pid)]
        return ours and len(lines) > 7 and lines[7].strip() == "ready"

    def _follow(self, primary: "Server") -> None:
        told = f"host={primary.directory} user={SUPERUSER} application_name={self.directory.name}"
        self._own(self._data / "postgresql.auto.conf", f"primary_conninfo = '{told}'\n")

    def _own(self, file: Path, text: str) -> None:
        file.write_text(text)
        self._installation.give(file)

    def _signal(self, number: signal.Signals) -> None:
        if self._process and self.runs:
            os.kill(self._process.pid, number)

    def _end(self, number: signal.Signals, seconds: float) -> None:
        self._signal(number)
        if not until(lambda: not self.runs, seconds):
            self._signal(signal.SIGKILL)
            until(lambda: not self.runs, seconds)
