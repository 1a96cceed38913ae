"""The coverage ledger: each declared value is compared, shown by what serves, or left out for a reason that is said.

Made from the applied templates and the registry's schemas; a reader that gives one property more changes it by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.diff.catalogue import FIELDS, field_path
from reconciler.diff.compare import aligned, join, leaf_paths
from reconciler.diff.readable import readable, write_only
from reconciler.diff.resolve import UNRESOLVED
from reconciler.model.coverage import Entry, Way
from reconciler.model.detection import Detection
from reconciler.model.observed import Observed, Seen, StackState, Unknown
from reconciler.model.redaction import names_secret
from reconciler.model.shapes import Atom
from reconciler.model.topology import Topology

NOT_LOOKED = "no drift-aware change set has looked at it yet: `meridian drift --heal` makes one"
BEFORE = "the drift-aware change set that looked at it is older than the stack's last deployment"
_UNTOLD = "refers to an attribute that the stack does not tell"
_OURS = "a setting of Meridian's: nothing on AWS holds it"
_NAME = "part of where and under which name things are: it cannot change"
_NO_VALUE = "not declared: nothing to compare"

SETTINGS: Mapping[str, str] = {
    "metadata/name": _NAME,
    "account": _NAME,
    "homeRegion": _NAME,
    "domain/hostedZoneName": _NAME,
    "regions/*/name": _NAME,
    "regions/*/cidr": "listed as what carries it: CidrBlock of data/Vpc and its subnets",
    "database/deletionPolicy": _OURS,
    "database/maxReplicaLagMs": _OURS,
    "routing/policy": "latency is the only one: what makes it so is listed with the records",
    "routing/drainSeconds": _OURS,
    "safety": _OURS,
    "drift": _OURS,
    "suspend": _OURS,
}
"""Fields of the document that no property carries and that cannot drift, with the reason. A test holds these, the catalogue
and `SHOWN` to the schema."""

SHOWN = ("regions/*/traffic", "database/writer")
"""Fields that what serves shows."""
ASKED_LATER = {"database/migrations": "the database is asked for what it holds only where something is to be applied"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One stack, and what CloudFormation's own comparison says of it."""

    state: StackState
    detection: Detection | None = None

    def entries(self, name: str, kind: str, properties: Mapping[str, Any], why: str = "") -> Iterator[Entry]:
        """A resource of which nothing was read; `why`, if it should have been."""
        found = [e for key, value in properties.items() for e in self.unread(name, kind, key, value, why)]
        yield from _together(field_path(self.state.ref, name, "")[0], found)

    def read(self, name: str, kind: str, prop: str, value: Any, live: Any = None) -> Iterator[Entry]:
        """A property that was read; what its template's value refers to may still be unknown."""
        for path, leaf in _compared(value, live, prop):
            place = self._place(name, prop, path)
            if _holds_unresolved(leaf):
                yield self._otherwise(name, kind, path, place, _UNTOLD)
            else:
                yield Entry(path=place, way=Way.READ)

    def unread(self, name: str, kind: str, prop: str, value: Any, why: str = "") -> Iterator[Entry]:
        for path, _ in leaf_paths(value, prop):
            yield self._otherwise(name, kind, path, self._place(name, prop, path), why)

    def _place(self, name: str, prop: str, leaf: str) -> str:
        """A field of the document by its own path, anything else by the property that it is in."""
        path, is_field = field_path(self.state.ref, name, leaf)
        return path if is_field else field_path(self.state.ref, name, prop)[0]

    def _otherwise(self, name: str, kind: str, path: str, place: str, why: str) -> Entry:
        """What nothing was read of: CloudFormation may have compared it. `why` counts where it has not."""
        never = _never(kind, path) if not why or write_only(kind, path) else ""
        if never:
            return Entry(path=place, way=Way.UNCHECKED, why=never, checkable=False)
        if self.detection is None or not readable(kind):
            return Entry(
                path=place, way=Way.UNCHECKED, why=why or NOT_LOOKED, checkable=readable(kind) or why != _UNTOLD
            )
        if self.detection.changed_at != self.state.changed_at:
            return Entry(path=place, way=Way.UNCHECKED, why=why or BEFORE)
        if passed_over := self.detection.passed_over(name, path):
            return Entry(path=place, way=Way.UNCHECKED, why=passed_over, checkable=False)
        return Entry(path=place, way=Way.CHANGE_SET, at=self.detection.at)


def summed(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """One entry for each path and way, with the sum of its values: a list of rules is one property."""
    found: dict[tuple[object, ...], Entry] = {}
    for entry in entries:
        key = (entry.path, entry.way, entry.why, entry.checkable, entry.at)
        found[key] = replace(entry, values=entry.values + found[key].values) if key in found else entry
    return tuple(found.values())


def of_motion(topology: Topology, observed: Observed) -> Iterator[Entry]:
    """What no template says, and what serves shows."""
    for region in topology.region_names:
        yield from _shown(f"regions/{region}/traffic", observed.gates.get(region))
    yield from _shown("database/writer", observed.global_cluster)
    if observed.global_cluster is not None and topology.migrations:
        for path, why in ASKED_LATER.items():
            yield Entry(path=path, way=Way.UNCHECKED, why=why, checkable=False)


def of_settings(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The other fields of the document: those that cannot drift, and those for which it says nothing."""
    yield from (Entry(path=path, way=Way.SETTING, why=why) for path, why in SETTINGS.items())
    listed = {_whole(e.path) for e in entries}
    for path in dict.fromkeys(f.path for f in FIELDS):
        if path not in listed and not any(seen.startswith(path + "/") for seen in listed):
            yield Entry(path=path, way=Way.SETTING, why=_NO_VALUE)


def _whole(path: str) -> str:
    """The path of the document's field, whichever Region carries it."""
    parts = path.split("/")
    return "/".join(parts[2:]) if parts[0] == "regions" and len(parts) > 3 else path


def _shown(path: str, seen: Seen[object]) -> Iterator[Entry]:
    if isinstance(seen, Unknown):
        yield Entry(path=path, way=Way.UNCHECKED, why=str(seen))
    elif seen is not None:
        yield Entry(path=path, way=Way.PROBE)


def _never(kind: str, path: str) -> str:
    if write_only(kind, path):
        return "a secret: AWS never tells it" if names_secret(path) else "write-only: AWS never tells it"
    return "" if readable(kind) else f"CloudFormation cannot read an {kind}, and no reader of ours does"


def _together(path: str, entries: list[Entry]) -> tuple[Entry, ...]:
    """Properties of one resource that are unchecked for the same reason are one line."""
    found = summed(entries)
    reasons = {(e.why, e.checkable) for e in found if e.way is Way.UNCHECKED}
    for why, checkable in reasons:
        same = [e for e in found if (e.way, e.why, e.checkable) == (Way.UNCHECKED, why, checkable)]
        if len(same) > 1:
            one = Entry(path=path, way=Way.UNCHECKED, why=why, checkable=checkable, values=sum(e.values for e in same))
            found = (*(e for e in found if e not in same), one)
    return found


def _compared(declared: Any, live: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The declared values; all of an atom are unresolved where one of them is, for it was not compared then."""
    if isinstance(live, Atom) and any(_holds_unresolved(leaf) for _, leaf in leaf_paths(declared)):
        yield from ((leaf, UNRESOLVED) for leaf, _ in leaf_paths(declared, path))
    elif isinstance(declared, Mapping) and isinstance(live, Mapping):
        for key, value in declared.items():
            yield from _compared(value, live.get(key), join(path, key))
    elif isinstance(declared, list) and isinstance(live, list) and len(declared) == len(live):
        if not any(isinstance(item, (Mapping, list)) for item in declared):
            yield path, declared
            return
        for place, (value, seen) in enumerate(zip(declared, aligned(declared, live), strict=True)):
            yield from _compared(value, seen, join(path, str(place)))
    else:
        yield from leaf_paths(declared, path)


def _holds_unresolved(leaf: Any) -> bool:
    return leaf is UNRESOLVED or (isinstance(leaf, list) and any(item is UNRESOLVED for item in leaf))
