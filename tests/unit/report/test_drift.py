"""The drift report as people read it."""

from dataclasses import replace

from reconciler.model.change import Coverage, Diff, Unchecked
from reconciler.model.observed import Unknown
from reconciler.model.stacks import StackKind
from reconciler.report.drift import complete, drift_json, drift_markdown, drift_text
from tests.fakes import outcomes


def test_findings_stand_by_place_with_what_happens_next():
    lines = drift_text(outcomes.drifted()).splitlines()
    assert lines[0] == "orders: 3 drift findings (1 to heal, 1 to hold, 1 to page)"
    start = lines.index("eu-west-1")
    assert lines[start : start + 4] == [
        "eu-west-1",
        "  traffic: observed drained, desired serving",
        "    hold: the gate was closed by hand; left as it is until a commit decides",
        "    since 2026-03-01T03:00:00Z, by alice",
    ]
    assert lines[-2:] == ["Checked 211 of 212 fields; not checked:", "- 1: write-only"]


def test_a_lost_resource_is_gone_and_long_reasons_are_counted():
    lost = replace(outcomes.drifted().diff.findings[0], missing=True, observed=None)
    reasons = ("a", "a", "b", "b", "c", "c", "d", "e")
    unchecked = tuple(Unchecked(path=f"edge/{n}", why=why) for n, why in enumerate(reasons))
    for desired, words in (
        ("PriceClass_100", "priceClass: gone, desired PriceClass_100"),
        (None, "priceClass: gone\n"),
    ):
        found = Diff(
            findings=(replace(lost, desired=desired),), coverage=Coverage(fields=9, checked=1, unchecked=unchecked)
        )
        text = drift_text(outcomes.outcome(diff=found))
        assert words in text
        assert text.endswith("- 2: c\n- 2: for other reasons; `--format json` names each")


def test_no_form_shows_a_secret():
    drifted = outcomes.drifted()
    for form in (drift_text(drifted), drift_markdown(drifted), str(drift_json(drifted))):
        assert "hunter" not in form
        assert "f52fbd32b2b3" in form


def test_nothing_found_is_not_the_same_as_nothing_there():
    assert drift_text(outcomes.outcome()).startswith("No drift found.")
    assert drift_text(outcomes.building()).startswith("orders is not deployed yet")


def test_what_was_not_checked_is_never_called_in_sync():
    whole = outcomes.outcome()
    dark = {**whole.observed.stacks, outcomes.ref(StackKind.API, "eu-west-1"): Unknown("Unreachable", "timed out")}
    blind = replace(whole, observed=outcomes.observed(stacks=dark))
    partly = replace(whole, diff=Diff(coverage=Coverage(fields=10, checked=9)))
    assert [complete(o) for o in (whole, blind, partly)] == [True, False, False]
    assert "eu-west-1 could not be read (Unreachable: timed out): not known to be in sync." in drift_text(blind)
