from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evoswarm.errors import SpaceError
from evoswarm.evolution.algorithms import ALGORITHMS
from evoswarm.experiment.algorithms import generation_size
from evoswarm.experiment.session import search
from evoswarm.genomes.archipelago_settings import island_settings
from evoswarm.space import SearchSpace
from tests.evolution.hill_climbing import ENTRY

RIVALS = ("island", "random", "tpe", "cmaes", "nsga2", "catcma", "particles")


def lineage(result: Any) -> Any:
    return [json.loads(line) for line in (result.directory / "individuals.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("algorithm", [*RIVALS, "hill_climbing"])
def test_any_algorithm_searches_and_replays(
    micro: Callable[..., SearchSpace], tmp_path: Path, algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second go over the first one's directory compares every line; a third, elsewhere, makes the same ones.

    Hill climbing is new: its file and its entry are all it takes.
    """
    monkeypatch.setitem(ALGORITHMS, "hill_climbing", ENTRY)
    space = micro(f"evolution.algorithm={algorithm}")
    first = search(space, runs=tmp_path, out=tmp_path / "first")
    rows = lineage(first)
    assert len(rows) == 18
    assert {row["island"] for row in rows} == {0}
    assert {"uniform", "single:llama-a", "single:llama-b"} <= {row["operator"] for row in rows}
    text = (first.directory / "individuals.jsonl").read_bytes()
    longer = micro(f"evolution.algorithm={algorithm}", "evolution.generations=4")
    search(longer, runs=tmp_path, out=tmp_path / "first")
    assert (first.directory / "individuals.jsonl").read_bytes().startswith(text)
    again = search(space, runs=tmp_path, out=tmp_path / "again")
    assert (again.directory / "individuals.jsonl").read_bytes() == text
    assert again.champion == first.champion


def test_islands_of_different_algorithms_race_and_replay(micro: Callable[..., SearchSpace], tmp_path: Path) -> None:
    """Migration, races and lineage know no difference between islands."""
    islands = "evolution.islands=[{}, {algorithm: catcma}, {algorithm: particles}]"
    space = micro(islands, "evolution.generations=4", "evolution.migration.every=1", "racing={rungs: [4]}")
    first = search(space, runs=tmp_path, out=tmp_path / "first")
    rows = lineage(first)
    assert {row["island"] for row in rows if row["operator"] == "migration"} == {0, 1, 2}
    assert {row["operator"] for row in rows if row["island"] == 2} >= {"particles", "migration"}
    again = search(space, runs=tmp_path, out=tmp_path / "again")
    assert lineage(again) == rows


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (("evolution.islands=[{}, {algorithm: tp}]",), r"islands\.1\.algorithm: expected one of genetic, .*, got 'tp'"),
        (
            ("evolution.islands=[{algorithm: catcma}]", "objectives=[accuracy, flops]"),
            r"islands\.0\.algorithm: expected an algorithm for 2 objectives \(catcma optimises 1 objective; "
            r"objective_weights make one of them\), got 'catcma'",
        ),
        (
            ("evolution.islands=[{algorithm: comocatcma}]",),
            r"islands\.0\.algorithm: expected an algorithm for 1 objective \(comocatcma optimises 2 objectives\)",
        ),
        (
            ("evolution.islands=[{algorithm: tpe, mutation: 0.5}]",),
            r"islands\.0\.mutation: expected null \(tpe has no such setting\), got 0\.5",
        ),
        (
            ("evolution.islands=[{algorithm: tpe}]", "evolution.algorithm=random"),
            r"islands\.0\.algorithm: expected null \(the algorithm of the whole search is random\), got 'tpe'",
        ),
        (("evolution.algorithm=comocatcma",), r"expected an algorithm for 1 objective \(comocatcma optimises 2 obj"),
    ],
)
def test_algorithms_of_islands_that_cannot_be_are_refused(
    micro: Callable[..., SearchSpace], settings: tuple[str, ...], expected: str
) -> None:
    with pytest.raises(SpaceError, match=expected):
        micro(*settings)


def test_an_island_whose_objectives_are_weighted_may_have_who_optimises_one(micro: Callable[..., SearchSpace]) -> None:
    weighted = "evolution.islands=[{algorithm: particles, objective_weights: {accuracy: 1.0, flops: 0.1}}, {}]"
    assert micro(weighted, "objectives=[accuracy, flops]").evolution.algorithm == "archipelago"


def test_islands_that_say_nothing_of_their_algorithm_have_the_digest_of_before(
    micro: Callable[..., SearchSpace],
) -> None:
    space = micro("evolution.islands=[{}, {population: 5}]")
    assert all("algorithm" not in island for island in space.identity["evolution"]["islands"])
    other = micro("evolution.islands=[{}, {population: 5, algorithm: tpe}]")
    assert space.continuation_digest != other.continuation_digest


def test_the_algorithm_is_part_of_what_makes_a_run_the_same(micro: Callable[..., SearchSpace]) -> None:
    digests = {micro(f"evolution.algorithm={name}").continuation_digest for name in ("archipelago", *RIVALS)}
    assert len(digests) == 1 + len(RIVALS)
    assert micro().continuation_digest in digests


def test_one_island_is_as_large_as_the_archipelago(micro: Callable[..., SearchSpace]) -> None:
    space = micro("evolution.islands=[{population: 4, elites: 1}, {}]")
    assert generation_size(space) == 7
    (island,) = island_settings(space).islands
    assert (island.population, island.elites) == (7, 3)
    assert island_settings(space).migration.topology == "unconnected"


def test_an_algorithm_for_one_objective_is_refused_for_two(micro: Callable[..., SearchSpace]) -> None:
    expected = r"evolution.algorithm: expected an algorithm for 2 objectives \(cmaes optimises 1 objective\)"
    with pytest.raises(SpaceError, match=expected):
        micro("evolution.algorithm=cmaes", "objectives=[accuracy, flops]")
    assert micro("evolution.algorithm=nsga2", "objectives=[accuracy, flops]").evolution.algorithm == "nsga2"


def test_an_algorithm_that_nobody_knows_is_refused(micro: Callable[..., SearchSpace]) -> None:
    with pytest.raises(
        SpaceError, match=r"evolution\.algorithm: expected one of archipelago, .*particles, got 'hill_climb"
    ):
        micro("evolution.algorithm=hill_climbing")
