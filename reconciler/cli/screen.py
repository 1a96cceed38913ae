"""The live view of `status --watch`: blocks of lines, fitted to the terminal as it is at the moment, on a screen of its own."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from reconciler.report.overview import Block, Line

STYLES = {"good": "green", "bad": "red", "warn": "yellow", "dim": "dim", "bold": "bold"}
FRAMES = 2
"""A second: ages and elapsed times go on between two looks at the table."""
FLOORS = (4, 2, 1, 0)
MOST_WRAPPED = 4
"""Lines that one message may take."""


def console(*, colour: bool) -> Console:
    return Console(no_color=not colour, highlight=False, markup=False, emoji=False)


def live(shown_on: Console, seen: Callable[[int], Sequence[Sequence[Block]]]) -> Live:
    """`seen`: the blocks of each topology, for so many columns. Leaving it gives the terminal back as it was."""

    def frame() -> RenderableType:
        return drawn(seen(shown_on.width), shown_on.width, shown_on.height)

    return Live(console=shown_on, get_renderable=frame, refresh_per_second=FRAMES, screen=True, transient=True)


def drawn(topologies: Sequence[Sequence[Block]], width: int, height: int) -> RenderableType:
    """One after the other; each has as much of the height as it needs, or its share."""
    whole = [[wrapped(b, width) for b in blocks] for blocks in topologies]
    lines: list[Line] = []
    for place, blocks in enumerate(whole):
        share = (height - len(lines)) // (len(whole) - place)
        if lines and share > 1:
            lines.append(Line(style="", text=""))
            share -= 1
        lines += fitted(blocks, max(share, 1))
    return Group(*(_text(line, width) for line in lines[:height]))


def _text(line: Line, width: int) -> Text:
    text = Text(line.text, style=STYLES.get(line.style, ""), no_wrap=True, overflow="ellipsis")
    text.truncate(width, overflow="ellipsis")
    return text


def wrapped(block: Block, width: int) -> Block:
    """Its lines as they are shown: what may wrap does, and is cut off after a few lines."""
    rows: list[Line] = []
    for line in block.lines:
        if not line.wraps:
            rows.append(line)
            continue
        parts = textwrap.wrap(
            line.text,
            max(width, 20),
            initial_indent="  ",
            subsequent_indent="    ",
            max_lines=MOST_WRAPPED,
            placeholder=" …",
        )
        rows += (replace(line, text=part) for part in parts)
    return replace(block, lines=tuple(rows))


def fitted(blocks: Sequence[Block], height: int) -> list[Line]:
    """All lines, if they fit; else the blocks of the highest rank are shortened first, then all of them further."""
    kept = [len(b.lines) for b in blocks]
    for floor in FLOORS:
        for place in sorted(range(len(blocks)), key=lambda i: -blocks[i].rank):
            over = _height(blocks, kept) - height
            kept[place] = max(min(kept[place], floor), kept[place] - max(over, 0))
    lines: list[Line] = []
    for block, rows in zip(blocks, kept, strict=True):
        lines += _shown(block, rows)
    return lines[:height]


def _height(blocks: Sequence[Block], kept: Sequence[int]) -> int:
    """A block of which nothing is kept has no title, but for the first, which is the headline."""
    return sum(1 + rows if rows or place == 0 else 0 for place, (_, rows) in enumerate(zip(blocks, kept, strict=True)))


def _shown(block: Block, rows: int) -> list[Line]:
    if not rows and block.rank:
        return []
    missing = len(block.lines) - rows
    more = f"  (and {missing} more)" if missing and not block.tail else ""
    title = replace(block.title, text=block.title.text + more) if block.rank else block.title
    return [title, *(block.lines[-rows:] if block.tail and rows else block.lines[:rows])]
