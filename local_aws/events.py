"""CloudFormation tells EventBridge: a status change of a stack or resource goes to the default bus of the stack's Region."""

import json

from ministack.services import cloudformation, eventbridge
from ministack.services.cloudformation import changesets, handlers, stacks

_stock_add_event = stacks._add_event


def _add_event(stack_id, stack_name, logical_id, resource_type, status, reason="", physical_id="", detailed_status=""):
    last = (cloudformation._stack_events.get(stack_id) or [{}])[-1]
    if logical_id == stack_name == last.get("LogicalResourceId") and last["ResourceStatus"] == status:
        return  # ministack says again what `stacks.deploy` has said
    _stock_add_event(stack_id, stack_name, logical_id, resource_type, status, reason, physical_id, detailed_status)
    is_stack = resource_type == "AWS::CloudFormation::Stack" and logical_id == stack_name
    detail = {"stack-id": stack_id, "status-details": {"status": status, "status-reason": reason}}
    token = stacks.CLIENT_REQUEST_TOKEN.get()
    if token:
        detail["client-request-token"] = token
    if not is_stack:
        detail |= {
            "logical-resource-id": logical_id,
            "physical-resource-id": physical_id,
            "resource-type": resource_type,
        }
    with stacks._stack_region_context(None, stack_id):
        eventbridge._put_events(
            {
                "Entries": [
                    {
                        "Source": "aws.cloudformation",
                        "DetailType": f"CloudFormation {'Stack' if is_stack else 'Resource'} Status Change",
                        "Detail": json.dumps(detail),
                        "Resources": [stack_id],
                    }
                ]
            },
            allow_aws_source=True,
        )


def install() -> None:
    for module in (stacks, changesets, handlers):
        module._add_event = _add_event
