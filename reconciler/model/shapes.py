"""What a live reader says beside plain values: which order tells nothing, which mapping is whole, what no template sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class AnyOrder(list[Any]):
    """A list whose order AWS does not keep and nobody means."""


class Whole(dict[str, Any]):
    """A mapping of which every key counts: one that the template does not set is a deviation, too."""


class Atom(Whole):
    """A mapping that is one value: where a part of it deviates, all of it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undeclared:
    """A property that our templates leave out, and that must be so all the same: a key enabled, a role without more policies."""

    desired: Any
    observed: Any
