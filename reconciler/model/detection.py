"""What CloudFormation's own comparison said of a stack: a drift-aware change set, which reads what we do not.

Kept in the status document (part of `Motion`), since only those who may write can ask for one; whoever looks later says how old it
is. A deployment of the stack makes it void.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.model.redaction import Redacted, names_secret, without_secrets

MOST = 20
"""Drifted properties that are kept of one stack: the status document has a limit."""
LONGEST = 500
"""Characters of a value that are kept: AWS cuts long ones, too."""


def kept(prop: str, value: str | None) -> str | None:
    """The value as it may stand in the status: without secrets, and not too long."""
    if value is None:
        return None
    if names_secret(prop):
        return str(Redacted.of(value))
    try:
        parsed = json.loads(value)
    except ValueError:
        parsed = None
    text = json.dumps(without_secrets("", parsed)) if isinstance(parsed, dict | list) else value
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """One property that is not as deployed, values as CloudFormation writes them; without `prop` the resource is gone."""

    logical_id: str
    resource_type: str
    prop: str = ""
    desired: str | None = None
    observed: str | None = None

    @property
    def key(self) -> str:
        return f"{self.logical_id}.{self.prop}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """`resources`: logical id to ResourceDriftStatus, of those that it named; what it does not name is in sync. `ignored`:
    `Logical.Dotted.Path` to why CloudFormation left that property out (ResourceDriftIgnoredAttributes). `changed_at`: the stack's
    last change, by which it is known whether this still speaks of what is deployed. `disputed`: `Logical.Dotted.Path` where, at
    that time, only one of the two detectors saw drift though both looked."""

    at: datetime
    changed_at: datetime | None = None
    resources: Mapping[str, str] = field(default_factory=dict)
    ignored: Mapping[str, str] = field(default_factory=dict)
    drifted: tuple[Drifted, ...] = ()
    disputed: frozenset[str] = frozenset()

    def passed_over(self, logical_id: str, prop: str) -> str:
        """Why it says nothing of this property; empty where it compared it."""
        status = self.resources.get(logical_id, "IN_SYNC")
        if status in {"UNKNOWN", "UNSUPPORTED", "NOT_CHECKED"}:
            return f"CloudFormation could not compare it: {status}"
        place = f"{logical_id}.{prop}"
        return next((why for path, why in self.ignored.items() if place == path or place.startswith(path + ".")), "")

    def document(self) -> dict[str, Any]:
        return {
            "at": self.at.isoformat(),
            "changedAt": self.changed_at.isoformat() if self.changed_at else None,
            "resources": dict(sorted(self.resources.items())),
            "ignored": dict(sorted(self.ignored.items())),
            "drifted": [[d.logical_id, d.resource_type, d.prop, d.desired, d.observed] for d in self.drifted],
            "disputed": sorted(self.disputed)[:MOST],
        }

    @classmethod
    def recorded(cls, found: Mapping[str, Any]) -> Detection:
        """Raises ValueError, TypeError, KeyError or AttributeError where somebody else wrote there."""
        changed = found["changedAt"]
        return cls(
            at=_time(found["at"]),
            changed_at=_time(changed) if changed else None,
            resources={str(k): str(v) for k, v in found["resources"].items()},
            ignored={str(k): str(v) for k, v in found["ignored"].items()},
            drifted=tuple(_drifted(*entry) for entry in found["drifted"]),
            disputed=frozenset(map(str, found["disputed"])),
        )


def _drifted(logical_id: str, resource_type: str, prop: str, desired: str | None, observed: str | None) -> Drifted:
    if not all(isinstance(part, str) for part in (logical_id, resource_type, prop, desired or "", observed or "")):
        raise TypeError("no drift")
    return Drifted(logical_id=logical_id, resource_type=resource_type, prop=prop, desired=desired, observed=observed)


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return found
