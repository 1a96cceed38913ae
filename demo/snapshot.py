"""What the observer knows of AWS at one moment: plain values, with nothing of the reconciler's own reading in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One DNS record set. `target` is its alias or its only value; names are lower case, without the last dot."""

    name: str
    type: str
    target: str
    region: str | None = None
    check: str | None = None

    def __str__(self) -> str:
        return f"{self.type} {self.name}" + (f" ({self.region})" if self.region else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One health check; a traffic gate is one with children."""

    children: tuple[str, ...] = ()
    threshold: int = 0
    normal: bool = True
    """Neither inverted nor disabled."""
    unhealthy_since: datetime | None = None
    """When the unhealthy minutes began that reach to now, as far back as was asked; None: healthy, or no data."""

    @property
    def open(self) -> bool:
        return self.normal and bool(self.children) and self.threshold == len(self.children)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomDomain:
    """A custom domain of API Gateway; `target` is the name that DNS has to answer with."""

    name: str
    target: str
    available: bool = True
    mapped: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    id: str
    domain: str
    enabled: bool = True
    deployed: bool = True
    aliases: frozenset[str] = frozenset()
    certificate_good: bool = True
    """Issued and not expired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One Region. `linked`: database clusters whose template names the global cluster, as stack/logical id."""

    stacks: Mapping[str, str] = field(default_factory=dict)
    domains: tuple[CustomDomain, ...] = ()
    cluster: str | None = None
    """Status of the database cluster."""
    snapshot: bool = False
    """A snapshot of a cluster of this name is there; only looked for where there is no cluster."""
    linked: frozenset[str] = frozenset()
    identities: Mapping[str, str] = field(default_factory=dict)
    """What must never be replaced, to the id that a replacement would change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Read call by call, so never quite of one moment: what one snapshot shows counts only if the next shows it too."""

    at: datetime
    topology: str
    domain: str
    records: tuple[Record, ...] = ()
    checks: Mapping[str, Check] = field(default_factory=dict)
    healthy: Mapping[str, bool] = field(default_factory=dict)
    """Health check to its latest minute; no entry without data."""
    regions: Mapping[str, Region] = field(default_factory=dict)
    distributions: tuple[Distribution, ...] = ()
    writers: tuple[str, ...] | None = None
    """Regions whose member of the global cluster writes; None while there is no global cluster."""
    members: frozenset[str] = frozenset()
    """Regions with a member of the global cluster."""
    routed_at: datetime | None = None
    """When the latest change of the records began."""

    def latency(self, name: str, region: str) -> Record | None:
        wanted = f"{name}.{self.domain}"
        return next((r for r in self.records if r.name == wanted and r.region == region), None)

    def custom_domain(self, name: str, region: str) -> CustomDomain | None:
        found = self.regions.get(region, Region()).domains
        return next((d for d in found if d.name == name), None)
