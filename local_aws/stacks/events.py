"""CloudFormation tells EventBridge: a status change goes to the default bus of the stack's Region.

Stacks, resources and drift detections have events; the creation of a change set has none [V, User Guide, "CloudFormation events
detail reference"]. What happens is also noted in the history of the operation that did it.
"""

from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, handlers, stacks

from local_aws import bus
from local_aws.arns import account_of, region_of
from local_aws.stack_calls import history

_stock_add_event = stacks._add_event


def _add_event(stack_id, stack_name, logical_id, resource_type, status, reason="", physical_id="", detailed_status=""):
    last = (cloudformation._stack_events.get(stack_id) or [{}])[-1]
    if logical_id == stack_name == last.get("LogicalResourceId") and last["ResourceStatus"] == status:
        return  # ministack says again what `stacks.deploy` has said
    is_stack = resource_type == "AWS::CloudFormation::Stack" and logical_id == stack_name
    if is_stack:
        history.follow(stack_id, status)
    _stock_add_event(stack_id, stack_name, logical_id, resource_type, status, reason, physical_id, detailed_status)
    if history.CURRENT.get():
        cloudformation._stack_events[stack_id][-1]["OperationId"] = history.CURRENT.get()
    detail = {"stack-id": stack_id, "status-details": {"status": status, "status-reason": reason}}
    if not is_stack:
        detail |= {
            "logical-resource-id": logical_id,
            "physical-resource-id": physical_id,
            "resource-type": resource_type,
        }
    tell(stack_id, f"{'Stack' if is_stack else 'Resource'} Status Change", detail)


def tell(stack_id: str, what: str, detail: dict[str, Any]) -> None:
    token = stacks.CLIENT_REQUEST_TOKEN.get()
    detail = detail | ({"client-request-token": token} if token else {})
    bus.tell(account_of(stack_id), region_of(stack_id), "cloudformation", f"CloudFormation {what}", detail, stack_id)


def install() -> None:
    for module in (stacks, changesets, handlers):
        module._add_event = _add_event
