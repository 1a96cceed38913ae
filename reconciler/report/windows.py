"""Whether a status waits for one of the document's windows, and nothing else: then it goes on by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable

_OPENS = re.compile(r"the next window opens at (\d{4}-\d{2}-\d{2} \d{2}:\d{2} [A-Za-z0-9+-]{1,8})")


def opens_at(refusals: Iterable[tuple[str, str]]) -> str:
    """Of codes and messages: when the next window opens. Empty where a rule refuses besides, and where none of them ever opens."""
    told = [(code, _OPENS.search(message)) for code, message in refusals]
    times = [found[1] for code, found in told if code == "WindowClosed" and found]
    return times[0] if times and len(times) == len(told) else ""
