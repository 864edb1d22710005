"""What evolution is told of a generation, and what the lineage says of it beside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evoswarm.evolution.individual import Individual
from evoswarm.experiment.algorithms import algorithm_of
from evoswarm.experiment.calibrating import calibration_of, genomes_for
from evoswarm.experiment.progress import SILENT
from evoswarm.experiment.scoring import Scoring, scoring_of
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.run_directory import RunDirectory
from evoswarm.space import SearchSpace

Micro = Callable[..., SearchSpace]
Line = tuple[Individual[Any], dict[str, Any]]
ITEMS = 24
SIZES = (f"splits.search={ITEMS}", "evolution.population=4")


def evolved(bench: Workbench, directory: Path) -> tuple[Scoring[Any, Any], list[Line]]:
    """Three generations: the scoring behind them, and every individual with its columns when its line is written."""
    run = RunDirectory(directory)
    representation = genomes_for(bench, lambda alphabet: calibration_of(bench, run, SILENT, alphabet))
    run.close()
    algorithm = algorithm_of(bench.space, representation)
    scoring = scoring_of(bench, algorithm)
    lines: list[Line] = []
    for _ in range(3):
        individuals = algorithm.ask()
        told = scoring.score(individuals, [representation.express(one.genome) for one in individuals])
        algorithm.tell(told)
        lines += [(one, dict(scoring.columns(one))) for one in algorithm.history[len(lines) :]]
    return scoring, lines


@pytest.fixture(scope="module")
def raced(micro: Micro, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Scoring[Any, Any], list[Line]]]:
    """Three generations that raced over rungs of 6 and 24 items."""
    with workbench(micro("racing={rungs: [6]}", *SIZES), ":memory:") as bench:
        yield evolved(bench, tmp_path_factory.mktemp("raced") / "run")


def test_evolution_is_told_a_standard_error_less_than_the_lineage_says(
    raced: tuple[Scoring[Any, Any], list[Line]],
) -> None:
    born = [(one, columns) for one, columns in raced[1] if one.origin.migrated_from is None]
    for individual, columns in born:
        assert individual.objectives == (columns["objectives"][0] - columns["standard_error"],)
        assert (columns["standard_error"] == 0) == (columns["items"] == ITEMS)
    assert {columns["items"] for _, columns in born} == {6, ITEMS}


def test_a_migrant_has_the_columns_of_its_original(raced: tuple[Scoring[Any, Any], list[Line]]) -> None:
    columns = {one.id: known for one, known in raced[1]}
    migrants = [one for one, _ in raced[1] if one.origin.migrated_from is not None]
    assert migrants
    assert all(columns[one.id] == columns[str(one.origin.migrated_from)] for one in migrants)


def test_only_who_was_scored_on_all_items_is_known_on_them(raced: tuple[Scoring[Any, Any], list[Line]]) -> None:
    scoring, lines = raced
    assert {one.key for one, _ in lines} == set(scoring.summaries)
    whole = {digest for digest, summary in scoring.summaries.items() if summary.items == ITEMS}
    assert 0 < len(whole) < len(scoring.summaries)
    assert whole == set(scoring.on_all_items)


def test_without_races_all_are_scored_on_all_items_and_no_line_says_so(micro: Micro, tmp_path: Path) -> None:
    with workbench(micro(*SIZES), ":memory:") as bench:
        scoring, lines = evolved(bench, tmp_path / "run")
    assert all(columns == {} for _, columns in lines)
    assert {summary.items for summary in scoring.on_all_items.values()} == {ITEMS}
    assert scoring.on_all_items == scoring.summaries
    for individual, _ in lines:
        assert individual.objectives == (scoring.summaries[individual.key].accuracy,)
