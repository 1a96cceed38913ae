"""A whole story told: what clients got, what of it is excused, and whether every order is there once."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.continuity.clients import PLACES, Call, Clients
from tests.continuity.judge import unexcused
from tests.continuity.plot import drawn
from tests.continuity.story import Story
from tests.embedded.edge_client import Client

NEAREST = {"London": "eu-west-1", "Tokyo": "ap-northeast-1", "New York": "us-east-1"}
PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    calls: int
    failed: int
    excused: dict[str, int]
    unexcused: list[Call]
    wrong: list[str]

    chapters: list[tuple[str, datetime]]

    def __str__(self) -> str:
        lines = [f"{self.calls} requests, {self.failed} failed: {self.excused or 'none'}"]
        lines += [
            f"  not excused: {c.place} {c.begun:%H:%M:%S} {'write' if c.writes else 'read'} {c.status} {c.region}"
            for c in self.unexcused[:20]
        ]
        lines += [f"  {at:%H:%M:%S} {title}" for title, at in self.chapters]
        return "\n".join([*lines, *(f"  {w}" for w in self.wrong)])


def told(story: Story, clients: Clients, picture: Path | None = None) -> Told:
    failed = [c for c in clients.calls if not c.answered]
    left = unexcused(clients.calls, story.windows, NEAREST)
    excused = Counter(
        w.what for c in failed if c not in left for w in story.windows if w.excuses(c, NEAREST.get(c.place))
    )
    if picture:
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_text(drawn(clients.calls, story.windows, story.chapters))
    return Told(
        calls=len(clients.calls),
        failed=len(failed),
        excused=dict(excused),
        unexcused=left,
        wrong=_orders(story, clients),
        chapters=story.chapters,
    )


def _orders(story: Story, clients: Clients) -> list[str]:
    """What was acknowledged is there, under the one id that was told; and nothing is there twice."""
    there: Counter[str] = Counter()
    for place in PLACES:
        client, after = Client(story.world.aws, PLACES["New York"]), ""
        while after is not None:
            answer = client.asks("GET", f"/orders?customer={place.replace(' ', '-')}&limit={PAGE}{after}")
            assert answer.status == 200, answer
            page = json.loads(answer.body)
            there.update(order["id"] for order in page["orders"])
            after = f"&after={page['next']}" if page.get("next") else None
    lost = [key for key, order in clients.orders.items() if order not in there]
    twice = [order for order, number in there.items() if number > 1]
    extra = len(there) - len(clients.orders)
    return [
        *(f"{key} was acknowledged and is not there" for key in lost),
        *(f"{order} is listed twice" for order in twice),
        *([f"{extra} orders more than were acknowledged"] if extra > 0 else []),
    ]
