"""Clients of the API: they stand at a place and call an address, as far as loopback can tell."""

from __future__ import annotations

import http.client
from dataclasses import dataclass, field

from tests.embedded.conftest import Aws

DOMAIN = "api.example.com"
LONDON, TOKYO, NEW_YORK = "127.0.107.1", "127.0.14.1", "127.0.101.1"
EDGE = "127.2.0.1"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def region(self) -> str | None:
        return self.headers.get("x-region")


@dataclass
class Client:
    """Somebody at one place, as far as the network goes."""

    aws: Aws
    place: str
    host: str = DOMAIN
    address: str = EDGE
    seen: list[Answer] = field(default_factory=list)

    def asks(self, method: str = "GET", path: str = "/", body: bytes | None = None, **headers: str) -> Answer:
        port = int(self.aws.url.rsplit(":", 1)[1])
        connection = http.client.HTTPConnection(self.address, port, timeout=30, source_address=(self.place, 0))
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, {"Host": self.host, **named})
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            self.seen.append(Answer(answer.status, told, answer.read()))
        finally:
            connection.close()
        return self.seen[-1]
