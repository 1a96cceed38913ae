"""One pass: load → observe → diff → plan → act → report, always from scratch.

Everything is read again in every pass and planned again from what is there, so a pass may die at any call and lose nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from reconciler.diff import carried_out, desired_stacks, diff, template_keys
from reconciler.drive import Driver
from reconciler.model import client_keys
from reconciler.model.change import Diff
from reconciler.model.errors import AccessDenied, CloudUnavailable
from reconciler.model.facts import Sweep
from reconciler.model.memory import Memory
from reconciler.model.motion import Motion
from reconciler.model.observed import Observed
from reconciler.model.outcome import Outcome, Problem, Result
from reconciler.model.plan import Goal, StepAction
from reconciler.model.run import Run
from reconciler.model.stacks import DesiredStack, StackRef
from reconciler.model.structure import remembered
from reconciler.model.sweeps import Looks
from reconciler.model.topology import Topology
from reconciler.model.verdict import in_flight, requeue, result_of
from reconciler.observe import observe
from reconciler.observe.nothing import nothing_there
from reconciler.plan import plan
from reconciler.ports import Clock, Cloud, Detector, Issuers, Journal, Lease, RevisionSource, Surveyor, Synthesizer
from reconciler.report.conditions import conditions
from reconciler.report.status import status_document
from reconciler.tracing import traced

__all__ = ["Looking", "Ports", "Run", "look", "observed_by", "offline", "pass_under", "run_pass"]

_WRITES_BACK = frozenset({"cloudformation:ExecuteChangeSet", "route53:UpdateHealthCheck"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The world, as the loop sees it."""

    cloud: Cloud
    synthesizer: Synthesizer
    revisions: RevisionSource
    journal: Journal
    clock: Clock
    issuers: Issuers
    detector: Detector | None = None
    """None: drift is found by reading alone."""
    surveyor: Surveyor | None = None
    """Who asks for a preflight; a pass does without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """How a pass looks. `yields`: a sweep that the clock asked for, which gives way to whoever asks meanwhile."""

    sweep: Sweep = Sweep.PLAN
    yields: bool = False


PLANNING = Looking()


def run_pass(
    ports: Ports, topology: Topology, run: Run, goal: Goal = Goal.CONVERGE, looking: Looking = PLANNING
) -> Outcome:
    """One pass under the topology's lease: look, act on the first open wave, leave the status document behind."""
    if ports.cloud.account(topology) != topology.account:
        return look(ports, topology, goal)  # refused: nothing is ours to write there, the lease included
    with ports.journal.lease(topology) as lease:
        return pass_under(lease, ports, topology, run, goal, looking=looking)


def pass_under(
    lease: Lease,
    ports: Ports,
    topology: Topology,
    run: Run,
    goal: Goal = Goal.CONVERGE,
    memory: Memory | None = None,
    looking: Looking = PLANNING,
) -> Outcome:
    """The same under a lease that is held; `memory`: what hosted passes know of those before them. Raises `GaveWay`."""
    before = ports.cloud.calls()
    asked = (lambda: lease.asked) if looking.yields else None
    observed = observed_by(ports, topology, looking.sweep, goal, asked)
    _need_record(observed, topology)
    detector = ports.detector if looking.sweep is Sweep.FULL and _may_detect(topology, observed, goal) else None
    if detector:
        seen, _ = _judge(ports, topology, observed, goal)
        observed = replace(observed, recorded=detector.detect(lease, topology, seen))
    outcome, stacks = _see(ports, topology, observed, goal, looking.sweep)
    outcome = replace(outcome, detected=detector is not None)
    if _acts(outcome):
        held_back = memory and memory.holds_back(outcome)
        outcome = _held_back(outcome, held_back) if held_back else _act(lease, ports, topology, run, outcome, stacks)
    if memory:
        outcome = memory.after(outcome)
        outcome = replace(outcome, memory=memory.document())
    outcome = _finished(ports, topology, outcome, before)
    lease.check()
    if goal is Goal.DESTROY and outcome.result is Result.CONVERGED:
        ports.journal.forget(topology)
    else:
        ports.journal.record(topology, status_document(outcome, outcome.observed.recorded))
    return outcome


def _acts(outcome: Outcome) -> bool:
    aside = outcome.plan.converged and bool(outcome.plan.waves) and outcome.result is not Result.SUSPENDED
    return outcome.result in {Result.PROGRESSING, Result.WAITING} or aside


def _act(
    lease: Lease,
    ports: Ports,
    topology: Topology,
    run: Run,
    outcome: Outcome,
    stacks: Mapping[StackRef, DesiredStack],
) -> Outcome:
    """Make the requests of the first open wave; the outcome is then what this pass came to."""
    outcome = _remembered(ports, topology, outcome)
    driver = Driver(
        cloud=ports.cloud,
        clock=ports.clock,
        lease=lease,
        topology=topology,
        stacks=stacks,
        seen=outcome,
        run=run,
    )
    sent, problems = driver.first_wave()
    problems = (*outcome.problems, *problems)
    outcome = replace(outcome, requests=sent, problems=problems, in_flight=in_flight(outcome.observed, run))
    outcome = replace(outcome, motion=_tried(outcome))
    outcome = replace(outcome, motion=_repaired(outcome))
    outcome = replace(outcome, motion=_migrated(topology, outcome, run))
    outcome = replace(outcome, motion=outcome.motion and outcome.motion.detected(run.detections))
    return replace(outcome, result=result_of(outcome))


def _held_back(outcome: Outcome, why: Problem) -> Outcome:
    flying = in_flight(outcome.observed, Run())
    return replace(outcome, result=Result.STALLED, problems=(*outcome.problems, why), in_flight=flying)


def _motion(topology: Topology, observed: Observed, diff: Diff, *, refused: bool) -> Motion | None:
    """What is remembered; nothing yet for a topology that is not there yet. What a refused commit asks for is not."""
    found = Motion.recorded(observed.recorded) or (None if observed.live_regions() else Motion())
    if found is None:
        return None
    soak = timedelta(seconds=topology.safety.soak_seconds)
    seen = found.sees_version(observed.edge_version(), observed.at).sees_rest(observed, soak)
    seen = replace(seen, repairs=diff.repairs)
    return seen if refused else seen.sees_writer(observed, topology.database.writer)


def _remembered(ports: Ports, topology: Topology, outcome: Outcome) -> Outcome:
    """Write down what this wave does to motion before it does it: whoever finds it half done can tell that it was us."""
    observed = outcome.observed
    intended = outcome.motion and outcome.motion.intends(outcome.plan, topology, observed.gates, observed.stacks)
    if intended and outcome.diff.failed_rollout:
        intended = replace(intended, broken=outcome.diff.failed_rollout)
    if outcome.goal is Goal.DESTROY:
        intended = replace(intended or Motion(), destroying=True)
    if intended and intended != Motion.recorded(observed.recorded) and observed.recorded is not None:
        ports.journal.record(topology, {**observed.recorded, "motion": intended.document()})
    return replace(outcome, motion=intended)


def _tried(outcome: Outcome) -> Motion | None:
    """What became of versions that were to be deleted."""
    versions = {s.id: s.subject for s in outcome.plan.current if s.action is StepAction.DELETE_VERSION}
    refused = {p.step for p in outcome.problems}
    gone = {versions[s.id] for s in outcome.requests if s.id in versions and s.id not in refused}
    again = {v for step, v in versions.items() if step in refused}
    return outcome.motion and outcome.motion.tried(gone, again, outcome.observed.at)


def _repaired(outcome: Outcome) -> Motion | None:
    """What was written back in this pass, or would have been: should it come back, the next passes can tell."""
    called = f"{StepAction.PUT_BACK}/"
    executed = {r.id for r in outcome.requests if r.call in _WRITES_BACK or r.id.startswith(called)}
    nothing = {p.step for p in outcome.problems if p.code == "NothingToChange"}
    if outcome.motion is None or not executed | nothing:
        return outcome.motion
    return replace(outcome.motion, repairs=carried_out(outcome.plan, outcome.diff, outcome.observed, executed, nothing))


def _migrated(topology: Topology, outcome: Outcome, run: Run) -> Motion | None:
    """The database was seen to hold every migration: from now on the record says so."""
    done = any(s.action is StepAction.MIGRATE and s.id in run.finished for s in outcome.plan.current)
    return outcome.motion.migrates(topology) if done and outcome.motion else outcome.motion


def _need_record(observed: Observed, topology: Topology) -> None:
    """What was declared before, generation and history are in the last status: without it, a pass would write over them."""
    reason = observed.unrecorded
    if reason:
        error = AccessDenied if reason.denied else CloudUnavailable
        raise error(f"the last status of {topology.name} cannot be read: {reason.message}", code=reason.code)


def _may_detect(topology: Topology, observed: Observed, goal: Goal) -> bool:
    """Where nobody wants anything left alone, every few hours: it writes, though nothing comes of it."""
    alone = topology.suspend or observed.suspension is not None or goal is not Goal.CONVERGE
    return not alone and Looks.recorded(observed.recorded).detection_due(observed.at)


def look(ports: Ports, topology: Topology, goal: Goal = Goal.CONVERGE, sweep: Sweep = Sweep.PLAN) -> Outcome:
    """Load → observe → diff → plan, and nothing else: what `plan` and `drift` show. Reads only."""
    before = ports.cloud.calls()
    outcome, _ = _see(ports, topology, observed_by(ports, topology, sweep, goal), goal, sweep)
    return _finished(ports, topology, outcome, before)


def offline(ports: Ports, topology: Topology) -> Outcome:
    """The plan for an account in which nothing is there yet; no call to AWS."""
    observed = nothing_there(topology, ports.clock.now())
    outcome, _ = _judge(ports, topology, observed, Goal.CONVERGE)
    return replace(outcome, conditions=conditions(outcome, topology))


def observed_by(
    ports: Ports,
    topology: Topology,
    sweep: Sweep,
    goal: Goal = Goal.CONVERGE,
    asked: Callable[[], bool] | None = None,
) -> Observed:
    """What a sweep sees, with what the issuer of clients' tokens says."""
    facts = ports.cloud.facts(topology, sweep, asked) if asked else ports.cloud.facts(topology, sweep)
    observed, issuer = observe(facts, topology), topology.api.client.issuer
    if issuer and goal is Goal.CONVERGE:
        observed = replace(observed, issuer_keys=client_keys.fitting(topology, ports.issuers.keys(issuer)))
    return observed


def _see(
    ports: Ports, topology: Topology, observed: Observed, goal: Goal, sweep: Sweep
) -> tuple[Outcome, Mapping[StackRef, DesiredStack]]:
    """What comes of an observation, and after a full sweep who made what it found."""
    outcome, stacks = _judge(ports, topology, observed, goal)
    outcome = replace(outcome, sweep=sweep)
    return (traced(ports.cloud, outcome) if sweep is Sweep.FULL else outcome), stacks


def _judge(
    ports: Ports, topology: Topology, observed: Observed, goal: Goal
) -> tuple[Outcome, Mapping[StackRef, DesiredStack]]:
    keys = tuple(dict.fromkeys(template_keys(topology, observed).values()))
    stacks = desired_stacks(topology, observed, ports.synthesizer.templates(topology, keys))
    revision = ports.revisions.revision(topology, observed.recorded)
    found = diff(topology, stacks, observed)
    suspended = observed.suspension
    planned = plan(topology, revision.commit, observed, found, stacks, goal).left_alone(suspended)
    outcome = Outcome(
        topology=topology.name,
        revision=revision,
        result=Result.SUSPENDED,
        requeue_after=None,
        plan=planned,
        diff=found,
        observed=observed,
        goal=goal,
        regions=() if goal is Goal.DESTROY else topology.region_names,
        motion=_motion(topology, observed, found, refused=bool(planned.refusals)),
        structure=remembered(observed, stacks),
    )
    held = next((s for s in stacks.values() if s.held), None)
    if held and outcome.plan.converged:
        outcome = replace(outcome, problems=(_rollout_failed(held),))
    whole = topology.suspend or (suspended is not None and suspended.whole)
    outcome = outcome if whole else replace(outcome, result=result_of(outcome))
    return replace(outcome, foreseen=(outcome.result, outcome.problems)), stacks


def _rollout_failed(stack: DesiredStack) -> Problem:
    """Said when everything is as safe as it can be: the last good template is back, and this one goes nowhere."""
    message = (
        f"the rollout of api was stopped: {stack.held}; the last good revision is put back there, and the others keep what they "
        "have; commit a change of the API to try again"
    )
    return Problem(code="RolloutFailed", step=f"deploy/{stack.ref}", message=message)


def _finished(ports: Ports, topology: Topology, outcome: Outcome, before: Mapping[str, int]) -> Outcome:
    spent = ports.clock.now() - outcome.observed.at
    calls = {service: n - before.get(service, 0) for service, n in ports.cloud.calls().items()}
    motion = outcome.motion
    if outcome.result is Result.CONVERGED:
        motion = (motion or Motion()).converged(topology, outcome.observed.gates, outcome.plan)
    outcome = replace(outcome, requeue_after=requeue(outcome), api_calls=calls, duration=spent, motion=motion)
    return replace(outcome, conditions=conditions(outcome, topology))
