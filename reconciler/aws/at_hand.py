"""Applied templates that need no GetTemplate: by digest, from what this process has read, or from the desired ones.

At rest, every stack holds the template that the document asks for, and those are made in any case. They are asked for only once it
is known which: a variant that no stack holds may not have been synthesised yet.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model.errors import ReconcilerError
from reconciler.model.structure import Remembered, digest_of
from reconciler.model.topology import Topology
from reconciler.ports import Synthesizer

Body = Mapping[str, Any]
_KEPT = 100
"""Of some ten kilobytes each; a topology holds nine at rest, and as many more while a commit is rolled out."""


class TemplatesAtHand:
    """One process's."""

    def __init__(self, synthesizer: Synthesizer | None = None) -> None:
        self._synthesizer = synthesizer
        self._lock = threading.Lock()
        self._bodies: dict[str, Body] = {}

    def get(self, digest: str) -> Body | None:
        with self._lock:
            return self._bodies.get(digest)

    def keep(self, body: Body) -> None:
        digest = digest_of(body)
        with self._lock:
            self._bodies[digest] = body
            while len(self._bodies) > _KEPT:
                del self._bodies[next(iter(self._bodies))]

    def fetch(self, topology: Topology, stacks: Iterable[Remembered]) -> None:
        """Have the desired templates that these stacks are known to hold. One that cannot be had is read from AWS, and whoever
        plans from it meets the same error."""
        keys = sorted({stack.key for stack in stacks if stack.key and self.get(stack.template) is None})
        if not keys or self._synthesizer is None:
            return
        try:
            found = self._synthesizer.templates(topology, keys)
        except ReconcilerError:
            return
        for template in found.values():
            self.keep(template.body)
