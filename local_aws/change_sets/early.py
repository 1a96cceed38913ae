"""Pre-deployment validation: what CloudFormation finds wrong with a template before it touches a resource.

Creating a change set, CreateStack and UpdateStack check property syntax against the registry's schemas and names against what
exists; a failure is told by DescribeEvents [V, User Guide, "Validate stack deployments"]. `DisableValidation` leaves it out; then
the same schema fails the resource at its turn.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from ministack.core.responses import new_uuid, now_iso
from ministack.services import cloudformation as cfn
from ministack.services.cloudformation import engine
from ministack.services.cloudformation import stacks as stock

from local_aws.change_sets import planned
from local_aws.legality import names
from local_aws.registry import validation

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation._change_sets",
    "ministack.services.cloudformation._stacks",
    "ministack.services.cloudformation.engine._evaluate_conditions",
    "ministack.services.cloudformation.engine._topological_sort",
    "ministack.services.cloudformation.stacks._validation_errors",
)

Record = dict[str, Any]
PROPERTY, CONFLICT = "PROPERTY_VALIDATION", "NAME_CONFLICT_VALIDATION"
# What the reason of a failed change set calls them [S, aws-cdk-cli#1032 and other public reports].
HOOKS = {
    PROPERTY: "AWS::EarlyValidation::PropertyValidation",
    CONFLICT: "AWS::EarlyValidation::ResourceExistenceCheck",
}


class Finding(NamedTuple):
    """One validation error; `name` is what DescribeEvents calls the validation."""

    logical_id: str
    kind: str
    name: str
    path: str
    reason: str


def findings(stack: Record, template: Record, params: Record) -> list[Finding]:
    """What is wrong with the template of a change set."""
    conditions, definitions = engine._evaluate_conditions(template, params), template.get("Resources", {})
    try:
        order = engine._topological_sort(definitions, conditions)
    except ValueError:
        return []  # circular: said when the change set is executed
    owned = {r.get("PhysicalResourceId") for r in (stack.get("_resources") or {}).values()}
    found = stock._validation_errors(
        definitions,
        order,
        params,
        conditions,
        template.get("Mappings", {}),
        stack["StackName"],
        stack["StackId"],
        owned,
    )
    return [Finding(*each) for each in found]


def record(finding: Finding) -> Record:
    """As DescribeEvents tells it."""
    return {
        "EventId": new_uuid(),
        "LogicalResourceId": finding.logical_id,
        "ResourceType": finding.kind,
        "Timestamp": now_iso(),
        "ValidationFailureMode": "FAIL",
        "ValidationName": finding.name,
        "ValidationStatus": "FAILED",
        "ValidationStatusReason": finding.reason,
        "ValidationPath": finding.path,
    }


def reason(found: list[Finding]) -> str:
    """The StatusReason of a change set that fails them [S, aws-cdk-cli#1032]."""
    hooks = ", ".join(sorted({HOOKS[finding.name] for finding in found}))
    return (
        f"The following hook(s)/validation failed: [{hooks}]. To troubleshoot Early Validation errors, use the "
        "DescribeEvents API for detailed failure information."
    )


_stock_errors = stock._validation_errors


def _errors(definitions: Record, *arguments: Any) -> list[tuple[str, str, str, str, str]]:
    """ministack's errors (enums, names of buckets) and ours, for a change set and for an operation alike."""
    _order, params, conditions, mappings, stack_name, *_ = arguments
    template = {"Resources": definitions, "Mappings": mappings}
    theirs = _stock_errors(definitions, *arguments)
    said = {path for _, _, _, path, _ in theirs}
    ours = _ours(cfn._stacks[stack_name], template, params, conditions)
    return [*theirs, *(error for error in ours if error[3] not in said)]


def _ours(
    stack: Record, template: Record, params: Record, conditions: Record
) -> Iterator[tuple[str, str, str, str, str]]:
    own = (stack.get("_resources") or {}).keys() | _adopted(stack)
    for logical_id, resource in planned.foreseen(stack, template, params, conditions).items():
        kind, properties = resource.get("Type", ""), resource.get("Properties") or {}
        at = f"/Resources/{logical_id}"
        problems = list(validation.problems(kind, properties))
        for problem in problems:
            yield logical_id, kind, PROPERTY, "/".join((at, "Properties", *problem.path)), str(problem)
        told = names.conflict(kind, properties) if logical_id not in own and not problems else None
        if told:
            yield logical_id, kind, CONFLICT, at, told


def _adopted(stack: Record) -> set[str]:
    """What the change set that is executed imports: it is there already, and not yet the stack's."""
    running = (c for c in cfn._change_sets.values() if c["ExecutionStatus"] == "EXECUTE_IN_PROGRESS")
    return {name for c in running if c["StackId"] == stack["StackId"] for name in c.get("_import_existing") or ()}


def install() -> None:
    stock._validation_errors = _errors
