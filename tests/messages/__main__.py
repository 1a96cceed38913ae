"""`python -m tests.messages`, which `make messages` runs: writes MESSAGES.md anew, unless a number that was given would change."""

from __future__ import annotations

import sys
from pathlib import Path

from reconciler.report.explained import page
from tests.messages.given import PAGE, changed

if __name__ == "__main__":
    if wrong := changed():
        sys.exit("a number that was given stays; what nothing gives any more goes to RETIRED: " + "; ".join(wrong))
    Path(PAGE).write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.name} is written\n")
