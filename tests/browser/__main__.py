"""`python -m tests.browser` makes the picture in the README anew, from the recorded status of a Region that joins."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import PROGRAMS, program
from tests.browser.statuses import made, status

PICTURE = Path(__file__).parents[2] / "docs" / "report.png"
_CLIP = {"x": 0, "y": 0, "width": 1100, "height": 1180}


def main() -> int:
    path = program()
    if path is None:
        print(f"none of {', '.join(PROGRAMS)} is on the path", file=sys.stderr)  # noqa: T201
        return 1
    document = status("adding-a-region")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 900}, reduced_motion="reduce")
        page.clock.install(time=document["updatedAt"])
        page.set_content(made(document))
        PICTURE.parent.mkdir(exist_ok=True)
        page.screenshot(path=PICTURE, full_page=True, clip=_CLIP)
        browser.close()
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1000:.0f} kB")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
