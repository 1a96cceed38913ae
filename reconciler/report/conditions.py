"""Conditions: what holds of a topology after a pass, in Flux's vocabulary. `Ready` is converged *and* serving.

Serving is what clients get, not what stacks say: DNS spread, the edge deployed, enough Regions healthy behind open gates.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from reconciler.model.bundle import Accepted, Commit
from reconciler.model.change import Finding
from reconciler.model.issuer import named, shipped
from reconciler.model.observed import Distribution, TrafficGate, Unknown, known
from reconciler.model.outcome import Condition, Outcome, Result
from reconciler.model.plan import Goal
from reconciler.model.stacks import StackKind
from reconciler.model.topology import EDGE_REGION, Topology
from reconciler.report.findings import NOBODY, not_looked_at, rank
from reconciler.report.tombstones import finishing
from reconciler.report.words import iso_time, text_value

UPLOAD_TAKES = timedelta(minutes=15)
"""So long a new head of main may be without its bundle."""
_NAMED = 10
"""Paths that the message of DriftDetected names."""
_EDGE_UNPROVEN = "the answer through the edge is not checked yet"


def conditions(outcome: Outcome, topology: Topology) -> tuple[Condition, ...]:
    """All that apply. Reconciling, Stalled, Blocked, Suspended, BundleRefused and SourceBehind are present only while true,
    ClientKeys with mode jwt."""
    serving = _serving(outcome, topology)
    found = (
        _ready(outcome, serving),
        serving,
        _drift(outcome),
        *_in_vain(outcome),
        *_client_keys(outcome, topology),
        *_of_bundle(outcome),
        *_passing(outcome),
        *_suspended(outcome),
    )
    return tuple(
        Condition(
            type=kind,
            status=status,
            reason=reason,
            message=message,
            observed_generation=outcome.revision.generation,
            last_transition=outcome.observed.at,
        )
        for kind, status, reason, message in found
    )


def _ready(outcome: Outcome, serving: tuple[str, str, str, str]) -> tuple[str, str, str, str]:
    if outcome.goal is Goal.DESTROY:
        done = outcome.result is Result.CONVERGED
        return "Ready", "False", "Destroyed" if done else "Destroying", "nothing is left" if done else _why_not(outcome)
    if outcome.result is Result.CONVERGED:
        _, status, reason, message = serving
        if status == "True":
            aside = f"; finishing aside: {finishing(outcome.plan)}" if finishing(outcome.plan) else ""
            return "Ready", "True", "Converged", f"converged on {outcome.revision.commit[:12]}{aside}"
        return "Ready", status, reason, f"nothing to change, but not serving: {message}"
    return "Ready", "False", str(outcome.result), _why_not(outcome)


def _why_not(outcome: Outcome) -> str:
    if outcome.problems:
        return "; ".join(p.message for p in outcome.problems)
    if outcome.plan.refusals:
        return "; ".join(r.message for r in outcome.plan.refusals)
    if outcome.result is Result.SUSPENDED:
        return str(outcome.observed.suspension or "suspended by the document")
    if outcome.plan.waves:
        wave = outcome.plan.waves[0]
        return ", ".join(
            [*([s.id for s in wave.steps] or [f"{g.id}: {g.detail}" for g in wave.waiting_for]), *_unread(outcome)]
        )
    return ", ".join(_unread(outcome))


def _unread(outcome: Outcome) -> list[str]:
    observed = outcome.observed
    return [f"{what} cannot be read" for what in [*observed.unknown_facts(), *sorted(observed.unknown_regions())]]


def _serving(outcome: Outcome, topology: Topology) -> tuple[str, str, str, str]:
    """At least `minServing` Regions healthy behind open gates, the records and the distribution that lead to them in place."""
    observed = outcome.observed
    unread = observed.unknown_facts()
    blind = [f"{name} cannot be read" for name in ("the distribution", "the zone's records") if name in unread]
    if blind:
        return "Serving", "Unknown", "CannotBeRead", ", ".join(blind)
    gates = {r: known(observed.gates.get(r)) for r in observed.gates}
    serving = sorted(r for r, gate in gates.items() if _serves(gate))
    distribution = known(observed.distribution)
    wanted = topology.safety.min_serving
    if distribution is None or not distribution.enabled or not _deployed_once(outcome, distribution):
        state = "absent" if distribution is None else distribution.status if distribution.enabled else "disabled"
        return "Serving", "False", "EdgeNotDeployed", f"the distribution is {state}"
    if topology.domain.name not in distribution.aliases or not _leads_to(outcome, topology):
        return "Serving", "False", "DomainNotRouted", f"{topology.domain.name} does not lead to the distribution"
    if len(serving) < wanted:
        unknown = any(isinstance(gate, Unknown) for gate in observed.gates.values())
        unknown |= any(gate is not None and gate.is_open and gate.healthy is None for gate in gates.values())
        have = ", ".join(serving) or "none"
        message = f"{len(serving)} of at least {wanted} Regions serve: {have}"
        return "Serving", "Unknown" if unknown else "False", "TooFewRegions", message
    return "Serving", "True", "RegionsHealthy", f"{', '.join(serving)} serve; {_EDGE_UNPROVEN}"


def _deployed_once(outcome: Outcome, distribution: Distribution) -> bool:
    """An update in progress goes on serving what was deployed before; only a first deployment serves nothing yet."""
    edge = outcome.observed.stack(StackKind.EDGE, EDGE_REGION)
    return distribution.status == "Deployed" or (edge is not None and edge.stands)


def _serves(gate: TrafficGate | None) -> bool:
    return gate is not None and gate.is_open and gate.healthy is True


def _leads_to(outcome: Outcome, topology: Topology) -> bool:
    records, distribution = outcome.observed.records, known(outcome.observed.distribution)
    if not isinstance(records, tuple) or distribution is None:
        return False
    names = {topology.route_name, topology.origin_name}
    routed = names <= {r.name for r in records}
    return routed and any(r.name == topology.domain.name and r.alias == distribution.domain_name for r in records)


def _drift(outcome: Outcome) -> tuple[str, str, str, str]:
    findings = outcome.diff.findings
    waived = f", {len(outcome.diff.waived)} waived" if outcome.diff.waived else ""
    earlier = [e for e in not_looked_at(outcome) if not e["waived"]]
    if not findings and earlier:
        paths = _listed([e["path"] for e in earlier])
        return "DriftDetected", "True", "NotLookedAtAgain", f"{len(earlier)} found by an earlier full look: {paths}"
    if not findings:
        checked, unread = f"{outcome.diff.coverage.checked} values checked{waived}", ", ".join(_unread(outcome))
        if unread:
            return "DriftDetected", "Unknown", "CannotBeRead", f"{checked}; {unread}"
        return "DriftDetected", "False", "InSync", checked
    worst = min(findings, key=rank)
    paths = _listed([f.path for f in sorted(findings, key=rank)])
    message = f"{len(findings)} found{waived}, the worst to {worst.disposition}: {paths}"
    return "DriftDetected", "True", str(worst.disposition).capitalize(), message


def _listed(paths: list[str]) -> str:
    once = list(dict.fromkeys(paths))
    return ", ".join(once[:_NAMED]) + (f" and {len(once) - _NAMED} more" if len(once) > _NAMED else "")


def _in_vain(outcome: Outcome) -> Iterator[tuple[str, str, str, str]]:
    """What we gave up to put right. It takes nothing from Ready: what serves goes on serving, and nobody is fought."""
    for kind, detected, verb in (
        ("SelfInflictedDrift", "repair", "put back to"),
        ("NeverSettles", "deployment", "deployed as"),
    ):
        found = [f for f in outcome.diff.findings if f.returns and f.detected_by == detected]
        if found:
            told = (
                f"{f.path}: {verb} {text_value(f.path, f.desired)}, comes back as {text_value(f.path, f.observed)}{_set_by(f)}"
                for f in found
            )
            yield kind, "True", "ComesBack", "; ".join(told)


def _set_by(finding: Finding) -> str:
    """The other writer."""
    return f"; set by {finding.by}" if finding.by and not finding.by.startswith(NOBODY) else ""


def _client_keys(outcome: Outcome, topology: Topology) -> Iterator[tuple[str, str, str, str]]:
    """Whether the issuer of clients' tokens can be read. It takes nothing from Ready: what is live goes on serving."""
    issuer, keys = topology.api.client.issuer, outcome.observed.issuer_keys
    if isinstance(keys, Unknown):
        message = f"{issuer} cannot be read: {keys}; Regions keep the keys that they have"
        yield "ClientKeys", "Unknown", "CannotBeRead", message
    elif keys:
        yield "ClientKeys", "True", "Read", f"{issuer} publishes {', '.join(named(shipped(keys)))}"


def _of_bundle(outcome: Outcome) -> Iterator[tuple[str, str, str, str]]:
    """What is wrong between Git and what is in force. It takes nothing from Ready: what was accepted goes on being kept."""
    source = outcome.revision.source
    if source is None:
        return
    bundle, head = source.bundle, source.head
    if source.refused:
        message = f"{source.refused.message}; commit {bundle.commit[:12]} stays in force"
        yield "BundleRefused", "True", source.refused.code, message
    if head and head.generation > bundle.generation and outcome.observed.at - head.since > UPLOAD_TAKES:
        reason = "RolledBack" if bundle.rollback else "NoBundle"
        how = "rolled back to" if bundle.rollback else "at"
        message = (
            f"the source is at commit {head.commit[:12]} (generation {head.generation}) since {iso_time(head.since)}, the newest "
            f"bundle {how} {bundle.commit[:12]} (generation {bundle.generation})"
        )
        yield "SourceBehind", "True", reason, message


def without_bundle(commit: Commit, since: datetime, newest: Accepted | None) -> str:
    """Why the source is behind, where main's head is at hand; empty where it is not. What was once accepted has had its bundle: a
    rollback is no fault."""
    if newest and (newest.repository != commit.repository or newest.mark >= commit.generation):
        return ""
    bundle = (
        f"the newest bundle at {newest.commit[:12]} (generation {newest.generation})"
        if newest
        else "no bundle is there"
    )
    return (
        f"the source is at commit {commit.commit[:12]} (generation {commit.generation}) since {iso_time(since)}, {bundle}: the "
        "upload failed or never began; run the workflow `converge` again"
    )


def _passing(outcome: Outcome) -> Iterator[tuple[str, str, str, str]]:
    kinds = {
        Result.PROGRESSING: "Reconciling",
        Result.WAITING: "Reconciling",
        Result.BLOCKED: "Blocked",
        Result.FAILED: "Stalled",
        Result.STALLED: "Stalled",
        Result.SUSPENDED: "Suspended",
    }
    kind = kinds.get(outcome.result)
    if kind:
        reason = next((r.code for r in outcome.plan.refusals), "") or next((p.code for p in outcome.problems), "")
        yield kind, "True", reason or str(outcome.result), _why_not(outcome)


def _suspended(outcome: Outcome) -> Iterator[tuple[str, str, str, str]]:
    """Regions that a person wants left alone; everything else goes on."""
    suspension = outcome.observed.suspension
    if suspension and not suspension.whole and outcome.result is not Result.SUSPENDED:
        yield "Suspended", "True", "RegionsSuspended", f"{', '.join(suspension.regions)}: {suspension}"
