"""Create and update: bring every resource to its definition, then clean up what is left over, or roll back."""

import asyncio

from ministack.services import cloudformation as cfn
from ministack.services.cloudformation import engine, provisioners
from ministack.services.cloudformation import stacks as stock

from local_aws import durations, states
from local_aws.change_sets import reverting
from local_aws.clock import CLOCK
from local_aws.stack_calls import history, policy
from local_aws.stacks import graph, resource, running
from local_aws.stacks.delete import delete_one, dependents
from local_aws.stacks.operation import STACK, Operation

ATTEMPTS = 3  # to delete what an update leaves over
LEFT_BEHIND = "Update successful. One or more resources could not be deleted."


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
    async with running.operation(stack_id):
        await _deploy(operation, disable_rollback, retain_except_on_create)
        operation.stack.pop("_policy_during", None)


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
        history.keep(history.current(), op.stack.pop("_operation_events", []))
        reverting.deployed_again(op.stack)
        return
    _keep_what_is_protected(op, set(order))
    if not op.reason:
        await _converge(op, order)
    outputs, exports = ([], {}) if op.reason else _outputs(op, set(order))
    await CLOCK.sleep(durations.ENDPOINT_SETTLE)
    if op.reason:
        await _fail(op, disable_rollback, retain_except_on_create)
        return
    op.stack.pop("_deployed", None)
    op.stack.update(_resources=op.resources, _template=op.template, _resolved_params=op.parameters, Outputs=outputs)
    cfn._exports.update(exports)
    if op.verb == "UPDATE":
        op.stack_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        await _clean_up(op, set(order))
        await CLOCK.sleep(durations.ENDPOINT_SETTLE)
    op.stack_status(f"{op.verb}_COMPLETE", LEFT_BEHIND if op.left_behind else "")


def _keep_what_is_protected(op: Operation, kept: set[str]) -> None:
    """An update that would delete what the stack policy protects fails before it changes anything."""
    for name in sorted(set(op.before) - kept):
        kind = op.before[name].get("ResourceType", "")
        if told := policy.refusal(op.stack, name, kind, "Delete"):
            op.event(name, kind, "UPDATE_FAILED", told, op.before[name].get("PhysicalResourceId", ""))
            op.failed, op.reason = name, told
            op.failed_update = (name, kind, op.before[name].get("PhysicalResourceId", ""), None, None, None)
            return


async def _converge(op: Operation, order: list[str]) -> None:
    """Bring every resource to its definition; the first failure, or CancelUpdateStack, stops the others."""
    op.stack.pop("_cancel_requested", None)
    names = set(order)
    needs = {name: engine._extract_deps(op.definitions[name], names) - {name} for name in order}
    cancel = asyncio.ensure_future(states.until(lambda: op.previous is not None and "_cancel_requested" in op.stack))
    try:
        await graph.run(needs, lambda name: resource.converge(op, name), stop=cancel)
    finally:
        cancel.cancel()
    if op.stack.pop("_cancel_requested", False) and not op.reason:
        stock.CLIENT_REQUEST_TOKEN.set(op.stack.pop("_cancel_token", ""))
        op.cancelled, op.reason = True, "User Initiated"


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
    # Said here, and given time, because the roll-back itself takes none when there is nothing to undo.
    op.stack_status("UPDATE_ROLLBACK_IN_PROGRESS" if op.verb == "UPDATE" else "ROLLBACK_IN_PROGRESS", _why(op))
    await CLOCK.sleep(durations.ENDPOINT_SETTLE)
    for name in [n for n, r in op.resources.items() if n not in op.before and not r["PhysicalResourceId"]]:
        op.resources.pop(name)  # it never came to be: nothing to delete
    await stock._roll_back_operation(op.name, op.id, op.stack, failed)
    reverting.deployed_again(op.stack)
    if not op.stack["StackStatus"].endswith("_FAILED"):
        op.stack["StackStatusReason"] = ""


def _why(op: Operation) -> str:
    """The reason of a roll-back, in AWS's words."""
    if op.cancelled or not op.failed:
        return "User Initiated" if op.cancelled else op.reason
    if op.verb == "UPDATE":
        return f"The following resource(s) failed to {'update' if op.failed_update else 'create'}: [{op.failed}]. "
    failed = {op.failed} | {
        name for name, record in op.resources.items() if record["ResourceStatus"] == "CREATE_FAILED"
    }
    first = [op.failed, *sorted(failed - {op.failed})]
    return f"The following resource(s) failed to create: [{', '.join(first)}]. Rollback requested by user."


async def _clean_up(op: Operation, kept: set[str]) -> None:
    """After the update stands: delete what it replaced and what left the template, dependents first.

    A removal that fails does not fail the update: it is tried three times, then "CloudFormation skips the resource and continues
    the cleanup" [V, re:Post knowledge center]; the resource is no longer the stack's [S, coverage-roadmap#744].
    """
    for logical_id, kind, record, queued in reversed(op.replaced):
        await _delete_replaced(op, logical_id, kind, record, queued)
    gone = set(op.before) - kept
    if not gone:
        return
    old = op.previous or {}
    definitions = (old.get("_template") or {}).get("Resources", {})
    await graph.run(
        dependents(definitions, gone), lambda name: _remove(op, name, definitions.get(name), old), stop=None
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
            await running.call(
                kind, stock._delete_resource, kind, physical_id, record.get("Properties", {}), op.name, logical_id
            )
    except Exception as error:
        op.event(logical_id, kind, "DELETE_FAILED", str(error), physical_id)
        op.left_behind = True
        return
    op.event(logical_id, kind, "DELETE_COMPLETE", "", physical_id)


async def _remove(op: Operation, logical_id: str, definition: dict | None, old: dict) -> None:
    template = old.get("_template") or {}
    policy = stock._resource_policy(
        definition, "DeletionPolicy", op.before, old.get("_resolved_params", {}), old.get("_conditions", op.conditions),
        template.get("Mappings", {}), op.name, op.id,
    )  # fmt: skip
    for attempt in range(ATTEMPTS):
        try:
            await delete_one(op.id, op.name, op.resources, logical_id, policy)
        except Exception:
            if attempt + 1 < ATTEMPTS:
                await CLOCK.sleep(durations.ENDPOINT_SETTLE)
        else:
            return
    op.resources.pop(logical_id)
    op.left_behind = True
