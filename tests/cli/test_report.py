"""The command ``report``."""

from __future__ import annotations

import os
import shutil
import webbrowser
from pathlib import Path

from evoswarm.experiment.result import SearchResult
from evoswarm.run_directory import REPORT
from tests.cli.conftest import Command
from tests.report.test_writing import data_of


def test_a_search_ends_with_its_page_and_the_command_writes_the_same(
    command: Command, finished: SearchResult, tmp_path: Path
) -> None:
    assert (finished.directory / REPORT, "all of it as one page: open it in a browser") in finished.written()
    run = shutil.copytree(finished.directory, tmp_path / finished.directory.name)
    os.remove(run / REPORT)
    outcome = command("report", run.name)
    assert (outcome.code, outcome.out) == (0, f"Written: {Path(run.name, REPORT)}\n"), outcome.error
    assert (run / REPORT).read_bytes() == (finished.directory / REPORT).read_bytes()


def test_a_page_goes_elsewhere_where_its_user_says(command: Command, finished: SearchResult, tmp_path: Path) -> None:
    run = shutil.copytree(finished.directory, tmp_path / "moved")
    assert command("report", run, "--out", "own.html").code == 0
    assert command("report", run, "--out", "own.html").code == 2
    assert command("report", run, "--out", "own.html", "--overwrite").code == 0
    assert command("report", run, "--out", run / REPORT).code == 0, "its own page may always be written anew"
    assert Path("own.html").read_bytes() == (run / REPORT).read_bytes()
    assert data_of(Path("own.html"))["runs"][0]["name"] == "moved"


def test_a_browser_is_told_to_open_it(command: Command, finished: SearchResult, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\nprintf %s \"$1\" > '{tmp_path}/asked'\n")
    browser.chmod(0o700)
    webbrowser.register("told", None, webbrowser.GenericBrowser([str(browser), "%s"]), preferred=True)
    assert command("report", finished.directory, "--out", "an own.html", "--open").code == 0
    assert (tmp_path / "asked").read_text() == (tmp_path / "an own.html").as_uri()
