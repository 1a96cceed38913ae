"""The extended protocol at a secondary: which statements a batch is about, and what the server that runs it has to be told first.

A batch is what a client sends up to a Sync. A statement that was prepared on one of the two connections, and is run on the other,
is prepared there again, unseen by the client.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from local_aws.postgres.statements import Statement
from local_aws.postgres.wire import Message

CLOSED, PARSED = b"3", b"1"


@dataclass(eq=False, slots=True)
class Prepared:
    """What Parse made; `on` are the connections that know it under its name."""

    name: bytes
    message: Message
    statements: list[Statement]
    on: set[Any] = field(default_factory=set)


class Batch:
    def __init__(
        self,
        messages: Sequence[Message],
        prepared: dict[str, Prepared],
        portals: dict[str, Prepared],
        classified: Callable[[str], list[Statement]],
    ) -> None:
        self._prepared, self._portals = prepared, portals
        self._parsed: list[Prepared] = []
        self._used: list[Prepared] = []
        self.executes = any(message.kind == b"E" for message in messages)
        for message in messages:
            self._take(message, classified)

    @property
    def statements(self) -> list[Statement]:
        return [statement for each in dict.fromkeys((*self._parsed, *self._used)) for statement in each.statements]

    def _take(self, message: Message, classified: Callable[[str], list[Statement]]) -> None:
        names = message.body.split(b"\0")
        if message.kind == b"P":
            made = Prepared(names[0], message, classified(names[1].decode("utf-8", "replace")))
            self._prepared[names[0].decode()] = made
            self._parsed.append(made)
        elif message.kind == b"B":
            if found := self._prepared.get(names[1].decode()):
                self._portals[names[0].decode()] = found
                self._used.append(found)
        elif message.kind in (b"D", b"E", b"C"):
            self._refer(message, names)

    def _refer(self, message: Message, names: list[bytes]) -> None:
        """Describe and Close say in front whether they mean a statement or a portal; Execute means a portal."""
        sort, name = (b"P", names[0]) if message.kind == b"E" else (names[0][:1], names[0][1:])
        known = self._prepared if sort == b"S" else self._portals
        if message.kind == b"C":
            known.pop(name.decode(), None)
        elif found := known.get(name.decode()):
            self._used.append(found)

    def prepared_on(self, server: Any) -> tuple[list[Message], list[bytes]]:
        """What goes in front, and the kinds of the answers to it, which are not the client's."""
        first, unasked = [], []
        for each in dict.fromkeys(self._used):
            if server not in each.on and each not in self._parsed:
                first += [Message(b"C", b"S" + each.name + b"\0"), each.message]
                unasked += [CLOSED, PARSED]
        for each in (*self._parsed, *self._used):
            each.on.add(server)
        return first, unasked
