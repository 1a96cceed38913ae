"""AWS as the planner sees it, in memory: a step has its whole effect at once, time passes only by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from reconciler.diff import desired_stacks, diff
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
from reconciler.model.plan import Plan, Step, StepAction
from reconciler.model.stacks import DesiredStack, StackKind, StackRef, Template, camel, stack_refs
from reconciler.model.topology import Topology
from reconciler.plan import plan

START = datetime(2026, 1, 1, tzinfo=UTC)
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
    function = {"FunctionName": "f", "MemorySize": api.memory_mb, "Timeout": api.timeout_seconds}
    probe = {"HealthCheckConfig": {"RequestInterval": api.health.interval_seconds, "ResourcePath": api.health.path}}
    distribution = {"DistributionConfig": {"PriceClass": topology.edge.price_class, "Enabled": True}}
    records = {
        f"Route{camel(r)}": _r(
            "AWS::Route53::RecordSet",
            {
                "Name": topology.route_name,
                "TTL": str(topology.routing.ttl_seconds),
                "HealthCheckId": {"Ref": f"Gate{camel(r)}"},
            },
        )
        for r in topology.region_names
    }
    bodies = {
        "foundation": {"Assets": _r("AWS::S3::Bucket", {})},
        "foundation-home": {"Assets": _r("AWS::S3::Bucket", {}), "State": _r("AWS::DynamoDB::Table", {})},
        "global": {"GlobalCluster": _r("AWS::RDS::GlobalCluster", {})},
        "data": data,
        "data-founder": {**data, **master},
        "api": {"Function": _r("AWS::Lambda::Function", function), "Probe": _r("AWS::Route53::HealthCheck", probe)},
        "routing": records,
        "edge": {"Distribution": _r("AWS::CloudFront::Distribution", distribution)},
    }
    return {key: Template(key, {"Resources": resources}) for key, resources in bodies.items()}


def _r(kind: str, properties: dict) -> dict:
    return {"Type": kind, "Properties": properties}


class World:
    """Holds what is deployed. `desired` may be replaced at any time: that is a commit."""

    def __init__(self, desired: Topology) -> None:
        self.desired = desired
        self.now = START
        self.stacks: dict[StackRef, StackState] = {}
        self.gates: dict[str, TrafficGate] = {}
        self.unknown: dict[StackRef, object] = {}
        self.recorded: dict | None = None
        self.writer: str | None = None
        self.account = desired.account
        self.zone: object = Zone(id=desired.domain.zone_id, name=desired.domain.zone_name, private=False)
        self.extra_records: tuple[Record, ...] = ()
        self.distribution_enabled = True
        self.sick: set[str] = set()
        """Regions whose probe fails."""
        self.unread: dict[str, Unknown] = {}
        """Fields of `Observed` that could not be read; for one entry of a mapping, `field/Region`."""
        self.live: dict = {}
        self.probe_ids: dict[str, str] = {}

    def observed(self) -> Observed:
        regions = tuple(dict.fromkeys((*self.desired.region_names, *self.gates, *self._of(StackKind.DATA))))
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
            recorded=self.recorded,
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
        stacks = desired_stacks(self.desired, observed, templates(self.desired))
        found = diff(self.desired, stacks, observed)
        outcome = Outcome(
            topology=self.desired.name,
            revision=Revision(commit="abc", generation=1, digest=""),
            result=Result.PROGRESSING,
            requeue_after=None,
            plan=plan(self.desired, "abc", observed, found, stacks),
            diff=found,
            observed=observed,
        )
        return outcome, stacks

    def template_of(self, ref: StackRef) -> dict:
        return desired_stacks(self.desired, self.observed(), templates(self.desired))[ref].template.body

    def apply(self, step: Step) -> None:
        if step.stack is None:
            self._move_gate(step)
        elif step.action is StepAction.RECOVER:
            del self.stacks[step.stack]
        else:
            self._deploy(step.stack)

    def run(self, limit: int = 80) -> list[Step]:
        """Carry plans out until nothing is left; gives the steps in order."""
        done: list[Step] = []
        for _ in range(limit):
            now = self.plan()
            assert not now.refusals, now.refusals
            if now.converged:
                return done
            for step in now.waves[0].steps:
                self.apply(step)
                done.append(step)
            self.now += timedelta(minutes=1)
        raise AssertionError(f"not converged: {self.plan().waves}")

    def run_until_blocked(self, limit: int = 40) -> None:
        """As `run`, but stops where only gates are left that time does not open."""
        for _ in range(limit):
            for wave in self.plan().waves[:1]:
                for step in wave.steps:
                    self.apply(step)
            self.now += timedelta(minutes=1)

    def _deploy(self, ref: StackRef) -> None:
        observed = self.observed()
        desired = desired_stacks(self.desired, observed, templates(self.desired))[ref]
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

    def _move_gate(self, step: Step) -> None:
        if step.action is StepAction.CREATE_GATE:
            self.gates[step.region] = TrafficGate(
                id=f"gate-{step.region}", reference="", children=(f"probe-{step.region}",), threshold=2, version=1
            )
            return
        gate = self.gates[step.region]
        opens = step.action is StepAction.OPEN_GATE or not gate.is_closed
        fixed = replace(gate, threshold=1 if opens else 2, inverted=False, disabled=False)
        probe = self.probe_ids.get(step.region, f"probe-{step.region}")
        self.gates[step.region] = replace(fixed, children=(probe,), version=gate.version + 1)

    def _of(self, kind: StackKind) -> list[str]:
        """Regions where such a stack holds something: not one that only has a change set, or whose creation rolled back."""
        held = (
            (ref, s) for ref, s in self.stacks.items() if s.template is not None and s.status != "ROLLBACK_COMPLETE"
        )
        return [ref.region for ref, _ in held if ref.kind is kind]

    def _global_cluster(self) -> GlobalCluster | None:
        if not self._of(StackKind.GLOBAL):
            return None
        members = tuple(
            GlobalMember(region=r, cluster_arn=f"arn:{r}", is_writer=r == self.writer, synchronization="connected")
            for r in self._of(StackKind.DATA)
        )
        return GlobalCluster(identifier="orders", status="available", engine_version="16.8", members=members)

    def _cluster(self, region: str) -> Cluster | None:
        if region not in self._of(StackKind.DATA):
            return None
        return Cluster(
            identifier=region,
            status="available",
            engine_version="16.8",
            instance_statuses={"0": "available"},
            lag_ms=80,
        )

    def _samples(self, region: str) -> tuple[tuple[datetime, bool], ...]:
        minutes = int(min((self.now - START).total_seconds() // 60, 15))
        return tuple((self.now - timedelta(minutes=m), region not in self.sick) for m in reversed(range(minutes)))

    def _probe(self, region: str) -> Probe | None:
        exists = region in self._of(StackKind.API)
        return (
            Probe(id=self.probe_ids.get(region, f"probe-{region}"), samples=self._samples(region)) if exists else None
        )

    def _gate(self, region: str) -> TrafficGate | None:
        gate = self.gates.get(region)
        if gate is None:
            return None
        healthy = gate.threshold <= 1 and region not in self.sick
        return replace(gate, healthy=healthy, samples=self._samples(region) if gate.is_open else ())

    def _records(self) -> tuple[Record, ...]:
        routed = bool(self._of(StackKind.ROUTING))
        names = (self.desired.route_name, self.desired.origin_name) if routed else ()
        edge = [Record(name=self.desired.domain.name, type="A", alias="d1.cloudfront.net")] if self._edge() else []
        return (*(Record(name=n, type="CNAME") for n in names), *edge)

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
