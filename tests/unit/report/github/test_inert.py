"""A stranger writes into every field that takes text: nothing of it comes to life in a comment, a summary or an issue."""

import re
from dataclasses import fields, is_dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

import pytest
from hypothesis import given, settings

from reconciler.model.errors import InvalidDesiredState, Problem
from reconciler.model.outcome import Condition
from reconciler.model.outcome import Problem as Trouble
from reconciler.model.plan import Refusal
from reconciler.report.github.comment import comment, marker
from reconciler.report.github.issue import drift_issue, drift_markdown
from reconciler.report.github.limits import COMMENT, SUMMARY, Limit
from reconciler.report.github.links import Links, commit_link, link
from reconciler.report.github.summary import invalid_summary, plan_summary
from tests.fakes import outcomes, published
from tests.unit.report.github.hostile import PAYLOADS, TEXTS
from tests.unit.report.github.parsed import PARSER, obeyed, tokens

KEPT = {"stack", "stacks", "coverage", "ledger", "at", "revision"}
"""Not text, or ours."""
DIAGRAM = re.compile(
    r"flowchart LR|end|direction LR|before ==> after|style .*|classDef .*"
    r"|subgraph (before|after)\[\"[a-z ]+\"\]|class [nt]\d+ writer|[nt]0\[\"nothing\"\]:::out|[nt]0\(\[\"[\w ?./·-]*\"\]\)"
    r"|[nt]0 -(-|\.-)> [nt]\d+\[\"[\w ?./·-]*<br/>[\w ?./·-]*\"\]:::\w+"
)


def spoilt(value, text):
    """The same value with this text in place of every other one, however deep."""
    if isinstance(value, (Enum, datetime, timedelta, bool)):
        return value
    if isinstance(value, str):
        return text
    if isinstance(value, tuple):
        return tuple(spoilt(v, text) for v in value)
    if isinstance(value, frozenset):
        return value
    if is_dataclass(value):
        return replace(
            value, **{f.name: spoilt(getattr(value, f.name), text) for f in fields(value) if f.name not in KEPT}
        )
    return value


def spoilt_outcome(base, text):
    """Everything but Region names, which AWS has a list of."""
    refusals = (Refusal(code=text, path=text, message=text), *(base.plan.refusals and spoilt(base.plan.refusals, text)))
    plan = spoilt(base.plan, text)
    diff = replace(spoilt(base.diff, text), touched=base.diff.touched)
    seen = base.observed
    condition = Condition(
        type="SourceBehind", status="True", reason=text, message=text, observed_generation=1, last_transition=seen.at
    )
    return replace(
        base,
        topology=text,
        plan=replace(plan, refusals=refusals, withheld=plan.waves),
        diff=diff,
        problems=(Trouble(code=text, step=text, message=text),),
        conditions=(condition,),
        revision=replace(base.revision, commit=text),
        regions=(*base.regions, text),
    )


def inert(text: str, links: Links) -> None:
    led = [t.attrGet("href") for t in tokens(text) if t.type == "link_open"]
    assert set(led) <= {links.run, links.artifact, f"{links.server}/{links.repository}/commit/{links.commit}"}
    assert [what for what in obeyed(text) if what not in led] == []
    assert text.count("<!--") == text.startswith("<!-- meridian:")
    for fence in (t for t in PARSER.parse(text) if t.type == "fence"):
        assert fence.info == "mermaid"
        assert [line for line in fence.content.splitlines() if not DIAGRAM.fullmatch(line.strip())] == []


BASES = (outcomes.building, outcomes.night, outcomes.leaving, outcomes.failed)


@pytest.mark.parametrize("base", BASES)
@given(text=TEXTS)
@settings(deadline=None, max_examples=8)
def test_nothing_comes_to_life(base, text):
    nothing_lives(base(), text)


@pytest.mark.parametrize("text", PAYLOADS)
def test_nothing_known_comes_to_life(text):
    nothing_lives(outcomes.night(), text)


def nothing_lives(base, text):
    outcome, checks = spoilt_outcome(base, text), spoilt(published.preflight(), text)
    links = published.LINKS
    said, issue = comment(outcome, checks, links), drift_issue(outcome, links)
    inert(said, links)
    inert(issue.body, links)
    inert(drift_markdown(outcome), links)
    inert(plan_summary([(outcome, checks), (outcome, None)], links), links)
    assert said.startswith(marker(text) + "\n")
    assert issue.body.startswith(issue.marker + "\n")
    assert len(issue.title.splitlines()) == 1
    assert COMMENT.holds(said)
    assert COMMENT.holds(issue.body)


@given(text=TEXTS)
@settings(deadline=None, max_examples=50)
def test_nothing_comes_to_life_of_an_invalid_document(text):
    problems = tuple(Problem(text, n, 1, text, text, text) for n in range(3))
    inert(invalid_summary(InvalidDesiredState(problems), published.LINKS), published.LINKS)


@given(text=TEXTS)
@settings(deadline=None, max_examples=50)
def test_no_link_leads_where_the_environment_was_talked_into(text):
    forged = Links(run=text, artifact=text, commit=text, repository=text, server=text)
    for shown in (link("run", text), commit_link(text, forged), commit_link("a" * 40, forged)):
        led = [t.attrGet("href") for t in tokens(shown) if t.type == "link_open"]
        assert all(re.match(r"https?://", where) and not set(where) & set(" <>()`\"'\n") for where in led)


@pytest.mark.parametrize("count", [1, 40])
def test_a_flood_of_long_refusals_still_fits(count):
    refusals = tuple(Refusal(code=f"C{n}", path=p, message=p * 9) for n in range(count) for p in PAYLOADS)
    outcome = outcomes.outcome(plan=outcomes.plan(refusals=refusals))
    said = comment(outcome, None, published.LINKS)
    assert COMMENT.holds(said)
    assert "**Refused: `C0`**" in said
    inert(said, published.LINKS)


def test_summaries_of_very_many_plans_are_cut_between_plans():
    items = [(replace(outcomes.building(), topology=f"orders-{n}"), None) for n in range(40)]
    room = Limit(characters=30_000, size=30_000)
    said = plan_summary(items, published.LINKS, limit=room)
    assert room.holds(said)
    assert "the whole is in [the artifact]" in said
    assert all(f"| `orders-{n}` |" in said for n in range(40))
    assert [n for n in range(40) if f"### `orders-{n}`:" in said] == list(range(said.count("### `orders-")))
    assert 5 < said.count("### `orders-") < 40
    inert(said, published.LINKS)
    assert SUMMARY.size < 1024 * 1024
