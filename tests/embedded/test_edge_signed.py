"""With signatures and policies enforced: who is let in by a Region's API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.embedded.conftest import running
from tests.embedded.converged import Converged, converged
from tests.embedded.edge_client import LONDON, Client


@pytest.fixture(scope="module")
def enforcing() -> Iterator[Converged]:
    with running("--iam") as aws, converged(aws) as world:
        yield world


def test_only_the_edge_is_let_in_by_a_region(enforcing):
    """Its own name is no way around the edge: but for the health path, which every checker asks."""
    inside = Client(enforcing.aws, LONDON, host="eu-west-1.origin.api.example.com", address="127.1.6.1")
    assert Client(enforcing.aws, LONDON).asks().status == 200
    assert inside.asks("GET", "/health").status == 200
    assert inside.asks().status == 403
    forged = {
        "X_Amz_Date": "20260101T000000Z",
        "Authorization": "AWS4-HMAC-SHA256 Credential=A/20260101/eu-west-1/execute-api/aws4_request",
    }
    assert inside.asks("GET", "/", **forged).status == 403
    assert Client(enforcing.aws, LONDON).asks("GET", "/", **forged).status == 200, "the edge signs anew"
