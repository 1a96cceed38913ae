"""The `RevisionSource` port for a topology that came out of a bundle: there is no Git in AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.aws.revision import desired_digest
from reconciler.model.bundle import Source
from reconciler.model.outcome import Revision
from reconciler.model.topology import Topology


class BundledRevisions:
    def __init__(self, source: Source) -> None:
        self._source = source

    def revision(self, topology: Topology, recorded: Mapping[str, Any] | None) -> Revision:
        """The bundle's. The generation never falls, though a rollback's own does: `bundle.generation` in the status shows that."""
        bundle = self._source.bundle
        return Revision(
            commit=bundle.commit,
            generation=max(bundle.generation, int((recorded or {}).get("generation", 0))),
            digest=desired_digest(topology),
            source=self._source,
        )
