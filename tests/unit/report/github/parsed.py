"""What a parser of GitHub's Markdown makes of a text, and what GitHub would make of that: mentions, references, addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OBEYED = {
    "mention": re.compile(r"@\w"),
    "reference": re.compile(r"#\d|\bGH-\d"),
    "address": re.compile(r"\w://|\bwww\.|\w@\w|\w\.[a-z]{2,}/"),
    "commit": re.compile(r"\b[0-9a-f]{7,40}\b"),
    "formula": re.compile(r"\$"),
    "shortcode": re.compile(r":\w+:"),
    "hidden": re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"),
}
"""What GitHub acts upon in text that is not code."""
OURS = re.compile(
    r"</?code>|<br>|<details><summary>[\w ,]+</summary>|</details>|<!-- meridian:(plan|drift):[a-z0-9?-]* -->"
)


def tokens(text: str) -> list[Token]:
    return [inner for token in PARSER.parse(text) for inner in (token, *(token.children or ()))]


def shape(text: str) -> list[str]:
    """Blocks alone: what a stranger's text may not add to."""
    return [t.type for t in PARSER.parse(text) if t.type != "inline"]


def prose(text: str) -> Iterator[str]:
    """Text that stands in no code."""
    in_code = False
    for token in tokens(text):
        if token.type == "html_inline":
            in_code = {"<code>": True, "</code>": False}.get(token.content, in_code)
        elif token.type == "text" and not in_code:
            yield token.content


def obeyed(text: str) -> list[str]:
    """Everything in it that is more than words and code of ours."""
    found = [f"{t.type} {t.attrs}" for t in tokens(text) if t.type in {"image", "s_open"}]
    found += [str(t.attrGet("href")) for t in tokens(text) if t.type == "link_open"]
    for token in tokens(text):
        if token.type in {"html_inline", "html_block"}:
            found += [line for line in token.content.split("\n") if line and not OURS.fullmatch(line)]
    return found + [f"{what}: {said}" for said in prose(text) for what, sign in OBEYED.items() if sign.search(said)]


def read_back(text: str) -> str:
    return "".join(t.content for t in tokens(text) if t.type in {"text", "code_inline"})
