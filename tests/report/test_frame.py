"""The page itself: what it may hold and do, and how a reader goes through it."""

from __future__ import annotations

import base64
import html
import re
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from evoswarm.experiment.result import SearchResult
from evoswarm.report.writing import write_report
from evoswarm.run_directory import CERTIFICATE, REPORT
from tests.report.watched import OpenPage

BROWSER = Path(__file__).parents[2] / "evoswarm" / "report" / "browser"
OURS = sorted(file for file in BROWSER.rglob("*") if file.is_file() and file.parent.name != "library")
FORBIDDEN = (
    *("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "setAttributeNS"),
    *("fetch(", "XMLHttpRequest", "WebSocket", "sendBeacon", "EventSource", "importScripts", "import("),
    *("createContextualFragment", "DOMParser", "srcdoc", "javascript:", "http:", "@import", "url("),
)
"""What could make markup or code of a text, or ask the world for something."""

ALLOWED = {"elements.js": ("http:",)}
"""The name of a namespace."""


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.name)
def test_no_script_makes_markup_of_texts_or_asks_for_anything(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    found = [word for word in FORBIDDEN if word in text and word not in ALLOWED.get(file.name, ())]
    assert not found
    assert "</script" not in text.lower()
    assert "</style" not in text.lower()


def test_every_file_of_the_browser_is_in_the_page_and_the_library_is_small(finished: SearchResult) -> None:
    page = (finished.directory / REPORT).read_text(encoding="utf-8")
    missing = [file.name for file in OURS if file.read_text(encoding="utf-8") not in page]
    assert not missing
    assert sum(file.stat().st_size for file in BROWSER.rglob("*") if file.is_file()) < 1_000_000


def test_a_reader_goes_through_the_page(finished: SearchResult, open_page: OpenPage) -> None:
    page = open_page(finished.directory / REPORT, height=600)
    page.wait_for_selector("html[data-ready=yes]")
    assert page.title() == f"{finished.directory.name} – evoswarm"
    sections = page.locator("main > section")
    links = page.locator("nav a")
    assert links.count() == sections.count()
    levels = [int(tag[1]) for tag in page.locator("h1, h2, h3, h4").evaluate_all("all => all.map(one => one.tagName)")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.locator("nav a[aria-current]").inner_text() == links.first.inner_text()
    links.last.click()
    page.locator("nav li:last-child a[aria-current]").wait_for()
    page.keyboard.press("Tab")  # from there on, not from the top
    assert page.evaluate("document.activeElement.closest('section').id") == sections.last.get_attribute("id")


def test_links_lead_on_where_mlflow_shows_the_page(finished: SearchResult, open_page: OpenPage, tmp_path: Path) -> None:
    """In a frame that has scripts and no origin, and whose address is that of a blob."""
    coded = base64.b64encode((finished.directory / REPORT).read_bytes()).decode()
    host = tmp_path / "host.html"
    host.write_text(
        f"""<!doctype html><iframe sandbox="allow-scripts" width="900" height="500"></iframe><script>
        const bytes = Uint8Array.from(atob("{coded}"), (one) => one.charCodeAt(0));
        document.querySelector("iframe").src = URL.createObjectURL(new Blob([bytes], {{ type: "text/html" }}));
        </script>"""
    )
    frame = open_page(host).frame_locator("iframe")
    frame.locator("html[data-ready=yes]").wait_for()
    frame.locator("nav a").last.click()
    frame.locator("nav li:last-child a[aria-current]").wait_for(timeout=5000)


def test_a_theme_is_kept(finished: SearchResult, open_page: OpenPage) -> None:
    page = open_page(finished.directory / REPORT)
    paper = "getComputedStyle(document.body).backgroundColor"
    page.wait_for_selector("html[data-ready=yes]")
    before = page.evaluate(paper)
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(paper)
    assert dark != before
    page.reload()
    page.wait_for_selector("html[data-ready=yes]")
    assert page.evaluate(paper) == dark
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(paper) == before, "paper is light"


@pytest.mark.parametrize("width", [400, 1400])
def test_nothing_is_wider_than_the_window(finished: SearchResult, open_page: OpenPage, width: int) -> None:
    page = open_page(finished.directory / REPORT, width=width)
    page.wait_for_selector("html[data-ready=yes]")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_page_says_what_it_is_without_scripts_too(finished: SearchResult) -> None:
    page = (finished.directory / REPORT).read_text(encoding="utf-8")
    assert finished.certificate is not None
    said = re.search(r"<noscript><p>(.*?)</p>", page)
    assert said is not None
    assert html.unescape(said[1]) == f"{finished.directory.name}: {finished.certificate.verdict.sentence}"


def test_a_text_is_copied_or_stands_selected(finished: SearchResult, open_page: OpenPage, tmp_path: Path) -> None:
    run = shutil.copytree(finished.directory, tmp_path / "a run; of mine")
    (run / CERTIFICATE).unlink()
    page = open_page(write_report(run))
    page.wait_for_selector("html[data-ready=yes]")
    copy = page.get_by_role("button", name="Copy: search again")
    copy.click()
    page.locator(".copied", has=copy).get_by_role("status").filter(has_text=re.compile("copied|selected")).wait_for()
    command = page.locator(".copied", has=copy).locator("pre").inner_text()
    assert command == "evoswarm search 'a run; of mine/space.yaml' --out 'a run; of mine-again'"
