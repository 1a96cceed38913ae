"""`meridian bootstrap`: the control plane of an account, made, brought up to date or taken away.

The home Region and the Regions in use come from the desired state, which need not be converged yet. Foundation comes first: the
control plane's code lies in its bucket, its leases in its table.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import click

from reconciler.cli import exits, inputs, output
from reconciler.cli.bootstrap_run import Worker
from reconciler.cli.settings import Format, Settings
from reconciler.diff.control import Wishes, github_provider, makes_trail, of_home, of_remote, usable_trail
from reconciler.model.control import SERVICE, SERVICE_DELETE, control_key, control_refs, revision_bucket
from reconciler.model.errors import Refused, WrongAccount
from reconciler.model.stacks import DesiredStack, StackKind, StackRef, Template, template_key
from reconciler.model.topology import EDGE_REGION, Topology
from reconciler.ports import Synthesizer
from reconciler.report.bootstrap import Bootstrapped, Deployed, bootstrap_json, bootstrap_text

Applied = Mapping[StackRef, Mapping[str, str]]


def bootstrap(settings: Settings, path: Path, wishes: Wishes, *, remove: bool, timeout: timedelta) -> int:
    from reconciler import wiring

    topology = _together(inputs.topologies(path), path)
    exits.stop_after(timeout, "the control plane is not there yet")
    plane, cloud, synthesizer, clock = wiring.control_plane()
    tell = output.tell if settings.format is Format.JSON else output.show
    pause = 0.05 if wiring.on_loopback() else 5.0
    worker = Worker(plane=plane, cloud=cloud, clock=clock, topology=topology, tell=tell, pause=pause)
    _check_account(worker)
    if wiring.on_loopback():  # the embedded AWS runs functions with the Python and the processor of this machine
        runtime, architecture = wiring.host()
        os.environ.setdefault("MERIDIAN_RUNTIME", runtime)
        os.environ.setdefault("MERIDIAN_ARCHITECTURE", architecture)
    on = {"runtime": os.environ.get("MERIDIAN_RUNTIME"), "architecture": os.environ.get("MERIDIAN_ARCHITECTURE")}
    whole = Whole(worker=worker, synthesizer=synthesizer, wishes=replace(wishes, **on))
    done = whole.remove() if remove else whole.deploy()
    text = bootstrap_text(done)
    output.show(output.dumps(bootstrap_json(done)) if settings.format is Format.JSON else f"\n{text}")
    return exits.CHANGES if settings.detailed_exitcode and done.changed else exits.DONE


def _together(topologies: Sequence[Topology], path: Path) -> Topology:
    """One that stands for all: an account has one control plane, in the home Region of all its topologies."""
    if not topologies:
        raise click.UsageError(f"{path} holds no topology, which says what the home Region is")
    first = topologies[0]
    for other in topologies[1:]:
        if (other.account, other.home_region) != (first.account, first.home_region):
            raise Refused(
                f"{first.source} is of account {first.account} with home Region {first.home_region}, {other.source} of "
                f"{other.account} with {other.home_region}; name a PATH whose documents agree",
                code="HomeRegionsDiffer",
                path="spec.homeRegion",
            )
    named = {region.name: region for topology in topologies for region in topology.regions}
    return replace(first, regions=tuple(named.values()))


def _check_account(worker: Worker) -> None:
    account = worker.cloud.account(worker.topology)
    if account != worker.topology.account:
        raise WrongAccount(
            f"the credentials are of account {account}, the desired state is of {worker.topology.account}; use "
            "credentials of that account",
            path="spec.account",
        )


@dataclass(frozen=True, kw_only=True)
class Whole:
    """All stacks of the control plane."""

    worker: Worker
    synthesizer: Synthesizer
    wishes: Wishes

    def deploy(self) -> Bootstrapped:
        worker, topology = self.worker, self.worker.topology
        home, *others = control_refs(topology)
        applied = self._applied((home, *others))
        trail = usable_trail(worker.plane.trails(EDGE_REGION))
        provider = github_provider(worker.plane.identity_providers())
        templates = self._templates()
        first = worker.deploy(self._foundation(templates))
        at_home = of_home(home.region, self.wishes, applied[home], trail=trail, provider=provider)
        desired = DesiredStack(home, templates["control"], at_home)
        standing = self._standing(home) | self._trail_bucket(home, at_home)
        stacks = [first, worker.deploy(desired, standing)]

        def remote(ref: StackRef) -> Deployed:
            parameters = of_remote(ref.region, home.region, applied[ref], trail=trail)
            return worker.deploy(
                DesiredStack(ref, templates["control-remote"], parameters), self._trail_bucket(ref, parameters)
            )

        stacks += _side_by_side(remote, others)
        state = worker.state(home)
        ours = any(makes_trail(ref.region, applied[ref], trail) == "yes" for ref in applied)
        return Bootstrapped(
            account=topology.account,
            home_region=topology.home_region,
            stacks=stacks,
            trail=None if ours else trail,
            provider=at_home["GithubProvider"] or None,
            outputs=state.outputs if state else {},
        )

    def remove(self) -> Bootstrapped:
        """What sends events goes first: whatever they would wake is gone soon."""
        worker, topology = self.worker, self.worker.topology
        home, *others = control_refs(topology)
        stacks = [*_side_by_side(worker.remove, others), worker.remove(home)]
        bucket = revision_bucket(topology.account, home.region)
        return Bootstrapped(
            account=topology.account,
            home_region=home.region,
            stacks=stacks,
            kept=(
                f"bucket {bucket}, with its revisions and records, and the key that they are encrypted with",
                f"roles {SERVICE} and {SERVICE_DELETE}: stacks that were deployed with them cannot be changed without",
                f"bucket {_trail_bucket_name(topology.account, EDGE_REGION)}, if the trail was ours",
                "stacks meridian-foundation, and everything of the topologies, which `meridian converge` goes on with",
            ),
        )

    def _applied(self, refs: Iterable[StackRef]) -> Applied:
        states = {ref: self.worker.state(ref) for ref in refs}
        return {
            ref: state.parameters if state and state.template and not state.beyond_update else {}
            for ref, state in states.items()
        }

    def _templates(self) -> Mapping[str, Template]:
        keys = {control_key(ref, self.worker.topology.home_region) for ref in control_refs(self.worker.topology)}
        return self.synthesizer.templates(self.worker.topology, ("foundation-home", *sorted(keys)))

    def _foundation(self, templates: Mapping[str, Template]) -> DesiredStack:
        """As a pass would have it, so that the next pass finds nothing to do there."""
        home = self.worker.topology.home_region
        ref = StackRef(StackKind.FOUNDATION, home)
        return DesiredStack(ref, templates[template_key(ref, home_region=home, founder=None)], {})

    def _standing(self, ref: StackRef) -> dict[str, str]:
        """What an earlier control plane left."""
        plane, account = self.worker.plane, self.worker.topology.account
        bucket = revision_bucket(account, ref.region)
        key = plane.bucket_key(bucket, ref.region)
        found = {} if key is None else {"Revisions": bucket}
        if key:
            state = plane.key_state(key, ref.region)
            if state != "Enabled":
                raise Refused(
                    f"bucket {bucket} is encrypted with key {key}, which is {state}: without it nothing there can be read; "
                    "cancel its deletion or enable it, else empty and delete the bucket",
                    code="KeyUnusable",
                )
            found["Key"] = key.rpartition("/")[2]
        roles = {"ServiceRole": SERVICE, "ServiceDeleteRole": SERVICE_DELETE}
        return found | {logical: name for logical, name in roles.items() if plane.has_role(name)}

    def _trail_bucket(self, ref: StackRef, parameters: Mapping[str, str]) -> dict[str, str]:
        name = _trail_bucket_name(self.worker.topology.account, ref.region)
        there = parameters["MakeTrail"] == "yes" and self.worker.plane.bucket_key(name, ref.region) is not None
        return {"TrailBucket": name} if there else {}


def _trail_bucket_name(account: str, region: str) -> str:
    return f"meridian-trail-{account}-{region}"


def _side_by_side(work: Callable[[StackRef], Deployed], refs: Sequence[StackRef]) -> list[Deployed]:
    if not refs:
        return []
    with ThreadPoolExecutor(len(refs)) as pool:
        return list(pool.map(work, refs))
