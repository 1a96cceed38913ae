"""EventBridge and its scheduler deliver only where the target's resource policy, or the role of the target, admits it.

[V] API reference, PutTargets: Lambda, SNS and SQS are called by their resource policies; event buses, state machines and API
destinations with a role. A schedule always has a role. What is not admitted is dropped (AWS counts FailedInvocations).
"""

import logging
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge

from local_aws.iam import trust
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = ("ministack.services.eventbridge._invoke_target",)

logger = logging.getLogger("local_aws.iam")
_ACTIONS = {
    "events": "events:PutEvents",
    "lambda": "lambda:InvokeFunction",
    "sns": "sns:Publish",
    "sqs": "sqs:SendMessage",
    "states": "states:StartExecution",
}


def admitted(target: dict[str, Any], rule: dict[str, Any]) -> bool:
    arn, role = target.get("Arn", ""), target.get("RoleArn", "")
    service = arn.split(":")[2] if arn.count(":") > 4 else ""
    action = "events:InvokeApiDestination" if ":api-destination/" in arn else _ACTIONS.get(service, "")
    schedule = ":schedule/" in str(rule.get("Arn", ""))
    principal = "scheduler.amazonaws.com" if schedule else "events.amazonaws.com"
    source = str(rule.get("Arn", "")) if schedule else _rule_arn(rule)
    if role:
        return trust.assumable(role, principal, source) and trust.may(role, action, arn)
    return not schedule and service in ("lambda", "sns", "sqs") and trust.admits(arn, action, principal, source)


def _rule_arn(rule: dict[str, Any]) -> str:
    bus = rule.get("EventBusName", "default")
    name = rule.get("Name", "") if bus == "default" else f"{bus}/{rule.get('Name', '')}"
    return f"arn:aws:events:{get_region()}:{get_account_id()}:rule/{name}"


def _invoke(stock: Callable[..., Any], target: dict[str, Any], event: Any, rule: dict[str, Any], *rest: Any) -> Any:
    if admitted(target, rule):
        return stock(target, event, rule, *rest)
    logger.info("%s: delivery to %s is not allowed (FailedInvocations)", rule.get("Name"), target.get("Arn"))
    return None


def install() -> None:
    around(eventbridge, "_invoke_target", _invoke)
