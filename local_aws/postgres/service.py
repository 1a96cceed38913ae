"""Starts the listener in a thread of its own, hands the records on to it, and tells functions and tests where it is."""

import asyncio
import json
import socket
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from local_aws.clock import CLOCK
from local_aws.postgres import records
from local_aws.postgres.estate import PORT, Estate
from local_aws.postgres.listener import Listener

HOST = "127.0.0.1"


class Service:
    """One for the process; machinery, no part of the world."""

    def __init__(self) -> None:
        # asyncio turns Nagle's algorithm off only where the protocol is named; with it each answer takes 40 ms.
        self._endpoint = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._loop = asyncio.new_event_loop()
        self._seen = Estate()
        self._listener: Listener | None = None
        self._file: Path | None = None
        self.told: dict[str, Any] = {"host": HOST, "port": 0, "authority": "", "names": {}}

    async def start(self, file: Path) -> None:
        """With the server: a thread and a port. What it costs to have databases is paid when there is one."""
        self._file = file
        self._endpoint.bind((HOST, 0))
        self.told["port"] = self._endpoint.getsockname()[1]
        self._write()
        listener = Listener(self._fresh)
        started: Future[None] = Future()
        threading.Thread(target=self._serve, args=(listener, started), name="databases", daemon=True).start()
        await asyncio.wrap_future(started)
        self._listener = listener

    def _serve(self, listener: Listener, started: Future) -> None:
        asyncio.set_event_loop(self._loop)
        self._kept = self._loop.run_until_complete(listener.listen(self._endpoint))
        started.set_result(None)
        self._loop.run_forever()

    def look(self) -> None:
        """Something may have changed; from any thread."""
        if self._listener:
            CLOCK.in_loop(self._look)

    def _look(self) -> None:
        estate = records.read()
        if estate != self._seen:
            self._seen = estate
            self._loop.call_soon_threadsafe(self._follow, estate)

    async def _fresh(self) -> None:
        await records.on_server(self._look)

    def _follow(self, estate: Estate) -> None:
        assert self._listener is not None, "nobody listens"
        authority = self._listener.follow(estate)
        names = {e.name: {"region": e.cluster.region, "port": PORT} for e in estate.endpoints()}
        if (authority, names) != (self.told["authority"], self.told["names"]):
            self.told = {**self.told, "authority": authority, "names": names}
            self._write()

    def _write(self) -> None:
        """Whole, or as before: functions read it whenever they dial."""
        assert self._file is not None, "not started"
        aside = self._file.with_suffix(".new")
        aside.write_text(json.dumps(self.told))
        aside.replace(self._file)


SERVICE = Service()
