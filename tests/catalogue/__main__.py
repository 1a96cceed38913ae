"""`python -m tests.catalogue`, which `make catalogue` runs: writes DRIFT.md anew."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.catalogue.documented import TABLE, document

if __name__ == "__main__":
    Path(TABLE).write_text(document(), encoding="utf-8")
    sys.stdout.write(f"{TABLE.name} is written\n")
