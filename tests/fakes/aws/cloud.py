"""The Cloud port on the account in memory: reads, and one attempt at each request, as the adapters make them.

What a refusal means to the reconciler is the adapters' to say: both give AWS's code and words to the same table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, assert_never

from botocore.exceptions import ClientError

from reconciler.aws import failures
from reconciler.model.errors import GaveWay
from reconciler.model.facts import Facts, Sweep
from reconciler.model.observed import Unknown
from reconciler.model.provenance import Act, Lookup
from reconciler.model.requests import (
    ChangeSet,
    ContinueRollback,
    CreateChangeSet,
    CreateGate,
    DeleteChangeSet,
    DeleteCluster,
    DeleteGate,
    DeleteGlobal,
    DeleteInstance,
    DeleteStack,
    DeleteVersion,
    Detach,
    DetectDrift,
    EnableProbe,
    ExecuteChangeSet,
    Migrate,
    PrepareDatabase,
    ProtectGlobal,
    PutRecord,
    Request,
    RescueKey,
    RotateKey,
    SetCluster,
    SetParameters,
    Switchover,
    Unprotect,
    UnprotectGlobal,
    UpdateGate,
)
from reconciler.model.schema import Schema
from reconciler.model.stacks import StackRef
from reconciler.model.topology import Topology
from tests.fakes.aws.account import Account
from tests.fakes.aws.aurora import ACCOUNT
from tests.fakes.aws.reading import glimpse, read
from tests.fakes.aws.refusal import Refusal
from tests.fakes.aws.timeline import instant

ANYWHERE = "a Region"


class IllegalError(AssertionError):
    """AWS refuses this, and whoever asked could have known."""


class FakeCloud:
    """`informed`: whether the caller has seen everything as it is; only then is a refusal its fault."""

    def __init__(self, account: Account) -> None:
        self.aws, self.informed = account, True
        self._calls: Counter[str] = Counter()
        self.sweeps: Counter[Sweep] = Counter()

    def calls(self) -> Mapping[str, int]:
        return dict(self._calls)

    def account(self, _topology: Topology) -> str:
        self._calls["sts"] += 1
        return ACCOUNT

    def facts(self, topology: Topology, sweep: Sweep = Sweep.PLAN, asked: Callable[[], bool] | None = None) -> Facts:
        self._calls["reads"] += 1
        self.sweeps[sweep] += 1
        if asked and asked():
            raise GaveWay("asked")
        found = read(self.aws, topology)
        return glimpse(found) if sweep is Sweep.FAST else found

    def change_set(self, stack: StackRef, _stack_name: str, name: str) -> ChangeSet | None:
        self._calls["cloudformation"] += 1
        return self.aws.stacks.change_set(stack, name)

    def statuses(self, stacks: Mapping[StackRef, str]) -> Mapping[StackRef, str | None]:
        found = {ref: self.aws.stacks.stacks.get(ref) for ref in stacks}
        return {ref: stack.status if stack else None for ref, stack in found.items()}

    def schema(self, region: str, function: str) -> Schema:
        self._calls["lambda"] += 1
        return self._tried("lambda:InvokeFunction", lambda: self.aws.ledger.schema(region))

    def looked_up(self, _lookups: Sequence[Lookup]) -> Mapping[Lookup, tuple[Act, ...] | Unknown]:
        return {}

    def perform(self, request: Request) -> None:
        self._calls[request.call.split(":")[0]] += 1
        self._tried(request.call, lambda: self._carry_out(request))
        self.aws.timeline.changed()

    def _tried(self, call: str, do: Callable[[], Any]) -> Any:
        try:
            return do()
        except Refusal as refusal:
            if self.informed and not refusal.passes:
                raise IllegalError(f"{call}: {refusal}") from refusal
            error = ClientError({"Error": {"Code": refusal.code, "Message": refusal.message}}, call)
            raise failures.translated(error, call, ANYWHERE) from error

    def _carry_out(self, request: Request) -> None:
        stacks, aurora, dns = self.aws.stacks, self.aws.aurora, self.aws.route53
        match request:
            case CreateChangeSet():
                stacks.create_change_set(request)
            case DetectDrift():
                stacks.detect(request)
            case ExecuteChangeSet():
                stacks.execute(request.stack, request.name)
            case DeleteChangeSet():
                stacks.delete_change_set(request.stack, request.name)
            case DeleteStack():
                stacks.delete(request.stack, request.stack_id)
            case ContinueRollback():
                stacks.continue_rollback(request.stack)
            case CreateGate():
                config = {
                    "Type": "CALCULATED",
                    "ChildHealthChecks": list(request.children),
                    "HealthThreshold": request.threshold,
                }
                dns.create_check(request.reference, config)
            case UpdateGate():
                dns.update_gate(request.id, request.version, list(request.children), request.threshold)
            case DeleteGate():
                dns.delete_check(request.id)
            case Switchover():
                aurora.switch_over(request.region, request.writer_region)
            case Detach():
                aurora.detach(request.region)
            case Unprotect():
                aurora.unprotect(request.region)
            case SetCluster():
                aurora.put_back(request.region, request.settings)
            case SetParameters() | RescueKey() | RotateKey() | EnableProbe():
                pass  # neither parameters nor keys are there, nor a hand on a probe
            case PutRecord():
                dns.upsert({"Name": request.name, "Type": request.type, "TTL": 300, "ResourceRecords": [request.value]})
            case ProtectGlobal():
                aurora.protect_group()
            case DeleteInstance():
                aurora.delete_instance(request.region, request.instance)
            case DeleteCluster():
                aurora.delete(request.region, request.snapshot)
            case UnprotectGlobal():
                aurora.unprotect_group()
            case DeleteGlobal():
                aurora.delete_group()
            case DeleteVersion():
                self.aws.cloudfront.delete_version(int(request.version))
            case PrepareDatabase():
                self.aws.ledger.prepare(request.region)
            case Migrate():
                self.aws.ledger.migrate(request.region, request.migrations, request.attempt)
            case _:
                assert_never(request)


class FakeClock:
    def __init__(self, account: Account) -> None:
        self._timeline = account.timeline

    def now(self):
        return instant(self._timeline.now)

    def sleep(self, seconds: float) -> None:
        self._timeline.pass_time(seconds)
