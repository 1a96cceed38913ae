"""Drift detection of a whole stack: it takes a while, there is one at a time, and EventBridge hears of it."""

import re
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import handlers

from local_aws.clock import CLOCK
from local_aws.stacks import events

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation._stacks",
    "ministack.services.cloudformation.handlers._ACTION_HANDLERS",
    "ministack.services.cloudformation.handlers._detect_stack_drift",
    "ministack.services.cloudformation.handlers._describe_stack_drift_detection_status",
    "ministack.services.cloudformation.handlers._error",
    "ministack.services.cloudformation.handlers._p",
    "ministack.services.cloudformation.handlers._resolve_stack",
)

# This long, and this much more per resource (virtual seconds).
DETECTION_SECONDS, DETECTION_SECONDS_PER_RESOURCE = 5.0, 0.5
_FOUND = re.compile(rb"<(StackDriftStatus|DriftedStackResourceCount)>[^<]*</\1>")  # not known before the end


_stock_detect_stack = handlers._detect_stack_drift
_stock_detection_status = handlers._describe_stack_drift_detection_status


def _detect_stack_drift(params: dict[str, Any]) -> Any:
    """DetectStackDrift answers with an id at once and takes its time after that; one at a time [S, many public reports]."""
    stack = handlers._resolve_stack(handlers._p(params, "StackName"))
    if stack and any(_under_way(d) for d in (stack.get("_drift_detections") or {}).values()):
        return handlers._error(
            "ValidationError", f"Drift detection is already in progress for stack [{stack['StackId']}]."
        )
    answer = _stock_detect_stack(params)
    if answer[0] == 200 and stack:
        detection = list(stack["_drift_detections"].values())[-1]
        took = DETECTION_SECONDS + DETECTION_SECONDS_PER_RESOURCE * len(stack.get("_resources", {}))
        detection["_ready_at"] = CLOCK.now() + took
        _tell(detection | {"StackDriftStatus": "UNKNOWN", "DetectionStatus": "DETECTION_IN_PROGRESS"}, -1)
        CLOCK.later(took, lambda: _tell(detection, detection.get("DriftedStackResourceCount", 0)))
    return answer


def _under_way(detection: dict[str, Any]) -> bool:
    return bool(detection.get("_ready_at", 0) > CLOCK.now())


def _tell(detection: dict[str, Any], drifted: int) -> None:
    """The number is -1 while the detection is in progress [V, User Guide, "Drift Detection Status Change event detail"]."""
    detail = {
        "stack-id": detection["StackId"],
        "stack-drift-detection-id": detection["StackDriftDetectionId"],
        "status-details": {
            "stack-drift-status": detection["StackDriftStatus"],
            "detection-status": detection["DetectionStatus"],
        },
        "drift-detection-details": {"drifted-stack-resource-count": drifted},
    }
    events.tell(detection["StackId"], "Drift Detection Status Change", detail)


def _detection_status(params: dict[str, Any]) -> Any:
    answer = _stock_detection_status(params)
    wanted = handlers._p(params, "StackDriftDetectionId")
    for stack in cloudformation._stacks.values():
        detection = (stack.get("_drift_detections") or {}).get(wanted)
        if detection and _under_way(detection):
            text = _FOUND.sub(b"", answer[2].replace(b"DETECTION_COMPLETE", b"DETECTION_IN_PROGRESS"))
            return answer[0], answer[1], text
    return answer


def install() -> None:
    handlers._ACTION_HANDLERS["DetectStackDrift"] = _detect_stack_drift
    handlers._ACTION_HANDLERS["DescribeStackDriftDetectionStatus"] = _detection_status
