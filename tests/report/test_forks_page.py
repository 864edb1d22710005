"""The fork map in a real browser: filters filter, pointing tells who wanted what, texts stay texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evoswarm.report.page import page_of
from tests.report.answered_run import MEMBERS, answered, answered_run, overruled, step
from tests.report.watched import OpenPage

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "\u202edrow",
    "\u0301",
    "a" * 300,
    "שלום",
)
ITEMS = 45
RESCUED = 4


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answers to 45 items, 4 of them rescued, 5 wrong; the first one's symbols are hostile."""
    folder = tmp_path_factory.mktemp("answered")
    items = [
        answered(
            1,
            [
                *(step(text.encode()) for text in HOSTILE),
                overruled("é".encode()[:1]),
                overruled("é".encode()[1:]),
                step(b"\n"),
                step(None),
            ],
            (1.0, 0.0, 1.0),
            question=f"{HOSTILE[0]}?",
            gold=HOSTILE[1],
        )
    ]
    for number in range(2, ITEMS + 1):
        score = 0.0 if number > 40 else 1.0
        steps = [overruled(b"1", moved=0.1 + number / 100), step(b"2"), step(None, 0.0)]
        items.append(answered(number, steps, (score, 1.0, 1.0), task="words" if number % 2 else "sums"))
    alone = {
        name: [0.0 if number <= RESCUED else float(place == 0) for number in range(1, ITEMS + 1)]
        for place, name in enumerate(MEMBERS)
    }
    file = folder / "report.html"
    file.write_text(page_of([answered_run(folder, items, alone)]), encoding="utf-8")
    return file


@pytest.fixture
def opened(open_page: OpenPage, page_file: Path) -> Page:
    page = open_page(page_file)
    page.locator("#forks .forkitem").first.scroll_into_view_if_needed()
    page.wait_for_selector(".symbols[data-drawn]")
    return page


def numbers(page: Page) -> list[int]:
    return [
        int(one.removeprefix("item-"))
        for one in page.eval_on_selector_all(".forkitem", "all => all.map(one => one.id)")
    ]


def test_only_what_is_seen_is_drawn_of_the_items_that_filters_let_through(opened: Page) -> None:
    page = opened
    assert len(numbers(page)) == 6
    assert 0 < page.locator(".symbols[data-drawn]").count() < page.locator(".symbols").count() == 18
    page.get_by_role("button", name="Show 20 more").press("Enter")
    assert len(numbers(page)) == 26
    page.get_by_role("button", name="Show 19 more").press("Enter")
    assert sorted(numbers(page)) == list(range(1, ITEMS + 1))
    page.get_by_role("button", name=f"Rescued ({RESCUED})").click()
    assert sorted(numbers(page)) == [1, 2, 3, 4]
    page.get_by_role("button", name="Wrong (5)").click()
    assert sorted(numbers(page)) == [41, 42, 43, 44, 45]
    page.get_by_label("Task", exact=True).select_option("words")
    assert sorted(numbers(page)) == [41, 43, 45]
    page.get_by_role("button", name=f"All ({ITEMS})").click()
    page.get_by_label("Task", exact=True).select_option("all tasks")
    assert numbers(page)[:5] == [1, 4, 3, 2, 45]  # rescued ones first, then by what was moved
    page.get_by_label("Search in questions and answers").fill("ONERROR")
    assert numbers(page) == [1]
    assert "1 of 45 such items hold this text" in page.locator("#forks").inner_text()


def test_pointing_and_walking_tell_what_each_speaker_wanted(opened: Page) -> None:
    page = opened
    tip = page.locator(".forktip")
    page.locator("#item-4 .symbol").first.hover()
    told = tip.inner_text()
    assert "Decided by B speller, over the lead's own choice." in told
    assert "entropy 2 nats · moved by 14.0% · log-prob −0.25 nats" in told
    lists = tip.locator(".candidate").all_inner_texts()
    assert [one.split() for one in lists] == [
        ["Fused", "1", "78.0%", "?", "10.0%"],
        ["A", "adder", "#", "50.0%", "1", "30.0%"],
        ["B", "speller", "1", "80.0%"],
    ]
    page.locator("#item-4 .symbol").nth(1).hover()
    assert "Decided by A adder, the lead, alone." in tip.inner_text()
    page.mouse.move(0, 0)
    assert tip.is_hidden()
    focused = "[document.activeElement.closest('.forkitem').id, document.activeElement.dataset.step]"
    page.locator("#item-4 .symbol").first.click()
    walked = []
    for key in ("ArrowRight", "End", "ArrowRight", "ArrowDown", "ArrowDown", "ArrowDown", "Home", "ArrowUp"):
        page.keyboard.press(key)
        walked.append(page.evaluate(focused))
    item = "item-4"
    assert walked == [
        [item, "1"], [item, "2"], [item, "2"], [item, "1"], [item, "1"], ["item-3", "1"], ["item-3", "0"], [item, "0"],
    ]  # fmt: skip
    assert "END" not in page.locator(".forktip").inner_text()
    assert page.locator(".symbol[tabindex='0']").count() == 1
    page.keyboard.press("Escape")
    assert page.locator(".forktip").is_hidden()


def test_hostile_symbols_are_shown_as_what_they_are(opened: Page) -> None:
    page = opened
    assert page.locator("main script, main img").count() == 0
    item = page.locator("#item-1")
    assert HOSTILE[0] in item.inner_text()
    item.locator(".symbol").first.scroll_into_view_if_needed()
    texts = item.locator(".symbols").first.locator(".text").all_inner_texts()
    assert texts[:4] == ["<img·src=x·onerror=alert(1)>", HOSTILE[1], "U+202Edrow", "◌\u0301"]
    assert texts[4] == "a" * 80 + "…"
    assert texts[5:] == [HOSTILE[5], "c3", "a9", "⏎", "END"]
    assert item.locator(".spells").first.inner_text() == "é"
    item.locator(".stepwise summary").first.click()
    assert item.locator("table").first.inner_text().count("\n") >= len(texts)
    assert item.locator("table tr").nth(8).locator("td").all_inner_texts()[1:3] == [
        "bytes a9",
        "B speller, over the lead's own choice",
    ]


def test_a_link_opens_an_item_in_a_narrow_window_of_any_theme(open_page: OpenPage, page_file: Path) -> None:
    page = open_page(page_file, width=400, scheme="dark")
    page.wait_for_selector("html[data-ready=yes]")
    assert 12 not in numbers(page)
    page.get_by_role("button", name="Wrong (5)").click()
    page.evaluate("location.hash = '#item=12'")
    page.wait_for_selector("#item-12:focus")
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    colour = "getComputedStyle(document.querySelector('.symbol .initial')).color"
    dark = page.evaluate(colour)
    page.get_by_role("button", name="Light").click()
    assert page.evaluate(colour) != dark


def test_a_long_answer_goes_on_in_the_next_line(open_page: OpenPage, tmp_path: Path) -> None:
    steps = [step(b" word") for _ in range(60)]
    run = answered_run(
        tmp_path, [answered(1, [*steps, step(None)], (1.0, 0.0, 1.0))], {name: [0.0] for name in MEMBERS}
    )
    file = tmp_path / "report.html"
    file.write_text(page_of([run]), encoding="utf-8")
    page = open_page(file, width=400)
    row = page.locator("#forks .symbols").first
    row.scroll_into_view_if_needed()
    page.wait_for_selector(".symbols[data-drawn]")
    rights = row.locator(".symbol").evaluate_all("all => all.map(one => one.getBoundingClientRect().right)")
    assert len(rights) == len(steps) + 1
    assert max(rights) <= 400
