"""Pages of runs: what is written of which run, and that searches and certificates end with them."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evoswarm import write_report
from evoswarm.errors import RunError
from evoswarm.experiment.certification import certify
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.run_directory import INDIVIDUALS, JOURNAL, REPORT, SPACE, RunDirectory
from evoswarm.space import SearchSpace
from tests.experiment.runs import copied


def data_of(page: Path) -> dict[str, Any]:
    """What the scripts of a page find in it."""
    packed = re.search(r'id="data">([^<]*)<', page.read_text(encoding="utf-8"))
    assert packed is not None
    data: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(packed[1])))
    return data


def test_a_search_at_work_is_shown_as_far_as_it_is(finished: SearchResult, tmp_path: Path) -> None:
    """Nor is its directory held, by whoever writes it or by the page."""
    run = tmp_path / "begun"
    run.mkdir()
    shutil.copy(finished.directory / SPACE, run)
    assert data_of(write_report(run))["runs"][0]["sections"]["individuals"] is None
    lines = (finished.directory / INDIVIDUALS).read_text().splitlines(keepends=True)
    (run / INDIVIDUALS).write_text("".join(lines[:7]) + lines[7][:20])
    (run / JOURNAL).write_text((finished.directory / JOURNAL).read_text().splitlines(keepends=True)[0])
    directory = RunDirectory(run)
    try:
        page = write_report(run)
        directory.journal("interrupted")
    finally:
        directory.close()
    sections = data_of(page)["runs"][0]["sections"]
    assert len(sections["individuals"]["id"]) == 7
    assert sections["verdict"]["outcome"] == "unfinished"


def test_a_certificate_ends_with_the_page_and_a_page_that_cannot_be_written_costs_nothing_else(
    finished: SearchResult, tmp_path: Path
) -> None:
    run = copied(finished, tmp_path / "runs")
    os.remove(run / REPORT)
    certify(run)
    assert (run / REPORT).read_bytes() == (finished.directory / REPORT).read_bytes()
    os.remove(run / REPORT)
    (run / REPORT / "taken").mkdir(parents=True)
    told: list[str] = []
    assert certify(run, progress=Progress(note=told.append)) == finished.certificate
    (said,) = [note for note in told if REPORT in note]
    assert "could not be written" in said
    assert f"evoswarm report {run} tries again" in said


class TestSideBySide:
    def test_runs_of_one_space(self, micro: Callable[..., SearchSpace], finished: SearchResult, tmp_path: Path) -> None:
        runs = [shutil.copytree(finished.directory, tmp_path / "one")]
        for name, override in (("two", "seed=1"), ("three", "evolution.algorithm=random")):
            space = micro(override)
            runs.append(tmp_path / name)
            runs[-1].mkdir()
            (runs[-1] / SPACE).write_text(space.to_yaml())
        page = write_report(runs)
        assert page == tmp_path / "micro-compared.html"
        assert [run["name"] for run in data_of(page)["runs"]] == ["one", "two", "three"]

    def test_what_differs_in_more_is_refused(
        self, micro: Callable[..., SearchSpace], finished: SearchResult, tmp_path: Path
    ) -> None:
        (tmp_path / SPACE).write_text(micro("genome.max_members=1").to_yaml())
        with pytest.raises(RunError, match=r"genome\.max_members: expected runs of one space.* 4 -> 1|-> 1"):
            write_report([finished.directory, tmp_path], out=tmp_path / "page.html")
        assert not (tmp_path / "page.html").exists()


def test_without_a_certificate_too(micro: Callable[..., SearchSpace], tmp_path: Path) -> None:
    result = search(micro("evolution.generations=1"), runs=tmp_path, certify=False)
    assert data_of(result.directory / REPORT)["runs"][0]["sections"]["verdict"]["outcome"] == "none"
