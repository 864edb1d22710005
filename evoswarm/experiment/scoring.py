"""How the individuals of a generation are scored: all on all items, or in a race."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from evoswarm.evaluation.evaluation import Summary
from evoswarm.evaluation.racing.race import Bracket, Race, RaceResult
from evoswarm.evolution.algorithm import Algorithm
from evoswarm.evolution.algorithms.archipelago import Archipelago
from evoswarm.evolution.individual import Individual
from evoswarm.experiment.workbench import Workbench
from evoswarm.policies import Policy

G = TypeVar("G")
P = TypeVar("P", bound=Policy)


class Scoring(ABC, Generic[G, P]):
    """Scores generation after generation, and alone knows on which items of the search split.

    Attributes:
        summaries: by policy digest, over the items that the policy was scored on.
        on_all_items: of these, the ones over all items: only such policies may become finalists.
    """

    summaries: Mapping[str, Summary]
    on_all_items: Mapping[str, Summary]

    @abstractmethod
    def score(self, individuals: Sequence[Individual[G]], policies: Sequence[P]) -> list[Individual[G]]:
        """Score the individuals of a generation, each with its policy.

        Returns:
            The individuals with their outcomes, in order.

        Raises:
            Stopped: Ctrl-C.
        """

    def columns(self, individual: Individual[G]) -> Mapping[str, Any]:
        """What the line of an individual in the lineage says of how it was scored; it counts over its own."""
        return {}


class FullScoring(Scoring[G, P]):
    """All policies on all items."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self.summaries = self.on_all_items = self._summaries = dict[str, Summary]()

    def score(self, individuals: Sequence[Individual[G]], policies: Sequence[P]) -> list[Individual[G]]:
        """One call of the evaluator."""
        rows = self._bench.evaluator.summaries(policies, self._bench.items["search"])
        self._summaries.update((policy.digest, summary) for policy, summary in zip(policies, rows, strict=True))
        objectives = self._bench.space.objectives
        return [outcome(one, summary, objectives) for one, summary in zip(individuals, rows, strict=True)]


class RacedScoring(Scoring[G, P]):
    """The policies of every island race for its elite.

    Evolution is told the lower bounds of what the race estimates; the lineage tells the estimates.
    """

    def __init__(self, bench: Workbench, islands: Archipelago[G], sizes: Sequence[int]) -> None:
        self._islands = islands
        self._race: Race[P] = Race(bench.evaluator, bench.items["search"], sizes, bench.space.objectives[0])
        self._results: dict[str, RaceResult] = {}  # by the individual's id: what it was told
        self.summaries = self._summaries = dict[str, Summary]()
        self.on_all_items = self._on_all_items = dict[str, Summary]()

    def score(self, individuals: Sequence[Individual[G]], policies: Sequence[P]) -> list[Individual[G]]:
        """One race; elites that had run on a part of the items only run again, and get what they show now."""
        living = [row[:count] for row, count in zip(self._islands.populations, self._islands.elites, strict=True)]
        born = list(zip(individuals, policies, strict=True))
        brackets = [
            Bracket(
                elites=max(1, count),
                challengers=tuple(policy for one, policy in born if one.origin.island == island),
                incumbents=tuple(individual.key for individual in living[island]),
            )
            for island, count in enumerate(self._islands.elites)
        ]
        results = self._race.run(self._islands.generation, brackets)
        for digest, result in results.items():
            self._summaries[digest] = result.summary
            if result.complete:
                self._on_all_items[digest] = result.summary
        self._islands.reevaluate([self._told(one, results[one.key]) for row in living for one in row])
        return [self._told(one, results[one.key]) for one in individuals]

    def columns(self, individual: Individual[G]) -> Mapping[str, Any]:
        """The estimate, on how many items it rests, and its standard error; a migrant has those of its original."""
        original = individual.origin.migrated_from
        if original is not None:
            self._results.setdefault(individual.id, self._results[original])
        return self._results[individual.id].to_json()

    def _told(self, individual: Individual[G], result: RaceResult) -> Individual[G]:
        self._results[individual.id] = result
        bound = result.bound
        return outcome(individual, result.summary, ()) if bound is None else individual.scored([bound])


def scoring_of(bench: Workbench, algorithm: Algorithm[G]) -> Scoring[G, Any]:
    """The scoring that the space asks for.

    Raises:
        ValueError: the space wants races, and the algorithm has no islands whose places could be won.
    """
    racing = bench.space.racing
    if racing is None:
        return FullScoring(bench)
    if not isinstance(algorithm, Archipelago):
        raise ValueError(f"expected an archipelago to race on, got {type(algorithm).__name__}")
    everything = len(bench.items["search"])
    sizes = [size for size in racing.sizes(everything) if size < everything]
    return RacedScoring(bench, algorithm, [*sizes, everything])


def outcome(individual: Individual[G], summary: Summary, objectives: Sequence[str]) -> Individual[G]:
    """The individual with what became of it on all items."""
    if summary.failure is not None:
        return individual.failed(summary.failure.kind)
    return individual.scored([summary.objective(name) for name in objectives])
