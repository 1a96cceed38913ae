"""A topology's lease: one pass at a time, told from all others by a token that rises with every acquisition.

Item `lease` of a topology in table `meridian-state`: `holder`, `run`, `token`, `since`, `until`, `heartbeat`, `step`, `dirty`
(somebody asked meanwhile) and `due` (see `Turn`). It stays after its release, without a holder, so that the token never falls.

Why nothing of an old holder can still be on its way when a new one begins:
- The holder renews the lease from a thread, every sixth of its length. A write of the state is refused by the table itself once
  the token has moved on. A request to AWS cannot be fenced that way, so none *starts* within `MARGIN` of the end as the holder
  knows it: `check` says no, in front of each step and again in front of each HTTP request that writes (`Clients.fenced`).
- The margin of 25 s is longer than any such request takes: it gets one attempt, 3 s to connect, 20 s for its answer. So at
  `until` the last one has been answered or given up; taken over is `GRACE` later, for clocks that differ.
- What AWS goes on doing after it answered (a stack operation) the new holder observes, as it does after any crash; names and
  tokens of requests follow from what they do and from the state they were made for, so asking again finds what was begun.
On loopback a lease is a sixth as long, and the margin a sixth of it: a request there has arrived as soon as it is sent,
and a busy machine may take seconds to renew.
"""

from __future__ import annotations

import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from reconciler.aws.table import Condition, Item, StateTable, Written, key
from reconciler.model.errors import LeaseHeld, LeaseLost, ReconcilerError, StaleTimer
from reconciler.model.topology import Topology
from reconciler.model.turn import Turn

LENGTH, LENGTH_ON_LOOPBACK = 60.0, 10.0
MARGIN = 25.0
BEAT, GRACE, SHORT_MARGIN = 1 / 6, 1 / 12, 1 / 6
"""Parts of a lease's length; the last for a lease shorter than AWS's."""
_FREE = "attribute_not_exists(#pk) OR attribute_not_exists(#holder) OR #until < :now OR #holder = :me"
_OURS = "#holder = :me AND #token = :token"
_TAKE = (
    "SET #holder = :me, #run = :run, #since = :since, #until = :until, #heartbeat = :since, #step = :step "
    "REMOVE #dirty ADD #token :one"
)
_ROUNDS = 5


class Lease:
    """Ours while `check` returns. `token` 0: there is no table, and nothing is held; then it is never lost."""

    def __init__(self, table: StateTable, topology: Topology, length: float, me: str) -> None:
        self._table, self._region, self._name = table, topology.home_region, topology.name
        self._length, self._me, self._run = length, me, uuid.uuid4().hex[:12]
        self._lost, self._stop = threading.Event(), threading.Event()
        self._step = "looking"
        self._until = self._deadline = float("inf")
        self._renewal: threading.Thread | None = None
        self.token = 0
        self.stolen = False
        """Its holder before us let it run out: it died, or could not renew it."""
        self.due: str | None = None
        """Set while held: the timer that counts once it is released."""
        self.asked = False
        """Somebody asked meanwhile, as far as the last renewal told."""
        self.dirty = False
        """The same, known after the release."""
        self.released = False

    def check(self) -> None:
        """Call before every write: raises `LeaseLost` once somebody else may soon be writing."""
        late = MARGIN if self._length >= LENGTH else self._length * SHORT_MARGIN
        if self._lost.is_set() or time.time() >= self._until - late or time.monotonic() >= self._deadline - late:
            raise LeaseLost("the lease ran out or was taken over while this pass worked; whoever holds it goes on")

    def working_on(self, step: str) -> None:
        """For whoever asks what the holder does; told with the next heartbeat."""
        self._step = step

    def lose(self) -> None:
        self._lost.set()

    @property
    def ours(self) -> Condition:
        """Holds for the lease's item while it is ours; without one, while it is nobody's."""
        if not self.token:
            return Condition(expression="attribute_not_exists(#holder)")
        return Condition(expression=_OURS, values={":me": _text(self._me), ":token": _number(self.token)})

    def acquire(self, turn: Turn | None) -> bool:
        """False: there is no table. Raises `LeaseHeld` or `StaleTimer`. Who has no turn waits for a holder that has stopped
        renewing; a hosted pass leaves word and ends."""
        watched: str | None = None
        self._table.prepare(self._region)
        for _ in iter(int, 1) if turn is None else range(_ROUNDS):
            taken = self._take(turn)
            if taken.absent:
                self._until = self._deadline = float("inf")
                return False
            if taken.refused is None:
                self._hold(taken.old)
                return True
            if turn:
                self._leave_word(turn, taken.refused)
                continue
            seen = taken.refused.get("until", {}).get("N", "")
            if watched is not None and seen != watched:
                raise self._held(taken.refused)
            watched = seen
            time.sleep(self._length / 6)
        raise LeaseHeld(f"the lease of {self._name} changes hands all the time; another message comes")

    def release(self) -> None:
        """Says what was asked meanwhile; what cannot be released runs out by itself."""
        self._stop.set()
        if self._renewal is None:
            return
        self._renewal.join(timeout=self._length)
        # Older versions of this program look at `until` only.
        change = "SET #until = :none REMOVE #holder, #run, #step, #dirty"
        more = {"none": _number(0)}
        if self.due is not None:
            change, more = change.replace(" REMOVE", ", #due = :due REMOVE"), {**more, "due": _text(self.due)}
        try:
            answer = self._table.update(self._region, key(self._name, "lease"), change, self.ours, **more)
        except ReconcilerError:
            return
        self.released = not answer.absent and answer.refused is None
        self.dirty = self.released and "dirty" in answer.old

    def _take(self, turn: Turn | None) -> Written:
        began, now = time.monotonic(), time.time()
        values = {":me": _text(self._me), ":now": _number(now - self._length * GRACE)}
        free = Condition(expression=f"({_FREE})", values=values)
        if turn and turn.due:
            counts = f"({_FREE}) AND (attribute_not_exists(#due) OR #due = :due)"
            free = Condition(expression=counts, values={**values, ":due": _text(turn.due)})
        self._until, self._deadline = now + self._length, began + self._length
        return self._table.update(
            self._region,
            key(self._name, "lease"),
            _TAKE,
            free,
            run=_text(self._run),
            since=_text(_clock(now)),
            until=_number(self._until),
            step=_text(self._step),
            one=_number(1),
        )

    def _hold(self, before: Item) -> None:
        self.token = int(before.get("token", {}).get("N", "0")) + 1
        self.stolen = before.get("holder", {}).get("S", self._me) != self._me
        self._renewal = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._renewal.start()

    def _leave_word(self, turn: Turn, seen: Item) -> None:
        """Raises unless the holder changed meanwhile. A timer asks for a look, which the holder is having; an event may have come
        after the holder's. Both leave a timer, for the holder may be dead; the holder's own makes it idle."""
        if turn.due and seen.get("due", {}).get("S", turn.due) != turn.due:
            raise StaleTimer(f"the timer {turn.due} of {self._name} no longer counts")
        holder = seen.get("holder", {}).get("S")
        if holder is None:
            return
        if turn.due:
            change, condition = "SET #due = :retry", "#holder = :holder AND (attribute_not_exists(#due) OR #due = :due)"
            values = {":holder": _text(holder), ":due": _text(turn.due)}
        else:
            change, condition = (
                "SET #due = :retry, #dirty = :true",
                "#holder = :holder AND attribute_not_exists(#dirty)",
            )
            values = {":holder": _text(holder), ":true": {"BOOL": True}}
        left = self._table.update(
            self._region,
            key(self._name, "lease"),
            change,
            Condition(expression=condition, values=values),
            retry=_text(turn.retry),
        )
        if left.refused is None or (left.refused.get("holder") == seen.get("holder") and "dirty" in left.refused):
            error = self._held(seen)
            error.marked = left.refused is None
            raise error

    def _held(self, seen: Item) -> LeaseHeld:
        holder, step = (seen.get(name, {}).get("S", "") for name in ("holder", "step"))
        doing = f" ({step})" if step else ""
        return LeaseHeld(f"{holder or 'another process'} works on {self._name} and is alive{doing}; wait for it to end")

    def _renew(self) -> None:
        while not self._stop.wait(self._length * BEAT):
            began, now = time.monotonic(), time.time()
            until = now + self._length
            try:
                answer = self._table.update(
                    self._region,
                    key(self._name, "lease"),
                    "SET #until = :until, #heartbeat = :at, #step = :step",
                    self.ours,
                    until=_number(until),
                    at=_text(_clock(now)),
                    step=_text(self._step),
                )
            except ReconcilerError:
                continue  # the next try may succeed; `check` fails when the lease runs out
            if answer.absent or answer.refused is not None:
                self.lose()
                return
            self._until, self._deadline = until, began + self._length
            self.asked = self.asked or "dirty" in answer.old


def _clock(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")


def _text(value: str) -> dict[str, Any]:
    return {"S": value}


def _number(value: float) -> dict[str, Any]:
    return {"N": repr(value)}
