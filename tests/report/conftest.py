"""A real browser for the tests of this folder: `open_page(file, width=..., scheme=...)` is a page of Playwright's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.report.watched import OpenPage, running_browser, watched_pages
from tools import browser as browsers

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One for this folder, a second of CPU; it goes before tests of other folders, which may want the event loop."""
    executable = browsers.find()
    if executable is None:
        pytest.skip(browsers.why_none())
    with running_browser(executable) as started:
        yield started


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens pages, 0.3 s of CPU each; the test fails if one complains or asks for anything outside itself."""
    with watched_pages(browser) as opener:
        yield opener
