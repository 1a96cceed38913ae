"""`python -m tests.geography [land-110m.json]` writes the places of the Regions anew and, given its source, the land."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.geography import land, places

Path(str(places.PLACES)).write_text(places.made(), encoding="utf-8")
for source in sys.argv[1:]:
    Path(str(land.LAND)).write_text(land.made(Path(source)), encoding="utf-8")
