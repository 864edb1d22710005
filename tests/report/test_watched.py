"""What a page must not do is really seen, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.report.watched import OpenPage, watched_pages

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WRONG = {
    "console.error('no data')": "error: no data",
    "console.warn('old data')": "warning: old data",
    "alert('hello')": "dialog: hello",
    "setTimeout(() => missing.field)": "thrown: missing is not defined",
    "Promise.reject(new Error('lost'))": "thrown: lost",
    "fetch('https://example.org/data.json').catch(() => 0)": "request: https://example.org/data.json",
    "navigator.sendBeacon('https://example.org/seen')": "request: https://example.org/seen",
    "new WebSocket('wss://example.org/live')": "request: wss://example.org/live",
    "new Image().src = 'http://example.org/one.png'": "request: http://example.org/one.png",
    "new Image().src = 'beside.png'": "beside.png",
    "document.head.append(Object.assign(document.createElement('link'), {rel: 'stylesheet', href: 'beside.css'}))": (
        "beside.css"
    ),
    "document.body.append(Object.assign(document.createElement('iframe'), {src: 'page.html?'}))": "page.html?",
}
"""What a page does, and what is said of it."""

RIGHT = """
console.log('nothing to see here');
new Image().src = 'data:image/gif;base64,R0lGODlhAQABAAAAACw=';
fetch(URL.createObjectURL(new Blob(['held']))).then(held => held.text()).then(text => { document.title = text; });
"""


def page_with(folder: Path, script: str) -> Path:
    page = folder / "page.html"
    page.write_text(f"<!doctype html><meta charset=utf-8><body><script>{script}</script>", encoding="utf-8")
    return page


def test_a_page_that_keeps_to_itself_passes(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(page_with(tmp_path, RIGHT), width=400, height=300, scheme="dark")
    page.wait_for_function("document.title === 'held'")
    seen = page.evaluate("[matchMedia('(prefers-color-scheme: dark)').matches, innerWidth, innerHeight]")
    assert seen == [True, 400, 300]


def test_what_a_page_must_not_do_is_seen(browser: Browser, tmp_path: Path) -> None:
    with pytest.raises(AssertionError) as seen, watched_pages(browser) as opener:
        opener(page_with(tmp_path, "".join(f"</script><script>{script}" for script in WRONG))).wait_for_timeout(100)
    lines = str(seen.value).splitlines()
    assert {said for said in WRONG.values() if not any(said in line for line in lines)} == set()
