"""The `Clock` port: the embedded AWS's virtual time while the endpoint is on loopback, else the wall clock."""

from __future__ import annotations

import http.client
import ipaddress
import json
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from reconciler.model.errors import CloudUnavailable

_RESYNC = 5.0  # wall seconds between two looks at the embedded clock: its speed can be changed
_TIMEOUT = 5.0
PATH = "/_meridian/clock"


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))

    def speed(self) -> float:
        return 1.0


class EmbeddedClock:
    """Asks once at the start and every few seconds of use; in between it counts on from the last answer."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._lock = threading.Lock()
        self._synchronise()

    def now(self) -> datetime:
        with self._lock:
            if time.monotonic() - self._asked > _RESYNC:
                self._synchronise()
            return self._virtual + timedelta(seconds=(time.monotonic() - self._asked) * self._speed)

    def sleep(self, seconds: float) -> None:
        end = self.now() + timedelta(seconds=seconds)
        while (left := (end - self.now()).total_seconds()) > 0:
            time.sleep(min(left / self._speed, _RESYNC))

    def speed(self) -> float:
        """As last seen."""
        return self._speed

    def _synchronise(self) -> None:
        answer = _ask(self._host, self._port)
        if answer is None:
            raise CloudUnavailable(f"http://{self._host}:{self._port}{PATH} no longer answers", code="Unreachable")
        self._virtual, self._speed = answer
        self._asked = time.monotonic()


def system_clock() -> WallClock | EmbeddedClock:
    """Raises `CloudUnavailable` when nothing listens at a loopback endpoint: no call could succeed."""
    endpoint = loopback_endpoint()
    if endpoint is None or _ask(*endpoint) is None:
        return WallClock()
    return EmbeddedClock(*endpoint)


def loopback_endpoint() -> tuple[str, int] | None:
    """Host and port of AWS_ENDPOINT_URL if it is on this machine."""
    url = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
    host = url.hostname
    if not host or not _is_loopback(host):
        return None
    return host, url.port or (443 if url.scheme == "https" else 80)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _ask(host: str, port: int) -> tuple[datetime, float] | None:
    """Virtual time and speed; None from a server that is not the embedded AWS."""
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
    try:
        connection.request("GET", PATH)
        response = connection.getresponse()
        answer = json.loads(response.read()) if response.status == http.client.OK else {}
        return datetime.fromisoformat(answer["now"]), float(answer["speed"])
    except OSError as error:
        message = f"nothing answers at http://{host}:{port}; start `meridian local` or correct AWS_ENDPOINT_URL"
        raise CloudUnavailable(message, code="Unreachable") from error
    except (http.client.HTTPException, ValueError, KeyError, TypeError):
        return None
    finally:
        connection.close()
