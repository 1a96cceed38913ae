"""The numbers that were given, as the committed page has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from reconciler.model.messages import MESSAGES, RETIRED

PAGE = Path(__file__).parent.parent.parent / "MESSAGES.md"
_ROW = re.compile(r"^\| (MRD\d{4}) \| `(\w+)` \|", re.MULTILINE)


def given() -> Mapping[str, str]:
    """Number to code."""
    return dict(_ROW.findall(PAGE.read_text(encoding="utf-8"))) if PAGE.is_file() else {}


def changed(before: Mapping[str, str] | None = None) -> list[str]:
    """What was given and is no more, or for something else."""
    now = {one.number: one.code for one in MESSAGES.values()} | dict(RETIRED)
    was = given() if before is None else before
    return [f"{number} was {code}" for number, code in was.items() if now.get(number) != code]
