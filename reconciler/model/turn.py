"""The turn of a hosted pass: which timer asked for it, and the name of the next one should another pass be at work.

Messages are delivered more than once. Each timer has a name, `due`; the lease item remembers the only one that counts, and
every pass writes a new one there as it ends. So of all copies of a timer one is acted upon, and however many messages come in,
one goes out.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    due: str | None
    """The timer that asks; None: an event, which always counts."""
    retry: str
    """The timer that counts from now on, if somebody else holds the lease."""
