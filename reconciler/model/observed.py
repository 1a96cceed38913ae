"""The observed topology: one normalised snapshot of AWS at one instant.

What could not be read is `Unknown`, never absent: `None` means "AWS says it is not there". Nothing may be deleted,
drained or taken for healthy on account of an `Unknown`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias, TypeVar

from reconciler.model.approval import Approval
from reconciler.model.issuer import PublicKey
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.suspension import Suspension
from reconciler.model.unknown import Unknown as Unknown  # noqa: PLC0414  # shown here too

T = TypeVar("T")

_OF_A_REGION = (StackKind.DATA, StackKind.API)
CLOCK_SKEW = timedelta(seconds=30)


Seen: TypeAlias = T | Unknown | None
"""A value, its absence, or not knowing."""


Samples: TypeAlias = tuple[tuple[datetime, bool], ...]
"""(time, healthy) of a health check's recent minutes, oldest first; healthy: from their beginning to their end."""
SAMPLE = timedelta(minutes=1)


def unhealthy_since(samples: Samples) -> datetime | None:
    """When the unhealthy minutes began that reach to now; None while it is healthy, or without data."""
    since: datetime | None = None
    for at, healthy in samples:
        since = None if healthy else (since or at)
    return since


def known(value: Seen[T]) -> T | None:
    """The value if it was read, else None. Only for callers to whom absent and unreadable mean the same."""
    return None if isinstance(value, Unknown) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """First resource that failed in a stack's latest operation, as its events tell."""

    logical_id: str
    resource_type: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StackState:
    """One CloudFormation stack. `changed_at` is when its last operation began (LastUpdatedTime, else CreationTime)."""

    ref: StackRef
    id: str = ""
    status: str
    status_reason: str = ""
    changed_at: datetime
    settled_at: datetime | None = None
    """When the last operation did its last work, where its resources were read."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    template: Mapping[str, Any] | None = None
    """The applied template; None while the stack has none (REVIEW_IN_PROGRESS)."""
    resources: Mapping[str, str] = field(default_factory=dict)
    """Logical id to physical id, where they were read."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """`Logical.Attribute` to its value, for the `Fn::GetAtt`s of the template that a fact tells."""
    failure: Failure | None = None
    mark: str = ""
    """Its last operation, if that is over and left all of it as one template says (see `structure`)."""

    @property
    def in_progress(self) -> bool:
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def complete(self) -> bool:
        """The last operation succeeded; the stack matches the template it holds."""
        return self.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}

    @property
    def rolled_back(self) -> bool:
        """The last update failed and was undone: the stack matches the template it holds, the one from before."""
        return self.status in {"UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}

    @property
    def stands(self) -> bool:
        """Its resources exist and may serve: complete, updating, or rolled back to what worked."""
        return self.status.startswith(("UPDATE_", "IMPORT_")) or self.status == "CREATE_COMPLETE"

    @property
    def failed(self) -> bool:
        return self.status.endswith("_FAILED") or self.status in {"ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}

    @property
    def beyond_update(self) -> bool:
        """It never came to life, or its deletion got stuck: an update is impossible, it can only be deleted and made again."""
        return self.status in {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}

    def moved_after(self, instant: datetime) -> bool:
        """Its last operation did something after this instant, as far as AWS's and our clocks agree."""
        return max(self.changed_at, self.settled_at or self.changed_at) > instant - CLOCK_SKEW


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficGate:
    """A Region's CALCULATED health check. `version` is its HealthCheckVersion, for compare-and-swap."""

    id: str
    reference: str
    children: tuple[str, ...]
    threshold: int
    version: int
    disabled: bool = False
    inverted: bool = False
    healthy: bool | None = None
    """As CloudWatch in us-east-1 last reported it; None: no data yet."""
    samples: Samples = ()

    @property
    def is_open(self) -> bool:
        """Clients may be sent there: also when it is forced open, whatever its probe says."""
        return not self.is_closed

    @property
    def is_closed(self) -> bool:
        return self.threshold > len(self.children)

    @property
    def ignores_its_probe(self) -> bool:
        """Inverted, disabled (which counts as healthy) or forced always-open: it can no longer take its Region out."""
        return self.inverted or self.disabled or self.threshold < len(self.children)

    def watches(self, probe: Probe | None) -> bool:
        """Whether the Region's probe is among its children; not to be told while there is no probe."""
        return probe is None or probe.id in self.children

    def healthy_at(self, instant: datetime) -> bool:
        """By the last sample up to that instant."""
        return next((healthy for at, healthy in reversed(self.samples) if at <= instant), False)

    def unhealthy_since(self) -> datetime | None:
        return unhealthy_since(self.samples)

    @property
    def never_opened(self) -> bool:
        """Closed and untouched since it was created: ours to open. A gate that somebody closed has a later version."""
        return self.is_closed and self.version == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A Region's HTTPS health check."""

    id: str
    samples: Samples = ()

    @property
    def healthy(self) -> bool | None:
        return self.samples[-1][1] if self.samples else None

    def unhealthy_since(self) -> datetime | None:
        return unhealthy_since(self.samples)


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalMember:
    region: str
    cluster_arn: str
    is_writer: bool
    synchronization: str | None
    """`connected`, `pending-resync` or None where AWS gives none (the writer, an old API)."""
    foreign: bool = False
    """Not of our name: somebody else's cluster, which no commit of ours asked for and none takes away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalCluster:
    identifier: str
    status: str
    engine_version: str
    members: tuple[GlobalMember, ...] = ()
    failover: str | None = None
    """FailoverState's status while a switchover or failover runs."""
    moving_to: str | None = None
    """The Region that it moves the writer to."""
    protected: bool = True
    """Deletion protection."""

    @property
    def writer(self) -> str | None:
        return next((m.region for m in self.members if m.is_writer), None)

    def member(self, region: str) -> GlobalMember | None:
        return next((m for m in self.members if m.region == region), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A Region's Aurora cluster with its instances' states; `lag_ms` is the latest replication lag, None at the writer."""

    identifier: str
    status: str
    engine_version: str
    instance_statuses: Mapping[str, str] = field(default_factory=dict)
    forwarding: str | None = None
    lag_ms: float | None = None
    protected: bool = True
    """Deletion protection."""
    pending: bool = False
    """Something is modified and not in effect yet (PendingModifiedValues)."""
    restart: tuple[str, ...] = ()
    """Instances that run with the parameters from before until they are rebooted."""
    load: float | None = None
    """Share of its maximum capacity in use, 0 to 1, the highest of the last minutes (ACUUtilization); None: not measured."""

    @property
    def available(self) -> bool:
        states = tuple(self.instance_statuses.values())
        return self.status == "available" and bool(states) and all(s == "available" for s in states)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One resource record set; `name` has no trailing dot and is lower case."""

    name: str
    type: str
    ttl: int | None = None
    values: tuple[str, ...] = ()
    alias: str | None = None
    region: str | None = None
    set_identifier: str | None = None
    health_check: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    id: str
    domain_name: str
    status: str
    """`InProgress` or `Deployed`."""
    enabled: bool
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    id: str
    name: str
    private: bool
    name_servers: tuple[str, ...] = ()
    """Those that AWS gave it."""
    answered: tuple[str, ...] = ()
    """Those that its own NS record names; empty where nobody asked."""
    signing: str = ""
    """DNSSEC's ServeSignature; empty where nobody asked."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A resource that its stack lists and AWS no longer has."""


Live: TypeAlias = Mapping[str, Any] | Missing | Unknown
"""Properties of one resource as AWS reports them, in the shape and under the names of its template (a reader gives
only the properties it can read, each of those whole); or that it is gone; or that it could not be read."""


Beside: TypeAlias = Mapping[tuple[StackRef, str, str], Any]
"""(stack, logical id, property) to its value, of what no template sets."""


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Everything one pass knows of AWS. Keys of the Region mappings are every Region that was asked for."""

    at: datetime
    account: str
    zone: Seen[Zone]
    stacks: Mapping[StackRef, Seen[StackState]]
    global_cluster: Seen[GlobalCluster]
    clusters: Mapping[str, Seen[Cluster]]
    zones: Mapping[str, tuple[str, ...] | Unknown] = field(default_factory=dict)
    """Availability zones of a Region without a data stack yet, sorted by name; empty where they were not asked for."""
    gates: Mapping[str, Seen[TrafficGate]]
    probes: Mapping[str, Seen[Probe]]
    records: tuple[Record, ...] | Unknown
    """Record sets of the zone at or below the topology's domain."""
    distribution: Seen[Distribution]
    live: Mapping[tuple[StackRef, str], Live] = field(default_factory=dict)
    """(stack, logical id) to what AWS reports of that resource."""
    validations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Domain name to the record that proves it to be ours to ACM: `Name`, `Type`, `Value`."""
    strays: Mapping[str, tuple[str, ...] | Unknown] = field(default_factory=dict)
    """A Region's clusters that go by our name or hold our data, beside the one that is ours; only in a full sweep."""
    shared: Mapping[str, Mapping[str, tuple[str, ...]] | Unknown] = field(default_factory=dict)
    """Manual snapshots of a Region's cluster to the accounts (`all`: everybody) that may restore them; those shared with none
    are left out; only in a full sweep."""
    beside: Beside = field(default_factory=dict)
    strangers: tuple[Record, ...] = ()
    """Records on the topology's names that none of its stacks declares."""
    interfaces: Mapping[str, int | Unknown] = field(default_factory=dict)
    """Network interfaces that Lambda still keeps in a Region's subnets; only of Regions whose `api` stack is gone."""
    requests: Mapping[str, tuple[tuple[datetime, float], ...] | Unknown] = field(default_factory=dict)
    """(minute, requests that were no health checks) of the Regions whose gate is closed; a minute without any is left out."""
    alarms: Mapping[str, tuple[str, ...] | Unknown] = field(default_factory=dict)
    """Names of a Region's alarms of ours that are in state ALARM."""
    issuer_keys: tuple[PublicKey, ...] | Unknown = ()
    """What the issuer of clients' tokens publishes; empty where clients need no token."""
    recorded: Mapping[str, Any] | None = None
    """The status document that the last pass left in the table, if any."""
    unrecorded: Unknown | None = None
    """Why that document could not be read: then nobody knows what was declared before, nor the generation."""
    suspension: Suspension | None = None
    """What a person wants left alone."""
    approval: Seen[Approval] = None
    """The plan that a person approved last, or took that back of."""
    glance: str = ""
    """What a fast sweep sees, as a digest; empty where not all of it could be read."""

    def unknown_facts(self) -> Mapping[str, Unknown]:
        """What exists once and could not be read, by its name."""
        facts = {
            "the hosted zone": self.zone,
            "the zone's records": self.records,
            "the global cluster": self.global_cluster,
            "the distribution": self.distribution,
            "the recorded status": self.unrecorded,
        }
        return {name: seen for name, seen in facts.items() if isinstance(seen, Unknown)}

    def live_regions(self) -> tuple[str, ...]:
        """Regions where this topology has something, whether or not the document still names them."""
        members = known(self.global_cluster)
        found = [m.region for m in members.members if not m.foreign] if members else []
        found += [r for r, gate in self.gates.items() if known(gate)]
        found += [r for r, cluster in self.clusters.items() if known(cluster)]
        found += [ref.region for ref, state in self.stacks.items() if known(state) and ref.kind in _OF_A_REGION]
        return tuple(dict.fromkeys(found))

    def leaving(self, named: Collection[str]) -> tuple[str, ...]:
        """Live Regions that are not among these, sorted."""
        return tuple(sorted(set(self.live_regions()).difference(named)))

    def drained_since(self, region: str) -> datetime | None:
        """Since when DNS has not answered with this Region: its closed gate counts as unhealthy, and another one as healthy. Of
        the first unhealthy minute only a part need have been so.

        While every gate is unhealthy Route 53 answers as if all were healthy (aws-facts §5.1), so such minutes start it anew.
        """
        gate = known(self.gates.get(region))
        since = gate.unhealthy_since() if gate and gate.is_closed else None
        if since is None or gate is None:
            return None
        others = [g for r, seen in self.gates.items() if r != region and (g := known(seen))]
        for at, _ in gate.samples:
            if at >= since and not any(other.healthy_at(at) for other in others):
                since = at
        alone = not any(other.healthy_at(gate.samples[-1][0]) for other in others)
        return None if alone else since + SAMPLE

    def edge_version(self) -> str | None:
        """`name:number` of the router's version in the applied edge stack."""
        edge = next((known(s) for ref, s in self.stacks.items() if ref.kind is StackKind.EDGE), None)
        if edge is None or not edge.complete or edge.template is None:
            return None
        versions = [
            n for n, body in edge.template.get("Resources", {}).items() if body.get("Type") == "AWS::Lambda::Version"
        ]
        arns = [edge.resources[n] for n in versions if n in edge.resources]
        return ":".join(arns[0].split(":")[-2:]) if len(arns) == 1 else None

    def stack(self, kind: StackKind, region: str) -> StackState | None:
        """The stack if it is there and was read."""
        return known(self.stacks.get(StackRef(kind, region)))

    def unknown_regions(self) -> Mapping[str, Unknown]:
        """Regions of which something that a step would rest on could not be read, with the first reason."""
        stacks = ((ref.region, state) for ref, state in self.stacks.items())
        found: dict[str, Unknown] = {}
        for region, seen in (*stacks, *self.clusters.items(), *self.gates.items(), *self.zones.items()):
            if isinstance(seen, Unknown):
                found.setdefault(region, seen)
        return found
