"""The share of each Region over time, and every request that failed, as one SVG."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape

from tests.continuity.clients import Call
from tests.continuity.judge import Window, shares

WIDTH, HEIGHT, LEFT, TOP = 1200, 320, 60, 40
COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#b07aa1", "#edc948", "#76b7b2")
BINS = 150


def drawn(calls: Sequence[Call], windows: Sequence[Window], chapters: Sequence[tuple[str, datetime]]) -> str:
    """Time goes to the right, in AWS's minutes; a red stroke below is a failed request, a grey band a window in which some may."""
    begins, ends = min(c.begun for c in calls), max(c.ended for c in calls)
    span = (ends - begins) / BINS
    regions = sorted({c.region for c in calls if c.answered and c.region})
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + LEFT + 20}" height="{HEIGHT + TOP + 110}" '
            'font-family="sans-serif" font-size="11">'
        ),
        '<rect width="100%" height="100%" fill="white"/>',
    ]

    def x(at: datetime) -> float:
        return LEFT + (at - begins) / (ends - begins) * WIDTH

    for window in windows:
        parts.append(
            f'<rect x="{x(window.begins):.1f}" y="{TOP}" width="{max(1.0, x(window.ends) - x(window.begins)):.1f}" '
            f'height="{HEIGHT + 20}" fill="#ddd"/>'
        )
    for number in range(BINS):
        parts += _column(shares(calls, begins + span * number, begins + span * (number + 1)), regions, number)
    for call in calls:
        if not call.answered:
            parts.append(f'<rect x="{x(call.begun):.1f}" y="{TOP + HEIGHT + 4}" width="1" height="14" fill="#d00"/>')
    for number, (title, at) in enumerate(chapters):
        row = TOP + HEIGHT + 34 + number % 4 * 14
        parts.append(
            f'<line x1="{x(at):.1f}" x2="{x(at):.1f}" y1="{TOP}" y2="{row - 10}" stroke="#333" stroke-dasharray="2 3"/>'
        )
        parts.append(f'<text x="{x(at) + 2:.1f}" y="{row}">{escape(title)}</text>')
    for number, region in enumerate(regions):
        parts.append(
            f'<rect x="{LEFT + number * 150}" y="12" width="12" height="12" fill="{COLOURS[number % len(COLOURS)]}"/>'
        )
        parts.append(f'<text x="{LEFT + number * 150 + 17}" y="22">{escape(region)}</text>')
    minutes = (ends - begins) / timedelta(minutes=1)
    parts.append(f'<text x="{LEFT + WIDTH - 110}" y="22">{minutes:.0f} minutes of AWS</text></svg>')
    return "\n".join(parts)


def _column(share: dict[str, float], regions: list[str], number: int) -> list[str]:
    parts, y = [], float(TOP)
    for region, part in share.items():
        colour = COLOURS[regions.index(region) % len(COLOURS)] if region in regions else "#999"
        parts.append(
            f'<rect x="{LEFT + number * WIDTH / BINS:.1f}" y="{y:.1f}" width="{WIDTH / BINS - 0.5:.1f}" '
            f'height="{part * HEIGHT:.1f}" fill="{colour}"/>'
        )
        y += part * HEIGHT
    return parts
