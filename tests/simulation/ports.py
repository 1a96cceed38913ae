"""The other ports of a pass: templates, revisions, and a journal that outlives every process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from reconciler.loop import Ports
from reconciler.model.errors import LeaseLost
from reconciler.model.issuer import PublicKey
from reconciler.model.observed import Unknown
from reconciler.model.outcome import Revision
from reconciler.model.stacks import Template
from reconciler.model.topology import Topology
from reconciler.model.turn import Turn
from reconciler.ports import Cloud
from tests.fakes.aws.account import Account
from tests.fakes.aws.cloud import FakeClock
from tests.fakes.aws.templates import templates


class Synthesizer:
    def __init__(self) -> None:
        self._made: tuple[Topology, dict[str, Template]] | None = None

    def templates(self, topology: Topology, _keys: Sequence[str]) -> Mapping[str, Template]:
        if self._made is None or self._made[0] is not topology:
            self._made = (topology, templates(topology))
        return self._made[1]


class Revisions:
    """The generation is the number of commits so far."""

    def __init__(self) -> None:
        self.generation = 0

    def revision(self, _topology: Topology, _recorded: Mapping[str, Any] | None) -> Revision:
        commit = f"{self.generation:07d}"
        return Revision(commit=commit, generation=self.generation, digest=f"sha256:{commit}")


class Journal:
    """Lives in the account's table, so it outlives crashes. `lost`: someone else takes the lease at the next check."""

    def __init__(self, account: Account) -> None:
        self.account, self.lost = account, False

    def recorded(self, topology: Topology) -> Mapping[str, Any] | None:
        return json.loads(text) if (text := self.account.documents.get(topology.name)) else None

    def record(self, topology: Topology, status: Mapping[str, Any]) -> None:
        if self.account.table:
            self.account.documents[topology.name] = json.dumps(status)

    def forget(self, topology: Topology) -> None:
        self.account.documents.pop(topology.name, None)

    @contextmanager
    def lease(self, _topology: Topology, _turn: Turn | None = None) -> Iterator[Journal]:
        yield self

    def check(self) -> None:
        if self.lost:
            self.lost = False
            raise LeaseLost("taken over")

    def working_on(self, _step: str) -> None:
        pass


class Issuers:
    """Who issues clients' tokens; `published` is what can be read of it."""

    def __init__(self, published: tuple[PublicKey, ...] | Unknown = ()) -> None:
        self.published = published
        self.asked: list[str] = []

    def keys(self, issuer: str) -> tuple[PublicKey, ...] | Unknown:
        self.asked.append(issuer)
        return self.published


def ports(
    cloud: Cloud,
    account: Account,
    revisions: Revisions,
    journal: Journal | None = None,
    issuers: Issuers | None = None,
) -> Ports:
    return Ports(
        cloud=cloud,
        synthesizer=Synthesizer(),
        revisions=revisions,
        journal=journal or Journal(account),
        clock=FakeClock(account),
        issuers=issuers or Issuers(),
    )
