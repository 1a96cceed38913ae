"""`python -m demo.clients london=eu-west-1 …`: clients call the API by its public name, and say which Region answered.

Each stands at a place, which the embedded AWS tells from the loopback address that a request comes from. Each writes an order and
reads the one that the place before it wrote; the first reads the last one's. Ends with 1 unless everybody is answered, and by the
Region that is expected.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
import uuid
from dataclasses import dataclass
from typing import Any

DOMAIN, EDGE = "api.example.com", "127.2.0.1"
PLACES = {"london": "127.0.107.1", "tokyo": "127.0.14.1", "new-york": "127.0.101.1"}
PATIENCE = 5.0
"""Seconds for which an order that another Region wrote may not be there yet."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    region: str
    content: dict[str, Any]
    ms: float


def ask(place: str, method: str, path: str, order: dict[str, Any] | None = None) -> Answer:
    """One request from there, through the edge."""
    port = int(os.environ["AWS_ENDPOINT_URL"].rpartition(":")[2])
    connection = http.client.HTTPConnection(EDGE, port, timeout=30, source_address=(PLACES[place], 0))
    headers = {"Host": DOMAIN, "Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    begun = time.perf_counter()
    try:
        connection.request(method, path, json.dumps(order) if order else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        took = (time.perf_counter() - begun) * 1000
        content = json.loads(text) if text.startswith(b"{") else {}
        return Answer(answer.status, answer.headers.get("X-Region", "nobody"), content, took)
    finally:
        connection.close()


def written(place: str) -> Answer:
    return ask(
        place, "POST", "/orders", {"customer": place, "items": [{"sku": "tea", "quantity": 2, "unitPrice": 450}]}
    )


def read(place: str, order: str) -> Answer:
    """Another Region's order comes by replication, in a moment."""
    deadline = time.monotonic() + PATIENCE
    while (answer := ask(place, "GET", f"/orders/{order}")).status == 404 and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer


def main(expected: list[str]) -> int:
    nearest = dict(text.split("=") for text in expected)
    wrong, orders = 0, {}
    for place, region in nearest.items():
        ask(place, "GET", "/orders?limit=1")  # the first one starts the functions there
        answer = written(place)
        orders[place] = answer.content.get("id", "")
        wrong += _told("POST", "/orders", place, answer, (201, region))
    places = list(nearest)
    for reader, writer in zip(places, [places[-1], *places], strict=False):
        answer = read(reader, orders[writer])
        wrong += _told("GET ", f"/orders/{orders[writer][:8]}…", reader, answer, (200, nearest[reader]))
        wrong += answer.content.get("customer") != writer
    return 1 if wrong else 0


def _told(method: str, path: str, place: str, answer: Answer, expected: tuple[int, str]) -> int:
    whose = (
        f"  {answer.content.get('customer')}'s, written in {answer.content.get('region')}" if method == "GET " else ""
    )
    where = f"https://{DOMAIN}{path}"
    print(  # noqa: T201
        f"{method} {where:41} from {place:9} {answer.status}  by {answer.region:15} {answer.ms:4.0f} ms{whose}",
        flush=True,
    )
    return int((answer.status, answer.region) != expected)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
