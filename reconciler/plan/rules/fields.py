"""Where a field stands in the document, for messages."""

from __future__ import annotations

from reconciler.model.topology import Topology


def region_path(topology: Topology, region: str) -> str:
    place = next((i for i, r in enumerate(topology.regions) if r.name == region), None)
    return "spec.regions" if place is None else f"spec.regions[{place}].traffic"


def yaml_path(path: str) -> str:
    """`regions/eu-west-1/database/version` is `spec.database.version` in the document."""
    parts = path.split("/")
    inner = parts[2:] if parts[0] == "regions" and parts[2:] != ["cidr"] else parts
    return "spec." + ".".join(inner)
