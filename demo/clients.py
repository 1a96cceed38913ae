"""`python -m demo.clients london=eu-west-1 …`: clients call the API by its public name, and say which Region answered.

Each stands at a place, which the embedded AWS tells from the loopback address that a request comes from. Ends with 1 unless
everybody is answered, and by the Region that is expected.
"""

from __future__ import annotations

import http.client
import os
import sys
import time

DOMAIN, EDGE = "api.example.com", "127.2.0.1"
PLACES = {"london": "127.0.107.1", "tokyo": "127.0.14.1", "new-york": "127.0.101.1"}


def ask(place: str) -> tuple[int, str, float]:
    """Status, Region and milliseconds of one request from there."""
    port = int(os.environ["AWS_ENDPOINT_URL"].rpartition(":")[2])
    connection = http.client.HTTPConnection(EDGE, port, timeout=30, source_address=(PLACES[place], 0))
    begun = time.perf_counter()
    try:
        connection.request("GET", "/", headers={"Host": DOMAIN})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers.get("X-Region", "nobody"), (time.perf_counter() - begun) * 1000
    finally:
        connection.close()


def main(expected: list[str]) -> int:
    wrong = 0
    for place, region in (text.split("=") for text in expected):
        ask(place)  # the first one starts the function there
        status, answered, took = ask(place)
        print(f"GET https://{DOMAIN}/ from {place:9} {status}  answered by {answered:15} {took:4.0f} ms", flush=True)  # noqa: T201
        wrong += (status, answered) != (200, region)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
