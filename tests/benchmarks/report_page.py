"""The page of a run of 10,000 individuals: how large it is, how soon it answers, what a frame of its lineage costs.

    python -m tests.benchmarks --only lineage_frame_ms
    python -m tests.benchmarks.report_page RUN     of a run that is there

A browser draws without a GPU here, on the CPU that the rest of the machine shares. What a frame costs is the time that
the page's own thread was given, so that others' work does not count.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from evoswarm.report.page import page_of
from evoswarm.report.run_files import RunFiles
from tests.benchmarks.figures import Measurement, Options, Reading, Readings, at_most
from tests.report.large_run import NAME, large_run
from tests.report.watched import running_browser, watched_pages
from tools import browser as browsers

if TYPE_CHECKING:
    from playwright.sync_api import Page

INDIVIDUALS = 10_000
FRAMES = 60
MEGABYTE = 1e6
DRAG = """async (frames) => {
    const picture = document.querySelector('.lineage-picture');
    const { left, top } = picture.getBoundingClientRect();
    picture.setPointerCapture = () => {};
    const point = (kind, x, y) => picture.dispatchEvent(
        new PointerEvent(kind, { pointerId: 1, clientX: left + x, clientY: top + y, bubbles: true }));
    const before = Number(picture.dataset.frames);
    point('pointerdown', 300, 200);
    for (let step = 0; step < frames; step += 1) {
        point('pointermove', 300 + 3 * (step % 30), 200 + 2 * (step % 20));
        await new Promise(requestAnimationFrame);
    }
    point('pointerup', 300, 200);
    return Number(picture.dataset.frames) - before;
}"""
"""A hand that drags the picture to and fro, a step a frame."""
POINT = """async (moves) => {
    const picture = document.querySelector('#cost .pointed');
    const { left, top, width, height } = picture.getBoundingClientRect();
    const named = new Set();
    for (let step = 0; step < moves; step += 1) {
        picture.dispatchEvent(new PointerEvent('pointermove', { bubbles: true,
            clientX: left + width * (0.2 + 0.6 * step / moves), clientY: top + height * (0.2 + 0.5 * step / moves) }));
        named.add(picture.querySelector('.said').textContent);
        await new Promise(requestAnimationFrame);
    }
    return named.size;
}"""
"""A hand that moves across accuracy against cost, a step a frame."""


def report_page(options: Options) -> Readings:
    """A search of that size over imagined members (under a minute), then its page in a browser."""
    with tempfile.TemporaryDirectory() as folder:
        large_run(Path(folder), individuals=options.size(INDIVIDUALS, 200))
        return measured(Path(folder) / NAME, Path(folder) / "page.html", options.pairs)


def measured(run: Path, file: Path, times: int) -> Readings:
    """The figures of a run's page, which is written to a file."""
    began = time.process_time()
    files = RunFiles(run)
    file.write_text(page_of([files]), encoding="utf-8")
    seconds = time.process_time() - began
    count = f"{len(files.individuals):,} individuals"
    executable = browsers.find()
    assert executable is not None, browsers.why_none()
    with running_browser(executable) as browser, watched_pages(browser) as open_page:
        answered, frames, all_frames, pointed, panned = [], [], [], [], []
        for _ in range(times):
            clock = time.perf_counter()
            page = open_page(file, width=1400, height=1000)
            _select(page, "best of island 1")
            answered.append(time.perf_counter() - clock)
            frames.append(_frame(page))
            page.get_by_role("button", name="All", exact=True).click()
            all_frames.append(_frame(page))
            pointed.append(_pointed(page))
            panned.append(_panned(page))
            page.close()
    return {
        "report_megabytes": Reading(file.stat().st_size / MEGABYTE, f"{count}; written in {seconds:.1f} s of CPU"),
        "report_answers_seconds": Reading(
            statistics.median(answered), f"from opening it until its lineage has found and shown somebody; {count}"
        ),
        "lineage_frame_ms": Reading(statistics.median(frames), f"of CPU while the picture is dragged; {count}"),
        "lineage_frame_all_ms": Reading(statistics.median(all_frames), "likewise, with all ancestors' kinships"),
        "cost_pointed_ms": Reading(statistics.median(pointed), f"of CPU while the mouse moves over policies; {count}"),
        "cost_frame_ms": Reading(statistics.median(panned), f"of CPU while accuracy against cost is dragged; {count}"),
    }


def _select(page: Page, text: str) -> None:
    page.get_by_label("Find").fill(text)
    page.get_by_label("Find").press("Enter")
    page.wait_for_function("document.querySelector('.lineage-picture').dataset.frames > 0")


def _frame(page: Page) -> float:
    """Milliseconds of the page's own thread that a frame of the lineage took."""
    drawn: list[int] = []
    spent = _spent(page, lambda: drawn.append(page.evaluate(DRAG, FRAMES)))
    assert drawn[0] >= FRAMES // 2, f"expected the picture to be drawn anew, got {drawn[0]} frames"
    return spent / drawn[0]


def _pointed(page: Page) -> float:
    """Likewise, until who is under the mouse is named."""
    page.locator("#cost .pointed").scroll_into_view_if_needed()
    page.wait_for_selector("#cost .chart[data-drawn]")
    named: list[int] = []
    spent = _spent(page, lambda: named.append(page.evaluate(POINT, FRAMES)))
    assert named[0] >= FRAMES // 4, f"expected many policies to be named, got {named[0]}"
    return spent / FRAMES


def _panned(page: Page) -> float:
    """Likewise, of a frame of accuracy against cost while it is dragged."""
    page.locator("#cost").get_by_role("button", name="Zoom in").click()
    box = page.locator("#cost .pointed").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag() -> None:
        page.mouse.down()
        for step in range(FRAMES):
            page.mouse.move(x + 2 * (step % 30), y + step % 20)
            page.evaluate("new Promise(requestAnimationFrame)")
        page.mouse.up()

    page.mouse.move(x, y)
    return _spent(page, drag) / FRAMES


def _spent(page: Page, act: Callable[[], None]) -> float:
    """Milliseconds of the page's own thread that an act took."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def told() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))

    before = told()
    act()
    return 1000 * (told() - before)


MEASUREMENTS = (
    Measurement(
        {
            "report_megabytes": at_most(3),
            "report_answers_seconds": at_most(3),
            "lineage_frame_ms": at_most(16.7),
            "lineage_frame_all_ms": None,
            "cost_pointed_ms": at_most(16.7),
            "cost_frame_ms": at_most(33),
        },
        report_page,
    ),
)

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        for key, reading in measured(Path(sys.argv[1]), Path(scratch) / "page.html", times=3).items():
            print(f"{key}: {reading.value:.3g} ({reading.note})")
