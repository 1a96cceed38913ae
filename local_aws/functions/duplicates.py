"""Faults of a queue: its messages come more often than they were sent, and in another order.

A standard queue may always do that [V: SQS Developer Guide, "Amazon SQS at-least-once delivery"]; it is rare, so a test has to ask
for it. The copies have the message's id, as on AWS, and receipt handles of their own.
"""

import copy
from collections.abc import Callable
from typing import Any

from ministack.services import sqs

from local_aws.gateway import faults
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = ("ministack.services.sqs._collect_msgs",)

Record = dict[str, Any]
_DONE = "copied"  # the mark of a message whose copies were made


def _collect(stock: Callable[..., Any], queue: Record, *arguments: Any) -> Any:
    name = str(queue["attributes"].get("QueueArn", "")).rpartition(":")[2]
    if fault := faults.duplicates(name):
        for message in [m for m in queue["messages"] if not m.get(_DONE) and not m.get("receive_count")]:
            message[_DONE] = True
            queue["messages"].extend(copy.deepcopy(message) for _ in range(fault.copies - 1))
        if fault.shuffle:
            queue["messages"][:] = faults.shuffled(name, queue["messages"])
    return stock(queue, *arguments)


def install() -> None:
    around(sqs, "_collect_msgs", _collect)
