"""The drift report as people read it."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.load import schema
from reconciler.model.change import Coverage, Diff, Disposition, Finding, Unchecked
from reconciler.model.coverage import Entry, Way
from reconciler.model.observed import Unknown
from reconciler.model.stacks import StackKind
from reconciler.report.coverage import complete
from reconciler.report.differing import parts
from reconciler.report.drift import drift_json, drift_text
from reconciler.report.github.issue import drift_markdown
from reconciler.report.ways_out import ADOPTABLE, adoption, taking_back
from tests.fakes import outcomes

GOLDEN = Path(__file__).parents[2] / "golden" / "reports"
FORMS = {"drift.txt": drift_text, "drift.md": drift_markdown}


@pytest.mark.parametrize(("name", "write"), FORMS.items(), ids=FORMS)
def test_a_whole_night_reads_as_it_should(name, write):
    """`UPDATE_SNAPSHOTS=1` writes them anew: read what changed."""
    file, found = GOLDEN / name, write(outcomes.night()) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.write_text(found)
    assert found == file.read_text()


def test_findings_stand_by_place_with_what_happens_next():
    lines = drift_text(outcomes.drifted()).splitlines()
    assert lines[0] == "orders: 3 drift findings (1 to heal, 1 to hold, 1 to page)"
    start = lines.index("eu-west-1")
    assert lines[start + 1 : start + 4] == [
        "  hold  traffic",
        "        desired    serving   observed  drained",
        "        why        the gate was closed by hand",
    ]
    assert lines[-2:] == [
        "Checked 211 of 212 values (99.5 %).",
        "Not checked: 1 write-only (`--format json` names each).",
    ]


def test_a_lost_resource_is_gone_and_long_reasons_are_counted():
    lost = replace(outcomes.drifted().diff.findings[0], missing=True, observed=None)
    reasons = ("a", "a", "b", "b", "c", "c", "d", "e")
    unchecked = tuple(Unchecked(path=f"edge/{n}", why=why) for n, why in enumerate(reasons))
    for desired, words in (
        ("PriceClass_100", "desired    PriceClass_100   observed  gone\n"),
        (None, "desired    a resource   observed  gone\n"),
    ):
        found = Diff(
            findings=(replace(lost, desired=desired),), coverage=Coverage(fields=9, checked=1, unchecked=unchecked)
        )
        text = drift_text(outcomes.outcome(diff=found))
        assert words in text
        assert text.endswith("Not checked: 2 a; 2 b; 2 c; 2 for other reasons (`--format json` names each).")


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


def test_only_what_can_be_checked_makes_a_look_incomplete():
    secret = Entry(path="a", way=Way.UNCHECKED, why="a secret", values=2, checkable=False)
    denied = Entry(path="b", way=Way.UNCHECKED, why="AccessDenied: no")
    read = Entry(path="c", way=Way.READ, values=3)
    looks = [outcomes.outcome(diff=Diff(coverage=Coverage.of(e))) for e in ((read, secret), (read, denied))]
    assert [complete(look) for look in looks] == [True, False]
    assert [look.diff.coverage.percent for look in looks] == [60.0, 75.0]


PARTS = [
    (64, 128.0, [("", "64", "128")]),
    ({"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 3}}, [("b/c", "2", "3")]),
    ('{"S": [{"A": "x", "E": "y"}]}', {"S": [{"A": "*", "E": "y"}]}, [("S/0/A", "x", "*")]),
    (["a", "b"], ["b", "c"], [("", "a", "c")]),
    (["a", "b"], ["b", "a"], [("", '["a", "b"]', '["b", "a"]')]),
    ({"a": 1}, None, [("", '{"a": 1}', "(none)")]),
    ([{"a": 1}], [{"a": 1}, {"a": 2}], [("1", "(none)", '{"a": 2}')]),
    ({"password": "x", "n": 1}, {"password": "y", "n": 1}, None),
    ("[" * 9000, "x\x1b[31m", [("", f"{'[' * 39}…{'[' * 20}", "x?[31m")]),
]


@pytest.mark.parametrize(("desired", "observed", "expected"), PARTS, ids=lambda p: str(p)[:30])
def test_values_are_shown_by_what_differs(desired, observed, expected):
    found = parts("edge/X/Policy", desired, observed)
    if expected is None:
        ((place, ours, theirs),) = found
        assert place == "password"
        assert ours.startswith("(redacted")
        assert theirs.startswith("(redacted")
    else:
        assert found == expected


def test_many_differences_are_counted():
    found = parts("edge/X", {str(n): n for n in range(9)}, {str(n): -n for n in range(1, 9)})
    assert len(found) == 5
    assert found[-1] == ("", "and 5 more", "")


def held(path, desired, observed, region=None):
    return Finding(
        path=path, region=region, disposition=Disposition.HOLD, reason="", desired=desired, observed=observed
    )


WAYS_OUT = [
    (held("database/version", "16.8", "16.9"), 'version: "16.9", under spec.database', 'set it back to "16.8" by hand'),
    (
        held("regions/eu-west-1/traffic", "drained", "serving", "eu-west-1"),
        "traffic: serving, at eu-west-1 under spec.regions",
        "aws route53 update-health-check --health-check-id g-eu-west-1 --health-threshold 2",
    ),
    (held("edge/Distribution/DistributionConfig/Comment", "a", "b"), "", "set it back to a by hand"),
    (held("edge/Distribution/DistributionConfig/Enabled", True, False), "", "enable distribution E1 in CloudFront's"),
    (held("edge/webAclArn", None, "arn:aws:x"), 'webAclArn: "arn:aws:x", under spec.edge', ""),
]


@pytest.mark.parametrize(("finding", "commit", "back"), WAYS_OUT, ids=[w[0].path for w in WAYS_OUT])
def test_what_is_held_has_two_ways_out(finding, commit, back):
    assert adoption(finding) == commit
    assert taking_back(finding, outcomes.observed()).startswith(back)


def test_lines_to_commit_are_lines_of_the_document():
    fields = json.loads(Path(schema.__file__).with_name("schema.json").read_text())["properties"]["spec"]
    for path in ADOPTABLE:
        node = fields
        for part in path.split("/"):
            node = node["properties"][part]
        assert node["description"]
