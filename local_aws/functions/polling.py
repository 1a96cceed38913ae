"""SQS → Lambda: pollers take batches off a queue and invoke the function, several at once.

In place of ministack's, which waits for a second where a fast clock makes that ten minutes, and works on queues from a thread of
its own. Messages and windows go by the virtual clock. But while a function has a message, its invisibility is counted in wall
seconds, as the function runs in those: a world that runs 600 times as fast must not take a message away from a function that is at
work. What is left of it when the function has failed is virtual again.

[V: Lambda Developer Guide, "Using Lambda with Amazon SQS": batching, five pollers at first, partial batch responses, what a
function gets; SQS Developer Guide: visibility timeout, dead-letter queues]
"""

import asyncio
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ministack.core.concurrency import esm_wake
from ministack.core.responses import request_scope
from ministack.services import lambda_svc, sqs

from local_aws.clock import CLOCK
from local_aws.functions import batches, invoking, mappings
from local_aws.gateway import control
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.services.lambda_svc._apply_filter_criteria",
    "ministack.services.lambda_svc._esms",
    "ministack.services.lambda_svc._get_func_record_for_qualifier",
    "ministack.services.lambda_svc._poll_sqs",
    "ministack.services.lambda_svc._reserved_concurrency",
    "ministack.services.sqs._collect_msgs",
    "ministack.services.sqs._dlq_sweep",
    "ministack.services.sqs._expire_retained",
    "ministack.services.sqs._queue_by_arn",
)

Record = dict[str, Any]
logger = logging.getLogger("local_aws.functions")
POLLERS = 5  # as AWS begins; it adds more where a queue stays long, this does not
ONE_CALL = 10  # messages that one ReceiveMessage gives
AT_WORK = 1e12  # `visible_at` of a message that a function has
LOOK = 0.25  # wall seconds between two looks at most, whatever was not noticed
SOONEST = 0.005


@dataclass(slots=True, kw_only=True)
class Batch:
    """Messages that a function has."""

    mapping: str
    queue: Record
    messages: list[Record]
    visibility: float
    handles: set[str]
    begun: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds of invisibility that are left, if they are counted by the wall."""
        return self.visibility - (time.monotonic() - self.begun)

    def held(self) -> Iterator[Record]:
        """Its messages, but for those that somebody has received again, or made visible."""
        return (m for m in self.messages if m["receipt_handle"] in self.handles and m["visible_at"] == AT_WORK)

    def show(self, seconds: float) -> None:
        for message in self.held():
            message["visible_at"] = CLOCK.now() + max(0.0, seconds)


class Poller:
    """Machinery of the process, on the event loop."""

    def __init__(self) -> None:
        self._running: list[Batch] = []
        self._gathering: dict[str, float] = {}  # by mapping: since when a window is open
        self._woken: asyncio.Event | None = None
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._woken = asyncio.Event()
        self._watch = asyncio.create_task(self._forever())

    def wake(self) -> None:
        """From any thread: there may be something new."""
        if self._woken:
            CLOCK.in_loop(self._woken.set)

    async def rest(self) -> None:
        """The world is to be replaced: what a function has here is no message of the next one. If it stays, it comes back."""
        for batch in self._running:
            batch.show(batch.left)
        self._running.clear()
        self._gathering.clear()

    async def _forever(self) -> None:
        assert self._woken, "start() comes first"
        while True:
            self._woken.clear()
            try:
                due = self._look()
            except Exception:
                logger.exception("the queues could not be looked at")
                due = None
            wait = LOOK if due is None else min(LOOK, max(SOONEST, (due - CLOCK.now()) / CLOCK.speed))
            try:
                await asyncio.wait_for(self._woken.wait(), wait)
            except TimeoutError:
                continue

    def _look(self) -> float | None:
        """Take what there is; the virtual moment at which there may be more."""
        for batch in [batch for batch in self._running if batch.left <= 0]:
            batch.show(0.0)  # a queue whose timeout was made shorter than the function's
        moments = []
        for (account, region, _), mapping in list(lambda_svc._esms._data.items()):
            if (
                mappings.of_queue(mapping)
                and mapping.get("Enabled", True)
                and mapping["State"] in ("Enabled", "Updating")
            ):
                with request_scope(account, region):
                    moments += self._serve(mapping)
        return min(moments, default=None)

    def _serve(self, mapping: Record) -> list[float]:
        queue = sqs._queue_by_arn(mapping["EventSourceArn"])
        function, config = lambda_svc._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
        if queue is None or function is None or config is None or config.get("State") == "Pending":
            return []
        receiving = ("sqs:ReceiveMessage", "sqs:GetQueueAttributes")
        if missing := mappings.missing_right(config["Role"], mapping["EventSourceArn"], receiving):
            mapping["LastProcessingResult"] = f"PROBLEM: the execution role does not allow {missing}"
            return []
        most = int((mapping.get("ScalingConfig") or {}).get("MaximumConcurrency") or POLLERS)
        reserved = lambda_svc._reserved_concurrency(function, config)
        most = most if reserved is None else min(most, reserved)
        while sum(batch.mapping == mapping["UUID"] for batch in self._running) < most:
            if not self._is_full(mapping, queue) or not self._take(mapping, queue, function, config):
                break
        return self._moments(mapping, queue)

    # ---- when ------------------------------------------------------------------------------------------------------------

    def _is_full(self, mapping: Record, queue: Record) -> bool:
        """Whether a batch goes out now: it is as large as it may be, or was open for as long as it may be."""
        now, window = CLOCK.now(), float(mapping.get("MaximumBatchingWindowInSeconds") or 0)
        visible = sum(m["visible_at"] <= now for m in queue["messages"])
        if not visible:
            self._gathering.pop(mapping["UUID"], None)
            return False
        since = self._gathering.setdefault(mapping["UUID"], now)
        return visible >= mapping["BatchSize"] or now - since >= window

    def _moments(self, mapping: Record, queue: Record) -> list[float]:
        now = CLOCK.now()
        later = [m["visible_at"] for m in queue["messages"] if m["visible_at"] > now and m["visible_at"] != AT_WORK]
        since = self._gathering.get(mapping["UUID"])
        if since is not None:
            later.append(since + float(mapping.get("MaximumBatchingWindowInSeconds") or 0))
        return [moment for moment in later if moment > now]

    # ---- one batch -------------------------------------------------------------------------------------------------------

    def _take(self, mapping: Record, queue: Record, function: Record, config: Record) -> bool:
        self._gathering.pop(mapping["UUID"], None)
        visibility = float(queue["attributes"].get("VisibilityTimeout", "30"))
        messages: list[Record] = []
        sqs._expire_retained(queue)
        while len(messages) < mapping["BatchSize"]:
            sqs._dlq_sweep(queue)
            taken = sqs._collect_msgs(queue, min(ONE_CALL, mapping["BatchSize"] - len(messages)), visibility)
            if not taken:
                break
            for message in taken:
                message["visible_at"] = AT_WORK
            messages += taken
        if not messages:
            return False
        handles = {m["receipt_handle"] for m in messages}
        batch = Batch(mapping=mapping["UUID"], queue=queue, messages=messages, visibility=visibility, handles=handles)
        records = lambda_svc._apply_filter_criteria(
            [batches.as_given(m, mapping["EventSourceArn"]) for m in messages], mapping
        )
        asked = {record["messageId"] for record in records}
        self._delete(batch, config, [m for m in messages if m["id"] not in asked])
        if records:
            self._running.append(batch)
            record = lambda_svc._execution_record_for_config(function, config)
            invoking.begin(record, {"Records": records}, lambda result: self._ended(batch, mapping, config, result))
        return True

    def _ended(self, batch: Batch, mapping: Record, config: Record, result: Record) -> None:
        self._running.remove(batch)
        ids = {m["id"] for m in batch.messages}
        failed = ids if result.get("error") else batches.failures(mapping, result.get("body"), ids)
        self._delete(batch, config, [m for m in batch.messages if m["id"] not in failed])
        batch.show(batch.left)
        told = f"PROBLEM: {len(failed)} of {len(ids)} messages failed" if failed else "OK"
        mapping["LastProcessingResult"] = "PROBLEM: Function call failed" if result.get("error") else told
        self.wake()

    def _delete(self, batch: Batch, config: Record, done: list[Record]) -> None:
        """As the execution role: one that may not delete gets each message again and again."""
        arn = batch.queue["attributes"]["QueueArn"]
        if not done or mappings.missing_right(config["Role"], arn, ("sqs:DeleteMessage",)):
            return
        handles = {m["receipt_handle"] for m in done} & batch.handles
        batch.queue["messages"] = [m for m in batch.queue["messages"] if m.get("receipt_handle") not in handles]


POLLER = Poller()


def install() -> None:
    around(lambda_svc, "_poll_sqs", lambda _: False)
    tell = esm_wake.set

    def woken() -> None:
        tell()
        POLLER.wake()

    esm_wake.set = woken  # type: ignore[method-assign]
    control.STARTED.append(POLLER.start)
    control.RESTED.append(POLLER.rest)
