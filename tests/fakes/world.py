"""AWS as the planner sees it, in memory: a step has its whole effect at once, time passes only by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from reconciler.diff import desired_stacks, diff
from reconciler.model.approval import Approval
from reconciler.model.issuer import PublicKey
from reconciler.model.motion import Motion
from reconciler.model.observed import (
    Cluster,
    Distribution,
    GlobalCluster,
    GlobalMember,
    Observed,
    Probe,
    Record,
    StackState,
    TrafficGate,
    Unknown,
    Zone,
)
from reconciler.model.outcome import Outcome, Result, Revision
from reconciler.model.plan import Goal, Plan, Step, StepAction
from reconciler.model.stacks import DesiredStack, StackKind, StackRef, Template, camel, stack_refs
from reconciler.model.topology import Topology
from reconciler.plan import plan

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Samples = tuple[tuple[datetime, bool], ...]
INTERFACES_LINGER = timedelta(minutes=20)
OUTPUTS = ("SubnetIds", "FunctionGroupId", "WriterEndpoint", "ReaderEndpoint", "ClusterResourceId")


def templates(topology: Topology) -> dict[str, Template]:
    """Templates just large enough to tell changes by: the fields that tests turn."""
    api, database = topology.api, topology.database
    cluster = {
        "EngineVersion": database.version,
        "ServerlessV2ScalingConfiguration": {
            "MinCapacity": database.min_capacity,
            "MaxCapacity": database.max_capacity,
        },
    }
    data = {"Vpc": _r("AWS::EC2::VPC", {"CidrBlock": {"Ref": "Cidr"}}), "Cluster": _r("AWS::RDS::DBCluster", cluster)}
    master = {"Master": _r("AWS::SecretsManager::Secret", {})}
    founding = {
        **data,
        **master,
        "Cluster": _r("AWS::RDS::DBCluster", {**cluster, "MasterUsername": "m", "MasterUserPassword": "p"}),
    }
    inheriting = {**data, **master, "Cluster": _r("AWS::RDS::DBCluster", {**cluster, "MasterUserPassword": "p"})}
    function = {"FunctionName": "f", "MemorySize": api.memory_mb, "Timeout": api.timeout_seconds}
    migrate = _r("AWS::Lambda::Function", {"FunctionName": topology.migrator})
    variables = {"CLIENT_MODE": api.client.mode}
    if api.client.issuer:
        variables |= {"CLIENT_ISSUER": api.client.issuer, "CLIENT_KEYS": {"Ref": "ClientKeys"}}
    function["Environment"] = {"Variables": variables}
    probe = {"HealthCheckConfig": {"RequestInterval": api.health.interval_seconds, "ResourcePath": api.health.path}}
    distribution = {"DistributionConfig": {"PriceClass": topology.edge.price_class, "Enabled": True}}
    records = {
        f"Route{camel(r)}": _r(
            "AWS::Route53::RecordSet",
            {
                "Name": topology.route_name,
                "SetIdentifier": r,
                "TTL": str(topology.routing.ttl_seconds),
                "HealthCheckId": {"Ref": f"Gate{camel(r)}"},
            },
        )
        for r in topology.region_names
    }
    bodies = {
        "foundation": {"Assets": _r("AWS::S3::Bucket", {})},
        "foundation-home": {"Assets": _r("AWS::S3::Bucket", {}), "State": _r("AWS::DynamoDB::Table", {})},
        "global": {"GlobalCluster": _r("AWS::RDS::GlobalCluster", {"EngineVersion": database.version})},
        "data": data,
        "data-founder": founding,
        "data-heir": inheriting,
        "api": {
            "Function": _r("AWS::Lambda::Function", function),
            "Migrate": migrate,
            "Probe": _r("AWS::Route53::HealthCheck", probe),
        },
        "routing": records,
        "edge": {"Distribution": _r("AWS::CloudFront::Distribution", distribution)},
    }
    return {key: Template(key, {"Resources": resources}) for key, resources in bodies.items()}


def _r(kind: str, properties: dict) -> dict:
    return {"Type": kind, "Properties": properties}


def remembered(topology: Topology, gates: Mapping[str, TrafficGate] | None = None) -> dict:
    """The part of a status document that a pass leaves once this topology converged."""
    known = gates or {}
    motion = Motion(gates={r: g.version for r, g in known.items()})
    return {"motion": motion.converged(topology, known).migrates(topology).document()}


@lru_cache(maxsize=256)
def samples(now: datetime, since: datetime, until: datetime) -> Samples:
    """The last quarter of an hour, minute by minute: healthy from `since` until `until`."""
    minutes = int(min((now - START) / MINUTE, 15))
    return tuple((at, since <= at < until) for at in (now - MINUTE * m for m in reversed(range(minutes))))


class World:
    """Holds what is deployed. `desired` may be replaced at any time: that is a commit."""

    def __init__(self, desired: Topology) -> None:
        self.desired = desired
        self.goal = Goal.CONVERGE
        self.now = START
        self.stacks: dict[StackRef, StackState] = {}
        self.gates: dict[str, TrafficGate] = {}
        self.unknown: dict[StackRef, object] = {}
        self.recorded: dict | None = None
        self.writer: str | None = None
        self.moving_to: str | None = None
        """Where a switchover under way takes the writer."""
        self.apart: set[str] = set()
        """Regions whose cluster left the global database."""
        self.unprotected: set[str] = set()
        self.gone_apis: dict[str, datetime] = {}
        """When a Region's functions were deleted: their network interfaces linger."""
        self.closed_at: dict[str, datetime] = {}
        self.opened_at: dict[str, datetime] = {}
        self.snapshots: list[str] = []
        self.global_cluster_left = False
        """Its stack is gone and left it behind."""
        self.loads: dict[str, float] = {}
        self.clusters: dict[str, dict] = {}
        """What differs about a Region's cluster from one that is well."""
        self.requests: dict[str, tuple] = {}
        self.approval: Approval | Unknown | None = None
        self.account = desired.account
        self.zone: object = Zone(id=desired.domain.zone_id, name=desired.domain.zone_name, private=False)
        self.extra_records: tuple[Record, ...] = ()
        self.distribution_enabled = True
        self.sick: set[str] = set()
        """Regions whose probe fails."""
        self.sick_since: dict[str, datetime] = {}
        """Since when, where it is not for ever."""
        self.unread: dict[str, Unknown] = {}
        """Fields of `Observed` that could not be read; for one entry of a mapping, `field/Region`."""
        self.live: dict = {}
        self.issuer_keys: tuple[PublicKey, ...] | Unknown = ()
        self._made_for: Topology | None = None
        self._made: dict[str, Template] = {}
        self.probe_ids: dict[str, str] = {}

    # ---- as a pass sees it ----

    def observed(self) -> Observed:
        regions = tuple(dict.fromkeys((*self.desired.region_names, *self.gates, *(r.region for r in self.stacks))))
        refs = dict.fromkeys(stack_refs(self.desired))
        observed = Observed(
            at=self.now,
            account=self.account,
            zone=self.zone,
            stacks={**refs, **self.stacks, **self.unknown},
            global_cluster=self._global_cluster(),
            clusters={r: self._cluster(r) for r in regions},
            zones={r: (f"{r}a", f"{r}b", f"{r}c") for r in regions},
            gates={r: self._gate(r) for r in regions},
            probes={r: self._probe(r) for r in regions},
            records=(*self._records(), *self.extra_records),
            distribution=self._distribution(),
            interfaces={r: 2 for r, at in self.gone_apis.items() if self.now < at + INTERFACES_LINGER},
            requests=self.requests,
            recorded=self.recorded,
            approval=self.approval,
            issuer_keys=self.issuer_keys,
            live=self.live,
        )
        for name, reason in self.unread.items():
            field, _, region = name.partition("/")
            value = {**getattr(observed, field), region: reason} if region else reason
            observed = replace(observed, **{field: value})
        return observed

    def plan(self) -> Plan:
        return self.seen()[0].plan

    def seen(self, observed: Observed | None = None) -> tuple[Outcome, Mapping[StackRef, DesiredStack]]:
        """What a pass makes of this world, or of `observed`, before it acts: its outcome, and the desired stacks."""
        observed = observed or self.observed()
        stacks = desired_stacks(self.desired, observed, self._templates())
        found = diff(self.desired, stacks, observed)
        outcome = Outcome(
            topology=self.desired.name,
            revision=Revision(commit="abc", generation=1, digest=""),
            result=Result.PROGRESSING,
            requeue_after=None,
            plan=plan(self.desired, "abc", observed, found, stacks, self.goal),
            diff=found,
            observed=observed,
            regions=self.desired.region_names,
        )
        return outcome, stacks

    def template_of(self, ref: StackRef) -> dict:
        return self._wanted()[ref].template.body

    def _wanted(self) -> Mapping[StackRef, DesiredStack]:
        return desired_stacks(self.desired, self.observed(), self._templates())

    def _templates(self) -> dict[str, Template]:
        """Made once for each desired topology, as the synthesiser's cache does."""
        if self._made_for is not self.desired:
            self._made_for, self._made = self.desired, templates(self.desired)
        return self._made

    # ---- steps, each with its whole effect at once, or as it fails ----

    def apply(self, step: Step) -> None:
        match step.action:
            case StepAction.RECOVER:
                self._recover(step.stack)
            case StepAction.DEPLOY | StepAction.REPAIR | StepAction.UNROUTE:
                self._deploy(step.stack)
            case StepAction.DELETE:
                self._delete(step.stack)
            case StepAction.SWITCHOVER:
                self.writer = step.region
            case StepAction.MIGRATE:
                self._migrate(step)
            case StepAction.DETACH:
                self.apart.add(step.region)
            case StepAction.DELETE_GATE:
                del self.gates[step.region]
            case StepAction.DELETE_GLOBAL:
                self.global_cluster_left = False
            case StepAction.PUT_BACK:
                for finding in filter(step.repairs, self.seen()[0].diff.findings):
                    self.live.pop((finding.stack, finding.logical_id), None)
            case _:
                self._move_gate(step)

    def fail(self, step: Step) -> None:
        """The step comes to nothing: AWS refuses it, or rolls it back."""
        if step.action in {StepAction.DEPLOY, StepAction.REPAIR, StepAction.UNROUTE}:
            before = self.stacks.get(step.stack)
            made = before is not None and before.stands
            self._set(step.stack, "UPDATE_ROLLBACK_COMPLETE" if made else "ROLLBACK_COMPLETE")
        elif step.action is StepAction.DELETE:
            self._set(step.stack, "DELETE_FAILED")

    def half(self, step: Step) -> None:
        """The step stops half-way: a roll-back that fails, a deletion that leaves the stack, a switchover still under way."""
        match step.action:
            case StepAction.DEPLOY | StepAction.REPAIR | StepAction.UNROUTE:
                before = self.stacks.get(step.stack)
                if before is not None and before.stands:
                    self._set(step.stack, "UPDATE_ROLLBACK_FAILED")
                else:
                    self._deploy(step.stack)
                    self._set(step.stack, "ROLLBACK_FAILED")
            case StepAction.DELETE:
                self._set(step.stack, "DELETE_FAILED")
                if step.stack.kind is StackKind.API:
                    self.gone_apis[step.stack.region] = self.now
            case StepAction.SWITCHOVER:
                self.moving_to = step.region
            case _:
                self.fail(step)

    def pass_time(self, span: timedelta = MINUTE) -> None:
        self.now += span
        if self.moving_to:
            self.writer, self.moving_to = self.moving_to, None

    def look(self) -> None:
        """What a pass makes of its memory before it plans."""
        if known := Motion.recorded(self.recorded):
            known = known.sees_writer(self.observed(), self.desired.database.writer)
            self.recorded = {"motion": known.document()}

    def remember(self, plan: Plan, failing: Mapping[str, str] | None = None) -> None:
        """What the loop writes down around a wave; `failing`: a rollout that just failed."""
        known = Motion.recorded(self.recorded) or Motion()
        known = known.sees_writer(self.observed(), self.desired.database.writer)
        known = known.intends(plan, self.desired, self.gates)
        if failing:
            known = replace(known, broken=failing)
        self.recorded = {
            "motion": (known.converged(self.desired, self.gates, plan) if plan.converged else known).document()
        }

    def run(self, limit: int = 400) -> list[Step]:
        """Carry plans out until nothing is left, asides included; gives the steps in order."""
        done: list[Step] = []
        for _ in range(limit):
            now = self.plan()
            assert not now.refusals, now.refusals
            self.remember(now)
            if not now.waves:
                return done
            for step in now.waves[0].steps:
                self.apply(step)
                done.append(step)
            self.pass_time()
        raise AssertionError(f"not converged: {self.plan().waves}")

    def run_until_blocked(self, limit: int = 40) -> None:
        """As `run`, but stops where only gates are left that time does not open."""
        for _ in range(limit):
            now = self.plan()
            self.remember(now)
            for wave in now.waves[:1]:
                for step in wave.steps:
                    self.apply(step)
            self.pass_time()

    def _set(self, ref: StackRef, status: str) -> None:
        state = self.stacks.get(ref) or StackState(ref=ref, status=status, changed_at=self.now)
        self.stacks[ref] = replace(state, status=status, changed_at=self.now, settled_at=self.now)

    def _recover(self, ref: StackRef) -> None:
        if self.stacks[ref].status == "UPDATE_ROLLBACK_FAILED":
            self._set(ref, "UPDATE_ROLLBACK_COMPLETE")
        else:
            self._forget(ref)

    def _deploy(self, ref: StackRef) -> None:
        desired = self._wanted()[ref]
        assert desired.parameters is not None, f"{ref} deployed before its parameters exist"
        outputs = {name: f"{name}-{ref.region}" for name in OUTPUTS} if ref.kind is StackKind.DATA else {}
        known = ref in self.stacks
        self.stacks[ref] = StackState(
            ref=ref,
            status="UPDATE_COMPLETE" if known else "CREATE_COMPLETE",
            changed_at=self.now,
            settled_at=self.now,
            parameters=dict(desired.parameters),
            outputs=outputs,
            template=desired.template.body,
        )
        if ref.kind is StackKind.DATA and self.writer is None:
            self.writer = ref.region

    def _delete(self, ref: StackRef) -> None:
        if ref.kind is StackKind.DATA:
            assert ref.region in self.apart or ref.region not in self._of(StackKind.DATA), (
                f"{ref} deleted while a member"
            )
            self.snapshots.append(ref.region)
        self._forget(ref)

    def _forget(self, ref: StackRef) -> None:
        made = ref.region in self._of(ref.kind)
        del self.stacks[ref]
        self.global_cluster_left = self.global_cluster_left or (ref.kind is StackKind.GLOBAL and made)
        if ref.kind is StackKind.API:
            self.gone_apis[ref.region] = self.now
            self.probe_ids.pop(ref.region, None)
        if ref.kind is StackKind.DATA:
            self.apart.discard(ref.region)
            self.gone_apis.pop(ref.region, None)
            if self.writer == ref.region:
                self.writer = None

    def _migrate(self, step: Step) -> None:
        assert step.region == self.writer, f"{step.region} does not write"
        assert step.region in self._of(StackKind.API), f"no function stands in {step.region}"
        known = Motion.recorded(self.recorded) or Motion()
        self.recorded = {"motion": known.migrates(self.desired).document()}

    def _move_gate(self, step: Step) -> None:
        if step.action is StepAction.CREATE_GATE:
            self.gates[step.region] = TrafficGate(
                id=f"gate-{step.region}", reference="", children=(f"probe-{step.region}",), threshold=2, version=1
            )
            return
        gate = self.gates[step.region]
        opens = step.action is StepAction.OPEN_GATE or (step.action is StepAction.MEND_GATE and not gate.is_closed)
        if not opens and not gate.is_closed:
            self.closed_at[step.region] = self.now
        if opens and gate.is_closed:
            self.opened_at[step.region] = self.now
        fixed = replace(gate, threshold=1 if opens else 2, inverted=False, disabled=False)
        probe = self.probe_ids.get(step.region, f"probe-{step.region}")
        self.gates[step.region] = replace(fixed, children=(probe,), version=gate.version + 1)

    # ---- what there is ----

    def _of(self, kind: StackKind) -> list[str]:
        """Regions where such a stack holds something: not one that only has a change set, or whose creation rolled back."""
        return [ref.region for ref in self.stacks if ref.kind is kind and self._has(ref)]

    def _has(self, ref: StackRef) -> bool:
        state = self.stacks.get(ref)
        return state is not None and state.template is not None and state.status != "ROLLBACK_COMPLETE"

    def _global_cluster(self) -> GlobalCluster | None:
        if not (self._of(StackKind.GLOBAL) or self.global_cluster_left):
            return None
        members = tuple(
            GlobalMember(region=r, cluster_arn=f"arn:{r}", is_writer=r == self.writer, synchronization="connected")
            for r in self._of(StackKind.DATA)
            if r not in self.apart
        )
        moving = "switching-over" if self.moving_to else None
        return GlobalCluster(
            identifier="orders", status="available", engine_version="16.8", members=members, failover=moving
        )

    def _cluster(self, region: str) -> Cluster | None:
        ref = StackRef(StackKind.DATA, region)
        if not self._has(ref):
            return None
        resources = self.stacks[ref].template["Resources"]
        declared = resources.get("Cluster", {}).get("Properties", {})
        moves = self.moving_to and region in {self.writer, self.moving_to}
        well = Cluster(
            identifier=region,
            status="failing-over" if moves else "available",
            engine_version=declared.get("EngineVersion", "16.8"),
            instance_statuses={"0": "available"},
            lag_ms=80,
            protected=region not in self.unprotected,
            load=self.loads.get(region),
        )
        return replace(well, **self.clusters[region]) if region in self.clusters else well

    def _samples(self, region: str, since: datetime = START, until: datetime | None = None) -> Samples:
        sick_since = self.sick_since.get(region, START) if region in self.sick else None
        return samples(self.now, since, min(until or self.now + MINUTE, sick_since or self.now + MINUTE))

    def _probe(self, region: str) -> Probe | None:
        if not self._has(StackRef(StackKind.API, region)):
            return None
        return Probe(id=self.probe_ids.get(region, f"probe-{region}"), samples=self._samples(region))

    def _gate(self, region: str) -> TrafficGate | None:
        gate = self.gates.get(region)
        if gate is None:
            return None
        healthy = gate.threshold <= 1 and region not in self.sick and self._has(StackRef(StackKind.API, region))
        closed = self.closed_at.get(region, START) if gate.is_closed else None
        seen = self._samples(region, self.opened_at.get(region, START), closed)
        return replace(gate, healthy=healthy, samples=seen)

    def _records(self) -> tuple[Record, ...]:
        templates = [s.template or {} for ref, s in self.stacks.items() if ref.kind is StackKind.ROUTING]
        held = {name for template in templates for name in template.get("Resources", {})}
        names = (self.desired.route_name, self.desired.origin_name)
        routed = [r for r in self.gates if f"Route{camel(r)}" in held]
        edge = [Record(name=self.desired.domain.name, type="A", alias="d1.cloudfront.net")] if self._edge() else []
        return (*(Record(name=n, type="CNAME", region=r) for r in routed for n in names), *edge)

    def _edge(self) -> StackState | None:
        edges = (s for ref, s in self.stacks.items() if ref.kind is StackKind.EDGE)
        return next((s for s in edges if s.template is not None), None)

    def _distribution(self) -> Distribution | None:
        if not self._edge():
            return None
        return Distribution(
            id="D1",
            domain_name="d1.cloudfront.net",
            status="Deployed",
            enabled=self.distribution_enabled,
            aliases=(self.desired.domain.name,),
        )
