"""Pages in a real browser, and what they must not do: complain, or ask for anything outside themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page, Request

# No GPU, no sandbox (the pages are ours, and root has none), and no name that could be looked up.
FLAGS = ("--disable-gpu", "--disable-extensions", "--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND")


class OpenPage(Protocol):
    def __call__(
        self, file: Path, *, width: int = 1280, height: int = 800, scheme: Literal["light", "dark"] = "light"
    ) -> Page:
        """Open a local file in a window of so many pixels, in a context of its own."""


@contextmanager
def running_browser(executable: Path) -> Iterator[Browser]:
    """A browser; while it runs, its thread has an event loop, so nothing else there may start one."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=[*FLAGS])
        yield browser
        browser.close()


@contextmanager
def watched_pages(browser: Browser) -> Iterator[OpenPage]:
    """Pages that are watched until the end of the block.

    Raises:
        AssertionError: at the end of the block: a page said something to the console as an error or a warning, threw
            what nothing caught, opened a dialog, crashed, or asked for more than itself and what it holds (``data:``,
            ``blob:``).
    """
    seen: list[str] = []
    contexts = []

    def requested(request: Request) -> None:
        itself = request.url.startswith("file:") and request.is_navigation_request() and not request.frame.parent_frame
        if not itself and not request.url.startswith(("data:", "blob:")):
            seen.append(f"request: {request.url}")

    def dismissed(dialog: Dialog) -> None:
        seen.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open_page(
        file: Path, *, width: int = 1280, height: int = 800, scheme: Literal["light", "dark"] = "light"
    ) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, offline=True)
        contexts.append(context)
        context.on("request", requested)
        context.on(
            "console",
            lambda said: seen.append(f"{said.type}: {said.text}") if said.type in ("error", "warning") else None,
        )
        context.on("weberror", lambda thrown: seen.append(f"thrown: {thrown.error}"))
        page = context.new_page()
        page.on("websocket", lambda socket: seen.append(f"request: {socket.url}"))
        page.on("dialog", dismissed)
        page.on("crash", lambda _: seen.append("crashed"))
        page.goto(file.resolve().as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not seen, "\n".join(seen)
