"""What a rollout is on GitHub: the status of its commit, and a deployment in each Region's environment.

Told only when it changes. What GitHub did not take is told the next time; it never keeps anybody from following AWS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.github import api, deployments
from reconciler.github.client import Client
from reconciler.github.deployments import Placed
from reconciler.github.failures import GitHubRefused
from reconciler.model.errors import ReconcilerError
from reconciler.report.github.rollout import Phase, Rollout, phase
from reconciler.report.github.rollout_states import Deployed, commit_status, environment, path
from reconciler.report.github.rollout_states import deployments as wanted

EARLIER = 3
"""So many deployments before ours are made inactive, if they are not yet."""


@dataclass(kw_only=True)
class Publisher:
    """One topology's side of GitHub."""

    client: Client
    run: str
    """Address of the run, where the log is."""
    complain: Callable[[ReconcilerError], None]
    status: tuple[str, str] | None = None
    there: list[Placed] | None = None
    """Deployments as they were when we came, newest first."""
    ours: dict[str, Placed] = field(default_factory=dict)
    retired: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    """What GitHub refuses: a permission is missing, and will be."""

    def __call__(self, rollout: Rollout) -> None:
        self._try("status", lambda: self._status(rollout))
        self._try("deployments", lambda: self._deployments(rollout))

    def _try(self, what: str, call: Callable[[], None]) -> None:
        if what in self.closed:
            return
        try:
            call()
        except ReconcilerError as error:
            self.complain(error)
            if isinstance(error, GitHubRefused):
                self.closed.add(what)

    def _status(self, rollout: Rollout) -> None:
        told = commit_status(rollout)
        if told != self.status:
            state, description = told
            context = f"meridian/{rollout.name}"
            api.commit_status(self.client, rollout.commit, context, state, description, self.run)
            self.status = told

    def _deployments(self, rollout: Rollout) -> None:
        if self.there is None:
            self.there = deployments.placed(self.client, _task(rollout))
        for deployed in wanted(rollout):
            self._deploy(rollout, deployed)
        if phase(rollout) is Phase.SERVING:
            gone = {p.environment for p in self.there} - {environment(rollout.name, r) for r in rollout.by_region}
            for left in sorted(gone - {environment(rollout.name, r) for r in rollout.regions}):
                self._retire(left, "no longer declared")

    def _deploy(self, rollout: Rollout, deployed: Deployed) -> None:
        where = deployed.environment
        ours = self._ours(rollout, where)
        if ours is None and deployed.state != "inactive":
            ours = self.ours[where] = deployments.create(
                self.client,
                environment=where,
                commit=rollout.commit,
                task=_task(rollout),
                description=f"generation {rollout.generation} of {rollout.name}",
                payload={"topology": rollout.name, "region": deployed.region, "generation": rollout.generation},
            )
        done = ours is not None and ours.state == "success" and deployed.unless_done
        for state in path(ours.state, deployed.state) if ours and not done else ():
            self._set(ours, state, deployed.description, f"https://{rollout.domain}")
        if deployed.state == "success" or deployed.region not in rollout.regions:
            self._retire(where, deployed.description)

    def _ours(self, rollout: Rollout, where: str) -> Placed | None:
        """Of this commit, by this run or one before it. What is inactive has had its time."""
        if where not in self.ours:
            found = next((p for p in self.there or () if (p.environment, p.commit) == (where, rollout.commit)), None)
            if found is None or deployments.read_state(found) == "inactive":
                return None
            self.ours[where] = found
        return self.ours[where]

    def _retire(self, where: str, why: str) -> None:
        """GitHub does this by itself only for environments that are not of production."""
        if where in self.retired:
            return
        mine = self.ours.get(where)
        earlier = [
            p for p in self.there or () if p.environment == where and (mine is None or p.made.id != mine.made.id)
        ]
        for old in earlier[:EARLIER]:
            if deployments.read_state(old) == "inactive":
                break
            self._set(old, "inactive", why, "")
        self.retired.add(where)

    def _set(self, placed: Placed | None, state: str, description: str, address: str) -> None:
        if placed is not None:
            deployments.set_state(placed, state, description=description, log=self.run, address=address)


def _task(rollout: Rollout) -> str:
    return f"meridian:{rollout.name}"
