"""One invocation of the function reconcile: each message of the queue is one pass, and each pass sends at most one message.

A message fails, and comes again, when something was wrong that may be right next time, or that a person must see: after five times
it lies among the dead letters. One that asks for a topology which has no bundle is done: it was withdrawn by `meridian destroy`
while the message waited, since nobody but a bundle brings a name into the queue; the dead letters are no place for that.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from reconciler.model.again import Again
from reconciler.model.bundle import Refusal
from reconciler.model.errors import ReconcilerError
from reconciler.model.logged import Line, Unit
from reconciler.model.message import Malformed, Message
from reconciler.receiving import Received
from reconciler.report.metrics import cut


@dataclass(frozen=True, kw_only=True)
class Deliveries:
    receive: Callable[[str], Received | Refusal | None]
    reconcile: Callable[[Received, Message], Again]
    refuse: Callable[[str, Refusal], None]
    """Leave it in the status that there is nothing to converge to."""
    send: Callable[[Message, timedelta], None]
    log: Callable[[Line], None]
    now: Callable[[], datetime]

    def handle(self, event: Any) -> dict[str, Any]:
        """The answer that makes Lambda delete what is done and give back what is not."""
        failed = [record["messageId"] for record in event["Records"] if not self._done(record)]
        return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}

    def _done(self, record: Mapping[str, Any]) -> bool:
        line = Line(event="message", code="Withdrawn", more={"message": record["messageId"]})
        try:
            message = Message.read(record.get("body"))
            line = replace(line, topology=message.topology, more={**line.more, "why": cut(message.reason)})
            return self._carry_out(message, line)
        except Malformed as error:  # its text is a stranger's, and stays out of the log
            self._failed(line, "Malformed", told=str(error))
        except ReconcilerError as error:
            self._failed(self._measured(line, "PassErrors"), error.code, told=cut(error.message))
        except Exception as error:  # noqa: BLE001  # one message must not take the others of its batch along
            if said := getattr(error, "line", None):  # the pass has said what it could, and measured it
                self.log(said)
            else:
                line = self._measured(line, "PassErrors")
            # Where, but not what it says: that may be anything.
            places = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)]
            self._failed(line, "UnexpectedError", error=type(error).__name__, where=places[-8:])
        return False

    def _carry_out(self, message: Message, line: Line) -> bool:
        """Whether the message is done."""
        received = self.receive(message.topology)
        if received is None:
            self.log(line)
            return True
        if isinstance(received, Refusal):
            self.refuse(message.topology, received)
            self.log(self._measured(replace(line, code=received.code), "Refusals"))
            return True
        again = self.reconcile(received, message)
        for told in again.lines:
            self.log(told)
        if again.redeliver:
            return False
        if again.now:
            self.send(Message(topology=message.topology, reason=again.reason), timedelta())
        elif again.after is not None:
            reason = f"timer after {again.reason}"
            self.send(Message(topology=message.topology, reason=reason, due=again.due or None), again.after)
        return True

    def _measured(self, line: Line, metric: str) -> Line:
        """Of a message that came to no pass, which else no alarm would see: what goes back to the queue is no error to Lambda."""
        return replace(line, metrics={metric: (1.0, Unit.COUNT)}, at=self.now())

    def _failed(self, line: Line, code: str, **more: Any) -> None:
        self.log(replace(line, code=code, more={**line.more, **more}))
