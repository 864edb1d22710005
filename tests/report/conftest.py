"""A real browser for the tests of this folder: `open_page(file, width=..., scheme=...)` is a page of Playwright's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.once import made_once
from tests.report.hostile_run import hostile_run
from tests.report.large_run import NAME, large_run
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


@pytest.fixture(scope="session")
def imagined_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of a search of 300 individuals over six members of imagined sizes; nobody may change it.

    It takes 6 s of CPU, once in a session. `large_run(folder, 10_000)` takes 40 s.
    """
    return made_once(tmp_path_factory, "imagined", lambda folder: large_run(folder, individuals=300)) / NAME


@pytest.fixture(scope="session")
def hostile(imagined_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run as a stranger could send it; its directory is called like an attack, too."""
    return hostile_run(imagined_run, tmp_path_factory.mktemp("hostile"))
