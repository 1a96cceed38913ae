"""Facts: what the adapters read from AWS, as boto3 gave it. `observe` turns them into the observed topology.

A field is the answer (a dict or list in boto3's shape, without ResponseMetadata), None where AWS says there is no
such thing, or `Unknown` where the call failed. Adapters decide nothing beyond that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

from reconciler.model.observed import Seen, Unknown

Answer: TypeAlias = Seen[Mapping[str, Any]]
Listing: TypeAlias = Sequence[Mapping[str, Any]] | Unknown
Series: TypeAlias = Sequence[tuple[datetime, float]] | Unknown
"""A metric's datapoints, oldest first."""


class Sweep(StrEnum):
    """How much is read: what serves, to see that nothing moved; what a pass plans from; all that can drift."""

    FAST = "fast"
    PLAN = "plan"
    FULL = "full"


LATER: Final = Unknown("NotInThisSweep", "only a full sweep reads it")
"""A field's value in the sweeps that do not read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFacts:
    stack: Mapping[str, Any]
    """One element of DescribeStacks."""
    template: Answer = None
    resources: Mapping[str, str] | Unknown = field(default_factory=dict)
    """Logical id to physical id; read only where a reader needs it."""
    settled_at: datetime | None = None
    """Latest LastUpdatedTimestamp of its resources (ListStackResources): when its last operation did its last work."""
    events: Listing = ()
    """Newest first; read only for a stack whose last operation failed, back to where that operation began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionFacts:
    """One Region. `stacks`: by stack name, only those of this topology, absent ones left out."""

    stacks: Mapping[str, StackFacts] | Unknown
    availability_zones: Listing = ()
    """Read only while the Region has no data stack."""
    cluster: Answer = None
    instances: Listing = ()
    lag: Series = ()
    load: Series = ()
    """ACUUtilization of the cluster, percent of its maximum capacity."""
    requests: Series = ()
    """Requests by minute that were no health checks; read only where the Region's gate is closed."""
    interfaces: Listing = ()
    """Network interfaces of Lambda functions in the data stack's subnets; read only where the `api` stack is gone."""
    function: Answer = None
    """The API's function as GetFunctionConfiguration gives it; in a full sweep with GetFunction's `Tags` and `Concurrency`."""
    function_policy: Answer = LATER
    """GetPolicy of the API's function; None where nobody may call it."""
    methods: Listing = LATER
    """GetResources of the REST API, with its methods."""
    rest_api: Answer = None
    stage: Answer = None
    domain_names: Mapping[str, Answer] = field(default_factory=dict)
    """One of GetDomainNames by name, for the Region's two custom domains."""
    mappings: Mapping[str, Listing] = field(default_factory=dict)
    certificate: Answer = None
    log_groups: Listing = ()
    alarms: Listing = ()
    key: Answer = None
    key_rotation: Answer = LATER
    """GetKeyRotationStatus."""
    secret: Answer = LATER
    """DescribeSecret of the master credentials; None where the stack holds none."""
    clusters: Listing = LATER
    """Every cluster of the database's engine in the Region, ours among them."""
    parameters: Answer = LATER
    """DescribeDBClusterParameters, those that somebody set."""
    snapshots: Listing = LATER
    """Manual snapshots of the cluster."""
    snapshot_attributes: Mapping[str, Answer] = field(default_factory=dict)
    """DescribeDBClusterSnapshotAttributes by snapshot."""
    security_groups: Listing = LATER
    """Of the data stack's network."""
    route_tables: Listing = LATER
    """Of the data stack's network, the main one among them."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All of one pass. `regions` has a key for every Region that was asked for."""

    at: datetime
    account: str
    """The account that the credentials belong to."""
    regions: Mapping[str, RegionFacts]
    zone: Answer
    """GetHostedZone's HostedZone, with the DelegationSet beside it."""
    records: Listing
    """ListResourceRecordSets at or below the topology's domain."""
    health_checks: Listing
    """Those of ListHealthChecks that are this topology's: our gates by CallerReference, and any check whose FQDN is ours."""
    health: Mapping[str, Series]
    """HealthCheckStatus by health check id, the last 15 minutes by minute."""
    global_cluster: Answer
    distribution: Answer
    """GetDistribution's Distribution."""
    edge_certificate: Answer = None
    edge_function: Answer = None
    """GetFunctionConfiguration; a full sweep reads `edge_versions` in its place."""
    roles: Listing = LATER
    """GetAccountAuthorizationDetails' RoleDetailList, those that are named as the topology's."""
    edge_versions: Listing = LATER
    """ListVersionsByFunction of the router, `$LATEST` among them."""
    headers_policy: Answer = LATER
    """GetResponseHeadersPolicy's ResponseHeadersPolicy."""
    deliveries: Listing = LATER
    """DescribeDeliveries in the edge's Region: the account's."""
    zone_servers: Answer = LATER
    """TestDNSAnswer for the zone's own NS record."""
    dnssec: Answer = LATER
    """GetDNSSEC."""
    recorded: Answer = None
    """The status document in table meridian-state; None while there is none, or no table."""
    suspension: Answer = None
    """What is suspended, read together with it."""
    approval: Answer = None
    """What `meridian approve` left in the table; read only where the document asks for approvals."""
