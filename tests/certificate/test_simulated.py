"""The simulated searches in small: `make studies` draws thousands of them (``tests/studies/simulated.py``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from evoswarm.evaluation.candidate import Candidate
from evoswarm.evaluation.cost import Cost, MemberCost
from evoswarm.evaluation.evaluation import Evaluation, Summary, summarize
from evoswarm.experiment.finalists import Finalist
from evoswarm.experiment.selection import select
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.tasks.task import Item
from tests.studies import simulated


def test_the_interval_holds_on_test_items_and_not_on_search_items() -> None:
    figures = simulated.coverage(600, seed=7)
    assert 0.93 <= figures["test"] <= 0.97
    assert figures["search"] < 0.75
    assert 0.03 < figures["best_on_search_less_truth"] < 0.07


def test_records_of_before_are_read() -> None:
    """What they lack is told of those that have it."""
    whole = simulated.coverage(2, seed=7)
    old = {key: value for key, value in whole.items() if key not in ("accurate_less_thrifty", "log_flops_ratio")}
    alone, both = (
        simulated.STUDY.figures(records) for records in ({"coverage-0": old}, {"coverage-0": old, "coverage-1": whole})
    )
    assert alone["test_coverage"].value == whole["test"]
    assert alone["accurate_less_thrifty"].value is None
    assert both["accurate_less_thrifty"].value == whole["accurate_less_thrifty"]


def test_the_verdict_errs_as_rarely_as_it_says() -> None:
    none = simulated.verdicts(600, seed=7, gain=0.0)
    assert none["adds value"] <= 0.04  # 2.5%, and what 600 draws may add
    margin = simulated.verdicts(600, seed=8, gain=simulated.MARGIN)
    assert margin["no value"] <= 0.04
    large = simulated.verdicts(60, seed=9, gain=0.12)
    assert large["adds value"] >= 0.95


def test_the_true_accuracy_is_what_many_items_show() -> None:
    generator = np.random.default_rng(3)
    abilities, spread = generator.normal(1.0, 1.0, (1, 5)), generator.uniform(1.0, 3.0, 5)
    scores = simulated.draw_scores(generator, abilities, spread, 400_000)
    assert scores.mean() == pytest.approx(simulated.accuracy(abilities[0], spread), abs=0.003)


@dataclass(frozen=True)
class _Weighted:
    weight: float = 1.0


class _Table:
    """Scores that are known already, where the rule of selection asks for summaries."""

    def __init__(self, scores: np.ndarray, flops: np.ndarray, recipes: Sequence[Recipe]) -> None:
        self.tasks = {f"task{task}": _Weighted() for task in range(simulated.TASKS)}
        self._rows = {
            recipe.digest: [
                Evaluation(float(score), cost=Cost((MemberCost("m", 1, 1, 1, float(price), 1),)), steps=1)
                for score in row
            ]
            for recipe, row, price in zip(recipes, scores, flops, strict=True)
        }

    def summaries(self, recipes: Sequence[Recipe], items: Sequence[Item]) -> list[Summary]:
        return [summarize(items, self._rows[recipe.digest], self.tasks) for recipe in recipes]  # type: ignore[arg-type]


@pytest.mark.parametrize(("saving", "moves"), [(None, False), (0.05, True)])
def test_the_champion_is_the_one_that_the_rule_of_selection_chooses(saving: float | None, moves: bool) -> None:
    generator = np.random.default_rng(5)
    spec = MemberSpec(name="m", path="zoo:m")
    items = [Item(f"{n:064x}", f"task{n % simulated.TASKS}", "?", "") for n in range(simulated.SELECTION)]
    moved = 0
    for _ in range(15):
        one = simulated.draw_search(generator)
        flops = generator.lognormal(0.0, 0.5, len(one.selection))
        recipes = [
            Recipe(members=(RecipeMember(spec=spec),), lead="m", samples=2 + number) for number in range(len(flops))
        ]
        contenders = [Finalist(Candidate(str(number), recipe)) for number, recipe in enumerate(recipes)]
        table = _Table(one.selection, flops, recipes)
        chosen = select(table, items, contenders, [], ["accuracy"], saving)  # type: ignore[arg-type]
        assert chosen.champion.name == str(simulated.choose(one.selection, flops, saving))
        moved += chosen.champion is not chosen.best
    assert (moved > 5) == moves  # the cheapest near the best, not the best
