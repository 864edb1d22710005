"""The studies of choice choose as evoswarm does, and read their records back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from evoswarm.evaluation.cost import Cost, MemberCost
from evoswarm.evaluation.evaluation import Evaluation, Summary, summarize
from evoswarm.experiment.estimating import SEEN, Searched
from evoswarm.experiment.finalists import finalists_of
from evoswarm.experiment.selection import select
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.tasks.task import Item, SplitName
from tests.studies.choosing import contest_of, packed, unpacked
from tests.studies.choosing_rules import Contest
from tests.studies.choosing_simulated import KINDS, draw_search


class OfOneTask:
    weight = 1.0


class Table:
    """An evaluator that knows the scores of a drawn search; the first letter of an item's key says the split."""

    def __init__(self, contest: Contest, recipes: Sequence[Recipe]) -> None:
        self.tasks: dict[str, Any] = {task: OfOneTask() for task in contest.tasks["search"]}
        self._contest, self._places = contest, {recipe.digest: place for place, recipe in enumerate(recipes)}

    def summaries(self, recipes: Sequence[Recipe], items: Sequence[Item]) -> list[Summary]:
        split = next(split for split in SEEN if items[0].key.startswith(split))
        return [self._summary(self._places[recipe.digest], split, items) for recipe in recipes]

    def _summary(self, place: int, split: SplitName, items: Sequence[Item]) -> Summary:
        scores = self._contest.scores[split][place]
        cost = Cost((MemberCost("m", 1, 1, 1, float(self._contest.flops[place]), 1),))
        return summarize(items, [Evaluation(float(score), cost=cost) for score in scores], self.tasks)


@pytest.mark.parametrize("kind", KINDS)
def test_the_simulated_choice_is_that_of_a_search(kind: str) -> None:
    one = draw_search(np.random.default_rng(1), kind, 48, 64, 600)
    spec = MemberSpec(name="m", path="zoo:m")
    recipes = [Recipe(members=(RecipeMember(spec=spec),), lead="m", samples=2 + n) for n in range(len(one.flops))]
    seen, items = ([Item(f"{split}{n}", task, "", "") for n, task in enumerate(one.tasks[split])] for split in SEEN)
    named = [(str(place), recipe) for place, recipe in enumerate(recipes)]
    count = int(one.ranked.sum())
    plain, bred = named[:-count], named[-count:]
    finalists = finalists_of(bred, [*plain[1:], plain[0]])
    searched = Searched(seen, [list(row) for row in one.population], recipes[0])
    table: Any = Table(one, recipes)
    found = select(table, items, finalists, [], ["accuracy"], None, searched)
    assert found.winner.name == str(one.expected)
    known = one.estimates[one.expected]
    assert found.estimates[found.winner.policy.digest].as_dict() == pytest.approx(known.as_dict())
    assert found.best.name == str(one.choices()["selection"][0])
    cheap = select(table, items, finalists, [], ["accuracy"], 0.05, searched)
    assert cheap.winner.name == str(one.choices()["thrifty"][0])


def test_a_record_gives_its_scores_back() -> None:
    rng = np.random.default_rng(2)
    scores = {
        split: (rng.random((4, count)) < 0.5).astype(float) for split, count in (("search", 6), ("selection", 10))
    }
    fresh = (rng.random((4, 14)) < 0.5).astype(float)
    names = ["g00-i0-01", "member a", "uniform mix", "g00-i0-01 without a"]
    origins = ["evolved", "plain", "plain", "evolved"]
    record = {
        "tasks": ["x", "y"],
        "items": {"search": "01" * 3, "selection": "01" * 5, "fresh": "01" * 7},
        "population": {str(place): packed(list(row)) for place, row in enumerate(scores["search"])},
        "finalists": [
            {"name": name, "origin": origin, "estimate": {}, "flops": 1.0 + place, "fresh": packed(list(fresh[place]))}
            | {split: packed(list(scores[split][place])) for split in SEEN}
            for place, (name, origin) in enumerate(zip(names, origins, strict=True))
        ],
    }
    contest = contest_of(record)
    order = [2, 1, 0]  # the uniform mix, the member, what was bred
    assert contest.ranked.tolist() == [False, False, True]
    assert (contest.scores["selection"] == scores["selection"][order]).all()
    assert contest.truth == pytest.approx(fresh[order].mean(axis=1))
    assert (contest.population == scores["search"]).all()
    assert unpacked(packed([0.0, 0.0, 1.0]), 3) == [0, 0, 1]
    with pytest.raises(ValueError, match="scores of 0 and 1"):
        packed([0.5])
