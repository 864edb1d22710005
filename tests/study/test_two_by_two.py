"""The 2 x 2: what is compared, that it is compared fairly, and that it goes on where it ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from evoswarm.cli import run
from evoswarm.errors import SpaceError
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.space import SearchSpace
from evoswarm.study.two_by_two.pair import check_spaces
from evoswarm.study.two_by_two.searches import HeldOutScores, SeedResult, search_both
from evoswarm.study.two_by_two.values import compare, two_by_two
from tests.conftest import MICRO

SPACES = Path(__file__).parents[2] / "search_spaces"
POOLS = ("same", "cross")


def side(*scores: float, task: str = "sums") -> HeldOutScores:
    return HeldOutScores(("x alone.",), {task: scores}, 1.0, 10)


def made(mixing: HeldOutScores, voting: HeldOutScores, seed: int = 0, items: str = "the same") -> SeedResult:
    return SeedResult(("a", "b"), seed, items, dict.fromkeys(mixing.scores, 1.0), mixing, voting)


def test_the_coordination_value_is_what_mixing_scores_beyond_voting() -> None:
    same = [made(side(1, 1, 0, 0), side(1, 0, 0, 0)), made(side(1, 1, 1, 0), side(1, 0, 0, 0), seed=1)]
    cross = [made(side(1, 1, 1, 1), side(0, 0, 0, 0)), made(side(1, 1, 1, 1), side(1, 1, 1, 1), seed=1)]
    found = compare(same, cross)
    assert found.same.mixing == pytest.approx(5 / 8)
    assert found.same.voting == pytest.approx(2 / 8)
    assert found.same.value.value == pytest.approx(3 / 8)
    assert found.same.by_seed == pytest.approx((1 / 4, 2 / 4))
    assert found.cross.value.value == pytest.approx(4 / 8)
    assert found.cross.by_seed == pytest.approx((1.0, 0.0))
    assert found.difference.value == pytest.approx(1 / 8)
    assert found.difference_by_seed == pytest.approx((3 / 4, -2 / 4))
    assert found.difference.low < 1 / 8 < found.difference.high
    assert (found.seeds, found.items) == ((0, 1), 4)


def test_failed_items_are_counted_and_said() -> None:
    lost = made(replace(side(1, 0), failures=1), side(1, 1))
    whole = made(side(1, 1), side(1, 1))
    assert SeedResult.from_dict(json.loads(json.dumps(lost.to_dict()))) == lost
    found = compare([lost, replace(lost, seed=1)], [whole, replace(whole, seed=1)])
    assert (found.same.failures, found.cross.failures) == ((2, 0), (0, 0))
    said = [line for line in found.lines() if line.startswith("failed")]
    assert said == ["failed, same architecture: mixing on 2 test items, voting on 0; they count as wrong"]
    assert found.as_dict()["same"]["failures"] == (2, 0)


def test_tasks_count_by_their_weight_whatever_their_items() -> None:
    mixing = replace(side(1, 1, 1, 1), scores={"sums": (1.0,) * 4, "words": (0.0, 0.0)})
    voting = replace(mixing, scores={"sums": (0.0,) * 4, "words": (0.0, 1.0)})
    one = replace(made(mixing, voting), weights={"sums": 1.0, "words": 3.0})
    found = compare([one], [one])
    assert found.same.value.value == pytest.approx(0.25 * 1 - 0.75 * 0.5)
    assert found.same.by_task == {"sums": 1.0, "words": -0.5}
    assert found.difference.value == 0.0


def test_pools_are_compared_item_by_item() -> None:
    """Both pools win the same items: had they been compared as strangers, the interval would be far wider."""
    rng = Random(0)
    wins = [float(rng.random() < 0.5) for _ in range(400)]
    shuffled = rng.sample(wins, len(wins))
    none = side(*[0.0] * 400)
    paired = compare([made(side(*wins), none)], [made(side(*wins), none)]).difference
    strangers = compare([made(side(*wins), none)], [made(side(*shuffled), none)]).difference
    assert paired.value == pytest.approx(0.0) == strangers.value
    assert paired.high - paired.low < 0.03
    assert strangers.high - strangers.low == pytest.approx(2 * 1.96 * (0.5 / 400) ** 0.5, rel=0.15)


def test_seeds_that_disagree_widen_the_intervals() -> None:
    """Per item the two seeds of either pair average to the same; one seed after the other they do not."""
    even = [side(*[1.0, 0.0] * 50), side(*[0.0, 1.0] * 50)]
    uneven = [side(*[1.0] * 100), side(*[0.0] * 100)]
    none = side(*[0.0] * 100)
    calm, restless = (
        compare(*[[made(mixing, none, seed) for seed, mixing in enumerate(pair)]] * 2).same for pair in (even, uneven)
    )
    assert calm.value.value == restless.value.value == pytest.approx(0.5)
    assert calm.by_seed == pytest.approx((0.5, 0.5))
    assert calm.value.high - calm.value.low < 0.07
    assert restless.by_seed == (1.0, 0.0)
    assert restless.value.low == pytest.approx(-1.0)  # two seeds, one degree of freedom: nothing is known
    nothing = [made(none, none, seed) for seed in (0, 1)]
    moved = compare(nothing, [made(mixing, none, seed) for seed, mixing in enumerate(uneven)])
    assert moved.difference_by_seed == (1.0, 0.0)
    assert moved.difference.low < -0.9
    one = compare([made(uneven[0], none)], [made(uneven[0], none)]).same
    assert one.value.high - one.value.low < 0.07


def test_a_difference_of_one_pool_that_does_nothing_is_the_value_of_the_other() -> None:
    """Items and seeds: halving the scores, and doubling their interval again, changes hardly anything."""
    rng = Random(1)
    draws = [[float(rng.random() < chance) for _ in range(400)] for chance in (0.6, 0.7, 0.65)]
    none = side(*[0.0] * 400)
    nothing = [made(none, none, seed) for seed in range(3)]
    something = [made(side(*scores), none, seed) for seed, scores in enumerate(draws)]
    found = compare(nothing, something)
    assert found.difference.value == pytest.approx(found.cross.value.value)
    assert found.difference.low == pytest.approx(found.cross.value.low, abs=0.01)
    assert found.difference.high == pytest.approx(found.cross.value.high, abs=0.01)


def test_seeds_that_all_agree_leave_the_items_uncertain() -> None:
    scores = side(*[1.0] * 12, *[0.0] * 8), side(*[1.0] * 10, *[0.0] * 10)
    even = [made(scores[1], scores[1], seed) for seed in range(5)]
    ahead = [made(*scores, seed) for seed in range(5)]
    found = compare(even, ahead)
    assert found.difference_by_seed == pytest.approx((0.1,) * 5)
    assert found.difference.low < 0 < 0.1 < found.difference.high
    assert "No difference" in found.sentence


def test_the_sentence_says_which_way_and_only_when_it_is_proven() -> None:
    good, bad = side(*[1.0] * 200), side(*[0.0] * 200)
    gains, gains_not = made(good, bad), made(good, good)
    assert "gains more over voting across" in compare([gains_not], [gains]).sentence
    assert "gains less over voting across" in compare([gains], [gains_not]).sentence
    assert "No difference" in compare([gains], [gains]).sentence
    lines = compare([gains_not], [gains]).lines()
    assert any(line.startswith("across architectures") and "+100.0" in line for line in lines)


@pytest.mark.parametrize("other", [{"seed": 1}, {"items": "others"}])
def test_only_the_same_seeds_and_items_are_compared(other: dict[str, object]) -> None:
    one = made(side(1), side(0))
    with pytest.raises(ValueError, match="the same seeds"):
        compare([one], [replace(one, **other)])  # type: ignore[arg-type]


def test_a_result_survives_a_file() -> None:
    one = made(side(1, 0, 1), side(0.25, 1, 0))
    data = json.loads(json.dumps(one.to_dict()))
    assert data["mixing"]["scores"] == {"sums": "101"}
    assert SeedResult.from_dict(data) == one


def test_spaces_that_differ_in_more_than_their_pools_are_refused() -> None:
    same = SearchSpace.from_yaml(SPACES / "two-by-two-same.yaml")
    check_spaces(same, SearchSpace.from_yaml(SPACES / "two-by-two-cross.yaml", ("seed=7",)))
    with pytest.raises(SpaceError, match="expected the same splits as in two-by-two-same") as caught:
        check_spaces(same, SearchSpace.from_yaml(SPACES / "two-by-two-cross.yaml", ("splits.test=1100",)))
    assert caught.value.where is not None
    assert caught.value.where.path == "splits"
    with pytest.raises(SpaceError, match="a name of its own"):
        check_spaces(same, same)
    spaces = [SearchSpace.from_yaml(SPACES / f"two-by-two-{half}.yaml", ("genome.kind=vote",)) for half in POOLS]
    with pytest.raises(SpaceError, match="expected mix"):
        check_spaces(*spaces)


def test_both_searches_are_fair_and_a_second_one_decodes_nothing(
    micro: Callable[..., SearchSpace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = []
    evaluate = Evaluator._decode
    monkeypatch.setattr(Evaluator, "_decode", lambda self, batch: decoded.append(len(batch)) or evaluate(self, batch))  # type: ignore[func-returns-value]
    first = search_both(micro(), 3, runs=tmp_path)
    assert first.voting.evaluations >= first.mixing.evaluations > 0
    for run_of, kind in (("micro-seed3", None), ("micro-seed3-vote", "kind: vote")):
        written = (tmp_path / "two-by-two" / run_of / "space.yaml").read_text()
        assert "seed: 3\n" in written
        assert ("kind: vote" in written) == (kind is not None)
    assert {task: len(scores) for task, scores in first.mixing.scores.items()} == {"spell": 3, "sum": 3}
    assert decoded
    decoded.clear()
    assert search_both(micro(), 3, runs=tmp_path) == first
    assert not decoded


def test_the_command_prints_the_table(
    pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = MICRO.format(pool=pool).replace("generations: 3, islands: 2", "generations: 1, islands: 1")
    (tmp_path / "a.yaml").write_text(small)
    (tmp_path / "b.yaml").write_text(small.replace("name: micro", "name: other").replace("/llama-a", "/llama-b", 1))
    monkeypatch.chdir(tmp_path)
    assert run(["two-by-two", "a.yaml", "b.yaml", "--seeds", "2", "--set", "splits.test=4"]) == 0
    shown = capsys.readouterr()
    assert "4 test items, seeds 0, 1" in shown.out
    assert "other, seed 1: searching for a vote" in shown.err
    kept = json.loads((tmp_path / "runs" / "two-by-two" / "micro-other.json").read_text())
    assert kept["seeds"] == [0, 1]
    spaces = [SearchSpace.from_yaml(f"{name}.yaml", ("splits.test=4",)) for name in "ab"]
    assert json.loads(json.dumps(two_by_two(spaces[0], spaces[1], [0, 1]).as_dict())) == kept
    assert run(["two-by-two", "a.yaml", "b.yaml", "--seeds", "0"]) == 2
