"""Messages into the queue: ten to a call, and what AWS did not take is sent once more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from reconciler.aws import failures
from reconciler.aws.clients import Clients
from reconciler.model.errors import CloudUnavailable
from reconciler.model.message import Message

_BATCH = 10  # [V SQS, SendMessageBatch]
_LONGEST = 900  # seconds [V SQS, DelaySeconds]
_TRIES = 3


class Queue:
    def __init__(self, clients: Clients, url: str, region: str) -> None:
        self._clients, self._url, self._region = clients, url, region

    def send(
        self, messages: Sequence[Message], delay: timedelta = timedelta(), *, over: timedelta = timedelta()
    ) -> None:
        """All of them, visible after `delay` and spread evenly over the time `over`, in their order; a quarter of an hour at most.
        Raises `ReconcilerError` if one could not be sent: some may be there twice then, which costs a look."""
        entries = [
            {
                "Id": str(i % _BATCH),
                "MessageBody": message.body(),
                "DelaySeconds": _seconds(delay + over * i / len(messages)),
            }
            for i, message in enumerate(messages)
        ]
        for i in range(0, len(entries), _BATCH):
            self._send(entries[i : i + _BATCH])

    def _send(self, entries: Sequence[dict[str, Any]]) -> None:
        sqs = self._clients.writer("sqs", self._region)
        why = ""
        for _ in range(_TRIES):
            try:
                failed = sqs.send_message_batch(QueueUrl=self._url, Entries=entries).get("Failed", ())
            except failures.AwsError as error:
                raise failures.translated(error, "sqs:SendMessage", self._region) from error
            if not failed:
                return
            left = {f["Id"] for f in failed}
            entries = [entry for entry in entries if entry["Id"] in left]
            why = f"{failed[0].get('Code')}: {failed[0].get('Message', '')}"
        raise CloudUnavailable(
            f"sqs:SendMessage in {self._region} did not take {len(entries)} messages: {why}", code="NotSent"
        )


def _seconds(delay: timedelta) -> int:
    return min(_LONGEST, max(0, math.ceil(delay.total_seconds())))
