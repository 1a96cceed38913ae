"""SQS's standard queue on virtual time: at least once, in no order, delayed, redelivered, and in the end put aside."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

from reconciler.model.message import Message

VISIBILITY, RECEIVES, LONGEST = 240.0, 5, 900.0


@dataclass(eq=False)
class Waiting:
    message: Message
    visible: float
    received: int = 0


class Queue:
    """`copies`: how often each message is delivered."""

    def __init__(self, chance: random.Random, *, copies: int = 1) -> None:
        self.chance, self.copies = chance, copies
        self.messages: list[Waiting] = []
        self.dead: list[Message] = []
        self.sent: Counter[str] = Counter()

    def send(self, now: float, message: Message, delay: float = 0.0) -> None:
        assert 0 <= delay <= LONGEST, f"SQS refuses a delay of {delay} s"
        self.sent[message.topology] += 1
        for _ in range(self.copies):
            self.messages.append(Waiting(message, now + delay + self.chance.uniform(0, 1 if self.copies == 1 else 40)))

    def receive(self, now: float) -> Waiting | None:
        visible = [m for m in self.messages if m.visible <= now]
        if not visible:
            return None
        found = self.chance.choice(visible)
        if found.received == RECEIVES:
            self.messages.remove(found)
            self.dead.append(found.message)
            return None
        found.received += 1
        found.visible = now + VISIBILITY
        return found

    def delete(self, waiting: Waiting) -> None:
        if waiting in self.messages:
            self.messages.remove(waiting)
