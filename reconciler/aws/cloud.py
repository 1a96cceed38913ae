"""The `Cloud` port on boto3."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future

from reconciler.aws.at_hand import TemplatesAtHand
from reconciler.aws.clients import Clients
from reconciler.aws.parallel import Reads
from reconciler.aws.read_change_set import describe_change_set
from reconciler.aws.read_trail import look_up
from reconciler.aws.reading import account, read_facts, read_glance
from reconciler.aws.schema import read_schema
from reconciler.aws.writing import OWN_RIGHTS, ServiceRoles, perform
from reconciler.model.facts import Answer, Facts, Sweep
from reconciler.model.observed import Unknown, known
from reconciler.model.provenance import Act, Lookup
from reconciler.model.requests import ChangeSet, Request
from reconciler.model.schema import Schema
from reconciler.model.stacks import StackRef
from reconciler.model.topology import Topology
from reconciler.ports import Clock, Synthesizer


class AwsCloud:
    def __init__(
        self,
        clients: Clients,
        clock: Clock,
        roles: ServiceRoles = OWN_RIGHTS,
        synthesizer: Synthesizer | None = None,
    ) -> None:
        """`synthesizer`: where to have templates from that a stack is known to hold."""
        self._clients = clients
        self._at_hand = TemplatesAtHand(synthesizer)
        self._roles = roles
        self._clock = clock
        self._account: str | None = None

    def facts(self, topology: Topology, sweep: Sweep = Sweep.PLAN, asked: Callable[[], bool] | None = None) -> Facts:
        now = self._clock.now()
        if sweep is Sweep.FAST:
            return read_glance(self._clients, topology, now, self.account(topology), self._at_hand)
        return read_facts(self._clients, topology, now, sweep, self._at_hand, asked)

    def account(self, topology: Topology) -> str:
        """Asked once: credentials that are refreshed stay in their account."""
        self._account = self._account or account(self._clients, topology.deployment_regions[:2])
        return self._account

    def change_set(self, stack: StackRef, stack_name: str, name: str) -> ChangeSet | None:
        return describe_change_set(self._clients, stack.region, stack_name, name)

    def schema(self, region: str, function: str) -> Schema:
        return read_schema(self._clients, region, function)

    def perform(self, request: Request) -> None:
        perform(self._clients, request, self._roles)

    def statuses(self, stacks: Mapping[StackRef, str]) -> Mapping[StackRef, str | None]:
        reads = Reads(self._clients)

        def status(ref: StackRef, name: str) -> Future[Answer]:
            return reads.one("cloudformation", ref.region, lambda c: c.describe_stacks(StackName=name)["Stacks"][0])

        try:
            pending = {ref: status(ref, name) for ref, name in stacks.items()}
            found = {ref: known(future.result()) for ref, future in pending.items()}
        finally:
            reads.close()
        return {ref: stack["StackStatus"] if stack else None for ref, stack in found.items()}

    def looked_up(self, lookups: Sequence[Lookup]) -> Mapping[Lookup, tuple[Act, ...] | Unknown]:
        return look_up(self._clients, lookups)

    def calls(self) -> Mapping[str, int]:
        return self._clients.calls()
