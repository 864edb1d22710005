"""Which run a search is, foreseen from files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from evoswarm.errors import RunError
from evoswarm.experiment.files.beginning import Beginning, beginning
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.run_directory import INDIVIDUALS
from evoswarm.space import SearchSpace
from tests.experiment.runs import copied

Micro = Callable[..., SearchSpace]


def test_a_first_run_is_new(micro: Micro, tmp_path: Path) -> None:
    assert beginning(micro(), tmp_path, None) == Beginning("micro", 0, tmp_path / "micro-seed0")
    assert beginning(micro("seed=4"), tmp_path, tmp_path / "mine") == Beginning("micro", 4, tmp_path / "mine")
    assert not list(tmp_path.iterdir())


def test_an_ended_search_begins_anew_unless_it_may_go_on(micro: Micro, finished: SearchResult) -> None:
    runs, run = finished.directory.parent, finished.directory
    assert beginning(micro(), runs, None) == Beginning("micro", 0, runs / "micro-seed0-2", before=run)
    longer = beginning(micro("evolution.generations=4"), runs, None)
    scored = len((run / INDIVIDUALS).read_text().splitlines())
    assert longer == Beginning("micro", 0, run, True, 3, scored)
    assert beginning(micro(), runs, run) == longer


def test_what_has_changed_since_the_latest_run_of_that_name(micro: Micro, finished: SearchResult) -> None:
    runs, run = finished.directory.parent, finished.directory
    changed = beginning(micro("noise_seed=3", "evolution.population=4"), runs, None)
    assert (changed.directory, changed.continues, changed.before) == (runs / "micro-seed0-2", False, run)
    assert [str(one) for one in changed.changes] == ["noise_seed: 0 -> 3", "evolution.population: 3 -> 4"]
    assert not beginning(micro("noise_seed=3", "seed=1"), runs, None).changes, "another seed has runs of its own"
    with pytest.raises(RunError, match=r"settings differ: noise_seed: 0 -> 3$"):
        beginning(micro("noise_seed=3"), runs, run)


def test_a_space_that_cannot_be_read_any_more_is_no_obstacle(
    micro: Micro, finished: SearchResult, tmp_path: Path
) -> None:
    run = copied(finished, tmp_path / "runs")
    (run / "space.yaml").write_text("name: [")
    assert beginning(micro("noise_seed=3"), run.parent, None).changes == ()


def test_the_search_is_the_run_that_was_foreseen(micro: Micro, tmp_path: Path) -> None:
    told: list[Beginning] = []
    space = micro("alphabet=auto", "evolution.generations=1")
    foreseen = beginning(space, tmp_path, None)
    result = search(space, runs=tmp_path, certify=False, progress=Progress(begun=told.append))
    assert told == [foreseen]
    assert foreseen.directory == result.directory
    again = beginning(micro("alphabet=auto", "evolution.generations=2"), tmp_path, None)
    assert (again.directory, again.continues, again.generations) == (result.directory, True, 1)
