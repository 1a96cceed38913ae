"""Comments, summaries and the issue as people read them: `UPDATE_SNAPSHOTS=1` writes them anew; look at what changed."""

import os
from functools import cache
from pathlib import Path

import pytest

from reconciler.model.errors import InvalidDesiredState, Problem
from reconciler.report.github.comment import comment
from reconciler.report.github.issue import drift_issue
from reconciler.report.github.summary import invalid_summary, plan_summary
from tests.fakes import published

GOLDEN = Path(__file__).parents[3] / "golden" / "github"
PLANS = ("no_change", "small_change", "two_regions", "refusal", "hazard", "too_large")


@cache
def published_plan(name):
    return getattr(published, name)(), published.preflight() if name == "two_regions" else None


def same_as_golden(name: str, text: str) -> None:
    file = GOLDEN / name
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text + "\n")
    assert text + "\n" == file.read_text()


@pytest.mark.parametrize("name", PLANS)
def test_a_comment_reads_as_it_should(name):
    same_as_golden(f"comment-{name.replace('_', '-')}.md", comment(*published_plan(name), published.LINKS))


@pytest.mark.parametrize("name", [n for n in PLANS if n != "too_large"])
def test_a_summary_reads_as_it_should(name):
    same_as_golden(f"summary-{name.replace('_', '-')}.md", plan_summary([published_plan(name)], published.LINKS))


def test_a_summary_of_several_begins_with_what_stands_where():
    items = [published_plan(name) for name in ("no_change", "two_regions", "refusal")]
    same_as_golden("summary-several.md", plan_summary(items, published.LINKS))


def test_an_invalid_document_has_every_problem_at_its_place():
    problems = (
        Problem(
            "desired_state/orders.yaml", 12, 9, "spec.regions[1].cidr", "Overlap", "10.10.0.0/16 overlaps us-east-1's"
        ),
        Problem("desired_state/orders.yaml", 1, 1, "", "TooLarge", "the file has more than 256 KiB"),
    )
    same_as_golden("summary-invalid.md", invalid_summary(InvalidDesiredState(problems), published.LINKS))


def test_a_night_of_drift_is_one_issue():
    issue = drift_issue(published.drift(), published.LINKS)
    assert issue.open
    assert issue.title == "orders: 6 drift findings (2 to heal, 3 to hold, 1 to page), source behind"
    same_as_golden("issue-drift.md", issue.body)
