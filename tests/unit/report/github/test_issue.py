"""The drift issue: open while there is something to say, and every finding with its ways out."""

from dataclasses import replace

import pytest

from reconciler.model.change import Diff, Disposition, Finding, Tool
from reconciler.model.coverage import Coverage, Entry, Way
from reconciler.report.github.issue import drift_issue, drift_summary
from reconciler.report.github.limits import COMMENT, SUMMARY, Limit
from tests.fakes import outcomes, published

LINKS = published.LINKS
BEHIND = {"type": "SourceBehind", "status": "True", "message": "the source is at commit 4f1c0d9"}
EARLIER = {
    "key": "regions/eu-west-1/api/Role/Arn#Role#eu-west-1",
    "digest": "d",
    "path": "regions/eu-west-1/api/Role/Arn",
    "region": "eu-west-1",
    "disposition": "page",
    "waived": False,
    "reason": "somebody's",
    "since": "2026-02-28T03:00:00Z",
    "by": None,
}


def finding(disposition=Disposition.HOLD, **more) -> Finding:
    given = {"path": "edge/priceClass", "region": None, "reason": "r", "desired": "a", "observed": "b", **more}
    return Finding(disposition=disposition, **given)


def body(*found, **more) -> str:
    return drift_issue(outcomes.outcome(diff=Diff(findings=found), **more), LINKS).body


def test_nothing_to_say_is_closed_and_says_so():
    issue = drift_issue(outcomes.outcome(), LINKS)
    assert not issue.open
    assert issue.title == "orders: no drift found"
    assert "Nothing is left to do here." in issue.body
    assert "Checked 212 of 212 values" in issue.body


@pytest.mark.parametrize(
    ("recorded", "opened", "words"),
    [
        ({"conditions": [BEHIND]}, True, "source behind"),
        ({"conditions": [{**BEHIND, "status": "False"}]}, False, "no drift found"),
    ],
)
def test_what_the_last_status_says_keeps_it_open(recorded, opened, words):
    issue = drift_issue(outcomes.outcome(observed=outcomes.observed(recorded=recorded)), LINKS)
    assert issue.open is opened
    assert words in issue.title


@pytest.mark.parametrize(
    ("found", "said", "unsaid"),
    [
        (
            finding(),
            ["accept: commit `priceClass: b`, under `spec.edge`", "set it back to a by hand"],
            ["drift --heal"],
        ),
        (finding(Disposition.HEAL), ["revert: `meridian drift --heal`, or the next converge"], ["accept"]),
        (finding(Disposition.PAGE, tool=Tool.NONE), ["a person must look"], ["accept", "revert"]),
        (finding(Disposition.PAGE, tool=Tool.KEY), ["revert: `meridian drift --heal`"], ["accept"]),
        (finding(), ['waive: `- {path: "edge/priceClass", reason: "say why", expires: "2026-03-15"}`'], []),
        (finding(path="edge/a b"), [], ["waive"]),
        (finding(missing=True, observed=None), ["`edge/priceClass`: gone"], ["observed"]),
        (finding(since=outcomes.NOW, by="alice"), ["since `2026-03-01T03:00:00Z`, 0s ago", "made by: alice"], []),
        (finding(desired="hunter2", path="data/Master/MasterUserPassword"), ["redacted"], ["hunter2"]),
    ],
)
def test_each_finding_has_its_ways_out(found, said, unsaid):
    text = body(found)
    assert [s for s in said if s not in text] == []
    assert [u for u in unsaid if u in text] == []


def test_a_flood_in_one_place_does_not_drown_the_others():
    flood = [finding(Disposition.HEAL, path=f"edge/P{n}", observed="b" * 60) for n in range(900)]
    worst = finding(Disposition.PAGE, path="database/writer")
    text = body(*flood, worst)
    assert COMMENT.holds(text)
    assert "**page** `database/writer`" in text
    assert "and 890 more findings" in text
    assert "`meridian drift` prints the whole" in text


def test_what_was_found_earlier_and_not_looked_at_again_is_not_gone():
    ledger = (Entry(path="regions/eu-west-1/api/Role", way=Way.UNCHECKED, why="AccessDenied"),)
    recorded = {"findings": [EARLIER]}
    dark = replace(
        outcomes.outcome(observed=outcomes.observed(recorded=recorded)), diff=Diff(coverage=Coverage.of(ledger))
    )
    issue = drift_issue(dark, LINKS)
    assert issue.open
    assert issue.title == "orders: no drift found, 1 not looked at again"
    assert "`regions/eu-west-1/api/Role/Arn`" in issue.body


def test_a_summary_of_many_topologies_has_those_that_fit():
    issues = [drift_issue(replace(outcomes.night(), topology=f"orders-{n}"), LINKS) for n in range(40)]
    said = drift_summary(issues, limit=Limit(characters=40_000, size=40_000))
    assert len(said.encode()) <= 40_000
    shown = [n for n in range(40) if f"### orders-{n}:" in said or f"### `orders-{n}`:" in said]
    assert shown == list(range(len(shown)))
    assert 5 < len(shown) < 40
    assert "each issue has its own" in said
    assert "<!--" not in said
    assert drift_summary(issues[:1]).count("drift findings") == 1
    assert SUMMARY.size < 1024 * 1024
