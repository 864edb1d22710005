"""Who descends from whom, as the page draws and tells it, against ancestors counted from the file by other code."""

from __future__ import annotations

import json
import shutil
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evoswarm.report.page import page_of
from evoswarm.report.run_files import RunFiles
from evoswarm.report.sections.lineage import lineage
from evoswarm.space import SearchSpace
from tests.report.watched import OpenPage

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


class Family:
    """The individuals of a run by id, and the page of the run."""

    def __init__(self, run: Path, file: Path) -> None:
        self.run, self.file = run, file
        file.write_text(page_of([RunFiles(run)]), encoding="utf-8")

    @cached_property
    def rows(self) -> dict[str, dict[str, Any]]:
        lines = (self.run / "individuals.jsonl").read_text().splitlines()
        return {row["id"]: row for row in map(json.loads, lines)}

    @property
    def champion(self) -> str:
        digest = json.loads((self.run / "front.json").read_text())["champion"]
        return next(one for one, row in self.rows.items() if row["key"] == digest)

    def ancestors(self, one: str) -> set[str]:
        found: set[str] = set()
        waiting = [one]
        while waiting:
            parents = set(self.rows[waiting.pop()]["parents"]) - found
            found |= parents
            waiting.extend(parents)
        return found

    @property
    def richest(self) -> list[str]:
        """Those of the last generation, the most ancestors first."""
        last = max(row["generation"] for row in self.rows.values())
        youngest = [one for one, row in self.rows.items() if row["generation"] == last]
        return sorted(youngest, key=lambda one: -len(self.ancestors(one)))


@pytest.fixture(scope="module")
def family(imagined_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Family:
    return Family(imagined_run, tmp_path_factory.mktemp("lineage") / "page.html")


@pytest.fixture
def page(family: Family, open_page: OpenPage) -> Page:
    return opened(open_page, family.file)


def opened(open_page: OpenPage, file: Path, width: int = 1280) -> Page:
    page = open_page(file, width=width)
    page.wait_for_selector("html[data-ready=yes]")
    picture(page).scroll_into_view_if_needed()
    page.wait_for_selector(".lineage-picture[data-frames]")
    return page


def picture(page: Page) -> Locator:
    return page.locator(".lineage-picture")


def drawn(page: Page) -> None:
    """Wait until what was asked for is drawn."""
    page.evaluate("() => new Promise(requestAnimationFrame)")


def selected(page: Page) -> str:
    drawn(page)
    return picture(page).get_attribute("data-selected") or ""


def camera(page: Page) -> list[float]:
    """Two scales, then where the layout's corner is."""
    drawn(page)
    return [float(value) for value in (picture(page).get_attribute("data-camera") or "").split()]


def find(page: Page, text: str) -> None:
    page.get_by_label("Find").fill(text)
    page.get_by_label("Find").press("Enter")


def test_the_search_finds_an_individual_and_its_ancestors_are_drawn(page: Page, family: Family) -> None:
    page.get_by_role("button", name="All", exact=True).click()
    for one in [*family.richest[:3], next(iter(family.rows))]:
        ancestors = family.ancestors(one)
        find(page, one)
        page.wait_for_selector(f".lineage-picture[data-selected={one}][data-highlighted='{len(ancestors) + 1}']")
        roots = [other for other in ancestors if not family.rows[other]["parents"]]
        told = page.locator(".lineage .panel").inner_text()
        assert one in told.splitlines()[1]
        number = f"{len(ancestors)} ancestor{'s' * (len(ancestors) != 1)}"
        assert f"{number}, of them {len(roots)} without parents" in told if ancestors else "no ancestors" in told


def test_words_find_whom_they_name(page: Page, family: Family) -> None:
    rows = family.rows
    able = {one: row["accuracy"] for one, row in rows.items() if row["island"] == 1 and row["failure"] is None}
    best = max(able.values())
    expected = {
        "champion": [family.champion],
        "founders": [one for one, row in rows.items() if not row["parents"]],
        "migrants": [one for one, row in rows.items() if row["migrated_from"]],
        "best of island 1": [one for one, accuracy in able.items() if accuracy == best],
        "failed": [one for one, row in rows.items() if row["failure"] is not None],
        "Single:GEMMA": [one for one, row in rows.items() if row["operator"].startswith("single:gemma")],
        rows[family.champion]["key"][:8]: [family.champion],
        "<b>nobody</b>": [],
        "__proto__": [],
    }
    for text, found in expected.items():
        find(page, text)
        status = page.locator(".lineage-search [role=status]").inner_text()
        if not found:
            assert status == "nobody found"
            continue
        one, _, rest = status.partition(" selected, 1 of ")
        assert one in found
        assert text == "best of island 1" or rest == f"{len(found)} found"


def test_the_main_line_leads_from_a_founder_to_the_champion_and_says_what_changed(page: Page, family: Family) -> None:
    one = next(one for one in family.richest if family.rows[one]["operator"] == "crossover+mutation")
    names = [spec.name for spec in RunFiles(family.run).space.pool]
    find(page, one)
    page.get_by_role("button", name="Only its ancestors").click()
    steps = page.locator(".lineage .line > li")
    line = steps.locator("xpath=button[1]").all_inner_texts()
    assert not family.rows[line[0]]["parents"]
    assert line[-1] == one
    for before, after, step in zip(line, line[1:], steps.all_inner_texts()[1:], strict=False):
        old, new = family.rows[before], family.rows[after]
        assert before in new["parents"]
        gained = f"accuracy {old['accuracy']:.1%} → {new['accuracy']:.1%}"
        assert (f"accuracy stays {new['accuracy']:.1%}" if old["accuracy"] == new["accuracy"] else gained) in step
        if old["genome"]["lead"] != new["genome"]["lead"]:
            assert f"lead {names[old['genome']['lead']]} → {names[new['genome']['lead']]}" in step


def test_dragging_wheel_buttons_and_keys_move_the_picture(page: Page) -> None:
    box = picture(page).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    whole = camera(page)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -200)
    assert camera(page) == whole, "a wheel scrolls the page where the picture has no focus"
    picture(page).focus()
    page.mouse.wheel(0, -200)
    page.wait_for_function(
        "before => document.querySelector('.lineage-picture').dataset.camera !== before", arg=" ".join(map(str, whole))
    )
    near = camera(page)
    assert near[0] > whole[0]
    assert near[1] > whole[1]
    box = picture(page).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 40, y - 10, steps=4)
    page.mouse.up()
    moved = camera(page)
    assert moved[:2] == near[:2]
    assert moved[2:] == pytest.approx([near[2] - 40, near[3] - 10], abs=1)
    picture(page).press("Shift+ArrowLeft")
    assert camera(page)[2] == pytest.approx(moved[2] + 60, abs=0.2)
    picture(page).press("-")
    assert camera(page)[0] < near[0]
    page.get_by_role("button", name="Show everything").click()
    assert camera(page) == whole


def test_arrow_keys_go_along_the_family_and_enter_opens(page: Page, family: Family) -> None:
    one = next(one for one in family.richest if len(family.rows[one]["parents"]) == 1)
    find(page, one)
    picture(page).focus()
    picture(page).press("ArrowLeft")
    (parent,) = family.rows[one]["parents"]
    assert selected(page) == parent
    assert page.url.endswith(f"#lineage={parent}")
    picture(page).press("ArrowRight")
    child = selected(page)
    assert parent in family.rows[child]["parents"]
    picture(page).press("ArrowDown")
    below = selected(page)
    assert below != child
    assert family.rows[below]["generation"] == family.rows[child]["generation"]
    picture(page).press("Enter")
    page.wait_for_selector(f"dialog[data-individual={below}]")
    page.locator("dialog").get_by_role("button", name="← Previous").click()
    page.get_by_role("button", name="Show its lineage").click()
    ids = list(family.rows)
    assert page.locator("dialog").count() == 0
    assert ids.index(selected(page)) == ids.index(below) - 1


def test_an_address_names_an_individual(page: Page, family: Family) -> None:
    for one in (family.richest[0], family.richest[-1]):
        page.evaluate("id => { location.hash = `#lineage=${id}`; }", one)
        page.wait_for_selector(f".lineage-picture[data-selected={one}]")
    page.evaluate("() => { location.hash = '#lineage=%zz'; }")
    assert selected(page) == family.richest[-1]


def test_however_fast_a_pointer_moves_a_frame_is_drawn_once(page: Page) -> None:
    frames = page.evaluate(
        """async () => {
            const picture = document.querySelector('.lineage-picture');
            const { left, top, width } = picture.getBoundingClientRect();
            await new Promise(requestAnimationFrame);
            const before = Number(picture.dataset.frames);
            for (let x = 0; x < width; x += 1)
                picture.dispatchEvent(new PointerEvent('pointermove', { clientX: left + x, clientY: top + 60 }));
            await new Promise(requestAnimationFrame);
            return Number(picture.dataset.frames) - before;
        }"""
    )
    assert frames == 1


def test_nothing_is_wider_than_a_narrow_window(family: Family, open_page: OpenPage) -> None:
    page = opened(open_page, family.file, width=400)
    assert page.evaluate("document.documentElement.scrollWidth") == 400


def test_texts_of_a_stranger_are_shown_as_texts(hostile: Path, open_page: OpenPage, tmp_path: Path) -> None:
    family = Family(hostile, tmp_path / "page.html")
    known = {one.encode("utf-8", "replace").decode() for one in family.rows}
    page = opened(open_page, family.file)
    picture(page).focus()
    seen = set()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowDown"):
        picture(page).press(key)
        seen.add(selected(page))
        page.get_by_role("button", name="Only its ancestors").click()
        assert page.locator(".lineage .panel :is(script, img, svg, b, style)").count() == 0
        page.get_by_role("button", name="Everybody", exact=True).click()
    assert len(seen) > 2
    assert seen <= known
    find(page, "onerror=alert")
    assert "found" in page.locator(".lineage-search [role=status]").inner_text()


@pytest.mark.parametrize("dropped", [[], ["gemma-3-4b-it"]])
def test_a_champion_that_was_not_bred_is_said_to_be_none(
    imagined_run: Path, open_page: OpenPage, tmp_path: Path, dropped: list[str]
) -> None:
    """The champion's own line is taken out; where members were dropped from a winner, that one is shown."""
    run = Path(shutil.copytree(imagined_run, tmp_path / "copy"))
    front = json.loads((run / "front.json").read_text())
    rows = [json.loads(line) for line in (run / "individuals.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["key"] != front["champion"]]
    front |= {"dropped": dropped, "winner": rows[-1]["key"] if dropped else front["champion"]}
    (run / "front.json").write_text(json.dumps(front), encoding="utf-8")
    (run / "individuals.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    page = opened(open_page, Family(run, tmp_path / "page.html").file)
    told = page.locator("#lineage").inner_text()
    if dropped:
        winner = next(row["id"] for row in rows if row["key"] == rows[-1]["key"])
        assert f"The champion is {winner} without gemma-3-4b-it: left out when it was chosen." in told
        assert selected(page) == winner
    else:
        assert "is none of the individuals" in told
        able = [row["accuracy"] for row in rows if row["failure"] is None]
        shown = next(row for row in rows if row["id"] == selected(page))
        assert shown["accuracy"] == max(able)


def moved_by(override: str, run: Path, folder: Path) -> Path:
    """The first generation of a run, as if its islands had been moved by something else."""
    copy = Path(shutil.copytree(run, folder / "copy"))
    lines = (run / "individuals.jsonl").read_text().splitlines(keepends=True)
    first = [line for line in lines if not json.loads(line)["parents"] and json.loads(line)["generation"] == 0]
    (copy / "individuals.jsonl").write_text("".join(first), encoding="utf-8")
    (copy / "space.yaml").write_text(SearchSpace.from_yaml(run / "space.yaml", (override,)).to_yaml(), encoding="utf-8")
    return copy


def test_whoever_draws_everybody_anew_has_no_lineage(imagined_run: Path, open_page: OpenPage, tmp_path: Path) -> None:
    run = moved_by("evolution.algorithm=random", imagined_run, tmp_path)
    page = opened(open_page, Family(run, tmp_path / "page.html").file)
    assert "Nobody has parents: random draws everybody anew." in page.locator("#lineage").inner_text()
    assert page.get_by_role("button", name="Only its ancestors").count() == 0


@pytest.mark.parametrize(
    ("override", "algorithms", "breeds"),
    [
        ("evolution.algorithm=island", ["genetic"], True),
        ("evolution.islands=[{}, {algorithm: tpe}, {algorithm: null}]", ["genetic", "tpe"], True),
        ("evolution.islands=[{algorithm: catcma}, {algorithm: random}]", ["catcma", "random"], False),
    ],
)
def test_what_moves_the_islands_is_named(
    imagined_run: Path, tmp_path: Path, override: str, algorithms: list[str], breeds: bool
) -> None:
    found = lineage(RunFiles(moved_by(override, imagined_run, tmp_path)))
    assert found == {"algorithms": algorithms, "breeds": breeds}
