"""How much fits: sections whole, then in their short forms, then only the important ones. Nothing is cut in its middle."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.report.words import count

_LINE = 2_500
"""Room for the line that says what is left out."""
_NAMED = 10
_GAP = "\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    characters: int
    size: int
    """In bytes of UTF-8."""

    def holds(self, *texts: str) -> bool:
        text = _GAP.join(texts)
        return len(text) <= self.characters and len(text.encode()) <= self.size


COMMENT = Limit(characters=65_000, size=260_000)
"""GitHub: 65,536 characters and 262,144 bytes, for comments and issues alike; a few are left for how it counts line ends."""
SUMMARY = Limit(characters=900 * 1024, size=900 * 1024)
"""GitHub drops a step's whole summary above 1 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """`name`: how it is called where it is left out. `weight`: the lightest goes first."""

    name: str
    weight: int
    full: str
    short: str = ""
    """Said in less; empty where it has no such form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    texts: tuple[str, ...]
    shortened: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


def fit(head: str, sections: Sequence[Section], foot: str, where: str, limit: Limit) -> str:
    """`head` and `foot` always stay, so they have to be bounded. `where`: half a sentence on where the whole is."""
    done = fitted(sections, [head, foot], limit)
    said = (*_said("Shortened", done.shortened), *_said("Left out", done.dropped))
    note = (f"> No more fits here, {where}. {' '.join(said)}",) if said else ()
    return _GAP.join(text for text in (head, *note, *done.texts, foot) if text)


def fitted(sections: Sequence[Section], around: Iterable[str], limit: Limit) -> Fitted:
    forms = [s.full for s in sections]
    shortened: list[str] = []
    dropped: list[str] = []
    lightest = sorted(range(len(sections)), key=lambda i: sections[i].weight)
    room = Limit(characters=limit.characters - _LINE, size=limit.size - _LINE)
    used = _Used([*around, *forms])
    for place in [i for i in lightest if sections[i].short]:
        if used.within(room):
            break
        used.replace(forms[place], sections[place].short)
        forms[place] = sections[place].short
        shortened.append(sections[place].name)
    for place in lightest:
        if used.within(room):
            break
        used.replace(forms[place], "")
        forms[place] = ""
        dropped.append(sections[place].name)
    shortened = [name for name in shortened if name not in dropped]
    return Fitted(texts=tuple(f for f in forms if f), shortened=tuple(shortened), dropped=tuple(dropped))


class _Used:
    """Counts on, so that a thousand sections are not put together a thousand times."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.characters = self.size = 0
        for text in texts:
            self.replace("", text)

    def replace(self, old: str, new: str) -> None:
        self.characters += _with_gap(len(new)) - _with_gap(len(old))
        self.size += _with_gap(len(new.encode())) - _with_gap(len(old.encode()))

    def within(self, limit: Limit) -> bool:
        return self.characters <= limit.characters and self.size <= limit.size


def _with_gap(length: int) -> int:
    return length + len(_GAP) if length else 0


def _said(how: str, names: Sequence[str]) -> Iterable[str]:
    if names:
        more = f" and {count(len(names) - _NAMED, 'other')}" if len(names) > _NAMED else ""
        yield f"{how}: {', '.join(names[:_NAMED])}{more}."
