"""Searches that race: what they write, spend and refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import SpaceError
from evoswarm.evolution.algorithms import ISLANDS
from evoswarm.evolution.batch_search import BatchSearch
from evoswarm.evolution.settings import Objective
from evoswarm.experiment.calibrating import calibration_of, genomes_for
from evoswarm.experiment.figures import GenerationFigures
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.scoring import scoring_of
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import workbench
from evoswarm.run_directory import RunDirectory
from evoswarm.space import SearchSpace
from tests.experiment.runs import as_chosen

Micro = Callable[..., SearchSpace]
RACING = ("racing={rungs: [6, 0.5]}", "splits.search=24", "evolution.population=4", "evolution.gold.founders=false")
"""Small, with rungs in numbers and in shares."""
OUTCOMES = ("individuals.jsonl", "front.json")


@pytest.fixture(scope="module")
def swarm(micro: Micro) -> Swarm:
    """The micro pool, loaded once."""
    return Swarm.load(micro().pool)


@pytest.fixture(scope="module")
def raced(micro: Micro, swarm: Swarm, tmp_path_factory: pytest.TempPathFactory) -> SearchResult:
    """A search with racing that ended."""
    return search(micro(*RACING), runs=tmp_path_factory.mktemp("raced"), swarm=swarm, certify=False)


def lines(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "individuals.jsonl").read_text().splitlines()]


def test_every_line_tells_items_and_standard_error(raced: SearchResult) -> None:
    rows = lines(raced.directory)
    assert {row["items"] for row in rows} == {6, 12, 24}
    for row in rows:
        assert (row["standard_error"] == 0) == (row["items"] == 24)
        if row["items"] == 24:
            assert row["objectives"] == [row["accuracy"]]
    carried = {row["id"]: (row["items"], row["standard_error"]) for row in rows}
    migrants = [row for row in rows if row["migrated_from"]]
    assert migrants
    assert all(carried[row["id"]] == carried[row["migrated_from"]] for row in migrants)


def test_without_racing_no_line_tells(finished: SearchResult) -> None:
    assert not any({"items", "standard_error"} & set(row) for row in lines(finished.directory))


def test_finalists_were_scored_on_all_items(raced: SearchResult) -> None:
    names = json.loads((raced.directory / "front.json").read_text())["search_accuracy"]
    items = {row["id"]: row["items"] for row in lines(raced.directory)}
    assert names
    assert {items[name] for name in names} == {24}


def test_a_race_is_replayed_to_the_same_bytes(micro: Micro, raced: SearchResult, swarm: Swarm, tmp_path: Path) -> None:
    short = search(micro(*RACING, "evolution.generations=1"), runs=tmp_path, swarm=swarm, certify=False)
    figures: list[GenerationFigures] = []
    more = search(
        micro(*RACING), runs=tmp_path, swarm=swarm, certify=False, progress=Progress(generation=figures.append)
    )
    assert more.directory == short.directory
    assert [one.replayed for one in figures] == [True, False, False]
    assert figures[0].decoded == 0
    for name in OUTCOMES:
        assert (more.directory / name).read_bytes() == (raced.directory / name).read_bytes()
    assert as_chosen(more.directory) == as_chosen(raced.directory)


def test_a_budget_counts_what_the_race_asked_for(
    micro: Micro, raced: SearchResult, swarm: Swarm, tmp_path: Path
) -> None:
    figures: list[GenerationFigures] = []
    search(micro(*RACING), runs=tmp_path, swarm=swarm, certify=False, progress=Progress(generation=figures.append))
    first = {row["key"]: row["items"] for row in lines(raced.directory) if row["generation"] == 0}
    assert figures[0].evaluations == sum(first.values()) < 24 * len(first)
    for limit, generations in [(figures[1].evaluations, 2), (figures[1].evaluations + 1, 3)]:
        out = tmp_path / str(limit)
        ended = search(
            micro(*RACING, f"budget.evaluations={limit}"), runs=tmp_path, out=out, swarm=swarm, certify=False
        )
        assert ended.generations == generations


def test_a_rung_of_all_items_changes_nothing_but_what_lines_tell(
    micro: Micro, finished: SearchResult, swarm: Swarm, tmp_path: Path
) -> None:
    result = search(micro("racing={rungs: [6]}"), runs=tmp_path, swarm=swarm, certify=False)
    told = [{k: v for k, v in row.items() if k not in ("items", "standard_error")} for row in lines(result.directory)]
    assert told == lines(finished.directory)
    assert result.champion == finished.champion


@pytest.mark.parametrize(
    ("racing", "message"),
    [
        ("{rungs: []}", r"racing\.rungs"),
        ("{rungs: [1]}", r"racing\.rungs\.0: expected 2 \(one item of every task\) to 6 \(all search items\), got 1"),
        ("{rungs: [4, 7]}", r"racing\.rungs\.1: expected 2 .* to 6 \(all search items\), got 7"),
        ("{rungs: [0.1]}", r"racing\.rungs\.0: expected 2 .*, got 0\.1, which is 1"),
        ("{rungs: [4, 0.5]}", r"racing\.rungs\.1: expected more items than the rung before, got 4 and 3"),
        ("{rungs: [1.5]}", r"racing\.rungs\.0"),
        ("{rungs: [4], keep: 3}", r"racing\.keep"),
    ],
)
def test_rungs_that_make_no_race_are_refused(micro: Micro, racing: str, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        micro(f"racing={racing}")


def test_a_front_has_no_place_to_race_for(micro: Micro) -> None:
    with pytest.raises(SpaceError, match=r"racing: expected null .*one objective.*, got rungs and 2 objectives"):
        micro("racing={rungs: [4]}", "objectives=[accuracy, flops]")


@pytest.mark.parametrize("algorithm", ["random", "tpe", "cmaes", "nsga2", "catcma", "particles"])
def test_who_has_no_islands_has_no_places_either(micro: Micro, algorithm: str) -> None:
    with pytest.raises(SpaceError, match=rf"racing: expected null \({algorithm} has no islands"):
        micro("racing={rungs: [4]}", f"evolution.algorithm={algorithm}")
    assert micro("racing={rungs: [4]}", "evolution.algorithm=island").racing is not None


def test_an_algorithm_without_islands_cannot_race(micro: Micro, swarm: Swarm, tmp_path: Path) -> None:
    with workbench(micro("racing={rungs: [4]}"), ":memory:", swarm=swarm) as bench:
        run = RunDirectory(tmp_path / "run")
        representation = genomes_for(bench, lambda alphabet: calibration_of(bench, run, SILENT, alphabet))
        run.close()
        with pytest.raises(ValueError, match="expected an archipelago to race on, got BatchSearch"):
            scoring_of(bench, BatchSearch(ISLANDS["random"], representation, [Objective("accuracy")], 0))
