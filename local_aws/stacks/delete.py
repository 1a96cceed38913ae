"""Delete: dependents first, in parallel; what fails stays, with everything that it depends on."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from ministack.services import cloudformation as cfn
from ministack.services.cloudformation import engine, provisioners
from ministack.services.cloudformation import stacks as stock

from local_aws import durations
from local_aws.clock import CLOCK
from local_aws.stacks import calls, graph, running
from local_aws.stacks.operation import STACK

# By type: marks a resource as being deleted and returns how to take the mark back.
_DELETING: dict[str, Callable[[str], Callable[[], None] | None]] = {}
# Refusals that pass by themselves: the codes of EC2 and of ACM.
_PASSES = {"DependencyViolation", "ResourceInUseException"}


async def delete_stack(  # the signature is ministack's
    stack_name: str, stack_id: str, retain_resources: Iterable[str] = (), force: bool = False
) -> None:
    stack = cfn._stacks.get(stack_name)
    if not stack or stack.get("StackId") != stack_id:
        return
    under_way = running.of(stack_id)
    if under_way and stack.get("StackStatus") == "DELETE_IN_PROGRESS":
        return
    if under_way:  # a create is given up
        under_way.cancel()
        await asyncio.gather(under_way, return_exceptions=True)
    async with running.operation(stack_id):
        await _delete_all(stack, set(retain_resources), force=force)


async def _delete_all(stack: dict, retained: set[str], *, force: bool) -> None:
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
        if not resources[logical_id].get("PhysicalResourceId"):
            resources.pop(logical_id)  # it was never made
            return
        policy = "Retain" if logical_id in retained else policy
        await delete_one(stack_id, name, resources, logical_id, policy, force=force)

    failures = await graph.run(dependents(definitions, set(resources)), one, stop=None)
    await CLOCK.sleep(durations.ENDPOINT_SETTLE)
    _deleted(stack, failures)


def _deleted(stack: dict, failures: dict[str, BaseException]) -> None:
    if failures:
        reason = f"The following resource(s) failed to delete: [{', '.join(sorted(failures))}]."
        _stack_event(stack, "DELETE_FAILED", reason)
        return
    for output in stack.get("Outputs", []):
        cfn._exports.pop(output.get("ExportName"), None)
    stack["DeletionTime"] = stock.now_iso()
    _stack_event(stack, "DELETE_COMPLETE")


def _stack_event(stack: dict, status: str, reason: str = "") -> None:
    stack["StackStatus"], stack["StackStatusReason"] = status, reason
    stock._add_event(stack["StackId"], stack["StackName"], stack["StackName"], STACK, status, reason, stack["StackId"])


async def delete_one(
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
        if snapshot:
            stock._snapshot_resource(kind, physical_id, properties)
        await CLOCK.sleep(durations.in_stack(kind, "DELETE"))
        act = partial(running.call, kind, stock._delete_resource, kind, physical_id, properties, stack_name, logical_id)
        await _patiently(lambda: calls.make(kind, "DELETE", properties, act, physical_id))
    except BaseException:
        if undo:
            undo()
        raise
    if wait := durations.letting_go(kind, properties):
        await CLOCK.sleep(wait)


async def _patiently(delete: Callable[[], Awaitable[Any]]) -> None:
    """What still has dependents or users is tried again for a while, then given up [K: for how long]."""
    deadline = CLOCK.now() + durations.PATIENCE
    while True:
        try:
            await delete()
        except ValueError as error:
            if getattr(error.__cause__, "code", "") not in _PASSES or CLOCK.now() >= deadline:
                raise
            await CLOCK.sleep(durations.PATIENCE / 20)
        else:
            return


def shows_deleting(kind: str, show: Callable[[str], Callable[[], None] | None]) -> None:
    """`show(physical id)` marks the resource as being deleted and returns how to take the mark back."""
    _DELETING[kind] = show


def dependents(definitions: dict, names: set[str]) -> dict[str, set[str]]:
    """For each resource, those that must be gone before it: the ones that refer to it."""
    waits: dict[str, set[str]] = {name: set() for name in names}
    for name in names:
        for dependency in engine._extract_deps(definitions.get(name, {}), names) - {name}:
            waits[dependency].add(name)
    return waits
