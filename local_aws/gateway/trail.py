"""CloudTrail: who did what. Management events of every caller, and of CloudFormation on a caller's behalf.

An event can be looked up once `durations.TRAIL_LOOKUP` has passed, for 90 days [V], in the Region of the call; those of global
services in us-east-1 [V]. While a trail logs management events there, what may change something also goes to the Region's
default bus [V, EventBridge user guide: a trail with logging enabled is required]. Throttled calls are not recorded, nor what
observers read.
"""

import json
import re
import uuid
from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ministack.core.iam_evaluator import resolve_caller_identity
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudtrail

from local_aws import bus, durations
from local_aws.clock import CLOCK, rfc3339
from local_aws.gateway import planes, trail_content
from local_aws.gateway.asgi import Answer, Request
from local_aws.gateway.wire import Call, signing_name

Record = dict[str, Any]
KEPT = 20_000  # events per account and Region
FROM_STACK = "cloudformation.amazonaws.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    at: float
    id: str
    name: str
    source: str
    read_only: bool
    access_key: str
    username: str
    resources: tuple[tuple[str, str], ...]
    text: str

    def __deepcopy__(self, _: object) -> "Event":
        return self  # nothing in it can change, and a world has thousands


# The access key of who makes the current call, or of whose rights the stack operation has. Empty: the server's own doings.
CALLER: ContextVar[str] = ContextVar("caller", default="")
events: dict[tuple[str, str], deque[Event]] = {}  # by account and Region, oldest first


def records(call: Call) -> bool:
    """Management events; not what observers read, so that watching leaves no trace."""
    return not planes.is_data_event(call) and (call.mutating or not call.observer)


def record(call: Call, request: Request, answer: Answer) -> None:
    if not records(call):
        return
    asked, told = trail_content.parameters(call, request), trail_content.outcome(call, answer)
    _keep(
        service=call.service,
        operation=call.operation,
        read_only=call.reads,
        resources=trail_content.resources(call, asked, told["responseElements"]),
        details={
            "sourceIPAddress": "127.0.0.1",
            "userAgent": request.headers.get("user-agent", ""),
            "requestParameters": asked,
            **told,
            "requestID": answer[1].get("x-amzn-requestid") or answer[1].get("x-amz-request-id") or str(uuid.uuid4()),
        },
    )


def record_of_stack(service: str, operation: str, kind: str, name: str, properties: Record, error: str = "") -> None:
    """The call that a resource's handler made. On AWS a handler makes several, of which this is the one that changes something."""
    code = re.search(r'message: "(\w+): |"__type": "(\w+)"', error)
    failed = {"errorCode": code[1] or code[2], "errorMessage": error} if code else {}
    if error and not failed:
        return  # it failed before it called anybody
    _keep(
        service=service,
        operation=operation,
        read_only=False,
        resources=((kind, name),) if name else (),
        details={
            "sourceIPAddress": FROM_STACK,
            "userAgent": FROM_STACK,
            **failed,
            "requestParameters": trail_content.written(properties),
            "responseElements": None,
            "requestID": str(uuid.uuid4()),
        },
    )


def _keep(
    *, service: str, operation: str, read_only: bool, resources: tuple[tuple[str, str], ...], details: Record
) -> None:
    now, region, account = CLOCK.now(), planes.region_of(service, get_region()), get_account_id()
    identity, username = _identity(CALLER.get())
    if details["sourceIPAddress"] == FROM_STACK:
        identity["invokedBy"] = FROM_STACK
    written = {
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": rfc3339(now)[:19] + "Z",
        "eventSource": f"{signing_name(service)}.amazonaws.com",
        "eventName": trail_content.event_name(service, operation),
        "awsRegion": region,
        **details,
        "eventID": str(uuid.uuid4()),
        "readOnly": read_only,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
    }
    kept = _event(written, at=now, username=username, resources=resources)
    events.setdefault((account, region), deque(maxlen=KEPT)).append(kept)
    if not read_only and _is_logged(account, region):
        CLOCK.later(durations.TRAIL_BUS, lambda: _tell_bus(account, region, kept))


def _event(written: Record, *, at: float, username: str, resources: tuple[tuple[str, str], ...]) -> Event:
    return Event(
        at=at,
        id=written["eventID"],
        name=written["eventName"],
        source=written["eventSource"],
        read_only=written["readOnly"],
        access_key=written["userIdentity"].get("accessKeyId", ""),
        username=username,
        resources=resources,
        text=json.dumps(written),
    )


def _identity(access_key: str) -> tuple[Record, str]:
    """userIdentity, and the user name that an event is found by [V, CloudTrail userIdentity element]."""
    account = get_account_id()
    known = resolve_caller_identity(access_key) or {"userArn": f"arn:aws:iam::{account}:root", "userId": account}
    arn, names = known["userArn"], known["userArn"].split("/")
    shared = {"principalId": known["userId"], "arn": arn, "accountId": account, "accessKeyId": access_key}
    if ":assumed-role/" in arn:
        role = {
            "type": "Role",
            "principalId": known["userId"].partition(":")[0],
            "arn": f"arn:aws:iam::{account}:role/{names[1]}",
            "accountId": account,
            "userName": names[1],
        }
        return {"type": "AssumedRole", **shared, "sessionContext": {"sessionIssuer": role}}, names[-1]
    if ":user/" in arn:
        return {"type": "IAMUser", **shared, "userName": names[-1]}, names[-1]
    return {"type": "Root", **shared}, "root"


# ---- to the bus ----------------------------------------------------------------------------------------------------------


def _is_logged(account: str, region: str) -> bool:
    """Whether a trail that is switched on writes down what changes something in this Region."""
    return any(
        trail_account == account
        and trail.get("IsLogging")
        and (home == region or trail.get("IsMultiRegionTrail"))
        and any(map(_selects_writes, cloudtrail._event_selectors.get_scoped(account, home, name) or [{}]))
        for (trail_account, home, name), trail in cloudtrail._trails.all_items()
    )


def _selects_writes(selector: Record) -> bool:
    if "FieldSelectors" in selector:
        fields = {f["Field"]: f.get("Equals") for f in selector["FieldSelectors"]}
        return fields.get("eventCategory") == ["Management"] and fields.get("readOnly") != ["true"]
    return selector.get("IncludeManagementEvents", True) and selector.get("ReadWriteType", "All") != "ReadOnly"


def _tell_bus(account: str, region: str, event: Event) -> None:
    bus.tell(account, region, event.source.partition(".")[0], "AWS API Call via CloudTrail", event.text)
