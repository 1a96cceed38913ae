"""Whatever the text, a parser of GitHub's Markdown finds words and code in it, and all of them."""

import pytest
from hypothesis import assume, example, given, settings

from reconciler.report.github.escape import block, clean, code, in_diagram, words
from tests.unit.report.github.hostile import TEXTS
from tests.unit.report.github.parsed import obeyed, read_back, shape, tokens

PLACES = {
    "paragraph": "{}",
    "after words": "see {}.",
    "heading": "### {}",
    "bullet": "- {}",
    "quotation": "> {}",
    "bold": "**{}**: x",
    "cell": "| a | b |\n| --- | --- |\n| {} | x |",
    "two cells": "| a | b |\n| --- | --- |\n| {} | {} |",
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("form", [code, words])
@given(text=TEXTS)
@settings(deadline=None, max_examples=60)
def test_no_text_is_more_than_words_and_code_wherever_it_stands(form, place, text):
    assume(clean(text))
    shown = place.replace("{}", form(text))
    assert obeyed(shown) == []
    assert shape(shown) == shape(place.replace("{}", "x"))
    assert "<!--" not in shown


@given(text=TEXTS)
@example("a`b``c")
@settings(deadline=None, max_examples=200)
def test_what_was_written_can_be_read_back(text):
    assert read_back(code(text)) == (clean(text) or '""')
    assert read_back(words(text)).replace("`", "") == clean(text).replace("`", "")


@given(text=TEXTS)
@settings(deadline=None, max_examples=200)
def test_a_block_stays_one_block_of_lines(text):
    shown = block(text)
    kinds = [t.type for t in tokens(shown)]
    assert kinds in (["fence"], ["html_block"])
    assert "<!--" not in shown
    if kinds == ["html_block"]:
        inner = shown.removeprefix("<pre>").removesuffix("</pre>")
        assert not set(inner) & set("<>`@[]|$:")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "the writer moves from us-east-1; 96.6 % done (really)",
            "the writer moves from us-east-1; 96.6 % done (really)",
        ),
        ("see `meridian drift`, then (safety.allow): done", "see `meridian drift`, then (`safety.allow`): done"),
        ("add {hazard: x, expires: …} to it", "add `{hazard: x, expires: …}` to it"),
        ("1. one", "`1.` one"),
        ("a → b", "a → b"),
        ("→ b", "`→` b"),
        ("defaced deadbeef1 ABC-12", "`defaced` `deadbeef1` `ABC-12`"),
        ("a<b", "<code>a&#60;b</code>"),
        ("x`y`z", "<code>x&#96;y&#96;z</code>"),
    ],
)
def test_our_own_sentences_stay_sentences(text, shown):
    assert words(text) == shown


def test_a_long_text_ends_in_its_middle_and_nothing_reads_as_nothing():
    assert words("x " * 4000) == ("x " * 1000)[:1999] + "…"
    assert code("") == '`""`'
    assert words("") == ""


@given(text=TEXTS)
@settings(deadline=None, max_examples=100)
def test_a_label_of_a_diagram_has_nothing_that_mermaid_reads(text):
    assert not set(in_diagram(text)) & set("\"'`<>[](){}|;&#%\n:")
