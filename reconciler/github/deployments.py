"""Deployments on GitHub: for each Region and commit one, and the states that it goes through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from github.Deployment import Deployment

from reconciler.github.client import Client
from reconciler.github.failures import translated

_READ = "deployments: read"
_WRITE = "deployments: write"
_LOOKED_AT = 300
"""So many of a topology's newest deployments are looked at."""


@dataclass(slots=True, kw_only=True)
class Placed:
    """A deployment that is there."""

    environment: str
    commit: str
    made: Deployment = field(repr=False)
    states: list[str] = field(default_factory=list)
    """As far as they were read or set by us; the latest comes last."""

    @property
    def state(self) -> str | None:
        return self.states[-1] if self.states else None


def placed(client: Client, task: str) -> list[Placed]:
    """The topology's newest, newest first, without their states: one call each tells those."""
    with translated("read deployments", _READ):
        found = islice(client.repository.get_deployments(task=task), _LOOKED_AT)
        return [Placed(environment=d.environment, commit=d.sha, made=d) for d in found]


def read_state(deployment: Placed) -> str | None:
    with translated("read the states of a deployment", _READ):
        latest = next(iter(deployment.made.get_statuses()), None)
    deployment.states = [latest.state] if latest else []
    return deployment.state


def create(
    client: Client, *, environment: str, commit: str, task: str, description: str, payload: Mapping[str, Any]
) -> Placed:
    """Of exactly this commit, whatever its other checks say: it has been merged, and AWS is at work."""
    with translated("create a deployment", _WRITE):
        made = client.repository.create_deployment(
            commit,
            task=task,
            auto_merge=False,
            required_contexts=[],
            payload=dict(payload),
            environment=environment,
            description=description,
            transient_environment=False,
            production_environment=True,
        )
    return Placed(environment=environment, commit=commit, made=made)


def set_state(deployment: Placed, state: str, *, description: str, log: str, address: str) -> None:
    """Nothing is made inactive beside it: GitHub leaves environments of production alone, whatever is asked."""
    with translated("set the state of a deployment", _WRITE):
        deployment.made.create_status(
            state, target_url=log, description=description, environment_url=address, auto_inactive=False
        )
    deployment.states.append(state)
