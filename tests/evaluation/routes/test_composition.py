"""Routes composed from scores: who is chosen for what, that estimates are honest, and that a route does as foretold."""

from __future__ import annotations

import numpy as np
import pytest

from evoswarm.evaluation.routes.assignment import PolicyScores, assigned, overall_best
from evoswarm.evaluation.routes.composition import Composition, KnownScores, composed
from evoswarm.evaluation.routes.partitions import LEAST, partitions_of
from evoswarm.policies import Recipe
from evoswarm.policies.partition import Partition
from evoswarm.tasks.task import Item
from tests.policies.test_kinds import alone

FORMS = ("{0} + {1} = ?", "spell {0} {1} in words", "def f(x{0}):\n    return {1}")


def items_of(count: int, *, tasks: int = 1) -> list[Item]:
    """Prompts of three kinds that take turns, under the names of so many tasks that take turns too."""
    return [Item(f"k{n}", f"t{n % tasks}", FORMS[n % 3].format(n * 37 % 90 + 10, n), "") for n in range(count)]


def evidence(scores: PolicyScores, items: list[Item], flops: list[float] | None = None) -> KnownScores:
    return KnownScores(scores, np.ones(len(items)) / len(items), flops or [1.0] * len(scores), items)


def specialists(items: list[Item], right: float = 0.9, other: float = 0.4, seed: int = 0) -> PolicyScores:
    """One policy that is good at each kind of prompts, and one that is fair at all."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(len(items)) % 3
    chances = [np.where(kinds == kind, right, other) for kind in range(3)] + [np.full(len(items), 0.62)]
    return np.array([rng.random(len(items)) < chance for chance in chances], dtype=float)


def policies(count: int) -> list[Recipe]:
    return [alone(chr(ord("a") + n)) for n in range(count)]


def followed(found: Composition, items: list[Item], scores: PolicyScores) -> list[float]:
    """What the composed route scores: its own choice of a policy, item by item."""
    assert found.partition is not None
    known = policies(len(scores))
    route = found.partition.route(known[found.first], [known[place] for place in found.chosen])
    digests = [one.digest for one in known]
    return [
        float(scores[digests.index(route.chosen(item.task, item.prompt)[0].digest), place])
        for place, item in enumerate(items)
    ]


@pytest.mark.parametrize("by_task", [True, False])
def test_specialists_get_what_they_are_good_at(by_task: bool) -> None:
    items = items_of(180, tasks=3 if by_task else 1)
    scores = specialists(items)
    found = composed(evidence(scores, items), partitions_of(items))
    assert found.partition is not None
    assert bool(found.partition.tasks) is by_task, "of equals the first: tasks before clusters"
    assert set(found.chosen) == {0, 1, 2}
    fresh = items_of(600, tasks=3 if by_task else 1)
    accuracy = np.mean(followed(found, fresh, specialists(fresh, seed=9)))
    assert accuracy == pytest.approx(0.9, abs=0.04)
    assert np.mean(found.held_out) == pytest.approx(accuracy, abs=0.08)
    assert found.accuracy == pytest.approx(accuracy, abs=0.08)


def test_a_route_scores_the_sum_over_its_kinds() -> None:
    items = items_of(150)
    scores = specialists(items, seed=4)
    found = composed(evidence(scores, items), partitions_of(items))
    assert found.partition is not None
    cells = [found.partition.cell(item.task, item.prompt) for item in items]
    parts = [
        sum(scores[place, at] for at, cell in enumerate(cells) if cell == kind)
        for kind, place in enumerate(found.chosen)
    ]
    rest = sum(scores[found.first, at] for at, cell in enumerate(cells) if cell is None)
    assert sum(followed(found, items, scores)) == sum(parts) + rest


def test_where_nothing_is_to_be_gained_no_estimate_says_so() -> None:
    """Twenty policies of one accuracy: whoever looks best on a kind was lucky, and the nested estimate knows."""
    leads = []
    for seed in range(6):
        items = items_of(120)
        scores = (np.random.default_rng(seed).random((20, len(items))) < 0.6).astype(float)
        found = composed(evidence(scores, items), partitions_of(items))
        leads.append(np.mean(found.held_out) - 0.6)
    assert abs(np.mean(leads)) < 0.03, "0.6 is all that anybody has"


def test_what_is_not_known_is_no_evidence() -> None:
    items = items_of(90)
    scores = specialists(items)
    half = scores.copy()
    half[:3, 45:] = np.nan
    found = composed(evidence(half, items), partitions_of(items))
    assert found.first == 3, "only who is known everywhere may answer everything"
    never = np.vstack([scores, np.full((1, len(items)), np.nan)])
    assert 4 not in composed(evidence(never, items), partitions_of(items)).chosen


def test_leads_of_few_items_are_shrunk_and_equals_are_the_cheaper() -> None:
    """The third is right in the first half, and once, by luck, more often than others in the second."""
    same, half = [1.0, 0.0] * 20, [1.0] * 20 + [0.0] * 20
    lucky = [*half[:39], 1.0]
    scores, labels, ones = np.array([same, same, lucky]), np.arange(40) // 20, np.ones(40)
    assert overall_best(scores[:2], ones, [2.0, 1.0]) == 1
    assert assigned(scores[:2], ones, labels, 2, 1, [2.0, 1.0]) == [1, 1]
    assert assigned(scores, ones, labels, 3, 1, [2.0, 1.0, 1.0]) == [2, 1, 1], "nobody is known on the third kind"


def test_partitions_need_items_and_kinds() -> None:
    assert partitions_of(items_of(2 * LEAST - 1)) == []
    assert partitions_of([Item("k", "t", "the same", "")] * 200) == []
    (by_task,) = partitions_of(items_of(12, tasks=2))
    assert (by_task.name, by_task.cells, by_task.cell("other", "")) == ("by task", 2, None)
    by_prompt = partitions_of(items_of(120, tasks=3))[-1]
    assert all(like.startswith("mostly t") for like in by_prompt.like)
    assert by_prompt.cell("t0", "") is None


def test_a_partition_makes_a_route_of_distinct_policies() -> None:
    first, second, _ = policies(3)
    route = Partition(tasks=("one", "two", "three")).route(first, [second, first, second])
    assert route.policies == (first, second)
    assert route.tasks == {"one": 1, "two": 0, "three": 1}
