from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from rich.console import Console

from evoswarm.cli import run
from evoswarm.cli.compare_command import comparison_tables, numbers, words
from evoswarm.errors import RunError, SpaceError
from evoswarm.evolution.algorithms import ALGORITHMS
from evoswarm.evolution.settings import Objective
from evoswarm.space import SearchSpace
from evoswarm.statistics.seeds import Estimate
from evoswarm.study.comparison.asked import allowed, chosen
from evoswarm.study.comparison.compare import compare, variant
from evoswarm.study.comparison.record import SearchRecord
from evoswarm.study.comparison.result import Comparison
from tests.studies import comparison as judgement

EVALUATIONS = 72
"""Two generations of six recipes on six items."""

ONE = (Objective("accuracy"),)
TWO = (Objective("accuracy"), Objective("flops", maximise=False))


def record(algorithm: str = "archipelago", seed: Any = 0, **values: Any) -> Any:
    known = {
        "space": "s",
        "limit": 100,
        "evaluations": (40, 80, 120),
        "best": (0.2, 0.6, 0.8),
        "selection": 0.7,
        "champion": "c",
        "front": ((0.8, 10.0),),
        "worst": (0.0, 30.0),
        "seconds": 1.0,
    }
    return SearchRecord(algorithm=algorithm, seed=seed, **{**known, **values})


def comparison(*searches: Any, objectives: Any = ONE) -> Any:
    algorithms = tuple(dict.fromkeys(one.algorithm for one in searches))
    seeds = tuple(dict.fromkeys(one.seed for one in searches))
    return Comparison("made", objectives, algorithms, seeds, 100, searches, Path("nowhere"))


def test_the_area_is_the_mean_of_the_best_so_far() -> None:
    assert record().area == pytest.approx((40 * 0.2 + 40 * 0.6 + 20 * 0.8) / 100)  # what exceeds the limit is cut off
    assert record(evaluations=(40, 50), best=(0.2, 0.6)).area == pytest.approx((40 * 0.2 + 60 * 0.6) / 100)
    assert [record().at(place) for place in (39, 40, 79, 80, 99, 100)] == [None, 0.2, 0.2, 0.6, 0.6, 0.8]
    assert record().final == 0.8


def test_nothing_has_no_sign() -> None:
    assert words(Estimate(-0.0004, -0.01, 0.0), sign="+") == "0.000 [-0.010, 0.000]"
    assert words(Estimate(-0.0, 0.25, 1.0)) == "0.000 [0.250, 1.000]"
    assert words(Estimate(0.25, None, None), sign="+") == "+0.250"


def test_differences_are_paired_by_seed() -> None:
    """Seeds differ by 0.5, algorithms by 0.1: the interval of the difference is narrow."""
    rows = [
        record(name, seed, best=(0.1, 0.2, level + gain + slip))
        for seed, (level, slip) in enumerate([(0.2, 0.0), (0.7, 0.01)])
        for name, gain in [("random", 0.0), ("archipelago", 0.1 - slip)]
    ]
    made = comparison(*rows)
    assert made.baseline == "archipelago"
    difference = made.difference("final", "random")
    assert difference.mean == pytest.approx(-0.095)
    assert difference.high - difference.low < 0.2 < made.estimate("final", "random").high
    assert comparison(*rows[::2]).baseline == "random"


def test_hypervolumes_of_a_comparison_share_one_box() -> None:
    made = comparison(
        record("archipelago", front=((1.0, 20.0), (0.5, 10.0))),
        record("random", front=((0.5, 20.0),), worst=(0.0, 50.0)),
        objectives=TWO,
    )
    assert made.estimate("hypervolume", "archipelago").mean == pytest.approx(0.5 + 0.5 * 0.75)
    assert made.estimate("hypervolume", "random").mean == pytest.approx(0.5 * 0.75)
    assert "hypervolume" not in comparison(record()).measures


def test_compare_searches_once_and_writes_a_table_a_file_and_a_plot(
    micro: Callable[..., SearchSpace], tmp_path: Path
) -> None:
    space = micro("stop_at.accuracy=0.01", "budget.evaluations=1")
    seen = []

    def go(algorithms: Any, seeds: Any) -> Any:
        return compare(
            space,
            algorithms,
            seeds,
            EVALUATIONS,
            out=tmp_path / "out",
            runs=tmp_path,
            on_search=lambda one, number, count: seen.append((one.algorithm, one.seed, number, count)),
        )

    backend, registered = matplotlib.rcParams["backend"], matplotlib.rcParams.copy()
    first = go(["archipelago", "random"], [3])
    assert seen == [("archipelago", 3, 1, 2), ("random", 3, 2, 2)]
    assert all(
        EVALUATIONS <= one.evaluations[-1] < EVALUATIONS + 36 for one in first.searches
    )  # space's own ends do not count
    kept = (tmp_path / "out" / "searches" / "random-seed3" / "journal.jsonl").stat().st_mtime_ns
    second = go(["archipelago", "random", "tpe"], [3, 4])
    assert len(second.searches) == 6
    assert second.of("random")[0] == first.of("random")[0]
    assert (tmp_path / "out" / "searches" / "random-seed3" / "journal.jsonl").stat().st_mtime_ns == kept
    data = json.loads((tmp_path / "out" / "comparison.json").read_text("utf-8"))
    assert data == second.as_dict()
    assert data["algorithms"]["tpe"]["final"]["by_seed"].keys() == {"3", "4"}
    assert data["algorithms"]["archipelago"]["area"]["less_baseline"] == {"mean": 0, "low": 0, "high": 0}
    assert (tmp_path / "out" / "comparison.png").read_bytes().startswith(b"\x89PNG")
    assert (matplotlib.rcParams["backend"], matplotlib.rcParams) == (backend, registered)
    (table,) = comparison_tables(second, 160)
    narrow = io.StringIO()
    Console(file=narrow, width=45).print(*comparison_tables(second, 45))
    assert all(len(line) <= 45 for line in narrow.getvalue().splitlines())
    shown = narrow.getvalue()
    assert "…" not in shown
    assert all(f"{one.mean:.3f}" in shown for one in (second.estimate(m, "random") for m in second.measures))
    (table_of_one,) = comparison_tables(first, 160)
    assert str(table_of_one.title).endswith("evaluations a search, 1 seed")
    assert [column.header for column in table.columns][1:] == [
        "best on search",
        "area under best-so-far",
        "champion on selection",
    ]
    with pytest.raises(RunError, match="expected a comparison of 100 evaluations, got 72: choose another directory"):
        compare(space, ["random"], [3], 100, out=tmp_path / "out", runs=tmp_path)
    with pytest.raises(RunError, match=r"random-seed3: expected .* one of a comparison, got that of a search"):
        compare(space, ["random"], [3], EVALUATIONS, out=tmp_path / "out" / "searches" / "random-seed3", runs=tmp_path)
    other = micro("splits.search=4")
    with pytest.raises(RunError, match="of this space, got another space"):
        compare(other, ["random"], [3], EVALUATIONS, out=tmp_path / "out", runs=tmp_path)


def test_a_comparison_of_something_else_is_not_replaced(
    micro: Callable[..., SearchSpace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where none of its searches is asked for again, or where their records were taken away."""
    monkeypatch.setattr("evoswarm.study.comparison.compare.search", lambda *_, **__: pytest.fail("a search began"))
    (tmp_path / "random-seed3.json").write_text(record("random", 3, limit=EVALUATIONS).to_json())
    kept = tmp_path / "comparison.json"

    def refused(words: Any, evaluations: Any = EVALUATIONS) -> None:
        with pytest.raises(RunError, match=words + ": choose another directory"):
            compare(micro(), ["tpe"], [0], evaluations, out=tmp_path, runs=tmp_path)

    refused(r"random-seed3\.json: expected a comparison of this space, got another space")
    (tmp_path / "random-seed3.json").unlink()
    for text, said in {
        json.dumps({"space": "other", "evaluations": EVALUATIONS}): "of micro, got one of other",
        json.dumps({"space": "micro", "evaluations": 100}): "of 72 evaluations, got 100",
        '{"my": "notes"}': "which can be continued, got another file",
        "no JSON": "which can be continued, got another file",
        "[]": "which can be continued, got another file",
    }.items():
        kept.write_text(text)
        refused(r"comparison\.json: expected a comparison.*" + said)
        assert kept.read_text() == text
    kept.unlink()
    picture = tmp_path / "comparison.png"
    picture.write_text("mine")
    refused(r"comparison\.png: expected a comparison.* got another file")
    assert picture.read_text() == "mine"


def test_a_variant_differs_in_what_is_compared_only(micro: Callable[..., SearchSpace]) -> None:
    space = micro("stop_at.accuracy=0.01", "evolution.crossover=0.2")
    one = variant(space, "tpe", 200)
    assert (one.evolution.algorithm, one.budget.evaluations, one.stop_at, one.tracking.mlflow) == (
        "tpe",
        200,
        None,
        False,
    )
    assert one.evolution.generations == 12
    assert one.evolution.crossover == 0.2
    assert variant(space, "archipelago", 200).continuation_digest == space.continuation_digest


def test_a_broken_record_is_named(tmp_path: Path) -> None:
    file = tmp_path / "random-seed0.json"
    file.write_text(record().to_json())
    assert SearchRecord.read(file) == record()
    for text in ("{", "[]", '{"seed": 1}'):
        file.write_text(text)
        with pytest.raises(RunError, match="expected the record of a search"):
            SearchRecord.read(file)


def test_seeds_are_ranges_and_numbers() -> None:
    assert numbers("0-3, 7") == (0, 1, 2, 3, 7)
    assert numbers("5") == (5,)
    for text in ("9-0", "", "a", "1-", "-1", "1,,2", "0-99999999", "٣"):
        with pytest.raises(SpaceError, match=r"--seeds: expected seeds such as 0-9 or 0,3,7, got"):
            numbers(text)
    with pytest.raises(SpaceError, match="seeds that differ"):
        numbers("0-3,2")


def test_algorithms_are_names(micro: Callable[..., SearchSpace]) -> None:
    assert chosen(["tpe", "random"]) == ["tpe", "random"]
    with pytest.raises(SpaceError, match="twice"):
        chosen(["tpe", "tpe"])
    assert "cmaes" in allowed(micro())
    assert "cmaes" not in allowed(micro("objectives=[accuracy, flops]"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--algorithms", "archipelago,genetic"], "--algorithms: expected algorithms of archipelago, island, "),
        (
            ["--algorithms", ","],
            "--algorithms: expected names of algorithms with commas between them, such as archipelago,random, got ','",
        ),
        (["--seeds", "9-0"], "--seeds: expected seeds such as 0-9"),
        (
            ["--evaluations", "35"],
            "--evaluations: expected at least 36 (one generation of 6 recipes on 6 items), got 35",
        ),
        (
            ["--algorithms", "cmaes", "--set", "objectives=[accuracy, flops]"],
            "--algorithms: expected algorithms for 2 objectives (archipelago, island, random, tpe, nsga2, comocatcma), "
            "got 'cmaes', which optimises 1 objective",
        ),
    ],
)
def test_wrong_input_is_one_sentence(
    space_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: Any,
    message: Any,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["compare", str(space_file), *arguments]
    assert run(given if "--evaluations" in arguments else [*given, "--evaluations", "72"]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert not list(tmp_path.iterdir())


def test_the_command_prints_searches_and_a_table(
    space_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["--algorithms", "random,nsga2", "--seeds", "0,1", "--evaluations", "36", "--out", "out"]
    given = ["compare", str(space_file), *arguments, "--set", "objectives=[accuracy, flops]"]
    assert run(given) == 0
    said, told = capsys.readouterr()
    assert "1/4 random, seed 0: best " in told
    assert "  hypervolume             share of the box" in said  # every column is explained
    assert "[" in said.split("nsga2")[-1]  # intervals are not taken for markup
    assert "comparison.png" in said
    assert run([*given, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_the_judgement_compares_with_random_search_and_with_the_best_rival() -> None:
    def row(**fresh: Any) -> Any:
        return {name: {"fresh": fresh.get(name, 0.1), "area": 0.5, "final": 0.6} for name in ALGORITHMS}

    records = {
        f"tokens-{seed}": {"space": "tokens", "algorithms": row(archipelago=0.8 + slip, random=0.7 + slip, tpe=0.81)}
        for seed, slip in ((100, 0.0), (101, 0.01))
    }
    found = judgement.figures(records)
    assert found["tokens_less_random"].value == pytest.approx(10)
    assert found["tokens_less_best_rival"].value == pytest.approx(-0.5)
    assert "archipelago - tpe: -0.50" in found["tokens_less_best_rival"].note
    assert judgement.STUDY.goals["tokens_less_best_rival"].reached(found["tokens_less_best_rival"].value)  # type: ignore[arg-type]
    assert found["quickstart_less_random"].value is None
    assert found.keys() == judgement.STUDY.goals.keys()


def test_an_interval_over_few_seeds_stays_within_what_accuracies_can_be() -> None:
    wide = Estimate.of([0.8, 1.0])
    assert wide.low is not None
    assert wide.high is not None
    assert wide.low < 0
    assert wide.high > 1
    assert wide.within(0.0, 1.0) == Estimate(wide.mean, 0.0, 1.0)
    assert Estimate.of([0.5]).within(0.0, 1.0) == Estimate(0.5, None, None)
