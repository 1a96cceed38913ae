"""What must hold at every instant, said anew in terms of what is on AWS; nothing of it is taken from the planner.

A state is judged whenever something changed; a request when it is made, before AWS is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from reconciler.model.requests import (
    CreateGate,
    DeleteCluster,
    DeleteGate,
    DeleteGlobal,
    DeleteInstance,
    DeleteStack,
    DeleteVersion,
    Detach,
    ExecuteChangeSet,
    Request,
    Switchover,
    Unprotect,
    UnprotectGlobal,
    UpdateGate,
)
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Topology
from tests.fakes.aws.account import DISTRIBUTION, Account
from tests.fakes.aws.route53 import Check
from tests.fakes.aws.stacks import Made
from tests.simulation.clients import Clients
from tests.simulation.hands import Hands

IN_FLIGHT = 10.0
HASTE, MOVES = 900.0, 4
"""A gate moves no oftener than so many times in so many seconds, however fast commits come."""
KNOWN_AFTER = 300.0
"""Seconds after which everybody may know that a Region is cut."""


class BrokenError(AssertionError):
    """An invariant does not hold."""


@dataclass
class Invariants:
    account: Account
    clients: Clients
    hands: Hands
    topology: Topology
    destroying: bool = False
    informed: bool = True
    checked: Counter[str] = field(default_factory=Counter)
    _served: frozenset[str] = frozenset()
    _began: bool = False
    _moves: dict[str, list[float]] = field(default_factory=dict)

    def passes(self, start: float, end: float) -> None:
        pass

    def changed(self) -> None:
        serving = frozenset(r for r in self._regions() if self._serves(r))
        for name, holds in STATES.items():
            self.checked[name] += 1
            for wrong in holds(self, serving):
                raise BrokenError(f"{name}: {wrong}")
        self._served = serving
        self._began = self._began or self.clients.begun

    def request(self, request: Request, *, informed: bool) -> None:
        """Judges what is about to be asked. `informed`: whoever asks has seen everything as it is."""
        self.informed = informed
        check = REQUESTS.get(type(request))
        if check:
            self.checked[f"before {request.call.split(':')[1]}"] += 1
            for wrong in check(self, request):
                raise BrokenError(f"{request.call}: {wrong}")
        for wrong in self.hands.overruled(request):
            raise BrokenError(f"{request.call}: {wrong}, and no commit spoke of it since")

    # ---- what the sentences speak of ----

    def _regions(self) -> set[str]:
        return {r["Region"] for r in self.account.route53.records.values() if "Region" in r}

    def _routed(self, region: str) -> int:
        """How many latency records lead to the Region: two when all is well, one for each name."""
        return sum(r.get("Region") == region for r in self.account.route53.records.values())

    def gate(self, region: str) -> Check | None:
        return self.account.route53.gate(self.topology.gate_reference_prefix(region))

    def _open(self, region: str) -> bool:
        gate = self.gate(region)
        return gate is not None and gate.is_open

    def _serves(self, region: str) -> bool:
        """As far as it is ours to say: a Region that is cut still counts."""
        place = self.account.regions[region]
        return self._open(region) and self._routed(region) == 2 and place.function is not None and place.domain

    def _stack(self, kind: StackKind, region: str) -> str | None:
        stack = self.account.stacks.stacks.get(StackRef(kind, region))
        return stack.status if stack else None

    def _leaves(self, region: str) -> bool:
        return self.destroying or region not in self.topology.region_names

    # ---- states ----

    def enough_serve(self, serving: frozenset[str]) -> Iterator[str]:
        """I1. Whenever fewer serve than before, enough are left."""
        if serving < self._served and not self.destroying and len(serving) < self.topology.safety.min_serving:
            yield f"only {set(serving) or 'none'} of {set(self._served)} serve"

    def records_lead_somewhere(self, serving: frozenset[str]) -> Iterator[str]:
        """I2. What a record points at exists; a Region's own name leads to its API's domain."""
        records = self.account.route53.records
        names = {name for name, _, _ in records}
        for (name, kind, region), record in records.items():
            if region is not None:
                target = record["ResourceRecords"][0] + "." if kind == "CNAME" else record["AliasTarget"]["DNSName"]
                if target not in names:
                    yield f"{name} for {region} leads to {target}, which is not there"
            elif (at := name.split(".")[0]) + ".origin." in name and not self.account.regions[at].domain:
                yield f"{name} leads to a custom domain that is not there"

    def both_names_agree(self, serving: frozenset[str]) -> Iterator[str]:
        """I3. A Region whose gate is open has exactly one record under each of the two names, once it has any."""
        busy = (self._stack(StackKind.ROUTING, self.topology.home_region) or "").endswith("_IN_PROGRESS")
        for region in self._regions():
            if self._open(region) and self._routed(region) != 2 and not busy:
                yield f"{region} is open with {self._routed(region)} records"

    def nothing_writes_alone(self, serving: frozenset[str]) -> Iterator[str]:
        """I7, split brain: a cluster outside the global database takes writes, so no function may reach it."""
        for region, cluster in self.account.aurora.clusters.items():
            place = self.account.regions[region]
            if not cluster.member and (place.function is not None or place.interfaces):
                yield f"{region} stands alone, and its functions reach it"

    def the_domain_leads_to_the_edge(self, serving: frozenset[str]) -> Iterator[str]:
        """I9. Once clients were served, their name leads to a distribution that is enabled and has the name."""
        if not self._began or self.destroying or self.hands.darkens:
            return
        name, config = self.topology.domain.name, self.account.cloudfront.config
        alias = self.account.route53.spread.get((f"{name}.", "A", None))
        if not (alias and alias["AliasTarget"]["DNSName"] == DISTRIBUTION):
            yield f"{name} leads nowhere"
        if not (config and config["Enabled"] and name in config["Aliases"] and self.account.cloudfront.serves):
            yield f"the distribution does not serve {name}"

    def the_origin_resolves(self, serving: frozenset[str]) -> Iterator[str]:
        """I10. CloudFront resolves its origin before it asks the router."""
        names = {key[0] for key in self.account.route53.spread}
        if self._began and not self.destroying and f"{self.topology.origin_name}." not in names:
            yield "the origin does not resolve"

    def one_founder(self, serving: frozenset[str]) -> Iterator[str]:
        """A global database has one founder; an heir takes its place where it leaves."""
        holders = [
            ref.region
            for ref, stack in self.account.stacks.stacks.items()
            if stack.applied and "MasterUsername" in str(stack.applied.template) and ref.kind is StackKind.DATA
        ]
        if len(holders) > 1:
            yield f"{holders} all found the database"

    # ---- requests ----

    def executes(self, request: ExecuteChangeSet) -> Iterator[str]:
        stack = self.account.stacks.stacks.get(request.stack)
        made = stack.sets.get(request.name) if stack else None
        if stack is None or made is None or made.executed:
            return
        if request.stack.kind in {StackKind.DATA, StackKind.API} and request.stack.region in self._served:
            yield from self._worked_on(request.stack.region)
        if request.stack.kind in {StackKind.DATA, StackKind.GLOBAL}:
            yield from self._database_changes(request, made)

    def _worked_on(self, region: str) -> Iterator[str]:
        """I16. Serving Regions are changed one after another, as many at once as the document says. Which ones are being
        changed cannot be known while one of them cannot be read; the others go on then."""
        kinds = (StackKind.DATA, StackKind.API)
        busy = {r for r in self._served if any((self._stack(k, r) or "").startswith("UPDATE_IN") for k in kinds)}
        if self.informed and len(busy | {region}) > self.topology.safety.max_concurrent_regions:
            yield f"{busy | {region}} are changed at once"

    def _database_changes(self, request: ExecuteChangeSet, made: Made) -> Iterator[str]:
        """I5, I14: databases are left alone while the writer moves; no template loses its global database."""
        group = self.account.aurora.group
        moving = group.moving if group else None
        if moving:
            yield f"{request.stack} is deployed while the writer moves {moving}"
        cluster = made.request.template["Resources"].get("Cluster", {}).get("Properties", {})
        if request.stack.kind is StackKind.DATA and "GlobalClusterIdentifier" not in cluster:
            yield f"{request.stack} loses its global database"

    def moves_the_writer(self, request: Switchover) -> Iterator[str]:
        """I5, I6."""
        aurora = self.account.aurora
        group = aurora.group
        if group is None or group.writer == request.region or group.moving:
            return
        for ref, stack in self.account.stacks.stacks.items():
            if ref.kind in {StackKind.DATA, StackKind.GLOBAL} and stack.busy and ref.region in group.members:
                yield f"the writer moves while {ref} is {stack.status}"
        if self._leaves(request.region):
            yield f"{request.region} becomes the writer, and leaves"
        if request.region != self.topology.database.writer and not self.destroying:
            yield f"nobody asked for {request.region} as the writer"

    def detaches(self, request: Detach) -> Iterator[str]:
        """I4, I7."""
        group, place = self.account.aurora.group, self.account.regions[request.region]
        if group and group.writer == request.region and len(group.members) > 1:
            yield f"{request.region} writes, and leaves"
        if not self._leaves(request.region):
            yield f"{request.region} is wanted"
        if place.function is not None or place.interfaces:
            yield f"functions in {request.region} can still write to what will stand alone"

    def deletes(self, request: DeleteStack) -> Iterator[str]:
        """I4, I8, I11, I19."""
        stack, region = self.account.stacks.stacks.get(request.stack), request.stack.region
        if stack is None or stack.id != request.stack_id:
            return
        never_lived = stack.applied is None
        if never_lived and (request.stack.kind is not StackKind.DATA or region not in self.account.aurora.clusters):
            return
        match request.stack.kind:
            case StackKind.API:
                yield from self._api_goes(region)
            case StackKind.DATA:
                yield from self._data_goes(region)
            case StackKind.FOUNDATION:
                yield "a foundation is deleted, which every topology of the Region uses"
            case StackKind.ROUTING | StackKind.EDGE | StackKind.GLOBAL if not self.destroying:
                yield f"{request.stack} is deleted, and nobody destroys the topology"

    def _api_goes(self, region: str) -> Iterator[str]:
        gate, now = self.gate(region), self.account.timeline.now
        if not self._leaves(region):
            yield f"{region} is wanted"
        if self._routed(region):
            yield f"records still lead to {region}"
        if self.destroying:
            if self.account.cloudfront.config is not None:
                yield f"the edge leads to {region}"
            return
        if any(r.get("Region") == region for r in self.account.route53.spread.values()):
            yield f"name servers still answer with {region}"
        if gate and gate.is_open:
            yield f"{region} is open"
        out = self._out_since(gate) if gate and gate.opened else None
        if out is not None and now - out < self.topology.routing.drain_seconds:
            yield f"{region} is out of DNS only for {now - out:.0f} s"
        if now - self.clients.last_asked.get(region, -IN_FLIGHT) < IN_FLIGHT:
            yield f"{region} is still working on requests"

    @staticmethod
    def _out_since(gate: Check) -> float | None:
        """Since when nobody is led there: closed, or unhealthy already when it was closed."""
        since, healthy = gate.history[-1] if gate.history else (gate.closed_at, False)
        return gate.closed_at if healthy or gate.closed_at is None or since is None else min(since, gate.closed_at)

    def _data_goes(self, region: str) -> Iterator[str]:
        cluster = self.account.aurora.clusters.get(region)
        if cluster and not self._leaves(region):  # without a cluster it is a shell, whoever wants the Region now
            yield f"{region} is wanted"
        if self._stack(StackKind.API, region) is not None:
            yield f"the API in {region} is there"
        if cluster:
            yield f"the cluster in {region} is still there"

    def moves_a_gate(self, request: UpdateGate) -> Iterator[str]:
        """I1, I16, I18: only what is proven healthy is opened, only what can be spared is closed."""
        gate = self.account.route53.checks.get(request.id)
        if gate is None or gate.version != request.version:
            return
        opens = request.threshold <= len(request.children)
        region = request.region
        if request.threshold < len(request.children):
            yield f"the gate of {region} ignores its probe"
        if opens != gate.is_open:
            recent = [at for at in self._moves.get(region, ()) if at > self.account.timeline.now - HASTE]
            self._moves[region] = [*recent, self.account.timeline.now]
            if len(recent) >= MOVES:
                yield f"{region} is opened and closed, again and again"
        if opens and not gate.is_open:
            if self._leaves(region) or str(self.topology.region(region).traffic) != "serving":
                yield f"{region} is opened, and nobody wants it to serve"
            if self._routed(region) != 2:
                yield f"{region} is opened without records"
        if not opens and gate.is_open and not self.destroying and self.account.answers(region):
            able = [r for r in self._served - {region} if not self._known_cut(r)]
            if len(able) < self.topology.safety.min_serving:
                yield f"{region} is closed and only {able or 'none'} can serve"

    def _known_cut(self, region: str) -> bool:
        probe = next((c for c in self.account.route53.checks.values() if c.region == region), None)
        if probe is None or not probe.history or probe.healthy:
            return probe is None
        return self.account.timeline.now - probe.history[-1][0] > KNOWN_AFTER

    def creates_a_gate(self, request: CreateGate) -> Iterator[str]:
        if request.threshold <= len(request.children):
            yield f"the gate of {request.region} is created open"
        if self.gate(request.region) is not None and self.gate(request.region).reference != request.reference:
            yield f"{request.region} has a gate"

    def deletes_a_gate(self, request: DeleteGate) -> Iterator[str]:
        """The last thing of a Region that goes: it is what tells that something is left."""
        if not self._leaves(request.region):
            yield f"{request.region} is wanted"
        if self.destroying and self.topology.database.deletion_policy == "retain":
            return  # the data stays, and its Regions are found by it
        for kind in (StackKind.API, StackKind.DATA):
            if self._stack(kind, request.region) is not None:
                yield f"stack {kind} is left in {request.region}"
        if request.region in self.account.aurora.clusters:
            yield f"a cluster is left in {request.region}"

    def data_goes(self, request: Unprotect | DeleteInstance | DeleteCluster) -> Iterator[str]:
        """I4, I19: only of a Region that nobody wants, or that was taken apart too far to be wanted as it is."""
        cluster = self.account.aurora.clusters.get(request.region)
        if cluster and cluster.member:
            yield f"{request.region} is still a member"
        if self._stack(StackKind.API, request.region) is not None:
            yield f"the API in {request.region} is there"

    def deletes_a_version(self, request: DeleteVersion) -> Iterator[str]:
        """I12."""
        if request.version == str(self.account.cloudfront.used):
            yield f"the edge uses version {request.version} of the router"

    def ends_the_database(self, _request: UnprotectGlobal | DeleteGlobal) -> Iterator[str]:
        if not self.destroying:
            yield "nobody destroys the topology"


STATES: dict[str, Callable[[Invariants, frozenset[str]], Iterator[str]]] = {
    "I1 enough Regions serve": Invariants.enough_serve,
    "I2 records lead somewhere": Invariants.records_lead_somewhere,
    "I3 both names agree": Invariants.both_names_agree,
    "I7 nothing writes alone": Invariants.nothing_writes_alone,
    "I9 the domain leads to the edge": Invariants.the_domain_leads_to_the_edge,
    "I10 the origin resolves": Invariants.the_origin_resolves,
    "one founder": Invariants.one_founder,
}
REQUESTS: dict[type, Callable[..., Iterator[str]]] = {
    CreateGate: Invariants.creates_a_gate,
    DeleteGate: Invariants.deletes_a_gate,
    DeleteGlobal: Invariants.ends_the_database,
    DeleteStack: Invariants.deletes,
    DeleteVersion: Invariants.deletes_a_version,
    Detach: Invariants.detaches,
    ExecuteChangeSet: Invariants.executes,
    Switchover: Invariants.moves_the_writer,
    Unprotect: Invariants.data_goes,
    DeleteInstance: Invariants.data_goes,
    DeleteCluster: Invariants.data_goes,
    UnprotectGlobal: Invariants.ends_the_database,
    UpdateGate: Invariants.moves_a_gate,
}
