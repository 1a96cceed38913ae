"""EventBridge's rules: on the event loop, across Regions, on schedules, and lost when a test says so.

A target that is another Region's bus gets the event with the account and Region where it was told; what has come from another bus
that way is not sent on to a third [V: EventBridge User Guide, "Sending and receiving events between AWS Regions"]. The role of the
target is checked in `iam.delivery`. A Region whose control plane is out sends and gets nothing.

Rules on a schedule go by the virtual clock. They are looked at every few hundredths of a second of wall time, which a fast clock
makes some virtual seconds; on AWS they fire within the minute.
"""

from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import eventbridge

from local_aws.clock import CLOCK
from local_aws.gateway import faults
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.services.eventbridge._SCHEDULER_TICK_INTERVAL",
    "ministack.services.eventbridge._dispatch_event",
    "ministack.services.eventbridge._dispatch_to_event_bus",
    "ministack.services.eventbridge._ensure_default_bus",
    "ministack.services.eventbridge._event_buses",
    "ministack.services.eventbridge._tick_scheduled_rules",
)

Record = dict[str, Any]
_FORWARDED = "_FromAnotherRegion"


def _dispatch(stock: Callable[..., Any], event: Record, view: Any = None) -> None:
    """What rules match goes to their targets, at once and on the event loop, whoever tells it."""
    if not faults.events_are_lost(scheduled=False):
        context = copy_context()
        CLOCK.in_loop(lambda: context.run(stock, event, view))


def _to_bus(stock: Callable[..., Any], spec: Any, event: Record, rule: Record, path: Any, payload: Any = None) -> None:
    if spec.account_id != get_account_id() or spec.region == get_region():
        stock(spec, event, rule, path, payload)
        return
    if _FORWARDED in event or faults.control_plane_is_out(spec.region) or faults.control_plane_is_out(get_region()):
        return
    name = spec.resource.partition("/")[2]
    with request_scope(spec.account_id, spec.region):
        eventbridge._ensure_default_bus()
        if name in eventbridge._event_buses:
            sent = {**event, "EventBusName": name, _FORWARDED: True}
            sent.pop("_DispatchPath", None)
            eventbridge._dispatch_event(sent | ({"Detail": payload} if payload is not None else {}))


def _tick(stock: Callable[[], None]) -> None:
    """ministack's thread asks; on the loop, as a target is a queue or a function."""
    if not faults.events_are_lost(scheduled=True):
        CLOCK.in_loop(stock)


def install() -> None:
    around(eventbridge, "_dispatch_event", _dispatch)
    around(eventbridge, "_dispatch_to_event_bus", _to_bus)
    around(eventbridge, "_tick_scheduled_rules", _tick)
    eventbridge._SCHEDULER_TICK_INTERVAL = 1
