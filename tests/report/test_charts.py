"""Pictures of policies in a real browser: what is pointed at is named, what is clicked on opens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evoswarm.experiment.result import SearchResult
from evoswarm.report.run_files import RunFiles
from evoswarm.report.sections.finalists import finalists
from evoswarm.run_directory import REPORT
from tests.report.watched import OpenPage

if TYPE_CHECKING:
    from playwright.sync_api import Page

POINTS = "#cost .pointed"


@pytest.fixture
def page(finished: SearchResult, open_page: OpenPage) -> Page:
    """The page of a finished search with accuracy against cost on the screen."""
    opened = open_page(finished.directory / REPORT)
    opened.locator(POINTS).scroll_into_view_if_needed()
    opened.wait_for_selector("#cost .chart[data-drawn]")
    return opened


def rows(run: Path) -> dict[str, dict[str, Any]]:
    found = (json.loads(line) for line in (run / "individuals.jsonl").read_text().splitlines())
    return {row["id"]: row for row in found}


def test_what_the_mouse_points_at_is_named_and_a_click_opens_it(finished: SearchResult, page: Page) -> None:
    page.locator(POINTS).focus()
    page.keyboard.press("Home")
    cheapest = page.locator(f"{POINTS} .said").inner_text()
    ring = page.locator(f"{POINTS} .ring").bounding_box()
    assert ring is not None
    page.keyboard.press("Escape")
    assert page.locator(f"{POINTS} .said").is_hidden()
    at = (ring["x"] + ring["width"] / 2 + 3, ring["y"] + ring["height"] / 2 + 2)
    page.mouse.move(*at)
    assert page.locator(f"{POINTS} .said").inner_text() == cheapest, "near is enough"
    page.mouse.click(*at)
    opened = page.locator("dialog")
    row = rows(finished.directory)[opened.get_attribute("data-individual") or ""]
    assert row["id"] in cheapest
    least = min(one["cost"]["flops"] for one in rows(finished.directory).values())
    assert row["cost"]["flops"] == least
    assert f"{row['accuracy']:.1%} on the search items" in opened.inner_text()


def test_the_keyboard_walks_opens_and_comes_back(page: Page) -> None:
    page.locator(POINTS).focus()
    for key in ("Home", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    dialog = page.locator("dialog")
    second = dialog.get_attribute("data-individual")
    page.keyboard.press("ArrowLeft")
    assert dialog.get_attribute("data-individual") != second
    page.keyboard.press("ArrowRight")
    assert dialog.get_attribute("data-individual") == second
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert page.evaluate(f"document.activeElement === document.querySelector('{POINTS}')")


def test_every_choice_draws(page: Page) -> None:
    """A page that complains fails."""
    for name in ("Passes", "Weight reads", "Tokens", "lead", "fusion rule", "island", "generation"):
        page.locator("#cost").get_by_role("button", name=name, exact=True).click()
    page.locator("#cost .legend button").first.click()
    page.locator("#cost select").select_option(label="sum")
    page.locator("#cost").get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Dark").click()
    page.get_by_role("button", name="Selection, finalists only").click()
    page.locator("#cost summary").click()
    assert page.locator("#cost details td").count() >= 3
    for name in ("share of the weight", "temperature"):
        page.locator("#settled").get_by_role("button", name=name, exact=True).click()


def test_a_finalist_says_how_to_use_it_and_a_parent_is_a_click_away(
    finished: SearchResult, open_page: OpenPage
) -> None:
    known = finalists(RunFiles(finished.directory))
    assert known is not None
    by_id, recipes = rows(finished.directory), {one["key"]: one["recipe"] for one in known["contenders"]}
    born = next(row for row in by_id.values() if row["parents"] and not row["migrated_from"])
    tried = next(row for row in by_id.values() if row["key"][:12] in recipes)
    page = open_page(finished.directory / REPORT)
    page.evaluate("id => { location.hash = `individual=${id}`; }", tried["id"])
    assert (
        f"evoswarm generate {finished.directory.name}/{recipes[tried['key'][:12]]}"
        in page.locator("dialog").inner_text()
    )
    page.keyboard.press("Escape")
    page.evaluate("id => { location.hash = `individual=${id}`; }", born["id"])
    dialog = page.locator("dialog")
    assert "What changed against its parents" in dialog.inner_text()
    dialog.get_by_role("button", name=born["parents"][0]).first.click()
    assert dialog.get_attribute("data-individual") == born["parents"][0]
