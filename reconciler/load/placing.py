"""Where in its file a field of the desired state stands: for whoever points at a line long after it was read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reconciler.load import files, yaml_text
from reconciler.load.document import Document, Spot, dotted


def places(path: Path) -> Mapping[str, Mapping[str, Spot]]:
    """Of each topology at PATH, by name: its fields as messages name them, such as `spec.regions[1].traffic`, to their places; the
    document's own under an empty name. A file that cannot be read says nothing."""
    found: dict[str, Mapping[str, Spot]] = {}
    for text in files.read(path).texts:
        documents, _ = yaml_text.parse(text.file, text.text)
        found |= {_name(d): {dotted(p): place.value for p, place in d.places.items()} for d in documents}
    return found


def spot(fields: Mapping[str, Spot], field: str) -> Spot:
    """The field's place, else that of the nearest one around it."""
    while field and field not in fields:
        cut = max(field.rfind("."), field.rfind("["))
        field = field[:cut] if cut > 0 else ""
    return fields.get(field, Spot())


def _name(document: Document) -> str:
    data = document.data
    metadata = data.get("metadata") if isinstance(data, dict) else None
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""
