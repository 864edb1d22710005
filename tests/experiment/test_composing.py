"""Routes as finalists: composed where they are ahead, and only there; what they are worth is said by other items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from evoswarm.decoding.swarm import Swarm
from evoswarm.evaluation.candidate import Candidate, score
from evoswarm.evaluation.cost import Cost, MemberCost
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.experiment.calibrating import sizes_of
from evoswarm.experiment.composing import routes_of
from evoswarm.experiment.estimating import SEEN, Estimates, Searched
from evoswarm.experiment.finalists import Finalist
from evoswarm.experiment.fitted import fits_of
from evoswarm.experiment.selection import select
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.genomes import Material, PolicyGenomes, genomes_of
from evoswarm.policies import Recipe, Route
from evoswarm.space import SearchSpace
from tests.rivals.conftest import mix, tell

SPACE = """
name: routed
pool:
  - {name: llama-a, path: "zoo:llama-a"}
  - {name: llama-b, path: "zoo:llama-b"}
tasks:
  - {name: sums, source: reasoning_gym, family: chain_sum, max_bytes: 8}
  - {name: words, source: reasoning_gym, family: spell_backward, max_bytes: 12}
splits: {search: 40, selection: 60, test: 2}
alphabet: bytes
"""


GATELESS = "genome: {gates: false, samples: [3]}\n"
"""Nothing is fitted to right answers where every answer is sampled: what is composed is what is made up here."""


@pytest.fixture(scope="module")
def loaded() -> Swarm:
    return Swarm.load(SearchSpace.from_text(SPACE, "space").pool)


@pytest.fixture
def bench(loaded: Swarm, request: pytest.FixtureRequest) -> Iterator[Workbench]:
    space = SearchSpace.from_text(SPACE + getattr(request, "param", GATELESS), "space")
    with workbench(space, ":memory:", swarm=loaded) as made:
        yield made


def genomes(bench: Workbench) -> PolicyGenomes[Recipe, Recipe]:
    return genomes_of(Material(bench.space, sizes_of(bench)))


def believe(
    bench: Workbench,
    recipe: Recipe,
    chances: Sequence[float],
    seed: int,
    splits: Sequence[str] = SEEN,
    tasks: Sequence[str] = ("sums", "words"),
) -> None:
    """It is right on sums and on words with these chances."""
    rng = np.random.default_rng(seed)
    cost = Cost(tuple(MemberCost(spec.name, 1.0, 1.0, 8.0, 5.0, 1.0) for spec in recipe.specs))
    for split in SEEN:
        items = bench.items[split]
        scores = [float(rng.random() < chances[item.task == "words"]) for item in items]
        if split in splits:
            rows = [Evaluation(score, answer="a", answers=("a",), cost=cost, entropy=1.0, steps=1) for score in scores]
            told = [(item, row) for item, row in zip(items, rows, strict=True) if item.task in tasks]
            tell(bench.evaluator, recipe, [item for item, _ in told], [row for _, row in told])


def recipes(bench: Workbench) -> list[Recipe]:
    """Behaviours that differ: one for sums, one for words, one in between that nothing is known of but the search."""
    both = mix(bench, "llama-a", "llama-b", rule="mixture")
    return [both.changed(lead=lead, noise_seed=seed) for lead, seed in (("llama-a", 0), ("llama-b", 1), ("llama-a", 2))]


def entered(bench: Workbench, some: Sequence[Recipe]) -> list[Finalist]:
    return [Finalist(Candidate(f"r{number}", recipe)) for number, recipe in enumerate(some)]


def test_specialists_are_joined_and_the_route_wins(bench: Workbench) -> None:
    first, second, third = recipes(bench)
    believe(bench, first, (0.95, 0.3), 1)
    believe(bench, second, (0.3, 0.95), 2)
    believe(bench, third, (0.6, 0.6), 3)
    finalists = entered(bench, [first, second, third])
    (found,) = routes_of(bench, genomes(bench), [("r0", first)], finalists)
    assert bench.evaluator.decoded == 0, "all recipes are finalists, and none can be fitted"
    route = found.candidate.policy
    assert isinstance(route, Route)
    assert {task: route.policies[place].digest for task, place in route.tasks.items()} == {
        "sums": first.digest,
        "words": second.digest,
    }
    assert {split: len(scores or ()) for split, scores in found.instead.items()} == {"search": 40, "selection": 60}
    assert (found.ranked, found.origin) == (0.0, "composed"), "no finalist was"
    raw = {item.task: [route.mixes("", item.prompt)[0].digest] for item in bench.items["selection"]}
    assert raw == {"sums": [first.digest], "words": [second.digest]}, "questions of no task go by their prompts"
    searched = Searched(bench.items["search"], [[0.5] * 40], third)
    chosen = select(bench.evaluator, bench.items["selection"], [*finalists, found], [], ["accuracy"], None, searched)
    assert chosen.champion.policy == route
    assert chosen.origins[route.digest] == "composed"
    (seen,) = bench.evaluator.summaries([route], bench.items["selection"])
    parts = bench.evaluator.summaries([first, second], bench.items["selection"])
    assert seen.by_task == {task: part.by_task[task] for task, part in zip(("sums", "words"), parts, strict=True)}


def test_who_did_best_on_a_kind_is_tested_on_it_and_on_nothing_else(bench: Workbench) -> None:
    """It is no finalist; decoded in earnest, it is right on words. What made it a specialist does not count again."""
    first, second, third = recipes(bench)
    believe(bench, first, (0.95, 0.1), 1)
    believe(bench, third, (0.7, 0.3), 3)
    believe(bench, second, (0.1, 0.95), 2, ["search"])
    believe(bench, second, (0.1, 0.95), 2, ["selection"], tasks=["sums"])
    (found,) = routes_of(bench, genomes(bench), [("r1", second)], entered(bench, [first, third]))
    assert bench.evaluator.decoded == 30, "the selection items that are words"
    assert isinstance(found.candidate.policy, Route)
    assert found.candidate.policy.policies == (first, second)
    scores = {split: np.mean(row or [0.0]) for split, row in found.instead.items()}
    assert scores["search"] < 0.7 < scores["selection"]


@pytest.mark.parametrize("bench", ["genome: {gates: false}\n"], indirect=True)
def test_the_fitted_route_is_scored_on_what_it_never_saw(bench: Workbench) -> None:
    """What is made up knows half; what is fitted is right: for sums and for words another mix."""
    some = recipes(bench)
    for seed, recipe in enumerate(some):
        believe(bench, recipe, (0.5, 0.5), seed)
    found = {one.candidate.name: one for one in routes_of(bench, genomes(bench), [], entered(bench, some))}
    assert list(found) == ["route by task", "fitted route by task"]
    decoded = bench.evaluator.decoded
    assert 60 <= decoded <= 2 * 60, "one or two fits of each kind on the selection items of the kind"
    fitted = found["fitted route by task"]
    assert fitted.instead == {"search": None}
    assert [one.origin for one in found.values()] == ["composed", "fitted"]
    route = fitted.candidate.policy
    assert isinstance(route, Route)
    assert set(route.tasks) == {"sums", "words"}
    overall = fits_of(bench).mixes[0].policy.digest
    assert route.chosen("riddles")[0].digest == overall, "anything else goes to what was fitted to everything"
    assert overall not in {policy.digest for task in route.tasks for policy in route.chosen(task)}
    assert not {recipe.digest for recipe in some} & {policy.digest for policy in route.policies}
    (seen,) = bench.evaluator.summaries([route], bench.items["selection"])
    assert seen.accuracy is not None
    assert seen.accuracy > 0.9
    assert bench.evaluator.decoded == decoded


def test_a_route_gives_what_its_ranked_finalists_give(bench: Workbench) -> None:
    """By the share of the search items that those answer: 20 of 40."""
    first, second, third = recipes(bench)
    believe(bench, first, (0.95, 0.3), 1)
    believe(bench, second, (0.3, 0.95), 2)
    believe(bench, third, (0.6, 0.6), 3)
    finalists = entered(bench, [first, second, third])
    for share in (1.0, 0.5):
        (found,) = routes_of(bench, genomes(bench), [], [replace(finalists[0], ranked=share), *finalists[1:]])
        assert found.ranked == pytest.approx(share / 2)


def test_nobody_answers_search_items_that_say_nothing_of_it(bench: Workbench) -> None:
    """Fits are scored on selection items alone, when routes are composed and when estimates are made."""
    first, second, third = recipes(bench)
    believe(bench, first, (0.95, 0.3), 1)
    believe(bench, second, (0.3, 0.95), 2, ["selection"])
    believe(bench, third, (0.6, 0.6), 3)
    made = Finalist(Candidate("fitted", second), instead={"search": None})
    finalists = [*entered(bench, [first, third]), made]
    routes_of(bench, genomes(bench), [], finalists)
    items, searched = bench.items["selection"], Searched(bench.items["search"], [[0.5] * 40], third)
    tested = score([one.candidate for one in finalists], bench.evaluator, items)
    known = Estimates(bench.evaluator, searched, items, list(zip(finalists, tested, strict=True))).known
    assert (known[first.digest].items, known[second.digest].items) == (100, 60)
    assert bench.evaluator.decoded == 0


def test_equals_are_not_routed(bench: Workbench) -> None:
    some = recipes(bench)
    for seed, recipe in enumerate(some):
        believe(bench, recipe, (0.7, 0.7), seed + 20)
    assert routes_of(bench, genomes(bench), [], entered(bench, some)) == []


@pytest.mark.parametrize(
    "bench",
    [GATELESS + "champion: {routes: 0}\n", "genome: {gates: false, samples: [3], max_parameters: 400000}\n"],
    indirect=True,
)
def test_a_space_may_forbid_it(bench: Workbench) -> None:
    first, second = (mix(bench, name) for name in ("llama-a", "llama-b"))
    believe(bench, first, (0.95, 0.3), 1)
    believe(bench, second, (0.3, 0.95), 2)
    assert routes_of(bench, genomes(bench), [], entered(bench, [first, second])) == []
