"""What was declared and done of motion (who writes, which gates are open): the journal's part that AWS cannot tell.

A writer elsewhere or a closed gate is somebody's hand unless we did it, or a commit asks for it. Kept in the status document
under `motion`, and written *before* the request it speaks of: who dies in between finds an intention, never a riddle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.model.topology import Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    writers: frozenset[str] = frozenset()
    """Regions where the writer is by our doing or with our knowledge: the declared one, and one that a switchover was asked for."""
    traffic: Mapping[str, str] = field(default_factory=dict)
    """Region to the traffic that was declared when this topology last converged."""
    gates: Mapping[str, int] = field(default_factory=dict)
    """Region to the version that the traffic gate has after our last move of it: a later one is somebody else's."""
    approved: Mapping[str, str] = field(default_factory=dict)
    """Hazard to the digest of the desired state in which a commit allowed it, by the fingerprint of the whole plan."""
    broken: Mapping[str, str] = field(default_factory=dict)
    """`digest` of an API template that made a Region sick, with `region`, `reason` and `since`: it is not rolled out further."""
    destroying: bool = False

    @classmethod
    def recorded(cls, document: Mapping[str, Any] | None) -> Motion | None:
        """What the status document holds; None where there is no document, so that nobody can tell a commit from a hand."""
        found = (document or {}).get("motion")
        if found is None:
            return None
        return cls(
            writers=frozenset(found.get("writers", ())),
            traffic=dict(found.get("traffic", {})),
            gates={r: int(v) for r, v in found.get("gates", {}).items()},
            approved=dict(found.get("approved", {})),
            broken=dict(found.get("broken", {})),
            destroying=bool(found.get("destroying", False)),
        )

    def document(self) -> dict[str, Any]:
        return {
            "writers": sorted(self.writers),
            "traffic": dict(sorted(self.traffic.items())),
            "gates": dict(sorted(self.gates.items())),
            "approved": dict(sorted(self.approved.items())),
            "broken": dict(sorted(self.broken.items())),
            "destroying": self.destroying,
        }

    def converged(self, topology: Topology) -> Motion:
        """After everything is as declared: what was declared is what we know, and earlier intentions are history."""
        return replace(
            self,
            writers=frozenset({topology.database.writer}),
            traffic={r.name: str(r.traffic) for r in topology.regions},
            gates={r: v for r, v in self.gates.items() if r in topology.region_names},
            approved={},
        )

    def intends(self, *, writer: str | None = None, gates: Iterable[tuple[str, int]] = ()) -> Motion:
        """Before a switchover to `writer`, or moves of gates to a new version each."""
        known = self.writers | {writer} if writer else self.writers
        return replace(self, writers=known, gates={**self.gates, **dict(gates)})
