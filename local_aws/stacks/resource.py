"""One resource of one operation, from its definition to a settled state."""

import asyncio

from ministack.services.cloudformation import provisioners
from ministack.services.cloudformation import stacks as stock

from local_aws import durations, states
from local_aws.clock import CLOCK
from local_aws.gateway import faults
from local_aws.registry import validation
from local_aws.stack_calls import policy
from local_aws.stacks import calls, running
from local_aws.stacks.operation import Operation


async def converge(op: Operation, logical_id: str) -> None:
    kind = op.definitions[logical_id].get("Type", "")
    record = op.before.get(logical_id)
    work = Work(op, logical_id, kind, record)
    try:
        await work.run()
    except asyncio.CancelledError:
        if work.started:
            what = "update" if record else "creation"
            work.finish(f"{work.verb}_FAILED", f"Resource {what} cancelled")
        raise
    except Exception as error:
        stock.logger.info("%s %s failed: %s", op.name, logical_id, error)
        work.finish("IMPORT_FAILED" if logical_id in op.imports else f"{work.verb}_FAILED", str(error))
        if not op.reason:
            op.failed, op.reason = logical_id, f"Resource {logical_id} failed: {error}"
            op.failed_update = work.undo
        raise


class Work:
    def __init__(self, op: Operation, logical_id: str, kind: str, before: dict | None):
        self.op, self.id, self.kind, self.before = op, logical_id, kind, before
        self.verb = "UPDATE" if before else "CREATE"
        self.physical_id = (before or {}).get("PhysicalResourceId", "")
        self.started = False
        self.undo: tuple | None = (logical_id, kind, self.physical_id, None, None, None) if before else None

    async def run(self) -> None:
        op = self.op
        properties, dynamic = op.resolve(self.id)
        new = op.tagged(self.kind, properties, op.tags, self.id)
        old = op.tagged(self.kind, (self.before or {}).get("Properties", {}), op.tags_before, self.id)
        if self.before and old == new and not self.before.get("ResourceStatus", "").endswith("FAILED"):
            return  # as on AWS, a resource that would not change is not touched
        self.started = True
        validation.refuse(self.id, self.kind, properties)
        self.allowed(old, new)
        await op.go_on()
        if self.id in op.imports:
            self.physical_id, attributes = stock._adopt_resource(
                op.id, op.name, self.id, self.kind, op.imports[self.id]
            )
            seed = ""
        else:
            self.begin(old, new)
            faults.fail_resource(self.kind)
            (self.physical_id, attributes), seed = await calls.make(
                self.kind, self.call(old, new), new, lambda: self.act(old, new), self.physical_id
            )
        self.record(properties, attributes, dynamic, seed)
        if self.id in op.imports:
            self.finish("UPDATE_COMPLETE", event=False)
        else:
            await self.settle()

    async def settle(self) -> None:
        if self.verb == "CREATE":
            self.op.event(self.id, self.kind, "CREATE_IN_PROGRESS", "Resource creation Initiated", self.physical_id)
        await CLOCK.sleep(durations.in_stack(self.kind, self.verb))
        await states.settle(self.kind, self.physical_id)
        await calls.standstill(self.kind)
        self.finish(f"{self.verb}_COMPLETE")

    def allowed(self, old: dict, new: dict) -> None:
        """A stack policy stops an update of the resource, not its creation."""
        if self.before:
            act = "Replace" if stock._replacing_change(self.kind, old, new) else "Modify"
            if told := policy.refusal(self.op.stack, self.id, self.kind, act):
                raise ValueError(told)

    def begin(self, old: dict, new: dict) -> None:
        replaces = self.before and stock._replacing_change(self.kind, old, new)
        reason = (
            "Requested update requires the creation of a new physical resource; hence creating one." if replaces else ""
        )
        if not self.before:
            blank = {"PhysicalResourceId": "", "Properties": {}, "Attributes": {}}
            self.op.resources[self.id] = {**blank, "ResourceType": self.kind, "LogicalResourceId": self.id}
        self.status(f"{self.verb}_IN_PROGRESS")
        self.op.event(self.id, self.kind, f"{self.verb}_IN_PROGRESS", reason, self.physical_id)

    def call(self, old: dict, new: dict) -> str:
        """A replacement is made with the call that creates."""
        return "CREATE" if self.before and stock._replacing_change(self.kind, old, new) else self.verb

    async def act(self, old: dict, new: dict) -> tuple[tuple[str, dict], str]:
        """Call the resource's handler: (physical id, attributes), and the seed of a generated name."""
        op = self.op
        if not self.before:
            return await running.call(self.kind, stock._provision_keeping_seed, self.kind, self.id, new, op.name)
        attributes = self.before.get("Attributes", {})
        if not stock._replacing_change(self.kind, old, new):
            self.undo = (self.id, self.kind, self.physical_id, new, old, attributes)
        retained = op.policy(self.id, "UpdateReplacePolicy") in provisioners._RETAINING_POLICIES
        queued: list = []
        tokens = (
            (provisioners._RETAIN_REPLACED, provisioners._RETAIN_REPLACED.set(retained)),
            (provisioners._DEFERRED_PREDECESSOR_DELETES, provisioners._DEFERRED_PREDECESSOR_DELETES.set(queued)),
            (provisioners._NAME_SEED, provisioners._NAME_SEED.set(self.before.get("_name_seed", ""))),
        )
        update = (stock._update_keeping_seed, self.kind, self.physical_id, old, new, op.name, self.id, attributes)
        try:
            result, seed = await running.call(self.kind, *update)
        finally:
            for variable, token in tokens:
                variable.reset(token)
        if result[0] != self.physical_id or queued:
            op.replaced.append((self.id, self.kind, self.before, queued))
        return result, seed

    def record(self, properties: dict, attributes: dict, dynamic: dict, seed: str) -> None:
        self.op.resources[self.id] = {
            "PhysicalResourceId": self.physical_id,
            "ResourceType": self.kind,
            "ResourceStatus": f"{self.verb}_IN_PROGRESS",
            "LogicalResourceId": self.id,
            "Properties": properties,
            "Attributes": attributes,
            "Timestamp": stock.now_iso(),
            **({"_dynamic": dynamic} if dynamic else {}),
            **({"_name_seed": seed} if seed else {}),
        }
        self.op.touched.append(self.id)

    def status(self, status: str, reason: str = "") -> None:
        record = self.op.resources.get(self.id)
        if record is not None:
            record.update(ResourceStatus=status, ResourceStatusReason=reason, Timestamp=stock.now_iso())

    def finish(self, status: str, reason: str = "", *, event: bool = True) -> None:
        self.status(status, reason)
        self.op.finished += status.endswith("_COMPLETE")
        states.changed()
        if event:
            self.op.event(self.id, self.kind, status, reason, self.physical_id)
