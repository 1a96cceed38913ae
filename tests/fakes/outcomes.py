"""Example outcomes for tests of what is shown: a first deployment, a repair, a refusal, a converged topology."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.model.change import Action, Change, Coverage, Diff, Disposition, Finding, Origin, Unchecked, Waived
from reconciler.model.coverage import Entry, Way
from reconciler.model.observed import (
    Cluster,
    Distribution,
    GlobalCluster,
    GlobalMember,
    Observed,
    Probe,
    StackState,
    TrafficGate,
    Zone,
)
from reconciler.model.outcome import Condition, Outcome, Problem, Result, Revision
from reconciler.model.plan import Gate, Hazard, Plan, Refusal, Step, StepAction, Verification, Wave
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Ignore

NOW = datetime(2026, 3, 1, 3, 0, 0, tzinfo=UTC)
REGIONS = ("us-east-1", "eu-west-1")
EDGE = StackRef(StackKind.EDGE, "us-east-1")


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def ref(kind: StackKind, region: str) -> StackRef:
    return StackRef(kind, region)


def step(kind: StackKind, region: str, **more: Any) -> Step:
    given = {"action": StepAction.DEPLOY, "eta": minutes(25), **more}
    return Step(target=str(kind), region=region, stack=ref(kind, region), **given)


def state(at: StackRef, status: str = "CREATE_COMPLETE", **more: Any) -> StackState:
    return StackState(ref=at, status=status, changed_at=NOW - minutes(2), **more)


def gate(region: str, *, threshold: int = 1, version: int = 2) -> TrafficGate:
    reference = f"meridian/orders/{region}/gate/1"
    return TrafficGate(id=f"g-{region}", reference=reference, children=("p",), threshold=threshold, version=version)


def probe(region: str, *, healthy: bool = True) -> Probe:
    return Probe(id=f"p-{region}", samples=((NOW, healthy),))


def observed(**more: Any) -> Observed:
    """A topology that serves from two Regions."""
    kinds = (StackKind.DATA, StackKind.API)
    stacks = {ref(kind, r): state(ref(kind, r)) for r in REGIONS for kind in kinds}
    members = tuple(
        GlobalMember(region=r, cluster_arn=r, is_writer=r == REGIONS[0], synchronization=None) for r in REGIONS
    )
    given: dict[str, Any] = {
        "at": NOW,
        "account": "111111111111",
        "zone": Zone(id="Z1", name="example.com", private=False),
        "stacks": stacks | {EDGE: state(EDGE)},
        "global_cluster": GlobalCluster(
            identifier="orders", status="available", engine_version="16.8", members=members
        ),
        "clusters": {r: Cluster(identifier=f"orders-{r}", status="available", engine_version="16.8") for r in REGIONS},
        "gates": {r: gate(r) for r in REGIONS},
        "probes": {r: probe(r) for r in REGIONS},
        "records": (),
        "distribution": Distribution(
            id="E1", domain_name="d1.cloudfront.net", status="Deployed", enabled=True, aliases=("api.example.com",)
        ),
    }
    return Observed(**(given | more))


def nothing() -> Observed:
    empty = dict.fromkeys(REGIONS)
    stacks = {ref(kind, r): None for r in REGIONS for kind in (StackKind.DATA, StackKind.API)}
    return observed(stacks=stacks, global_cluster=None, clusters=empty, gates=empty, probes=empty, distribution=None)


def plan(**more: Any) -> Plan:
    return Plan(topology="orders", revision="a1b2c3d", fingerprint="sha256:0123456789ab", **more)


def condition(kind: str, status: str = "True", at: datetime = NOW) -> Condition:
    return Condition(
        type=kind, status=status, reason="Converged", message="all is well", observed_generation=3, last_transition=at
    )


def outcome(result: Result = Result.CONVERGED, **more: Any) -> Outcome:
    given: dict[str, Any] = {
        "topology": "orders",
        "revision": Revision(commit="a1b2c3d", generation=3, digest="sha256:d"),
        "requeue_after": None if result is Result.CONVERGED else timedelta(seconds=5),
        "plan": plan(),
        "diff": Diff(coverage=Coverage(fields=212, checked=212)),
        "observed": observed(),
        "regions": REGIONS,
        "conditions": (condition("Ready", "True" if result is Result.CONVERGED else "False"),),
    }
    return Outcome(result=result, **(given | more))


def building() -> Outcome:
    """A first deployment: two waves, gates, a hazard, a note."""
    changes = (
        Change(path="regions/us-east-1/data", action=Action.CREATE, origin=Origin.GIT),
        Change(path="regions/eu-west-1/data", action=Action.CREATE, origin=Origin.GIT),
        Change(
            path="edge/priceClass",
            action=Action.UPDATE,
            origin=Origin.GIT,
            desired="PriceClass_100",
            applied="PriceClass_All",
        ),
    )
    waves = (
        Wave(
            steps=tuple(step(StackKind.DATA, r, why="make the Region's database") for r in REGIONS),
            gates=(Gate(name="replica-lag", region="eu-west-1", detail="at most 1000 ms, now unknown"),),
        ),
        Wave(steps=(step(StackKind.EDGE, "us-east-1", eta=minutes(8), hazards=("EdgeConfiguration",)),)),
    )
    notes = ("auth.client.mode is none: the API is public",)
    return outcome(Result.PROGRESSING, plan=plan(changes=changes, waves=waves, notes=notes), observed=nothing())


def drifted() -> Outcome:
    """One finding of each disposition; the one to heal is planned."""
    price = {"path": "edge/priceClass", "desired": "PriceClass_100", "observed": "PriceClass_All"}
    findings = (
        Finding(**price, region=None, disposition=Disposition.HEAL, reason="the template sets it", stack=EDGE),
        Finding(
            path="regions/eu-west-1/traffic",
            region="eu-west-1",
            disposition=Disposition.HOLD,
            reason="the gate was closed by hand",
            desired="serving",
            observed="drained",
            since=NOW,
            by="alice",
        ),
        Finding(
            path="regions/us-east-1/data/Master/MasterUserPassword",
            region="us-east-1",
            disposition=Disposition.PAGE,
            reason="the master password was changed",
            desired="hunter2",
            observed="hunter3",
        ),
    )
    unchecked = (Unchecked(path="edge/Router/Code", why="write-only"),)
    return outcome(
        Result.PROGRESSING,
        plan=plan(waves=(Wave(steps=(step(StackKind.EDGE, "us-east-1", action=StepAction.REPAIR),)),)),
        diff=Diff(findings=findings, coverage=Coverage(fields=212, checked=211, unchecked=unchecked)),
    )


def night() -> Outcome:
    """Everything that a drift report can say: a policy, a moved writer, a closed gate, waivers, and what was not looked at."""
    clerk = "arn:aws:iam::111111111111:user/alice"
    allow = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke"}
    policy = {"Version": "2012-10-17", "Statement": [allow, {"Effect": "Deny", "Condition": {"Bool": {"a": "b"}}}]}
    wider = {"Version": "2012-10-17", "Statement": [{**allow, "Action": "*"}, {"Effect": "Deny"}]}
    west = {"region": "eu-west-1", "stack": ref(StackKind.API, "eu-west-1")}
    findings = (
        *drifted().diff.findings[:2],
        Finding(
            path="database/writer",
            region=None,
            disposition=Disposition.HOLD,
            reason="the writer was moved by hand",
            desired="us-east-1",
            observed="eu-west-1",
            since=NOW - minutes(95),
            by=f"{clerk} SwitchoverGlobalCluster 203.0.113.7 2026-03-01T01:20:00Z",
        ),
        Finding(
            **west,
            path="regions/eu-west-1/api/auth/origin",
            disposition=Disposition.HEAL,
            reason="it is declared",
            desired=policy,
            observed=json.dumps(wider),
            disagreement="direct reads see it, CloudFormation says IN_SYNC",
            detected_by="read",
        ),
        Finding(
            region="eu-west-1",
            stack=ref(StackKind.DATA, "eu-west-1"),
            path="regions/eu-west-1/database/capacity/max",
            disposition=Disposition.HOLD,
            reason="capacity was raised by hand",
            desired=64,
            observed=128.0,
            detected_by="both",
        ),
        Finding(
            **west,
            path="regions/eu-west-1/api/FunctionLogs",
            disposition=Disposition.PAGE,
            reason="AWS::Logs::LogGroup was deleted outside",
            missing=True,
            by="not known (CloudTrail: AccessDenied)",
        ),
    )
    tuned = Ignore(path="edge/*/Comment", reason="tuned by hand for a week", expires=NOW + minutes(60))
    waived = Finding(
        path="edge/Distribution/Comment",
        region=None,
        disposition=Disposition.HEAL,
        reason="",
        desired="a",
        observed="b",
    )
    unused = (
        Ignore(path="edge/httpVersion", reason="an old one", expires=None),
        Ignore(path="edge/priceClass", reason="over", expires=NOW - minutes(60)),
    )
    ledger = (
        Entry(path="edge/priceClass", way=Way.READ, values=190),
        Entry(path="edge/Headers/Name", way=Way.CHANGE_SET, values=12, at=NOW - minutes(180)),
        Entry(path="database/writer", way=Way.PROBE, values=3),
        Entry(path="regions/us-east-1/database/master", way=Way.UNCHECKED, why="a secret", values=3, checkable=False),
        Entry(path="regions/eu-west-1/data/Key/KeyPolicy", way=Way.UNCHECKED, why="AccessDenied: no", values=4),
        Entry(path="safety", way=Way.SETTING, why="a setting of Meridian's"),
    )
    found = Diff(
        findings=findings,
        waived=(Waived(finding=waived, ignore=tuned),),
        unused=unused,
        coverage=Coverage.of(ledger),
    )
    return outcome(diff=found)


def refused() -> Outcome:
    refusal = Refusal(
        code="RegionRemoval", path="spec.regions", message="eu-west-1 is deployed but no longer listed; list it again"
    )
    return outcome(Result.BLOCKED, plan=plan(refusals=(refusal,)))


OLD, NEW = REGIONS


def motion(action: StepAction, region: str, why: str = "", *hazards: str, **more: Any) -> Step:
    """A step on a gate or on the writer."""
    given = {"target": "gate", "eta": minutes(2), **more}
    return Step(action=action, region=region, why=why, hazards=hazards, **given)


def remains() -> tuple[Wave, ...]:
    """What is left of the old writer's Region once it is out of service."""
    data = step(StackKind.DATA, OLD, action=StepAction.DELETE, eta=minutes(20), hazards=(Hazard.DATA_DELETION,))
    return (
        Wave(gates=(Gate(name="interfaces", region=OLD, detail="2 are left"),), aside=True, chain=OLD),
        Wave(steps=(motion(StepAction.DETACH, OLD, "", Hazard.DATA_DELETION, target="data"),), aside=True, chain=OLD),
        Wave(steps=(data,), aside=True, chain=OLD),
        Wave(steps=(motion(StepAction.DELETE_GATE, OLD),), aside=True, chain=OLD),
    )


def superseded(version: str = "router:1") -> tuple[Wave, ...]:
    """A version of the edge's function that may go in some hours."""
    step = motion(StepAction.DELETE_VERSION, "us-east-1", subject=version, target="version")
    return (
        Wave(gates=(Gate(name="replicas", region=None, detail="for 5 h more"),), aside=True, chain=version),
        Wave(steps=(step,), aside=True, chain=version),
    )


def leaving() -> Outcome:
    """A commit that moves the writer and drops its old Region; nothing of it is done yet."""
    changes = (
        Change(path=f"regions/{OLD}", action=Action.DELETE, origin=Origin.GIT, observed="serving"),
        Change(path="database/writer", action=Action.UPDATE, origin=Origin.GIT, desired=NEW, observed=OLD),
    )
    quiet = tuple(Gate(name=name, region=OLD, detail="not yet") for name in ("drained", "quiet"))
    api = step(StackKind.API, OLD, action=StepAction.DELETE, eta=minutes(6), why="nothing leads there any more")
    waves = (
        Wave(
            steps=(motion(StepAction.SWITCHOVER, NEW, "the writer moves", Hazard.WRITE_INTERRUPTION, target="writer"),)
        ),
        Wave(steps=(motion(StepAction.CLOSE_GATE, OLD, "it leaves"),), gates=quiet),
        Wave(steps=(api,)),
        *remains(),
    )
    proven = Verification(prefixes=7, faulted=33)
    return outcome(Result.PROGRESSING, plan=plan(changes=changes, waves=waves, verification=proven), regions=(NEW,))


def finishing() -> Outcome:
    """As declared and serving, while the old writer's Region goes."""
    stacks = {at: seen for at, seen in observed().stacks.items() if at != ref(StackKind.API, OLD)}
    seen = observed(stacks=stacks, gates={OLD: gate(OLD, threshold=2), NEW: gate(NEW)})
    waits = timedelta(seconds=60)
    return outcome(plan=plan(waves=remains()), observed=seen, regions=(NEW,), requeue_after=waits)


def failed() -> Outcome:
    """eu-west-1's API did not come up; us-east-1 serves."""
    at = ref(StackKind.API, "eu-west-1")
    seen = observed()
    stacks = {**seen.stacks, at: state(at, "ROLLBACK_COMPLETE")}
    problem = Problem(code="DeploymentFailed", step="deploy/api/eu-west-1", message="Function: no such runtime")
    return outcome(
        Result.FAILED,
        observed=replace(seen, stacks=stacks),
        problems=(problem,),
        plan=plan(waves=(Wave(steps=(step(StackKind.API, "eu-west-1"),)),)),
    )


EXAMPLES = {
    "converged": outcome,
    "building": building,
    "drifted": drifted,
    "night": night,
    "refused": refused,
    "failed": failed,
    "leaving": leaving,
    "finishing": finishing,
}
