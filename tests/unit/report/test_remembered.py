"""Findings in the status: since when, by whom, for as long as they stay."""

from dataclasses import replace
from datetime import timedelta

from reconciler.model.change import Diff, Disposition
from reconciler.model.coverage import Coverage, Entry, Way
from reconciler.model.sightings import Sightings
from reconciler.report.conditions import conditions
from reconciler.report.status import status_document
from reconciler.report.status_text import status_markdown, status_text
from tests.fakes import outcomes
from tests.fakes.topologies import with_regions

LATER = timedelta(minutes=30)
PRICE = replace(outcomes.drifted().diff.findings[0], logical_id="Distribution", by="arn:aws:iam::1:user/alice")
READ = Entry(path="edge/priceClass", way=Way.READ)
UNREAD = Entry(path="edge/priceClass", way=Way.UNCHECKED, why="only a full sweep reads it")


def status(before, *findings, ledger=(READ,), after=timedelta()):
    """The status after a look that finds these, knowing the status before."""
    seen = outcomes.observed(at=outcomes.NOW + after, recorded=before)
    told = Sightings.recorded(before).told(findings)
    return status_document(
        outcomes.outcome(observed=seen, diff=Diff(findings=told, coverage=Coverage.of(ledger))), before
    )


def test_a_finding_keeps_its_time_and_its_author_while_it_stays():
    first = status(None, PRICE)
    again = status(first, replace(PRICE, by=None), after=LATER)
    (kept,) = again["findings"]
    assert (kept["since"], kept["by"], kept["disposition"]) == ("2026-03-01T03:00:00Z", PRICE.by, "heal")
    other = status(again, replace(PRICE, by=None, observed="PriceClass_200"), after=LATER)["findings"][0]
    assert (other["since"], other["by"]) == (kept["since"], None)
    gone = status(again, after=LATER)
    assert gone["findings"] == []
    assert status(gone, PRICE, after=LATER)["findings"][0]["since"] == "2026-03-01T03:30:00Z"


def test_what_a_look_did_not_compare_is_not_forgotten_nor_called_in_sync():
    first = status(None, PRICE)
    after = status(first, ledger=(UNREAD,))
    assert [f["path"] for f in after["findings"]] == ["edge/priceClass"]
    seen = outcomes.observed(recorded=first)
    found = outcomes.outcome(observed=seen, diff=Diff(coverage=Coverage.of([UNREAD])))
    drift = next(c for c in conditions(found, with_regions(*outcomes.REGIONS)) if c.type == "DriftDetected")
    assert (drift.status, drift.reason) == ("True", "NotLookedAtAgain")
    assert status(after, ledger=())["findings"] == []  # its place is no more
    whole = Entry(path="edge/Distribution", way=Way.UNCHECKED, why="AccessDenied: no")
    assert len(status(first, ledger=(whole,))["findings"]) == 1


def test_that_cloudtrail_could_not_be_asked_is_not_kept():
    assert status(None, replace(PRICE, by="not known (CloudTrail: AccessDenied)"))["findings"][0]["by"] is None


def test_what_nobody_of_ours_wrote_is_not_taken_for_a_memory():
    (entry,) = status(None, PRICE)["findings"]
    for broken in ([1], "x", {"a": 1}, [{**entry, "since": "then"}], [{**entry, "by": 3}], [{**entry, "key": "x"}]):
        assert not Sightings.recorded({"findings": broken}).of
        assert status({**status(None), "findings": broken}, ledger=(UNREAD,))["findings"] == []


def test_the_condition_names_how_many_and_the_worst_and_the_status_shows_them():
    night = outcomes.night()
    drift = next(c for c in conditions(night, with_regions(*outcomes.REGIONS)) if c.type == "DriftDetected")
    assert drift.message.startswith("6 found, 1 waived, the worst to page: regions/eu-west-1/api/FunctionLogs, ")
    assert drift.reason == "Page"
    document = status_document(night, None)
    text = status_text(document)
    assert "  hold  database/writer  since 2026-03-01T01:25:00Z\n    by arn:aws:iam::111111111111:user/alice" in text
    assert "  waived  edge/Distribution/Comment  since" in text
    assert "Drift: page `regions/eu-west-1/api/FunctionLogs`" in status_markdown(document)


def test_values_and_ways_out_are_kept_as_people_read_them_and_no_secret_is():
    raised = replace(
        PRICE, path="database/capacity/max", logical_id="Cluster", desired=64, observed=96, disposition=Disposition.HOLD
    )
    secret = replace(raised, path="database/masterPassword", desired="hunter2", observed="x" * 500)
    long = replace(PRICE, path="edge/comment", observed="y" * 500)
    found = {f["path"]: f for f in status(None, raised, secret, long, ledger=())["findings"]}
    kept = found["database/capacity/max"]
    assert (kept["desired"], kept["observed"], kept["missing"]) == ("64", "96", False)
    assert kept["waysOut"] == {
        "adopt": "max: 96, under spec.database.capacity",
        "takeBack": "set it back to 64 by hand",
    }
    assert "hunter2" not in str(found)
    assert found["database/masterPassword"]["desired"].startswith("(redacted")
    assert (len(found["edge/comment"]["observed"]), found["edge/comment"]["waysOut"]) == (120, {})


def test_a_long_value_makes_no_long_way_out():
    long = replace(
        PRICE, path="edge/webAclArn", disposition=Disposition.HOLD, desired="d" * 9_000, observed="o" * 9_000
    )
    (kept,) = status(None, long)["findings"]
    assert {name: len(way) for name, way in kept["waysOut"].items()} == {"adopt": 400, "takeBack": 400}
