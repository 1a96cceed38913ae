"""One invocation of the function reconcile: each message of the queue is one pass, and each pass sends at most one message.

A message fails, and comes again, when something was wrong that may be right next time, or that a person must see: after five times
it lies among the dead letters. One that asks for a topology which has no bundle is done: it was withdrawn by `meridian destroy`
while the message waited, since nobody but a bundle brings a name into the queue; the dead letters are no place for that.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from reconciler.hosted import Again, PassCrashed
from reconciler.model.bundle import Refusal
from reconciler.model.errors import ReconcilerError
from reconciler.model.message import Malformed, Message
from reconciler.receiving import Received

Line = str | Mapping[str, Any]
"""One line of the log: as it is to stand there, or its fields."""


class ComesAgain(ReconcilerError):
    """Nothing could be decided; the queue gives the message back, and counts."""


@dataclass(frozen=True, kw_only=True)
class Deliveries:
    receive: Callable[[str], Received | Refusal | None]
    reconcile: Callable[[Received, Message], Again]
    refuse: Callable[[str, Refusal], None]
    """Leave it in the status that there is nothing to converge to."""
    send: Callable[[Message, timedelta], None]
    say: Callable[[Line], None]

    def handle(self, event: Any) -> dict[str, Any]:
        """The answer that makes Lambda delete what is done and give back what is not."""
        failed = [record["messageId"] for record in event["Records"] if not self._done(record)]
        return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}

    def _done(self, record: Mapping[str, Any]) -> bool:
        line: dict[str, Any] = {"message": record["messageId"]}
        try:
            message = Message.read(record.get("body"))
            line |= {"topology": message.topology, "reason": message.reason}
            line |= {"outcome": self._carry_out(message)}
        except Malformed as error:  # its text is a stranger's, and stays out of the log
            line |= {"error": "Malformed", "why": str(error)}
        except ReconcilerError as error:
            line |= {"error": error.code, "why": error.message}
        except Exception as error:  # noqa: BLE001  # one message must not take the others of its batch along
            met: BaseException = error
            if isinstance(error, PassCrashed):
                self.say(error.line)
                met = error.__cause__ or error
            # Where, but not what it says: that may be anything.
            places = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(met.__traceback__)]
            line |= {"error": type(met).__name__, "where": places[-8:]}
        if "error" in line or line["outcome"] != "pass":
            self.say(line)
        return "error" not in line

    def _carry_out(self, message: Message) -> str:
        received = self.receive(message.topology)
        if received is None:
            return "no bundle: withdrawn"
        if isinstance(received, Refusal):
            self.refuse(message.topology, received)
            return f"bundle refused: {received.code}"
        again = self.reconcile(received, message)
        if again.line:
            self.say(again.line)
        if again.redeliver:
            raise ComesAgain(again.reason)
        if again.now:
            self.send(Message(topology=message.topology, reason=again.reason), timedelta())
        elif again.after is not None:
            self.send(Message(topology=message.topology, reason=again.reason, due=again.due or None), again.after)
        return "pass"
