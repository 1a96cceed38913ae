"""What outlives its last user: replicas of an edge function, uses of a certificate.

A service stops using a thing, and for minutes or hours the thing still counts as used. Nothing visible changes meanwhile, so
there is no timer: whoever asks compares with the clock, and a world with lingering things is at rest.
"""

from collections.abc import Iterable
from typing import Any

from local_aws.clock import CLOCK

Seen = dict[Any, float | None]  # what -> when it stops to count; None while it is in use


def counting(seen: Seen, used: Iterable[Any], seconds: float) -> set[Any]:
    """What counts as used: what is used now, and what was until less than `seconds` ago. Call it at every change."""
    now, current = CLOCK.now(), set(used)
    for what in [w for w in seen if w not in current]:
        until = seen[what]
        if until is None:
            seen[what] = now + seconds
        elif until <= now:
            del seen[what]
    seen.update(dict.fromkeys(current))
    return set(seen)
