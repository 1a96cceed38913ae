"""What passes tell people who look at nothing, and the page that they leave for those who do: with the rights of the roles."""

from __future__ import annotations

from tests.plane.world import DEAD, Alone, Plane
from tests.unit.report.test_schemas import check

CIDR = ("cidr: 10.20.0.0/16", "cidr: 10.21.0.0/16")
"""A commit that no pass carries out."""


def test_a_convergence_and_a_refusal_are_told_once_each_and_the_page_follows(alone: Alone, plane: Plane) -> None:
    (converged,) = [check(notice) for notice in alone.notices]
    assert (converged["event"], converged["level"], converged["generation"]) == ("converged", "info", 1)
    first = plane.page()
    assert (first["ContentType"], first["CacheControl"]) == ("text/html; charset=utf-8", "no-cache")
    assert (first["ServerSideEncryption"], "eu-west-1" in first["text"]) == ("aws:kms", True)
    assert plane.status()["report"]["key"] == "reports/orders.html"

    generation = plane.commit(*CIDR)
    plane.upload()
    plane.until(lambda: plane.status()["observedGeneration"] == generation and plane.status()["result"] == "Blocked")
    looked = len(plane.passes())
    plane.until(lambda: len(plane.passes()) > looked + 1)  # passes that find the same
    (refused,) = [check(notice) for notice in plane.told()]
    assert (refused["event"], refused["level"], refused["generation"]) == ("refused", "error", generation)
    assert "10.21.0.0/16" in refused["items"][0]["line"]
    assert plane.page()["VersionId"] != first["VersionId"]
    assert "10.21.0.0/16" in plane.page()["text"]
    assert plane.status()["notices"]["waiting"] == []
    assert [line for line in plane.lines("reconcile") if line.get("code") == "Untold"] == []
    assert plane.refused_by_iam() == []
    assert plane.waiting(DEAD) == 0
