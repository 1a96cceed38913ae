"""The README shows the summary openly and every act folded, word for word."""

from demo.excerpt import excerpt

TRANSCRIPT = """\
Meridian

── Act 1: From nothing ─────────
$ meridian plan
  orders: +15

── Summary ─────────
   act   what
"""


def test_acts_are_folded_below_the_summary():
    text = excerpt(TRANSCRIPT)
    assert text.startswith("```text\n   act   what\n```\n")
    assert "<details><summary>Act 1: From nothing</summary>\n\n```text\n$ meridian plan\n  orders: +15\n```\n" in text
    assert "Meridian" not in text
