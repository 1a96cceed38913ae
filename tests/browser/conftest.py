"""One Chromium per worker. Every request of a page is recorded and refused, every word on its console kept."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
WIDTHS = {"wide": (1240, 900), "phone": (390, 844), "narrow": (320, 700)}


def program() -> str | None:
    told = os.environ.get("MERIDIAN_CHROMIUM")
    return told or next(filter(None, map(shutil.which, PROGRAMS)), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = program()
    if path is None:
        pytest.skip(
            f"none of {', '.join(PROGRAMS)} is on the path: `apt-get install chromium` (`make chromium` does it as root), or name "
            "another in MERIDIAN_CHROMIUM"
        )
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])  # pages of our own, no network
        yield found
        found.close()


@dataclass
class Shown:
    """A page, and what it did beside being shown."""

    page: Page
    requests: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    @property
    def quiet(self) -> bool:
        return (self.requests, self.console, self.dialogs) == ([], [], [])

    def keep(self, name: str) -> None:
        """A screenshot, which the workflow keeps."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Shown]]:
    opened = []

    def shown(html: str, *, scheme: Any = "light", width: str = "wide", **more: Any) -> Shown:
        file = tmp_path / f"page{len(opened)}.html"
        file.write_text(html, encoding="utf-8")
        size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
        context = browser.new_context(viewport=size, color_scheme=scheme, **more)
        opened.append(context)
        found = Shown(context.new_page())
        found.page.set_default_timeout(20_000)
        found.page.on("console", lambda message: found.console.append(message.text))
        found.page.on("pageerror", lambda error: found.console.append(str(error)))
        found.page.on("dialog", lambda dialog: (found.dialogs.append(dialog.message), dialog.dismiss()))
        context.route("**/*", lambda route: _only(file.as_uri(), route, found))
        found.page.goto(file.as_uri())
        return found

    yield shown
    for context in opened:
        context.close()


def _only(address: str, route: Route, found: Shown) -> None:
    if route.request.url.partition("#")[0] == address:
        route.continue_()
    else:
        found.requests.append(route.request.url)
        route.abort()
