"""Stack operations as CloudFormation runs them: in dependency order, in parallel, each resource at its own pace.

ministack provisions a stack's resources one after another and within milliseconds. `install` puts these operations in place of
its own: the resource handlers stay ministack's (and ours, see `resources/`), what changes is the order, the time, the events and
what is left alone (a resource whose definition resolves to what it already has is not touched, as on AWS).
"""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from ministack.services import cloudformation as cfn
from ministack.services.cloudformation import changesets, engine, handlers, provisioners
from ministack.services.cloudformation import stacks as stock

from local_aws import durations, faults, graph, states
from local_aws.clock import CLOCK

STACK = "AWS::CloudFormation::Stack"
_running: dict[str, asyncio.Task[Any]] = {}  # stack id -> the operation under way


def in_progress() -> int:
    return len(_running)


def cancel_all() -> list[asyncio.Task[Any]]:
    tasks = list(_running.values())
    for task in tasks:
        task.cancel()
    _running.clear()
    return tasks


class Operation:
    """One create or update of one stack: what it knows while it runs."""

    def __init__(
        self,
        name: str,
        stack_id: str,
        template: dict,
        parameters: dict,
        *,
        previous: dict | None,
        imports: dict,
    ):
        self.name, self.id, self.template, self.parameters = name, stack_id, template, parameters
        self.stack = cfn._stacks[name]
        self.definitions = template.get("Resources", {})
        self.mappings = template.get("Mappings", {})
        self.conditions = engine._evaluate_conditions(template, parameters)
        self.previous = previous
        self.before: dict[str, dict] = (previous or {}).get("_resources", {})
        self.tags = self.stack.get("Tags") or []
        self.tags_before = (previous or {}).get("Tags") or []
        self.imports = imports
        self.resources: dict[str, dict] = self.stack.setdefault("_resources", {})
        self.touched: list[str] = []  # created or changed by this operation: what a rollback has to undo
        self.replaced: list[tuple[str, str, dict, list]] = []  # logical id, type, the record before, queued deletes
        self.failed: str | None = None
        self.failed_update: tuple | None = None
        self.reason = ""
        self.cancelled = False

    @property
    def verb(self) -> str:
        return "CREATE" if self.previous is None else "UPDATE"

    def event(self, logical_id: str, kind: str, status: str, reason: str = "", physical_id: str = "") -> None:
        stock._add_event(self.id, self.name, logical_id, kind, status, reason, physical_id)

    def stack_status(self, status: str, reason: str = "") -> None:
        self.stack["StackStatus"] = status
        self.stack["StackStatusReason"] = reason
        self.event(self.name, STACK, status, reason, self.id)

    def policy(self, logical_id: str, attribute: str) -> str:
        return stock._resource_policy(
            self.definitions.get(logical_id), attribute, self.resources, self.parameters, self.conditions, self.mappings,
            self.name, self.id,
        )  # fmt: skip

    def tagged(self, kind: str, properties: dict, tags: list, logical_id: str) -> dict:
        return stock._with_stack_tags(kind, properties, tags, self.name, self.id, logical_id)

    def resolve(self, logical_id: str) -> tuple[dict, dict]:
        """The properties with every reference resolved, and the dynamic references' values."""
        definition, record = self.definitions[logical_id], self.before.get(logical_id)
        properties = engine._resolve_refs(
            copy.deepcopy(definition.get("Properties", {})), self.resources, self.parameters, self.conditions,
            self.mappings, self.name, self.id,
        )  # fmt: skip
        properties = {k: v for k, v in properties.items() if v is not engine._NO_VALUE}
        earlier = self.previous or {}
        same_definition = (earlier.get("_template") or {}).get("Resources", {}).get(logical_id) == definition
        same_stack = self.template == earlier.get("_template") and self.parameters == earlier.get("_resolved_params")
        return engine._resolve_dynamic_references(
            properties,
            (record or {}).get("_dynamic"),
            reuse_ssm=bool(record and same_stack),
            reuse_secrets=bool(record and same_definition),
        )


# --- create and update ------------------------------------------------------------------------------------------------


async def deploy(  # the signature is ministack's
    stack_name: str,
    stack_id: str,
    template: dict,
    param_values: dict,
    disable_rollback: bool,
    tags: list,
    is_update: bool = False,
    previous_stack: dict | None = None,
    retain_except_on_create: bool = False,
    imports: dict | None = None,
) -> None:
    previous = (previous_stack or {}) if is_update else None
    operation = Operation(stack_name, stack_id, template, param_values, previous=previous, imports=imports or {})
    operation.stack.pop("_failed_operation", None)
    _running[stack_id] = asyncio.current_task()
    try:
        await _deploy(operation, disable_rollback, retain_except_on_create)
    finally:
        if _running.get(stack_id) is asyncio.current_task():
            _running.pop(stack_id)
        states.changed()


async def _deploy(op: Operation, disable_rollback: bool, retain_except_on_create: bool) -> None:
    try:
        order = engine._topological_sort(op.definitions, op.conditions)
    except ValueError as error:
        op.stack_status(f"{op.verb}_FAILED", str(error))
        return
    invalid = not op.stack.get("_disable_validation") and stock._fail_property_validation(
        op.stack, op.id, op.name, op.definitions, order, op.parameters, op.conditions, op.mappings, disable_rollback,
        previous_stack=op.previous,
    )  # fmt: skip
    if invalid:
        return
    await _converge(op, order)
    outputs, exports = ([], {}) if op.reason else _outputs(op, set(order))
    await CLOCK.sleep(durations.ENDPOINT_SETTLE)
    if op.reason:
        await _fail(op, disable_rollback, retain_except_on_create)
        return
    op.stack.update(_resources=op.resources, _template=op.template, _resolved_params=op.parameters, Outputs=outputs)
    cfn._exports.update(exports)
    if op.verb == "UPDATE":
        op.stack_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        await _clean_up(op, set(order))
    op.stack_status(f"{op.verb}_COMPLETE")


async def _converge(op: Operation, order: list[str]) -> None:
    """Bring every resource to its definition; the first failure, or CancelUpdateStack, stops the others."""
    op.stack.pop("_cancel_requested", None)
    names = set(order)
    needs = {name: engine._extract_deps(op.definitions[name], names) - {name} for name in order}
    cancel = asyncio.ensure_future(states.until(lambda: op.previous is not None and "_cancel_requested" in op.stack))
    try:
        await graph.run(needs, lambda name: _resource(op, name), stop=cancel)
    finally:
        cancel.cancel()
    if op.stack.pop("_cancel_requested", False) and not op.reason:
        stock.CLIENT_REQUEST_TOKEN.set(op.stack.pop("_cancel_token", ""))
        op.cancelled, op.reason = True, "User Initiated"


async def _resource(op: Operation, logical_id: str) -> None:
    kind = op.definitions[logical_id].get("Type", "")
    record = op.before.get(logical_id)
    work = _Work(op, logical_id, kind, record)
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


class _Work:
    """One resource of one operation, from its definition to a settled state."""

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
        if self.id in op.imports:
            self.physical_id, attributes = stock._adopt_resource(
                op.id, op.name, self.id, self.kind, op.imports[self.id]
            )
            seed = ""
        else:
            self.begin(old, new)
            faults.fail_resource(self.kind)
            (self.physical_id, attributes), seed = await self.act(old, new)
        self.record(properties, attributes, dynamic, seed)
        if self.id in op.imports:
            self.finish("UPDATE_COMPLETE", event=False)
            return
        if self.verb == "CREATE":
            op.event(self.id, self.kind, "CREATE_IN_PROGRESS", "Resource creation Initiated", self.physical_id)
        await CLOCK.sleep(durations.in_stack(self.kind, self.verb))
        await states.settle(self.kind, self.physical_id, attributes)
        self.finish(f"{self.verb}_COMPLETE")

    def begin(self, old: dict, new: dict) -> None:
        replaces = self.before and stock._replacing_change(self.kind, old, new)
        reason = (
            "Requested update requires the creation of a new physical resource; hence creating one." if replaces else ""
        )
        if not self.before:
            self.op.resources[self.id] = {
                "PhysicalResourceId": "", "ResourceType": self.kind, "LogicalResourceId": self.id, "Properties": {}, "Attributes": {},
            }  # fmt: skip
        self.status(f"{self.verb}_IN_PROGRESS")
        self.op.event(self.id, self.kind, f"{self.verb}_IN_PROGRESS", reason, self.physical_id)

    async def act(self, old: dict, new: dict) -> tuple[tuple[str, dict], str]:
        """Call the resource's handler: (physical id, attributes), and the seed of a generated name."""
        op = self.op
        if not self.before:
            return await _call(self.kind, stock._provision_keeping_seed, self.kind, self.id, new, op.name)
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
        try:
            result, seed = await _call(
                self.kind,
                stock._update_keeping_seed,
                self.kind,
                self.physical_id,
                old,
                new,
                op.name,
                self.id,
                attributes,
            )
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
        if event:
            self.op.event(self.id, self.kind, status, reason, self.physical_id)


async def _call(kind: str, function: Callable[..., Any], *args: Any) -> Any:
    """Types that wait for somebody else (custom resources, wait conditions) get a thread, as in ministack."""
    if _stock_needs_thread(kind):
        return await _stock_run_reentrant(function, *args)
    return function(*args)


def _outputs(op: Operation, kept: set[str]) -> tuple[list, dict]:
    try:
        return stock._resolve_stack_outputs(
            op.template.get("Outputs", {}), op.conditions, {k: v for k, v in op.resources.items() if k in kept},
            op.parameters, op.mappings, op.name, op.id,
        )  # fmt: skip
    except Exception as error:
        op.reason = str(error)
        op.event(op.name, STACK, f"{op.verb}_FAILED", op.reason, op.id)
        return [], {}


async def _fail(op: Operation, disable_rollback: bool, retain_except_on_create: bool) -> None:
    failed = stock._failed_operation(
        op.verb == "UPDATE", op.previous, op.touched, op.failed_update, op.failed, [r[0] for r in op.replaced], op.cancelled,
        op.template, op.parameters, retain_except_on_create, op.tags, op.tags_before, op.imports,
    )  # fmt: skip
    if disable_rollback:
        op.stack["_failed_operation"] = failed
        op.stack_status(f"{op.verb}_FAILED", op.reason)
        return
    for name in [n for n, r in op.resources.items() if n not in op.before and not r["PhysicalResourceId"]]:
        op.resources.pop(name)  # it never came to be: nothing to delete
    await stock._roll_back_operation(op.name, op.id, op.stack, failed)


async def _clean_up(op: Operation, kept: set[str]) -> None:
    """After the update stands: delete what it replaced and what left the template, dependents first."""
    for logical_id, kind, record, queued in reversed(op.replaced):
        await _delete_replaced(op, logical_id, kind, record, queued)
    gone = set(op.before) - kept
    if not gone:
        return
    old = op.previous or {}
    definitions = (old.get("_template") or {}).get("Resources", {})
    await graph.run(
        _dependents(definitions, gone), lambda name: _remove(op, name, definitions.get(name), old), stop=None
    )


async def _delete_replaced(op: Operation, logical_id: str, kind: str, record: dict, queued: list) -> None:
    physical_id = record["PhysicalResourceId"]
    moved = op.resources[logical_id]["PhysicalResourceId"] != physical_id
    if op.policy(logical_id, "UpdateReplacePolicy") in provisioners._RETAINING_POLICIES:
        if moved:
            op.event(logical_id, kind, "DELETE_SKIPPED", "", physical_id)
        return
    op.event(logical_id, kind, "DELETE_IN_PROGRESS", "", physical_id)
    await CLOCK.sleep(durations.in_stack(kind, "DELETE"))
    try:
        for function, args, options in queued:  # the handler's own delete first: it knows the old record's key
            function(*args, **options)
        if moved:
            await _call(
                kind, stock._delete_resource, kind, physical_id, record.get("Properties", {}), op.name, logical_id
            )
    except Exception as error:
        op.event(logical_id, kind, "DELETE_FAILED", str(error), physical_id)
        return
    op.event(logical_id, kind, "DELETE_COMPLETE", "", physical_id)


async def _remove(op: Operation, logical_id: str, definition: dict | None, old: dict) -> None:
    template = old.get("_template") or {}
    policy = stock._resource_policy(
        definition, "DeletionPolicy", op.before, old.get("_resolved_params", {}), old.get("_conditions", op.conditions),
        template.get("Mappings", {}), op.name, op.id,
    )  # fmt: skip
    # A removal that fails does not fail the update; the resource stays in the stack and the next operation tries again.
    await _delete(op.id, op.name, op.resources, logical_id, policy)


# --- delete -------------------------------------------------------------------------------------------------------------


async def delete(stack_name: str, stack_id: str, retain_resources: Iterable[str] = (), force: bool = False) -> None:
    stack = cfn._stacks.get(stack_name)
    if not stack or stack.get("StackId") != stack_id:
        return
    running = _running.get(stack_id)
    if stack.get("StackStatus") == "DELETE_IN_PROGRESS" and running:
        return
    if running and running is not asyncio.current_task():  # a create under way is given up
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    _running[stack_id] = asyncio.current_task()
    try:
        await _delete_stack(stack, set(retain_resources), force=force)
    finally:
        if _running.get(stack_id) is asyncio.current_task():
            _running.pop(stack_id)
        states.changed()


async def _delete_stack(stack: dict, retained: set[str], *, force: bool) -> None:
    name, stack_id, resources = stack["StackName"], stack["StackId"], stack.get("_resources", {})
    template = stack.get("_template") or {}
    if not template.get("Resources"):  # a create that was cut short has not stored its template yet
        template = engine._parse_template(stack.get("_template_body") or "{}") if resources else {}
    definitions = template.get("Resources", {})
    _stack_event(stack, "DELETE_IN_PROGRESS")
    if force:
        failed = [n for n, r in resources.items() if r.get("ResourceStatus") == "DELETE_FAILED"]
        retained |= stock._with_dependencies(failed, definitions, set(resources))

    async def one(logical_id: str) -> None:
        policy = stock._resource_policy(
            definitions.get(logical_id), "DeletionPolicy", resources, stack.get("_resolved_params", {}),
            stack.get("_conditions", {}), template.get("Mappings", {}), name, stack_id,
        )  # fmt: skip
        never_made = not resources[logical_id].get("PhysicalResourceId")
        if never_made:
            resources.pop(logical_id)
            return
        await _delete(
            stack_id, name, resources, logical_id, "Retain" if logical_id in retained else policy, force=force
        )

    failures = await graph.run(_dependents(definitions, set(resources)), one, stop=None)
    await CLOCK.sleep(durations.ENDPOINT_SETTLE)
    if failures:
        reason = f"The following resource(s) failed to delete: [{', '.join(sorted(failures))}]."
        _stack_event(stack, "DELETE_FAILED", reason)
        return
    for output in stack.get("Outputs", []):
        cfn._exports.pop(output.get("ExportName"), None)
    _stack_event(stack, "DELETE_COMPLETE")


def _stack_event(stack: dict, status: str, reason: str = "") -> None:
    stack["StackStatus"], stack["StackStatusReason"] = status, reason
    stock._add_event(stack["StackId"], stack["StackName"], stack["StackName"], STACK, status, reason, stack["StackId"])


async def _delete(
    stack_id: str, stack_name: str, resources: dict, logical_id: str, policy: str, *, force: bool = False
) -> None:
    """Delete one resource, or let go of it; a failure is recorded and raised, which holds back what it depends on."""
    record = resources[logical_id]
    kind, physical_id = record.get("ResourceType", ""), record.get("PhysicalResourceId", "")

    def event(status: str, reason: str = "") -> None:
        stock._add_event(stack_id, stack_name, logical_id, kind, status, reason, physical_id)
        record.update(ResourceStatus=status, ResourceStatusReason=reason, Timestamp=stock.now_iso())

    if policy in provisioners._RETAINING_POLICIES:
        event("DELETE_SKIPPED")
        resources.pop(logical_id, None)
        return
    event("DELETE_IN_PROGRESS")
    try:
        await delete_resource(
            kind, physical_id, record.get("Properties", {}), stack_name, logical_id, snapshot=policy == "Snapshot"
        )
    except Exception as error:
        event("DELETE_SKIPPED" if force else "DELETE_FAILED", str(error))
        if not force:
            raise
    else:
        event("DELETE_COMPLETE")
    resources.pop(logical_id, None)


async def delete_resource(
    kind: str, physical_id: str, properties: dict, stack_name: str, logical_id: str, *, snapshot: bool = False
) -> None:
    """The owning service shows `deleting` for as long as it takes; then the handler lets it go, or refuses."""
    showing = _DELETING.get(kind)
    undo = showing(physical_id) if showing else None
    try:
        await CLOCK.sleep(durations.in_stack(kind, "DELETE"))
        if snapshot:
            stock._snapshot_resource(kind, physical_id, properties)
        await _call(kind, stock._delete_resource, kind, physical_id, properties, stack_name, logical_id)
    except BaseException:
        if undo:
            undo()
        raise


_DELETING: dict[str, Callable[[str], Callable[[], None] | None]] = {}


def shows_deleting(kind: str, show: Callable[[str], Callable[[], None] | None]) -> None:
    """`show(physical id)` marks the resource as being deleted and returns how to take the mark back."""
    _DELETING[kind] = show


def _dependents(definitions: dict, names: set[str]) -> dict[str, set[str]]:
    """For each resource, those that must be gone before it: the ones that refer to it."""
    waits: dict[str, set[str]] = {name: set() for name in names}
    for name in names:
        for dependency in engine._extract_deps(definitions.get(name, {}), names) - {name}:
            waits[dependency].add(name)
    return waits


# --- roll back: ministack's own code, made to take time -------------------------------------------------------------------

_stock_needs_thread = stock._runs_on_worker_thread
_stock_run_reentrant = stock.run_reentrant


async def _with_time(function: Callable[..., Any], kind: str, *args: Any) -> Any:
    """Stands in for `run_reentrant` inside ministack's rollback code: the same call, and then as long as it takes."""
    if function is stock._delete_resource:
        physical_id, properties, stack_name, logical_id = args
        return await delete_resource(kind, physical_id, properties, stack_name, logical_id)
    result = await _call(kind, function, kind, *args)
    await CLOCK.sleep(durations.in_stack(kind, "UPDATE"))
    await states.settle(kind, result[0], result[1] or {})
    return result


def _tracked(function: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def tracked(stack_name: str, stack_id: str, *args: Any, **options: Any) -> None:
        mine = stack_id not in _running
        if mine:
            _running[stack_id] = asyncio.current_task()
        try:
            await function(stack_name, stack_id, *args, **options)
        finally:
            if mine:
                _running.pop(stack_id, None)
            states.changed()

    return tracked


def install() -> None:
    stock._runs_on_worker_thread = lambda kind: True
    stock.run_reentrant = _with_time
    replacements = {
        "_deploy_stack_async": deploy,
        "_delete_stack_async": delete,
        "_roll_back_operation": _tracked(stock._roll_back_operation),
        "_continue_update_rollback_async": _tracked(stock._continue_update_rollback_async),
    }
    for module in (stock, changesets, handlers):
        for name, function in replacements.items():
            if hasattr(module, name):
                setattr(module, name, function)
