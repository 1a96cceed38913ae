"""Documents on stdout."""

from __future__ import annotations

import json

import pytest

from reconciler.cli.output import dumps


@pytest.mark.parametrize("line", [True, False])
def test_a_document_is_inert_on_a_terminal_and_says_the_same(line):
    document = {"by": "\x1b[2J\x9b31m\u202eevil\u2069\u2028\ud800 Zoë 東京", "\x7f": ["\u200f"]}
    text = dumps(document, line=line)
    assert json.loads(text) == document
    assert text.replace("\n", "").isprintable()
    assert "Zoë 東京" in text
    text.encode()
