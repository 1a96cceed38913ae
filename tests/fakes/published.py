"""Plans as GitHub gets to see them, most by the real planner: what they look like is kept in `tests/golden/github`."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from reconciler.model.outcome import Outcome, Result, Revision
from reconciler.model.plan import Refusal
from reconciler.model.preflight import Check, Cost, CostLine, Objective, Preflight, Verdict
from reconciler.model.stacks import Template
from reconciler.model.topology import Topology
from reconciler.report.github.links import Links
from tests.fakes import outcomes
from tests.fakes.topologies import NAMES, with_regions
from tests.fakes.world import World, remembered

US, EU, AP, SA = NAMES[:4]
COMMIT = "4f1c0d9be7a35c2f8e6b1a7d90c3e2f415a6b7c8"
LINKS = Links(
    run="https://github.com/acme/apis/actions/runs/7001",
    artifact="https://github.com/acme/apis/actions/runs/7001/artifacts/42",
    commit=COMMIT,
    repository="acme/apis",
    server="https://github.com",
)


class Upgraded(World):
    """Deployed by a Meridian whose templates say more, once it is new."""

    new = False

    def _templates(self) -> dict[str, Template]:
        made = super()._templates()
        return {key: _with_settings(template) for key, template in made.items()} if self.new else made


def _with_settings(template: Template) -> Template:
    added = {f"Setting{n:03}": f"new {n}" for n in range(90)}
    resources = {
        name: {**body, "Properties": {**body["Properties"], **added}}
        for name, body in template.body["Resources"].items()
    }
    return Template(template.key, {"Resources": resources})


def converged(*names: str, world: type[World] = World, **more) -> World:
    made = world(with_regions(*names, **more))
    made.run()
    made.recorded = remembered(made.desired, made.gates)
    return made


def asked(world: World, desired: Topology) -> Outcome:
    """What a pull request that wants this is told."""
    world.desired = desired
    outcome, _ = world.seen()
    revision = Revision(commit=COMMIT, generation=3, digest="sha256:d")
    result = Result.BLOCKED if outcome.plan.refusals else Result.CONVERGED if outcome.plan.converged else outcome.result
    return replace(outcome, revision=revision, result=result)


def no_change() -> Outcome:
    return asked(converged(US, EU), with_regions(US, EU))


def small_change() -> Outcome:
    wanted = with_regions(US, EU)
    return asked(converged(US, EU), replace(wanted, api=replace(wanted.api, memory_mb=1024)))


def two_regions() -> Outcome:
    return asked(converged(US, EU), with_regions(US, EU, AP, SA, drained=(SA,)))


def refusal() -> Outcome:
    return asked(converged(US, EU), with_regions(US, EU, drained=(US, EU)))


def hazard() -> Outcome:
    """Moves the writer and drops its old Region, in a topology whose hazards need an approval that nobody has given yet."""
    outcome = asked(converged(US, EU, AP), with_regions(EU, AP))
    plan = outcome.plan
    carried = "switchover/eu-west-1 carries write-interruption; delete/data/us-east-1 carries data-deletion"
    of_this = f"fingerprint: {plan.fingerprint}, expires: …"
    entries = [f"{{hazard: {name}, {of_this}}}" for name in ("write-interruption", "data-deletion")]
    lines = (
        f"{carried}, and nobody has approved this plan; any of these approves this very plan:",
        f"meridian approve orders --fingerprint {plan.fingerprint} --reason TEXT",
        f"safety.allow: [{', '.join(entries)}]",
        "meridian converge orders.yaml --plan FILE, with the FILE that `meridian plan orders.yaml --out FILE` wrote",
    )
    word = Refusal(code="ApprovalRequired", path="spec.safety.approval", message="\n".join(lines))
    return replace(outcome, result=Result.BLOCKED, plan=replace(plan, waves=(), withheld=plan.waves, refusals=(word,)))


def too_large() -> Outcome:
    world = converged(*NAMES[:10], world=Upgraded)
    world.new = True
    return asked(world, world.desired)


def preflight() -> Preflight:
    """Of two more Regions."""
    checks = (
        Check(
            code="QuotaTooSmall",
            subject="vpcs",
            region=SA,
            verdict=Verdict.FAILED,
            detail="5 of 5 are in use, and this plan makes one",
            way_out="ask for at least 6 in Service Quotas (code `L-F678F1CE`), or free one",
        ),
        Check(
            code="EngineOffered", subject="aurora-postgresql 16.8", region=AP, verdict=Verdict.PASSED, detail="offered"
        ),
        Check(
            code="EngineOffered", subject="aurora-postgresql 16.8", region=SA, verdict=Verdict.PASSED, detail="offered"
        ),
        Check(
            code="QuotaNear",
            subject="health checks",
            region=None,
            verdict=Verdict.WARNED,
            detail="196 of 200 will be in use",
            way_out="ask for more before the next Region",
        ),
        Check(
            code="CertificateAuthority",
            subject="CAA of example.com",
            region=None,
            verdict=Verdict.UNKNOWN,
            detail="no name server answered",
        ),
    )
    lines = tuple(
        CostLine(
            what="Aurora capacity", region=r, before=before, after=Decimal("1401.60"), basis="2 × 8 ACU × 730 h × 0.12"
        )
        for r, before in ((US, Decimal("1401.60")), (EU, Decimal("1401.60")), (AP, Decimal(0)))
    )
    unknown = CostLine(what="Aurora capacity", region=SA, before=Decimal(0), after=None)
    same = "1 s of writes; minutes, by `meridian failover`"
    objectives = (
        Objective(what="the writer's Region", before=same, after=same),
        Objective(what="two Regions", before="everything", after="reads go on; writes after `meridian failover`"),
    )
    return Preflight(checks=checks, cost=Cost(lines=(*lines, unknown), priced=date(2026, 1, 2)), objectives=objectives)


def drift() -> Outcome:
    """A night's findings, and a source that ran ahead of its bundles."""
    night = outcomes.night()
    message = (
        f"the source is at commit {COMMIT[:12]} (generation 4) since 2026-03-01T01:00:00Z, the newest bundle at a1b2c3d"
    )
    behind = replace(night.conditions[0], type="SourceBehind", reason="NoBundle", message=message)
    return replace(night, conditions=(*night.conditions, behind))
