"""Text of strangers, made inert: whatever it says, GitHub shows it and does nothing else with it.

What comes from YAML or AWS goes through one of these, once, as late as possible. Backslashes are not enough: GitHub looks for
mentions, references and addresses once Markdown is done with them. So what is more than a word stands in code, where it looks
for nothing.
"""

from __future__ import annotations

import re

from reconciler.report.words import one_line

LONGEST = 2000
"""Characters of one message; nobody writes longer ones but to drown the rest."""
_BARE = re.compile(r"[^`|\\<>&]+")
"""Stands between backticks as it is, in a table too: parsers disagree on a backslash before `|`, so neither goes there."""
_CHUNK = re.compile(r"(?:`[^`]*`|\{[^{}`]*\}|\S)+")
_PARTS = re.compile(
    r"(?P<before>[(\"']*)"
    r"(?:`(?P<quoted>[^`]+)`|(?P<entry>\{[^{}`]*\})|(?P<word>[^\W_]+(?:[-'’][^\W_]+)*%?|[0-9]+(?:[.,][0-9]+)*%?|%)"
    r"|(?P<name>\w[\w./:*=+\[\]-]*[\w\]*]))"
    r"(?P<after>[)\"',.;:?!…]*)"
)
_BETWEEN = frozenset("→…–—·×≥≤±+-=/,;:.")
"""What may stand alone between words, though never first."""
_REFERENCE = re.compile(r"[0-9a-fA-F]{7,}|[A-Za-z]+-[0-9]+")
"""What GitHub may take for a commit or an issue: `GH-12`, and whatever prefix a repository has set up."""
_NUMBERED = re.compile(r"[0-9]+[.)].*")
_SHOWS_NOTHING = str.maketrans(dict.fromkeys("\u115f\u1160\u3164\uffa0\u2800", "?"))
"""Letters and symbols by Unicode's lights."""
_DIAGRAM = re.compile(r"[^A-Za-z0-9 ._/·-]")


def clean(text: str, longest: int = LONGEST) -> str:
    """One line without controls, zero-width and bidirectional ones among them. The other forms can be read back to it."""
    line = one_line(text).translate(_SHOWS_NOTHING)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def code(text: str, longest: int = LONGEST) -> str:
    """As code, in a line or in a table."""
    line = clean(text, longest) or '""'
    return f"`{line}`" if _BARE.fullmatch(line) else f"<code>{entities(line)}</code>"


def words(text: str, longest: int = LONGEST) -> str:
    """As a sentence: plain words stay, everything else is code. Our own messages have names and commands between backticks."""
    line = clean(text, longest)
    return " ".join(_chunk(found.group(), first=not found.start()) for found in _CHUNK.finditer(line))


def block(text: str) -> str:
    """Several lines, as they are."""
    lines = (line.expandtabs(4).rstrip() for line in text.splitlines())
    body = "\n".join("".join(c if c.isprintable() else "?" for c in line).translate(_SHOWS_NOTHING) for line in lines)
    return f"<pre>{entities(body)}</pre>" if "`" in body or "<" in body else f"```text\n{body}\n```"


def entities(text: str) -> str:
    """Every character that could mean something, by its number."""
    return "".join(c if c.isalnum() or c in " \n" or ord(c) > 127 else f"&#{ord(c)};" for c in text)


def in_diagram(text: str, longest: int = 60) -> str:
    """For a label between quotes in mermaid, which has no way to write most of them."""
    return _DIAGRAM.sub("?", clean(text, longest))


def _chunk(chunk: str, *, first: bool) -> str:
    if chunk in _BETWEEN and not first:
        return chunk
    parts = _PARTS.fullmatch(chunk)
    if parts is None or (first and _NUMBERED.fullmatch(chunk)):
        return code(chunk)
    quoted, word = parts["quoted"] or parts["entry"] or parts["name"], parts["word"]
    inner = word if word and not _REFERENCE.fullmatch(word) else code(quoted or word)
    return f"{parts['before']}{inner}{parts['after']}"
