"""How the individuals of a generation are scored: all on all items, or in a race."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from evoswarm.evaluation.evaluation import Summary
from evoswarm.evaluation.failures import sentence, together
from evoswarm.evaluation.racing.race import Contest, Race, Standing
from evoswarm.evolution.algorithm import Algorithm
from evoswarm.evolution.archipelago import Archipelago
from evoswarm.evolution.individual import Individual
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes.mix.genes import RecipeGenome
from evoswarm.policies.mix import Recipe

Lineage = Individual[RecipeGenome]
G = TypeVar("G")


@dataclass(frozen=True)
class Scored:
    """What became of a generation.

    Attributes:
        told: the individuals with their outcomes, in the order in which they were asked for.
        summaries: by recipe digest; those of earlier individuals too, where more is known of them now.
        complete: digests of the recipes that were scored on all items.
    """

    told: list[Lineage]
    summaries: Mapping[str, Summary]
    complete: frozenset[str]


class Scoring(ABC):
    """Scores generation after generation."""

    @abstractmethod
    def score(self, individuals: Sequence[Lineage], recipes: Sequence[Recipe]) -> Scored:
        """Score the individuals of a generation, each with its recipe.

        Raises:
            Stopped: Ctrl-C.
        """


class Everything(Scoring):
    """All recipes on all items of the search split."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    def score(self, individuals: Sequence[Lineage], recipes: Sequence[Recipe]) -> Scored:
        """One call of the evaluator."""
        rows = self._bench.evaluator.summaries(recipes, self._bench.items["search"])
        objectives = self._bench.space.objectives
        told = [outcome(one, summary, objectives) for one, summary in zip(individuals, rows, strict=True)]
        summaries = {individual.key: summary for individual, summary in zip(individuals, rows, strict=True)}
        return Scored(told, summaries, frozenset(summaries))


class Racing(Scoring):
    """The recipes of every island race for its places."""

    def __init__(self, bench: Workbench, islands: Archipelago[RecipeGenome], sizes: Sequence[int]) -> None:
        self._islands = islands
        self._race = Race(bench.evaluator, bench.items["search"], sizes, bench.space.objectives[0])

    def score(self, individuals: Sequence[Lineage], recipes: Sequence[Recipe]) -> Scored:
        """One race; place holders that had run on a part of the items only run again, and carry what they showed."""
        elites = [row[:count] for row, count in zip(self._islands.populations, self._islands.places, strict=True)]
        contests = [
            Contest(
                places=max(1, count),
                newcomers=tuple(r for i, r in zip(individuals, recipes, strict=True) if i.origin.island == island),
                holders=tuple(individual.key for individual in elites[island]),
            )
            for island, count in enumerate(self._islands.places)
        ]
        standings = self._race.run(self._islands.generation, contests)
        self._islands.revise(told(i, standings[i.key]) for row in elites for i in row)
        return Scored(
            [told(individual, standings[individual.key]) for individual in individuals],
            {digest: standing.summary for digest, standing in standings.items()},
            frozenset(digest for digest, standing in standings.items() if standing.complete),
        )


def scoring(bench: Workbench, algorithm: Algorithm[RecipeGenome]) -> Scoring:
    """The scoring that the space asks for.

    Raises:
        ValueError: the space wants races, and the algorithm has no islands whose places could be won.
    """
    racing = bench.space.racing
    if racing is None:
        return Everything(bench)
    if not isinstance(algorithm, Archipelago):
        raise ValueError(f"expected an archipelago to race on, got {type(algorithm).__name__}")
    everything = len(bench.items["search"])
    sizes = [size for size in racing.sizes(everything) if size < everything]
    return Racing(bench, algorithm, [*sizes, everything])


def outcome(individual: Individual[G], summary: Summary, objectives: Sequence[str]) -> Individual[G]:
    """The individual with what became of it on all items."""
    if summary.failure is not None:
        return individual.failed(summary.failure.kind)
    return individual.scored([summary.objective(name) for name in objectives])


def told(individual: Lineage, standing: Standing) -> Lineage:
    """The individual with what a race has shown of it."""
    items, estimate = standing.summary.items, standing.estimate
    if estimate is None:
        return outcome(individual, standing.summary, ()).estimated(items, 0.0)
    return individual.scored([estimate.mean]).estimated(items, estimate.error)


def hopeless(summaries: Sequence[Summary]) -> str | None:
    """In one sentence, why none of some recipes can be evaluated; None where any can.

    Args:
        summaries: of distinct recipes.
    """
    if not summaries or any(summary.failure is None for summary in summaries):
        return None
    failed = together(summary.failed for summary in summaries)
    recipes = f"each of {len(summaries):,} recipes" if len(summaries) > 1 else "the only recipe"
    most = max(summary.items for summary in summaries)
    return (
        f"{recipes} failed on every item (of {most:,}); the commonest failure, {failed[0].items:,} times: "
        f"{sentence(failed[0])}"
    )
