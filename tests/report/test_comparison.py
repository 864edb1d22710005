"""Runs side by side in a real browser: figures are those of their files, whatever state a run is in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from evoswarm.experiment.result import SearchResult
from evoswarm.report.run_files import RunFiles
from evoswarm.report.writing import write_report
from evoswarm.run_directory import INDIVIDUALS, JOURNAL, SPACE
from evoswarm.space import SearchSpace
from tests.report.watched import OpenPage

if TYPE_CHECKING:
    from playwright.sync_api import Page


def begun(finished: SearchResult, space: SearchSpace, place: Path) -> Path:
    """The run when two of its three generations were done."""
    place.mkdir()
    (place / SPACE).write_text(space.to_yaml(), encoding="utf-8")
    for name in (INDIVIDUALS, JOURNAL):
        lines = (finished.directory / name).read_text().splitlines(keepends=True)
        told = [json.loads(line) for line in lines]
        if name == INDIVIDUALS:
            kept = [line for line, row in zip(lines, told, strict=True) if row["generation"] < 2]
        else:
            generations = [at for at, event in enumerate(told) if event["event"] == "generation"]
            kept = lines[: generations[1] + 1]
        (place / name).write_text("".join(kept), encoding="utf-8")
    return place


def rows_of(page: Page, section: str) -> list[list[str]]:
    """The cells of the last table of a section."""
    rows = page.locator(f"#{section} table").last.locator("tbody tr").all()
    return [[cell.strip() for cell in row.locator("td").all_inner_texts()] for row in rows]


def test_figures_of_runs_are_those_of_their_files(
    micro: Callable[..., SearchSpace], finished: SearchResult, open_page: OpenPage, tmp_path: Path
) -> None:
    runs = [shutil.copytree(finished.directory, tmp_path / name) for name in ("whole", "again")]
    runs.append(begun(finished, micro("seed=1"), tmp_path / "begun"))
    page = open_page(write_report(runs), width=400)
    page.wait_for_selector("html[data-ready=yes]")
    assert page.title() == "3 runs of micro – evoswarm"
    assert page.evaluate("document.documentElement.scrollWidth") <= 400

    known = finished.certificate
    assert known is not None
    whole, again, unfinished = page.locator("#verdicts .card").all_inner_texts()
    assert known.verdict.sentence in whole
    assert known.verdict.sentence in again
    assert "2 of 3 generations are scored" in unfinished
    assert f"{known.score.mean:.1%}" in page.locator("#verdicts .forest tbody tr").first.inner_text()
    assert "Runs 1 and 2 ended with the same policy." in page.locator("#champions").inner_text()
    assert page.locator("#champions .card").last.inner_text().endswith("There is no champion yet.")

    for row, course, front in zip(runs, rows_of(page, "courses"), rows_of(page, "costs"), strict=True):
        people = RunFiles(row).individuals
        generations = 1 + max(one["generation"] for one in people)
        asked = RunFiles(row).generations[generations - 1]["evaluations"]
        best = f"{max(one['accuracy'] or 0.0 for one in people):.1%}"
        assert [*course[:3], course[4]] == [f"{1 + runs.index(row)} {row.name}", str(generations), f"{asked:,}", best]
        assert [front[1], front[3]] == [str(len({one["key"] for one in people})), best]
    assert ["seed", "0", "0", "1"] in rows_of(page, "settings")
    assert "evoswarm report whole again begun" in page.locator("#commands").inner_text()


def test_charts_of_several_runs_are_drawn_by_what_is_asked(
    micro: Callable[..., SearchSpace], finished: SearchResult, open_page: OpenPage, tmp_path: Path
) -> None:
    runs = [finished.directory, begun(finished, micro("seed=1"), tmp_path / "begun")]
    page = open_page(write_report(runs, out=tmp_path / "page.html"))
    page.wait_for_selector("html[data-ready=yes]")
    chart = page.locator("#courses .chart")
    chart.scroll_into_view_if_needed()
    page.wait_for_selector("#courses .chart[data-drawn] canvas")
    pictures = []
    for kind in ("generation", "evaluations", "seconds"):
        page.locator("#courses").get_by_role("button", name=kind).click()
        pictures.append(chart.screenshot())
    assert len({*pictures}) == 3
