"""What becomes of drift: one table, of which a finding's disposition, reason and way out are read, and its documentation made.

An operator's hand in an incident (a closed gate, a disabled distribution, more capacity) is held, never reverted. Data is never
repaired unasked. The first row that fits decides. Rows without a stack's kind are of what no template says: whoever finds such
a thing names the row; they stand here so that the table is whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reconciler.model.change import Disposition, Tool
from reconciler.model.stacks import StackKind, StackRef

HEAL, HOLD, PAGE = Disposition.HEAL, Disposition.HOLD, Disposition.PAGE

Meets = Callable[[Any, Any], bool]
"""Of the declared and the observed value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`number`: the row of the drift catalogue that it belongs to. `kind`, `logical_id`, `prop`: where in the templates, as in
    `catalogue.Field` (a pattern for the whole id; a dotted path, at or below); `types`: only resources of these; `gone`: the whole
    resource was deleted. `way_out`: what a person does who wants it otherwise."""

    number: int
    what: str
    disposition: Disposition
    reason: str
    way_out: str = ""
    tool: Tool = Tool.NONE
    kind: StackKind | None = None
    logical_id: str = ".*"
    prop: str = ""
    types: frozenset[str] = frozenset()
    when: Meets | None = None
    gone: bool = False

    def fits(self, ref: StackRef, logical_id: str, prop: str, declared: Any, live: Any) -> bool:
        if self.gone or self.kind is not ref.kind or not re.fullmatch(self.logical_id, logical_id):
            return False
        covers = self.prop in {"", prop} or prop.startswith(self.prop + ".")
        return covers and (self.when is None or self.when(declared, live))

    @property
    def why(self) -> str:
        return f"{self.reason}: {self.way_out}" if self.way_out else self.reason


def _greater(declared: Any, live: Any) -> bool:
    try:
        return float(live) > float(declared)
    except (TypeError, ValueError):
        return False


def _is_declared(declared: Any, _live: Any) -> bool:
    return declared is not None


_CHANGE_SET, _CLUSTER = Tool.CHANGE_SET, Tool.CLUSTER
_DECLARED = "it is declared, and no operator needs it otherwise in an incident"
_DATABASE = "database settings are not written back unasked"
_UNDO = "undo it by hand, or commit it"
_LOOK = "it was deleted outside"
_FIRST = "a person must look before anything is made again"

_DYNAMIC = ("apg_write_forward.consistency_mode", "log_min_duration_statement", "rds.force_ssl")
"""Parameters of our groups that take effect without a restart [K: DescribeDBClusterParameters says `dynamic` of each]."""

HEALABLE_TYPES = frozenset(
    {
        "AWS::ApiGateway::BasePathMapping",
        "AWS::ApiGateway::DomainName",
        "AWS::ApiGateway::RestApi",
        "AWS::ApiGateway::Stage",
        "AWS::CloudFront::Distribution",
        "AWS::CloudFront::ResponseHeadersPolicy",
        "AWS::CloudWatch::Alarm",
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
        "AWS::Logs::Delivery",
        "AWS::Logs::DeliveryDestination",
        "AWS::Logs::DeliverySource",
        "AWS::Logs::LogGroup",
        "AWS::Route53::HealthCheck",
        "AWS::Route53::RecordSet",
    }
)
"""Types that a drift-aware change set may create again: none of them holds data."""

_MOTION = (
    Row(
        number=1,
        what="the writer moved to another Region",
        disposition=HOLD,
        reason="the writer was moved by hand",
        way_out="commit database.writer to adopt it, or move it back",
    ),
    Row(
        number=20,
        what="a traffic gate closed or opened",
        disposition=HOLD,
        reason="the traffic gate was moved by hand",
        way_out="move it back by hand, or commit traffic to adopt it",
    ),
    Row(
        number=20,
        what="a traffic gate inverted, disabled or forced open",
        disposition=HEAL,
        tool=Tool.GATE,
        reason="it can no longer take its Region out of DNS",
    ),
    Row(
        number=9,
        what="the master password changed",
        disposition=PAGE,
        reason="AWS does not show a password",
        way_out="set the secret and the writer's password to the same value",
    ),
)

STACK_GONE = Row(
    number=32,
    what="stack api, routing, edge or foundation deleted",
    disposition=HEAL,
    reason="the stack was deleted outside; it is declared, and what it held is made again",
)
DATABASE_GONE = Row(
    number=32,
    what="stack data or global deleted",
    disposition=PAGE,
    reason="the stack was deleted outside, with or without what it held",
    way_out="nothing is made again around live data; restore the stack by import, or the data from a snapshot",
)
STACK_STUCK = Row(
    number=32,
    what="stack api, routing, edge or foundation stuck (UPDATE_ROLLBACK_FAILED, DELETE_FAILED, ...)",
    disposition=HEAL,
    reason="its last operation left it where nothing can be deployed",
)
DATABASE_STUCK = Row(
    number=32,
    what="stack data or global stuck",
    disposition=PAGE,
    reason="its last operation left it where nothing can be deployed",
    way_out="a roll-back is continued; nothing of it is deleted",
)
_STACKS = (STACK_GONE, DATABASE_GONE, STACK_STUCK, DATABASE_STUCK)

FOREIGN_MEMBER = Row(
    number=2,
    what="somebody else's cluster in the global database",
    disposition=HOLD,
    reason="it was added by hand, and gets a copy of the data",
    way_out="take it out by hand when it is not needed any more",
)
RESYNC = Row(
    number=4,
    what="a member that does not catch up",
    disposition=PAGE,
    reason="it has been pending-resync for long: should the writer's Region fail now, its data is lost",
    way_out="wait if it was rebuilt a short while ago, else have its Region made anew",
)
ADDED_INSTANCE = Row(
    number=6,
    what="an instance added",
    disposition=HOLD,
    reason="an instance was added by hand",
    way_out="commit database.instancesPerRegion to have one more everywhere, or delete it by hand",
)
RESTART = Row(
    number=7,
    what="parameters that wait for a restart",
    disposition=HOLD,
    reason="these instances still run with the parameters from before: a restart interrupts them, so it waits for a person",
    way_out="reboot them by hand, the reader first",
)
STRAY_CLUSTER = Row(
    number=33,
    what="a cluster that goes by our name, or is a clone of ours, and belongs to no stack",
    disposition=PAGE,
    reason="it may hold a copy of the data, and no stack of ours has it",
    way_out="delete it when nobody needs it, or give it another name and other tags",
)
SHARED_SNAPSHOT = Row(
    number=36,
    what="a snapshot shared with other accounts, or with everybody",
    disposition=PAGE,
    reason="whoever it is shared with can restore the data",
    way_out="take the accounts off the snapshot, or delete it",
)
_BESIDE = (FOREIGN_MEMBER, RESYNC, ADDED_INSTANCE, RESTART, STRAY_CLUSTER, SHARED_SNAPSHOT)

_DATA = (
    Row(
        number=5,
        what="a change that waits for the maintenance window",
        disposition=HOLD,
        kind=StackKind.DATA,
        logical_id=r"Cluster|Instance\d+",
        prop="PendingModifiedValues",
        reason="it was asked for by hand, and comes in the next maintenance window",
        way_out="take it back by hand, or commit it",
    ),
    Row(
        number=9,
        what="the master secret about to be deleted",
        disposition=PAGE,
        kind=StackKind.DATA,
        logical_id="Master",
        prop="DeletedDate",
        reason="without it nobody has the master password",
        way_out="restore the secret, and find out who deleted it",
    ),
    Row(
        number=9,
        what="rotation of the master secret switched on",
        disposition=PAGE,
        kind=StackKind.DATA,
        logical_id="Master",
        prop="RotationEnabled",
        reason="it gives the database another master password, which moves with no writer",
        way_out="switch it off by hand",
    ),
    Row(
        number=30,
        what="a route added",
        disposition=HOLD,
        kind=StackKind.DATA,
        logical_id="Routes",
        prop="Routes",
        reason="the network has a way out that nothing of ours needs; no template has routes, so no deployment takes it away",
        way_out="delete the route by hand",
    ),
    Row(
        number=35,
        what="tags of the network removed",
        disposition=HEAL,
        tool=_CHANGE_SET,
        kind=StackKind.DATA,
        logical_id="(Function|Database)Group|Routes",
        prop="Tags",
        reason="what is ours is found by them",
    ),
    *(
        Row(
            number=31,
            what=f"{what} of {kind}",
            disposition=HOLD,
            kind=kind,
            logical_id=".*Role",
            prop=prop,
            reason=f"{reason}; no template has one, so no deployment takes it away",
            way_out="detach it by hand",
        )
        for kind in (StackKind.API, StackKind.GLOBAL)
        for prop, what, reason in (
            ("ManagedPolicyArns", "a policy attached to a role", "a policy was attached by hand"),
            ("PermissionsBoundary", "a boundary set to a role", "a permissions boundary was set by hand"),
        )
    ),
    Row(
        number=2,
        what="a cluster detached from the global database",
        disposition=PAGE,
        kind=StackKind.DATA,
        logical_id="Cluster",
        prop="GlobalClusterIdentifier",
        reason="the cluster is no member of the global database: its data may diverge",
        way_out="drain its Region, and have it made anew by a commit that removes it and one that adds it",
    ),
    Row(
        number=3,
        what="write forwarding switched off",
        disposition=HEAL,
        tool=_CLUSTER,
        kind=StackKind.DATA,
        logical_id="Cluster",
        prop="EnableGlobalWriteForwarding",
        reason="the Region's API writes through it; switching it on interrupts nothing",
    ),
    Row(
        number=5,
        what="engine version changed",
        disposition=HOLD,
        kind=StackKind.DATA,
        logical_id="Cluster",
        prop="EngineVersion",
        reason="the engine version was changed by hand",
        way_out="commit the new version to adopt it",
    ),
    Row(
        number=5,
        what="engine version of the global cluster changed",
        disposition=HOLD,
        kind=StackKind.GLOBAL,
        logical_id="GlobalCluster",
        prop="EngineVersion",
        reason="the engine version was changed by hand",
        way_out="commit the new version to adopt it",
    ),
    Row(
        number=6,
        what="capacity raised",
        disposition=HOLD,
        kind=StackKind.DATA,
        logical_id="Cluster",
        prop="ServerlessV2ScalingConfiguration",
        when=_greater,
        reason="capacity was raised by hand",
        way_out="commit it to keep it, or lower it by hand",
    ),
    Row(
        number=6,
        what="capacity lowered",
        disposition=HEAL,
        tool=_CLUSTER,
        kind=StackKind.DATA,
        logical_id="Cluster",
        prop="ServerlessV2ScalingConfiguration",
        reason="the Region's share of the others' traffic was reckoned with the declared capacity",
    ),
    *(
        Row(
            number=8,
            what=what,
            disposition=HEAL,
            tool=_CLUSTER,
            kind=StackKind.DATA,
            logical_id="Cluster",
            prop=name,
            reason=reason,
        )
        for name, what, reason in (
            ("DeletionProtection", "deletion protection off", "without it one call deletes the cluster"),
            ("BackupRetentionPeriod", "backup retention changed", "it decides how far back the data can be restored"),
            ("EnableIAMDatabaseAuthentication", "IAM authentication off", "the API logs in by it"),
            ("EnableCloudwatchLogsExports", "log exports off", _DECLARED),
            ("CopyTagsToSnapshot", "tags not copied to snapshots", _DECLARED),
            ("VpcSecurityGroupIds", "security groups of the cluster changed", "they decide who reaches the database"),
        )
    ),
    Row(
        number=8,
        what="deletion protection of the global cluster off",
        disposition=HEAL,
        tool=Tool.GLOBAL,
        kind=StackKind.GLOBAL,
        logical_id="GlobalCluster",
        prop="DeletionProtection",
        reason="without it one call deletes the global cluster",
    ),
    *(
        Row(
            number=7,
            what=f"parameter {name} changed",
            disposition=HEAL,
            tool=Tool.PARAMETERS,
            kind=StackKind.DATA,
            logical_id="Parameters",
            prop="Parameters." + name.replace(".", "\\."),
            when=_is_declared,
            reason="it is declared, and takes effect without a restart",
        )
        for name in _DYNAMIC
    ),
    Row(
        number=7,
        what="another parameter changed",
        disposition=HOLD,
        kind=StackKind.DATA,
        logical_id="Parameters",
        prop="Parameters",
        reason="it may need a restart of every instance to take effect",
        way_out=_UNDO,
    ),
    Row(
        number=11,
        what="the storage's key disabled or about to be deleted",
        disposition=PAGE,
        tool=Tool.KEY,
        kind=StackKind.DATA,
        logical_id="Key",
        prop="Enabled",
        reason="without its key the database and its snapshots are lost: it is enabled again at once",
        way_out="find out who did it, and why",
    ),
    Row(
        number=11,
        what="the key's rotation off",
        disposition=HEAL,
        tool=Tool.KEY,
        kind=StackKind.DATA,
        logical_id="Key",
        prop="EnableKeyRotation",
        reason=_DECLARED,
    ),
    Row(
        number=30,
        what="a security group's rules changed",
        disposition=HEAL,
        tool=_CHANGE_SET,
        kind=StackKind.DATA,
        logical_id=".*Group",
        prop="SecurityGroupIngress",
        reason="they decide who reaches the database",
    ),
    Row(
        number=30,
        what="a security group's rules changed",
        disposition=HEAL,
        tool=_CHANGE_SET,
        kind=StackKind.DATA,
        logical_id=".*Group",
        prop="SecurityGroupEgress",
        reason="they decide what the API's functions reach",
    ),
    Row(
        number=34,
        what="retention of the database's logs changed",
        disposition=HEAL,
        tool=_CHANGE_SET,
        kind=StackKind.DATA,
        logical_id="DatabaseLogs",
        reason=_DECLARED,
    ),
    Row(
        number=31,
        what="a role of stack global changed",
        disposition=HEAL,
        tool=_CHANGE_SET,
        kind=StackKind.GLOBAL,
        logical_id=".*Role",
        reason="it decides who may call the Regions",
    ),
    Row(
        number=8,
        what="another setting of the database or its network changed",
        disposition=HOLD,
        kind=StackKind.DATA,
        reason=_DATABASE,
        way_out=_UNDO,
    ),
    Row(
        number=8,
        what="another setting of the global database changed",
        disposition=HOLD,
        kind=StackKind.GLOBAL,
        reason=_DATABASE,
        way_out=_UNDO,
    ),
)

_SERVING = (
    *(
        Row(
            number=28,
            what=f"a record that validates the certificate of stack {kind} deleted",
            disposition=HEAL,
            tool=Tool.RECORD,
            kind=kind,
            logical_id="Certificate",
            prop="DomainValidationOptions",
            reason="without it the certificate is not renewed; no template has it",
        )
        for kind in (StackKind.API, StackKind.EDGE)
    ),
    Row(
        number=17,
        what="function code changed",
        disposition=HOLD,
        kind=StackKind.API,
        logical_id="Function|Migrate.*",
        prop="Code",
        reason="the code was changed by hand",
        way_out="commit the fix, or deploy the declared code by a commit",
    ),
    Row(
        number=24,
        what="code of the edge router changed",
        disposition=HOLD,
        kind=StackKind.EDGE,
        logical_id="Router",
        prop="Code",
        reason="the code was changed by hand; the version that serves is what it was",
        way_out="deploy the declared code by hand",
    ),
    Row(
        number=13,
        what="methods of the REST API edited",
        disposition=HOLD,
        kind=StackKind.API,
        logical_id="Api",
        prop="Body",
        reason="its methods were edited by hand; what was not deployed does not serve",
        way_out="undo it by hand, or commit a change of the API",
    ),
    Row(
        number=25,
        what="the distribution disabled",
        disposition=HOLD,
        kind=StackKind.EDGE,
        logical_id="Distribution",
        prop="DistributionConfig.Enabled",
        reason="somebody switched the distribution by hand",
        way_out="enable it by hand when the incident is over",
    ),
    Row(
        number=26,
        what="the domain moved to another distribution",
        disposition=HOLD,
        kind=StackKind.EDGE,
        logical_id="Distribution",
        prop="DistributionConfig.Aliases",
        reason="the domain was moved by hand",
        way_out="move it back by hand, or commit the change",
    ),
    *(
        Row(number=number, what=what, disposition=HEAL, tool=_CHANGE_SET, kind=kind, logical_id=ids, reason=_DECLARED)
        for number, what, kind, ids in (
            (15, "the stage's deployment, throttles, logging or WAF changed", StackKind.API, "Stage"),
            (14, "the REST API's policy or its own endpoint changed", StackKind.API, "Api"),
            (16, "a custom domain or its mapping changed", StackKind.API, "(Regional|Shared)(Domain|Mapping)"),
            (18, "the function's settings changed", StackKind.API, "Function"),
            (20, "a Region's probe changed, inverted or disabled", StackKind.API, "Probe"),
            (34, "retention of a log group changed", StackKind.API, ".*Logs"),
            (31, "a role of the API changed", StackKind.API, ".*Role"),
            (18, "another setting of the API changed", StackKind.API, ".*"),
            (19, "a latency record changed", StackKind.ROUTING, ".*"),
            (27, "the domain's own records changed", StackKind.EDGE, "A|Aaaa"),
            (34, "retention of the edge's logs changed", StackKind.EDGE, ".*Logs"),
            (23, "another setting of the edge changed", StackKind.EDGE, ".*"),
            (33, "the asset bucket or the table of states changed", StackKind.FOUNDATION, ".*"),
        )
    ),
)

_GONE = (
    *(
        Row(
            number=number,
            what=what,
            disposition=HEAL,
            tool=_CHANGE_SET,
            kind=kind,
            types=types,
            gone=True,
            reason="deleted outside",
        )
        for number, what, kind, types in (
            (18, "a part of the API deleted", StackKind.API, HEALABLE_TYPES),
            (19, "a latency record deleted", StackKind.ROUTING, HEALABLE_TYPES),
            (23, "a part of the edge deleted", StackKind.EDGE, HEALABLE_TYPES),
            (34, "the database's log group deleted", StackKind.DATA, frozenset({"AWS::Logs::LogGroup"})),
        )
    ),
    *(
        Row(number=33, what=what, disposition=PAGE, kind=kind, gone=True, reason=_LOOK, way_out=_FIRST)
        for what, kind in (
            ("another resource of the API deleted", StackKind.API),
            ("another resource of the edge deleted", StackKind.EDGE),
            ("a part of the database or its network deleted", StackKind.DATA),
            ("a part of the global database deleted", StackKind.GLOBAL),
            ("the asset bucket or the table of states deleted", StackKind.FOUNDATION),
        )
    ),
)

ROWS: tuple[Row, ...] = (*_MOTION, *_STACKS, *_BESIDE, *_DATA, *_SERVING, *_GONE)

_UNFORESEEN = Row(number=33, what="anything else", disposition=PAGE, reason="no row of the catalogue speaks of it")


def row_of(ref: StackRef, logical_id: str, prop: str, declared: Any, live: Any) -> Row:
    """The row that decides about one deviating property."""
    return next((r for r in ROWS if r.fits(ref, logical_id, prop, declared, live)), _UNFORESEEN)


def row_of_missing(ref: StackRef, resource_type: str) -> Row:
    """The row that decides about a resource that its stack lists and AWS no longer has."""
    found = (r for r in ROWS if r.gone and r.kind is ref.kind and (not r.types or resource_type in r.types))
    return next(found, _UNFORESEEN)


def row_of_stack(ref: StackRef, *, gone: bool) -> Row:
    """The row that decides about a whole stack."""
    if ref.kind in (StackKind.DATA, StackKind.GLOBAL):
        return DATABASE_GONE if gone else DATABASE_STUCK
    return STACK_GONE if gone else STACK_STUCK


def judge_missing(ref: StackRef, resource_type: str) -> tuple[Disposition, str]:
    row = row_of_missing(ref, resource_type)
    why = row.why if row.disposition is HEAL else f"{resource_type}: {row.why}"
    return row.disposition, why
