"""The desired topology: what one YAML document at one revision declares, as frozen values.

`load` is the only place that makes these from text; whoever holds one may trust it. Field names follow the
document's, in snake case. Names that AWS sees (stacks, hosts, clusters) are derived here and nowhere else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path

EDGE_REGION = "us-east-1"
"""CloudFront, its certificate and its function live here, whatever the home Region is."""


class Traffic(StrEnum):
    """What the document asks of a Region."""

    SERVING = "serving"
    DRAINED = "drained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    name: str
    zone_id: str
    zone_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    name: str
    cidr: str
    traffic: Traffic = Traffic.SERVING


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    engine: str
    version: str
    name: str
    writer: str
    min_capacity: float
    max_capacity: float
    instances_per_region: int
    write_forwarding: str
    migrations: str | None
    deletion_policy: str
    max_replica_lag_ms: int

    @property
    def major(self) -> str:
        return self.version.split(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file of the folder `database.migrations`."""

    name: str
    sql: str = field(repr=False)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAuth:
    mode: str = "none"
    issuer: str | None = None
    audience: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    path: str
    interval_seconds: int
    failure_threshold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    code: str
    """Folder, relative to `Topology.root`."""
    handler: str
    runtime: str
    memory_mb: int
    timeout_seconds: int
    origin_auth: str
    client: ClientAuth
    throttle_rate: int
    throttle_burst: int
    health: Health


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    policy: str
    ttl_seconds: int
    drain_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    price_class: str
    http_version: str
    minimum_tls: str
    web_acl_arn: str | None
    certificate_arn: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Steps with a hazard may start from each time that `cron` matches in `time_zone`, for `duration`."""

    cron: str
    duration: timedelta
    time_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """Lets one named hazard pass in the plan with this fingerprint, until `expires`; without a Region, in all of them."""

    hazard: str
    region: str | None
    fingerprint: str
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """A drift path that is not judged; `*` stands for one segment. Without `expires`, for good."""

    path: str
    reason: str
    expires: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety:
    min_serving: int
    soak_seconds: int
    max_concurrent_regions: int
    approval: str = "none"
    """`none`, or `hazards`: a plan with a step that carries one needs an approval that names its fingerprint."""
    windows: tuple[Window, ...] = ()
    allow: tuple[Allow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftPolicy:
    mode: str
    ignore: tuple[Ignore, ...] = ()
    schedule: str = "rate(30 minutes)"


@dataclass(frozen=True, kw_only=True)
class Topology:
    """One API in several Regions. `root` is the folder that holds `desired_state/`; code paths are relative to it."""

    name: str
    account: str
    home_region: str
    domain: Domain
    regions: tuple[Region, ...]
    database: Database
    api: Api
    routing: Routing
    edge: Edge
    safety: Safety
    drift: DriftPolicy
    suspend: bool = False
    migrations: tuple[Migration, ...] = ()
    """Files of the folder `database.migrations`, in the order in which they are applied."""
    root: Path = field(default=Path(), compare=False)
    source: str = field(default="", compare=False)
    """The file the document was read from, relative to `root`; for messages only."""

    @cached_property
    def region_names(self) -> tuple[str, ...]:
        return tuple(r.name for r in self.regions)

    @cached_property
    def deployment_regions(self) -> tuple[str, ...]:
        """Every Region that needs the `foundation` stack: the home Region first, the edge's, then the topology's own."""
        return tuple(dict.fromkeys((self.home_region, EDGE_REGION, *self.region_names)))

    @cached_property
    def rollout_order(self) -> tuple[str, ...]:
        """Regions in the file's order, the writer last."""
        return (*(r for r in self.region_names if r != self.database.writer), self.database.writer)

    def region(self, name: str) -> Region:
        return next(r for r in self.regions if r.name == name)

    @property
    def global_cluster(self) -> str:
        return self.name

    def cluster(self, region: str) -> str:
        return f"{self.name}-{region}"

    @property
    def route_name(self) -> str:
        return f"route.{self.domain.name}"

    @property
    def origin_name(self) -> str:
        return f"origin.{self.domain.name}"

    @property
    def migrator(self) -> str:
        """The function, in each Region, that applies migrations where the writer is."""
        return f"meridian-{self.name}-migrate"

    def region_origin(self, region: str) -> str:
        return f"{region}.{self.origin_name}"

    def gate_reference_prefix(self, region: str) -> str:
        """CallerReference of a Region's traffic gate, up to its number: the gate is found by it, since tags follow creation."""
        return f"meridian/{self.name}/{region}/gate/"
